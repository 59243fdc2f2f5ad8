//! Keys in variables: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and their end in
//! `AWS_CREDENTIAL_EXPIRATION`, which `aws configure export-credentials` writes.

use jiff::Timestamp;

use super::{Found, hinted, setting};
use crate::{
    aws::keys::{expiry, keys},
    environment::Environment,
    lease::Lease,
    place::Miss,
};

const ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// Reads them; one of the two alone is a mistake.
pub(super) fn look(environment: &Environment, now: Timestamp) -> Result<Found, Miss> {
    let (id, secret) = match (environment.variable(ID), environment.variable(SECRET)) {
        (None, None) => return Err(Miss::nothing(format!("{ID} is not set"))),
        (Some(_), None) => return Err(setting(SECRET, format!("it is not set, but {ID} is")).into()),
        (None, Some(_)) => return Err(setting(ID, format!("it is not set, but {SECRET} is")).into()),
        (Some(id), Some(secret)) => (id, secret),
    };
    let value = keys(id, secret, environment.variable("AWS_SESSION_TOKEN"))
        .map_err(|detail| setting("keys in the environment", detail))?;
    let expires = expiry(environment.variable(EXPIRATION)).map_err(|detail| setting(EXPIRATION, detail))?;
    if expires.is_some_and(|expires| expires <= now) {
        let hint = "export new ones, or unset the variables (or the clock of this computer is wrong)";
        return Err(hinted(EXPIRATION, "the keys in the environment are over", hint).into());
    }
    Ok(Found { keys: Lease { value, expires }, origin: format!("keys in {ID}") })
}

#[cfg(test)]
mod tests {
    use oci_testkit::planted::AWS_SECRET_KEY;

    use super::*;

    fn look_at(variables: &[(&str, &str)]) -> Result<Found, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment { variables: variables.collect(), ..Environment::default() };
        look(&environment, "2029-12-31T23:59:59Z".parse().unwrap()).map_err(|miss| match miss {
            Miss::Nothing(why) => format!("nothing: {why}"),
            Miss::Failed(error) => error.to_string(),
        })
    }

    #[test]
    fn keys_are_in_the_environment() {
        let all = [
            (ID, "AKID"),
            (SECRET, AWS_SECRET_KEY),
            ("AWS_SESSION_TOKEN", ""),
            (EXPIRATION, "2030-01-01T00:00:00Z"),
        ];
        let found = look_at(&all).ok().unwrap();
        assert!(found.keys.value.session.is_none() && found.keys.expires.is_some());
        assert_eq!(found.origin, "keys in AWS_ACCESS_KEY_ID");
        assert_eq!(look_at(&[]).err().unwrap(), "nothing: AWS_ACCESS_KEY_ID is not set");
    }

    #[test]
    fn keys_that_are_none_are_an_error() {
        let secret = format!("{AWS_SECRET_KEY}\n");
        for (variables, said) in [
            (&[(ID, "AKID")][..], "AWS_SECRET_ACCESS_KEY: it is not set, but AWS_ACCESS_KEY_ID is"),
            (&[(SECRET, AWS_SECRET_KEY)], "AWS_ACCESS_KEY_ID: it is not set, but AWS_SECRET_ACCESS_KEY is"),
            (&[(ID, "AKID"), (SECRET, &secret)], "keys in the environment: the secret access key is"),
            (&[(ID, "AKID\n"), (SECRET, "s")], "keys in the environment: the access key id is"),
            (
                &[(ID, "AKID"), (SECRET, "s"), (EXPIRATION, "x")],
                "AWS_CREDENTIAL_EXPIRATION: the expiration is no time",
            ),
            (
                &[(ID, "AKID"), (SECRET, "s"), (EXPIRATION, "2029-12-31T23:59:59Z")],
                "AWS_CREDENTIAL_EXPIRATION: the keys in the environment are over",
            ),
        ] {
            let error = look_at(variables).err().unwrap();
            assert!(error.starts_with(said), "{error}");
            assert!(!error.contains(AWS_SECRET_KEY), "{error}");
        }
    }
}
