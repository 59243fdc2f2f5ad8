//! Whoever is logged in with `az`, as `AzureCLICredential` of the Azure SDK asks it.

use serde::Deserialize;

use crate::{
    azure::{access, clouds::Cloud},
    context::Context,
    desk,
    error::IdentityError,
    jwt,
    lease::{Access, Lease},
    oauth,
    place::Miss,
};

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "accessToken")]
    token: String,
    /// Seconds; `expiresOn` beside it is a local time.
    expires_on: Option<i64>,
}

pub(super) async fn ask(context: Context<'_>, cloud: &Cloud) -> Result<Lease<Access>, Miss> {
    let arguments = ["account", "get-access-token", "--output", "json", "--scope", &cloud.scope];
    let answer = desk::ask(context.environment, "az", &arguments, "az login").await?;
    Ok(read(answer.expose())?)
}

fn read(answer: &[u8]) -> Result<Lease<Access>, IdentityError> {
    let unusable = |detail: &str| IdentityError::Setting {
        place: "`az account get-access-token`".to_owned(),
        detail: detail.to_owned(),
        hint: None,
    };
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_| unusable("it does not answer with a token in JSON"))?;
    let value = oauth::usable(answer.token).map_err(unusable)?;
    let told = answer.expires_on.map(|seconds| oauth::after(jiff::Timestamp::UNIX_EPOCH, seconds));
    let expires = told.or_else(|| jwt::expires(value.expose()));
    Ok(access(Lease { value, expires }, "the user of `az login`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_tells_the_end() {
        let lease =
            read(br#"{"accessToken":"t","expiresOn":"2026-01-01 10:00:00.000000","expires_on":1800000000}"#);
        assert_eq!(
            lease.map(|lease| lease.expires.unwrap().as_second()).map_err(|e| e.to_string()),
            Ok(1_800_000_000)
        );
    }

    #[test]
    fn answer_that_is_unusable_is_not_quoted() {
        for text in ["hunter2", r#"{"accessToken":"hunter2 2"}"#, r#"{"accessToken":""}"#, "{}", ""] {
            let Err(error) = read(text.as_bytes()) else { panic!("{text}") };
            assert!(error.to_string().starts_with("`az account get-access-token`: "), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
