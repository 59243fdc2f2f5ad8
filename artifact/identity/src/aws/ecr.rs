//! The user and the password of a registry, from ECR.
//!
//! Followed: "Amazon ECR API Reference" and "Amazon ECR Public API Reference", `GetAuthorizationToken`, by the protocol AWS
//! JSON 1.1. A token of ECR is for all registries of a region that the identity may use, one of ECR Public for all.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use oci_registry::{Credential, Secret};
use serde::Deserialize;

use super::{keys::is_word, places::Ask, sigv4::Signer, words};
use crate::{
    error::IdentityError,
    exchange::Exchange,
    lease::{Keys, Lease, Login},
};

const JSON: &str = "application/x-amz-json-1.1";
const PRIVATE: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
const PUBLIC: &str = "SpencerFrontendService.GetAuthorizationToken";
/// Bytes of a password; those of ECR have two to three thousand.
const PASSWORD_BYTES: usize = 32 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    authorization_data: Data,
}

/// ECR answers with a list, ECR Public with the thing itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    One(Token),
    Several(Vec<Token>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    authorization_token: String,
    /// Seconds, with a fraction.
    expires_at: Option<f64>,
}

/// What the registry takes, for the identity that these keys are of.
pub(super) async fn login(ask: Ask<'_>, holder: &str, keys: &Keys) -> Result<Lease<Login>, IdentityError> {
    let site = ask.site;
    let (service, target, name) =
        if site.public { ("ecr-public", PUBLIC, "ECR Public") } else { ("ecr", PRIVATE, "ECR") };
    let signer = Signer { keys, region: &site.region, service, now: (ask.context.now)() };
    let request = signer.post(&site.ecr, JSON, Some(target), "{}".to_owned());
    let doing = format!("getting a token of {name} in {} as {holder}", site.region);
    let hints = if site.public { words::ecr_public } else { words::ecr };
    let exchange = Exchange { words: words::json, ..Exchange::new(doing).hints(hints) };
    let answer: Answer = exchange.json(ask.context.web, &request).await?;
    let (credential, expires) = read(answer).map_err(|detail| exchange.unusable(&request, detail))?;
    let origin = format!("{name} in {}, {holder}", site.region);
    Ok(Lease { value: Login { credential, origin }, expires })
}

fn read(answer: Answer) -> Result<(Credential, Option<Timestamp>), &'static str> {
    let token = match answer.authorization_data {
        Data::One(token) => token,
        Data::Several(tokens) => tokens.into_iter().next().ok_or("it has no token")?,
    };
    let unusable = "its token is no user and password";
    let pair = BASE64_STANDARD.decode(token.authorization_token).map_err(|_| unusable)?;
    let pair = String::from_utf8(pair).map_err(|_| unusable)?;
    let (user, password) = pair.split_once(':').ok_or(unusable)?;
    if !is_word(user, PASSWORD_BYTES) || !is_word(password, PASSWORD_BYTES) {
        return Err(unusable);
    }
    let expires = match token.expires_at {
        None => None,
        Some(seconds) => {
            let since = SignedDuration::try_from_secs_f64(seconds).map_err(|_| "its expiry is no time")?;
            Some(Timestamp::from_duration(since).map_err(|_| "its expiry is no time")?)
        }
    };
    let password = Secret::new(password.to_owned());
    Ok((Credential::Basic { username: user.to_owned(), password }, expires))
}

#[cfg(test)]
mod tests {
    use oci_testkit::planted::ECR_PASSWORD;
    use serde_json::json;

    use super::*;

    fn answer(data: &serde_json::Value) -> Result<(Credential, Option<Timestamp>), &'static str> {
        read(serde_json::from_value(json!({ "authorizationData": data })).map_err(|_| "no JSON")?)
    }

    fn token(pair: &str) -> String {
        BASE64_STANDARD.encode(pair)
    }

    #[test]
    fn token_of_both_services_is_a_user_and_a_password() {
        let token = token(&format!("AWS:{ECR_PASSWORD}"));
        let one = json!({ "authorizationToken": token, "expiresAt": 1.893_456e9, "proxyEndpoint": "x" });
        for data in [json!([one]), one] {
            let (credential, expires) = answer(&data).unwrap();
            let Credential::Basic { username, password } = credential else { panic!("not Basic") };
            assert_eq!((username.as_str(), password.expose().as_str()), ("AWS", ECR_PASSWORD));
            assert_eq!(expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
        }
    }

    #[test]
    fn token_that_is_none_is_refused() {
        for data in [
            json!([]),
            json!({}),
            json!(null),
            json!({ "authorizationToken": "" }),
            json!({ "authorizationToken": "!" }),
            json!({ "authorizationToken": token("AWS") }),
            json!({ "authorizationToken": token("AWS:") }),
            json!({ "authorizationToken": token(":p") }),
            json!({ "authorizationToken": token("AWS:a\nb") }),
            json!({ "authorizationToken": token("AWS:a\r\nx: y") }),
            json!({ "authorizationToken": token("A S:a") }),
            json!({ "authorizationToken": token(&format!("AWS:{}", "x".repeat(PASSWORD_BYTES + 1))) }),
            json!({ "authorizationToken": token("AWS:a"), "expiresAt": 1e300 }),
            json!({ "authorizationToken": token("AWS:a"), "expiresAt": "soon" }),
        ] {
            assert!(answer(&data).is_err(), "{data}");
        }
        assert!(answer(&json!({ "authorizationToken": token("AWS:a:b") })).is_ok());
    }
}
