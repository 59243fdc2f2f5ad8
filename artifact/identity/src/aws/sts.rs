//! Keys of a role, from STS.
//!
//! Followed: "AWS Security Token Service API Reference", `AssumeRoleWithWebIdentity` (unsigned, the token is the proof) and
//! `AssumeRole` (signed). Neither says how long the keys should live, unless a profile does: an hour then, by default.

use oci_registry::{Secret, web::WebRequest};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::{
    keys::{expiry, is_word, keys},
    places::Ask,
    sigv4::Signer,
    words,
};
use crate::{
    error::IdentityError,
    exchange::Exchange,
    lease::{Keys, Lease},
    xml,
};

const FORM: &str = "application/x-www-form-urlencoded";
const VERSION: (&str, &str) = ("Version", "2011-06-15");
/// Bytes of a token, as STS has it.
const TOKEN_BYTES: usize = 20_000;
/// Characters of a session's name, as STS has it.
const SESSION_CHARACTERS: usize = 64;

/// A role, and how it is assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    /// What the session is called in the account's logs.
    pub(super) session: String,
    /// What its trust policy wants to hear, if anything.
    pub(super) external_id: Option<String>,
    /// How long the keys should live.
    pub(super) seconds: Option<u32>,
}

impl Role {
    /// A role without wishes.
    pub(super) fn new(arn: &str, session: &str) -> Self {
        Self { arn: arn.to_owned(), session: session_name(session), ..Self::default() }
    }

    fn fields(&self) -> Vec<(&'static str, &str)> {
        vec![VERSION, ("RoleArn", &self.arn), ("RoleSessionName", &self.session)]
    }
}

/// A name that STS takes; what is too long ends with a digest of the whole.
fn session_name(wanted: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = wanted.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    if name.len() <= SESSION_CHARACTERS {
        return name;
    }
    let digest: String = hex::encode(Sha256::digest(wanted)).chars().take(16).collect();
    let start: String = name.chars().take(SESSION_CHARACTERS - digest.len() - 1).collect();
    format!("{start}-{digest}")
}

/// `AssumeRoleWithWebIdentity`. `holder` is whose token it is.
pub(super) async fn with_web_identity(
    ask: Ask<'_>,
    role: &Role,
    holder: &str,
    token: &Secret<String>,
) -> Result<Lease<Keys>, IdentityError> {
    let token = token.expose();
    if !is_word(token, TOKEN_BYTES) {
        return Err(IdentityError::Setting {
            place: holder.to_owned(),
            detail: "its token is empty, too long, or has characters that no token has".to_owned(),
            hint: None,
        });
    }
    let mut fields = role.fields();
    fields.extend([("Action", "AssumeRoleWithWebIdentity"), ("WebIdentityToken", token)]);
    let exchange = Exchange { words: words::sts, ..exchange(ask, role, holder).hints(words::web_identity) };
    answer(ask, &exchange, &WebRequest::form(ask.site.sts.clone(), fields)).await
}

/// `AssumeRole`, by the keys of `holder`.
pub(super) async fn assume(
    ask: Ask<'_>,
    role: &Role,
    holder: &str,
    keys: &Keys,
) -> Result<Lease<Keys>, IdentityError> {
    let seconds = role.seconds.map(|seconds| seconds.to_string());
    let mut fields = role.fields();
    fields.push(("Action", "AssumeRole"));
    fields.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
    fields.extend(seconds.as_deref().map(|seconds| ("DurationSeconds", seconds)));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let signer = Signer { keys, region: &ask.site.region, service: "sts", now: (ask.context.now)() };
    let request = signer.post(&ask.site.sts, FORM, None, body);
    let exchange = Exchange { words: words::sts, ..exchange(ask, role, holder).hints(words::role) };
    answer(ask, &exchange, &request).await
}

fn exchange(ask: Ask<'_>, role: &Role, holder: &str) -> Exchange {
    Exchange::new(format!("assuming {} in {} for {holder}", role.arn, ask.site.region))
}

async fn answer(
    ask: Ask<'_>,
    exchange: &Exchange,
    request: &WebRequest,
) -> Result<Lease<Keys>, IdentityError> {
    let body = exchange.ask(ask.context.web, request).await?;
    read(body.expose()).map_err(|detail| exchange.unusable(request, detail))
}

fn read(body: &[u8]) -> Result<Lease<Keys>, &'static str> {
    let body = std::str::from_utf8(body).map_err(|_| "it is not the XML expected")?;
    let text = |name| xml::text(body, "Credentials", name);
    let (id, secret) =
        text("AccessKeyId").zip(text("SecretAccessKey")).ok_or("it is not the XML expected")?;
    let value = keys(&id, &secret, text("SessionToken").as_deref())?;
    Ok(Lease { value, expires: expiry(text("Expiration").as_deref())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_name_is_one_that_sts_takes() {
        assert_eq!(session_name("app.team.eu-west-1.fluxcd.io"), "app.team.eu-west-1.fluxcd.io");
        assert_eq!(session_name("a b:c/d"), "a-b-c-d");
        let (one, other) = (format!("{}1", "x".repeat(64)), format!("{}2", "x".repeat(64)));
        assert_eq!(session_name(&one).len(), 64);
        assert_ne!(session_name(&one), session_name(&other));
        assert_eq!(session_name(&"x".repeat(64)), "x".repeat(64));
    }

    #[test]
    fn keys_are_read_from_the_answer() {
        let body = "<AssumeRoleResponse xmlns='urn:x'><AssumeRoleResult><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser>\
                    <Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey>\
                    <SessionToken>t</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials>\
                    </AssumeRoleResult></AssumeRoleResponse>";
        let lease = read(body.as_bytes()).ok().unwrap();
        assert_eq!(lease.value.secret.expose(), "s/+");
        assert_eq!(lease.expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
        for (from, to) in
            [("s/+", "s\n+"), ("<AccessKeyId>", "<accessKeyId>"), ("2030-", "soon-"), ("ASIA", "")]
        {
            assert!(read(body.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        assert!(read(b"\xff").is_err());
    }
}
