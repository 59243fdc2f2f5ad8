//! Whoever is logged in with `gcloud`: its `config config-helper`, which other programs are meant to ask.

use serde::Deserialize;

use super::lent;
use crate::{
    context::Context,
    desk,
    error::IdentityError,
    lease::{Access, Lease},
    oauth,
    place::Miss,
};

#[derive(Deserialize)]
struct Answer {
    credential: Token,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    /// In RFC 3339.
    token_expiry: Option<String>,
}

pub(super) async fn ask(context: Context<'_>) -> Result<Lease<Access>, Miss> {
    let arguments = ["config", "config-helper", "--format=json(credential)"];
    let answer = desk::ask(context.environment, "gcloud", &arguments, "gcloud auth login").await?;
    Ok(read(answer.expose())?)
}

fn read(answer: &[u8]) -> Result<Lease<Access>, IdentityError> {
    let unusable = |detail: &str| IdentityError::Setting {
        place: "`gcloud config config-helper`".to_owned(),
        detail: detail.to_owned(),
        hint: None,
    };
    let Answer { credential } =
        serde_json::from_slice(answer).map_err(|_| unusable("it does not answer with a token in JSON"))?;
    let value = oauth::usable(credential.access_token).map_err(unusable)?;
    let expires = credential.token_expiry.map(|text| text.parse());
    let expires = expires.transpose().map_err(|_| unusable("it does not say when its token ends"))?;
    let token = Lease { value, expires };
    Ok(lent(token, "the user of `gcloud auth login`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_tells_the_end() {
        let text =
            r#"{"credential":{"access_token":"t","token_expiry":"2027-01-15T08:00:00Z","id_token":"i"}}"#;
        let Ok(lease) = read(text.as_bytes()) else { panic!("it is not read") };
        assert_eq!(lease.expires.unwrap().as_second(), 1_800_000_000);
    }

    #[test]
    fn answer_that_is_unusable_is_not_quoted() {
        for text in
            ["hunter2", r#"{"credential":{"access_token":"hunter2\n"}}"#, r#"{"credential":{}}"#, "{}", ""]
        {
            let Err(error) = read(text.as_bytes()) else { panic!("{text}") };
            assert!(error.to_string().starts_with("`gcloud config config-helper`: "), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
