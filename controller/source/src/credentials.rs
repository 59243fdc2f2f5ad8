//! How to log in: from pull Secrets to a source of credentials.

use oci_artifact::{Class, name::Repository};
use oci_decide::{Failure, Step};
use oci_registry::auth::{CredentialSource, Found, Lookup, Passed, PullFormat, PullSecret, SourceFuture};

use crate::{fingerprint::Fingerprint, material::SecretData};

/// The pull Secrets of one object, at least one.
pub(crate) struct PullSecrets {
    secrets: Vec<PullSecret>,
    /// `namespace/name` of each.
    pub(crate) origins: Vec<String>,
    /// Of all bytes.
    pub(crate) fingerprint: Fingerprint,
}

impl PullSecrets {
    /// Reads all of them; `None` if there are none, which means to be anonymous.
    pub(crate) fn read(material: &[SecretData]) -> Result<Option<Self>, Failure> {
        if material.is_empty() {
            return Ok(None);
        }
        let mut secrets = Vec::new();
        let mut parts = Vec::new();
        for secret in material {
            let (key, format) = kind(secret)?;
            let Some(bytes) = secret.data.get(key).map(|value| value.expose().as_slice()) else {
                return Err(unusable(format!("secret '{}' has no key `{key}`", secret.origin)));
            };
            let parsed = PullSecret::parse(format, bytes, &format!("secret '{}'", secret.origin));
            secrets.push(parsed.map_err(|error| unusable(error.to_string()))?);
            parts.extend([Some(key.as_bytes()), Some(bytes)]);
        }
        let origins = material.iter().map(|secret| secret.origin.clone()).collect();
        Ok(Some(Self { secrets, origins, fingerprint: Fingerprint::of(parts) }))
    }

    /// What is shown to the repository's registry: the first Secret that has something for it decides.
    pub(crate) fn find(&self, repository: &Repository) -> Option<Found> {
        self.secrets.iter().find_map(|secret| secret.credential(repository))
    }

    /// For people: `secret 'a/b', secret 'a/c'`.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.origins.iter().map(|origin| format!("secret '{origin}'")).collect();
        names.join(", ")
    }
}

impl CredentialSource for PullSecrets {
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a> {
        let nothing = || {
            let why = format!("no entry for {}", repository.host());
            let passed = |origin| Passed { source: format!("secret '{origin}'"), why: why.clone() };
            Lookup { found: None, passed: self.origins.iter().map(passed).collect() }
        };
        let found = self.find(repository).map_or_else(nothing, Lookup::from);
        Box::pin(async { Ok(found) })
    }
}

/// Where the credentials stand in a Secret.
fn kind(secret: &SecretData) -> Result<(&'static str, PullFormat), Failure> {
    match secret.kind.as_str() {
        "kubernetes.io/dockerconfigjson" => Ok((".dockerconfigjson", PullFormat::DockerConfigJson)),
        "kubernetes.io/dockercfg" => Ok((".dockercfg", PullFormat::DockerCfg)),
        other => {
            let other = if other.is_empty() { "Opaque" } else { other };
            let shown: String = other.chars().take(100).flat_map(char::escape_debug).collect();
            Err(unusable(format!(
                "secret '{}' is of type {shown}, which has no credentials for registries",
                secret.origin
            )))
        }
    }
}

fn unusable(message: String) -> Failure {
    Failure {
        step: Step::Credentials,
        class: Class::Terminal,
        message,
        hint: Some("make it with `kubectl create secret docker-registry`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use oci_registry::{Credential, Secret};

    use super::*;
    use crate::material::tests::secret;

    const TYPE: &str = "kubernetes.io/dockerconfigjson";

    fn config(host: &str, user: &str) -> SecretData {
        let text = format!(r#"{{"auths":{{"{host}":{{"username":"{user}","password":"hunter2"}}}}}}"#);
        secret(TYPE, &[(".dockerconfigjson", &text)])
    }

    fn user(secrets: &[SecretData], repository: &str) -> Option<String> {
        let found = PullSecrets::read(secrets).unwrap()?.find(&Repository::parse(repository).unwrap())?;
        match found.credential {
            Credential::Basic { username, .. } => Some(username),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn credentials_are_those_of_the_first_secret_that_has_some() {
        let secrets = [config("other.example", "a"), config("r.example", "b"), config("r.example", "c")];
        assert_eq!(user(&secrets, "r.example/org/app").as_deref(), Some("b"));
        assert_eq!(user(&secrets, "other.example/org/app").as_deref(), Some("a"));
        assert_eq!(user(&secrets, "third.example/org/app"), None);
        assert_eq!(user(&[], "r.example/org/app"), None);
    }

    #[test]
    fn credentials_are_read_from_the_old_format() {
        let text = r#"{"r.example":{"username":"old","password":"hunter2"}}"#;
        let old = secret("kubernetes.io/dockercfg", &[(".dockercfg", text)]);
        assert_eq!(user(&[old], "r.example/org/app").as_deref(), Some("old"));
    }

    #[test]
    fn credentials_that_cannot_be_read_say_why_without_the_secret() {
        for (broken, expected) in [
            (secret("", &[]), "is of type Opaque"),
            (secret("kubernetes.io/tls", &[]), "is of type kubernetes.io/tls"),
            (secret(TYPE, &[("config.json", "{}")]), "has no key `.dockerconfigjson`"),
            (secret("kubernetes.io/dockercfg", &[(".dockerconfigjson", "{}")]), "has no key `.dockercfg`"),
            (secret(TYPE, &[(".dockerconfigjson", "hunter2")]), "secret 'team/creds'"),
            (
                secret(TYPE, &[(".dockerconfigjson", r#"{"auths":{"r.example":{"auth":"hunter2"}}}"#)]),
                "r.example",
            ),
        ] {
            let Err(failure) = PullSecrets::read(&[config("a.example", "a"), broken]) else {
                panic!("{expected}: is accepted")
            };
            assert_eq!((failure.step, failure.class), (Step::Credentials, Class::Terminal));
            assert!(failure.message.contains(expected), "{}", failure.message);
            assert!(failure.message.contains("secret 'team/creds'"), "{}", failure.message);
            assert!(!failure.message.contains("hunter2"), "{}", failure.message);
        }
    }

    #[tokio::test]
    async fn credentials_of_another_registry_leave_us_anonymous_and_say_so() {
        let secrets = PullSecrets::read(&[config("r.example", "a")]).unwrap().unwrap();
        let found = secrets.credential(&Repository::parse("other.example/a").unwrap()).await.unwrap();
        assert_eq!(found.to_string(), "anonymous: secret 'team/creds': no entry for other.example");
    }

    #[test]
    fn credentials_have_the_fingerprint_of_their_bytes() {
        let of = |secrets: &[SecretData]| PullSecrets::read(secrets).unwrap().unwrap().fingerprint;
        let (a, b) = (config("r.example", "a"), config("r.example", "b"));
        assert!(of(from_ref(&a)) == of(from_ref(&a)));
        assert!(of(from_ref(&a)) != of(from_ref(&b)));
        assert!(of(&[a.clone(), b.clone()]) != of(&[b, a.clone()]));
        let mut more = a.clone();
        more.data.insert("comment".into(), Secret::new(b"x".to_vec()));
        assert!(of(&[a]) == of(&[more]), "what is not read does not count");
    }
}
