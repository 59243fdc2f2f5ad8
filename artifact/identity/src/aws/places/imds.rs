//! The metadata service of an EC2 instance, asked last.
//!
//! Followed: "Use the Instance Metadata Service to access instance metadata" (EC2 User Guide), version 2 only: a token by
//! PUT, then the name of the role, then its keys. Where there is no such service nothing answers, soon. Settings:
//! `AWS_EC2_METADATA_DISABLED`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`, `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`.

use oci_registry::{
    Fault, Secret,
    web::{WebReply, WebRequest},
};
use url::Url;

use super::{Ask, Found, setting};
use crate::{
    aws::{
        keys::{Written, is_word},
        site::{switched_on, web_url},
        words,
    },
    environment::Environment,
    error::IdentityError,
    exchange::{Exchange, is_success},
    metadata,
    place::Miss,
};

const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
/// The service's second address.
const ADDRESS_V6: &str = "[fd00:ec2::254]";
const ROLES: &str = "latest/meta-data/iam/security-credentials/";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
/// Seconds that the service's token is good for; it is used for two requests.
const TOKEN_SECONDS: &str = "60";
/// Bytes of such a token.
const TOKEN_BYTES: usize = 1_024;
/// Characters of a role's name, as IAM has it.
const NAME_CHARACTERS: usize = 64;

/// The keys of the instance's role.
pub(super) async fn look(ask: Ask<'_>) -> Result<Found, Miss> {
    let environment = ask.context.environment;
    if switched_on(environment, DISABLED) {
        return Err(Miss::nothing(format!("{DISABLED} is set")));
    }
    let base = endpoint(environment)?;
    let token = token(ask, &base).await?;
    let role = role_name(ask, &base, &token).await?;
    let exchange = exchange(&format!("getting keys of the instance's role {role}"));
    let request = get(&base, &format!("{ROLES}{role}"), &token)?;
    let written: Written = exchange.json(ask.context.web, &request).await?;
    let unusable = |detail| exchange.unusable(&request, detail);
    if written.code.as_deref().is_some_and(|code| code != "Success") {
        return Err(
            unusable("it could not assume the role; the trust policy must name ec2.amazonaws.com").into()
        );
    }
    Ok(Found { keys: written.lease().map_err(unusable)?, origin: format!("role {role} of the instance") })
}

fn endpoint(environment: &Environment) -> Result<Url, IdentityError> {
    let v6 = environment.variable(MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    let usual = if v6 { ADDRESS_V6 } else { metadata::ADDRESS };
    let usual = format!("http://{usual}/");
    let mut url = web_url(ENDPOINT, environment.variable(ENDPOINT).unwrap_or(&usual))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn at(base: &Url, path: &str) -> Result<Url, IdentityError> {
    base.join(path).map_err(|_| setting(ENDPOINT, "it is no URL to which a path can be added"))
}

fn get(base: &Url, path: &str, token: &Secret<String>) -> Result<WebRequest, IdentityError> {
    Ok(WebRequest::get(at(base, path)?).header(TOKEN_HEADER, token.expose().as_str()).of_metadata())
}

async fn token(ask: Ask<'_>, base: &Url) -> Result<Secret<String>, Miss> {
    let request = WebRequest::put(at(base, "latest/api/token")?)
        .header("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)
        .of_metadata();
    let exchange = exchange("asking for a token of the metadata service");
    let reply = send(ask, &exchange, &request, None).await?;
    let token = std::str::from_utf8(reply.body.expose()).map(str::trim).unwrap_or_default();
    if is_word(token, TOKEN_BYTES) {
        Ok(Secret::new(token.to_owned()))
    } else {
        Err(exchange.unusable(&request, "its token is none").into())
    }
}

async fn role_name(ask: Ask<'_>, base: &Url, token: &Secret<String>) -> Result<String, Miss> {
    let exchange = exchange("asking for the role of the instance");
    let request = get(base, ROLES, token)?;
    let reply = send(ask, &exchange, &request, Some("the instance has no role")).await?;
    let name = role(reply.body.expose()).map(str::to_owned);
    name.ok_or_else(|| exchange.unusable(&request, "the name of its role is none").into())
}

/// An answer that says yes. That nothing of use answers means mostly that this is no instance of EC2; a service that is
/// there and stumbles is an error, which passes.
///
/// `missing` is what it means that there is no such thing (404).
async fn send(
    ask: Ask<'_>,
    exchange: &Exchange,
    request: &WebRequest,
    missing: Option<&'static str>,
) -> Result<WebReply, Miss> {
    let reply = metadata::send(exchange, ask.context.web, request).await.map_err(|miss| match miss {
        Miss::Failed(IdentityError::Web { fault, .. }) if matches!(*fault, Fault::Stalled { .. }) => {
            Miss::nothing("no answer in time; in a container the instance's hop limit must be 2 at least")
        }
        Miss::Failed(IdentityError::Web { fault, .. }) if matches!(*fault, Fault::Broken { .. }) => {
            Miss::nothing("it hung up")
        }
        miss => miss,
    })?;
    match (reply.status, missing) {
        (404, Some(why)) => Err(Miss::nothing(why)),
        (429 | 500.., _) => Err(exchange.refused(request, &reply).into()),
        _ if is_success(&reply) => Ok(reply),
        (status, _) => Err(Miss::nothing(format!(
            "it answered {status}, which is no metadata service of EC2, or one that is switched off"
        ))),
    }
}

fn exchange(doing: &str) -> Exchange {
    Exchange { words: words::json, ..Exchange::new(doing) }
}

/// The first line, if a role can be called that: it becomes part of a path.
fn role(body: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(body).ok()?.trim().lines().next()?.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let is_name = (1..=NAME_CHARACTERS).contains(&name.len()) && name.chars().all(fits);
    (is_name && !name.starts_with('.')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_of_the_instance_is_a_name() {
        assert_eq!(role(b"my-role_1@a.b\n"), Some("my-role_1@a.b"));
        assert_eq!(role(b"one\ntwo"), Some("one"));
        let long = "x".repeat(65);
        for bad in ["", "\n", "a b", "../x", "..", "a/b", "a?b", "<html>", &long] {
            assert_eq!(role(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(role(b"\xff"), None);
    }

    #[test]
    fn endpoint_is_the_instance_s_own_unless_told() {
        let at = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            endpoint(&Environment { variables: variables.collect(), ..Environment::default() })
                .map(|url| url.to_string())
        };
        assert_eq!(at(&[]).unwrap(), "http://169.254.169.254/");
        assert_eq!(at(&[(MODE, "IPv6")]).unwrap(), "http://[fd00:ec2::254]/");
        assert_eq!(at(&[(ENDPOINT, "http://127.0.0.1:1/a")]).unwrap(), "http://127.0.0.1:1/a/");
        assert!(at(&[(ENDPOINT, "169.254.169.254")]).is_err());
    }
}
