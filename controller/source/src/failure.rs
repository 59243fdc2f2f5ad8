//! What the registry client's errors mean to an object in a cluster.

use oci_artifact::{Class, Classify as _, manifest, name::Repository};
use oci_decide::{Failure, Step};
use oci_registry::{Error, Fault, TlsCause, auth::LoginFault};

/// What a run shows to the registry, for hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// No Secret: nothing.
    Nothing,
    /// Nothing, because no Secret has an entry for the registry: their names.
    NoEntry(String),
    /// What stands there.
    Found(String),
    /// An identity: whose.
    Identity(String),
}

/// A failed call.
pub(crate) struct Failed<'a> {
    pub(crate) step: Step,
    /// What was attempted on what.
    pub(crate) action: &'a str,
    pub(crate) repository: &'a Repository,
    pub(crate) login: &'a Login,
    /// Whether the object has a Secret with certificates, and one with a proxy.
    pub(crate) has: (bool, bool),
}

impl Failed<'_> {
    /// The failure of the step. The call's action stands in for the client's, which may be about another object where
    /// calls are shared.
    pub(crate) fn because_of(&self, error: &Error) -> Failure {
        let fault = &*error.fault;
        Failure {
            step: self.step_of(fault),
            class: class(fault),
            message: format!("{}: {fault}", self.action),
            hint: self.hint(fault),
        }
    }

    /// Faults of our own side belong to what they come from.
    fn step_of(&self, fault: &Fault) -> Step {
        match (fault, self.has) {
            (Fault::Setup(_), (true, _)) => Step::Certificates,
            (Fault::Setup(_), (false, true)) => Step::Proxy,
            (Fault::File { .. }, _) => Step::Store,
            _ => self.step,
        }
    }

    fn hint(&self, fault: &Fault) -> Option<String> {
        let text = match fault {
            Fault::Credentials(error) => return error.hint(),
            Fault::Login(LoginFault::Plain { .. } | LoginFault::Unverified { .. }) => {
                "let the registry serve TLS, and put its certificate authority as `ca.crt` into the Secret of \
                 spec.certSecretRef instead of setting spec.insecure"
            }
            Fault::Login(LoginFault::Unsuitable { .. }) if matches!(self.login, Login::Identity(_)) => {
                "the registry wants a user: name one in the ServiceAccount's annotation \
                 credential.auth.fluxcd.io/username"
            }
            Fault::Status { .. } | Fault::Login(_) if fault.class() == Class::Denied => {
                return Some(self.login_hint());
            }
            Fault::Status { status: 404, .. } => {
                "push it, or correct spec.url and spec.ref; some registries hide what needs a login in this way"
            }
            Fault::Status { status: 429, .. } => {
                "the registry limits requests: raise spec.interval, or log in, which often raises the limit"
            }
            Fault::Tls { cause: TlsCause::ClientCertificate, .. } => {
                "the registry wants a client certificate that it knows: put `tls.crt` and `tls.key` into the Secret of \
                 spec.certSecretRef"
            }
            Fault::Tls { cause: TlsCause::UnknownIssuer, .. } => {
                "put the registry's certificate authority as `ca.crt` into the Secret of spec.certSecretRef"
            }
            Fault::Tls { cause: TlsCause::NotTls, .. } => {
                "if the registry speaks plain HTTP, set spec.insecure"
            }
            Fault::Deadline | Fault::Stalled { .. } => "if the registry needs more time, raise spec.timeout",
            Fault::Proxy { .. } if self.has.1 => "check the proxy in the Secret of spec.proxySecretRef",
            Fault::Proxy { .. } => {
                "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the controller's environment, or name a proxy in \
                 spec.proxySecretRef"
            }
            Fault::File { .. } => "free space on the storage volume, or enlarge it",
            Fault::Manifest(fault) => return manifest_hint(fault),
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn login_hint(&self) -> String {
        let host = self.repository.host();
        match self.login {
            Login::Nothing => format!(
                "name a Secret with credentials for {host} in spec.secretRef, or give the ServiceAccount one in \
                 imagePullSecrets"
            ),
            Login::NoEntry(secrets) => format!("no entry for {host} in {secrets}"),
            Login::Found(origin) => {
                format!("check that the credentials in {origin} are valid and may pull {}", self.repository)
            }
            Login::Identity(whose) => format!("check that {whose} may pull {}", self.repository),
        }
    }
}

/// What to do about a manifest of the wrong kind.
pub(crate) fn manifest_hint(error: &manifest::Error) -> Option<String> {
    match error {
        manifest::Error::LayerMediaType { found, .. } => {
            Some(format!("set spec.layerSelector.mediaType to one of: {}", found.join(", ")))
        }
        manifest::Error::NoLayers => Some("nothing was pushed into it: push it again".to_owned()),
        manifest::Error::Platform { .. } => {
            Some(format!("name one of them in the annotation {}", oci_crds::conditions::metadata::PLATFORM))
        }
        other => oci_artifact::Classify::hint(other),
    }
}

/// Whether waiting helps. What is not there can be pushed, and disks are emptied.
fn class(fault: &Fault) -> Class {
    match fault {
        Fault::Status { status: 404, .. } | Fault::File { .. } => Class::Retry { after: None },
        other => other.class(),
    }
}

#[cfg(test)]
mod tests {
    use oci_registry::WireErrors;

    use super::*;

    fn failed(fault: Fault, login: &Login, has: (bool, bool)) -> Failure {
        let repository = Repository::parse("r.example/org/app").unwrap();
        let error = Error { action: "asking for another object".into(), fault: Box::new(fault) };
        Failed {
            step: Step::Digest,
            action: "looking up r.example/org/app:v1",
            repository: &repository,
            login,
            has,
        }
        .because_of(&error)
    }

    fn status(status: u16) -> Fault {
        Fault::Status { status, errors: WireErrors::default(), retry_after: None }
    }

    fn tls(cause: TlsCause) -> Fault {
        Fault::Tls { origin: "https://r.example".into(), detail: "x".into(), cause }
    }

    #[test]
    fn failure_says_what_was_attempted_for_this_object() {
        let failure = failed(status(500), &Login::Nothing, (false, false));
        assert_eq!(failure.message, "looking up r.example/org/app:v1: 500 Internal Server Error");
        assert_eq!(failure.class, Class::Retry { after: None });
    }

    #[test]
    fn failure_has_hints_for_a_cluster() {
        let none = &Login::Nothing;
        let no_entry = &Login::NoEntry("secret 'team/creds'".into());
        let found = &Login::Found("secret 'team/creds'".into());
        for (fault, login, class, hint) in [
            (status(401), none, Class::Denied, "spec.secretRef"),
            (status(401), no_entry, Class::Denied, "no entry for r.example in secret 'team/creds'"),
            (status(403), found, Class::Denied, "credentials in secret 'team/creds' are valid and may pull"),
            (status(404), none, Class::Retry { after: None }, "spec.ref"),
            (status(429), none, Class::Retry { after: None }, "spec.interval"),
            (tls(TlsCause::ClientCertificate), none, Class::Terminal, "tls.key"),
            (tls(TlsCause::UnknownIssuer), none, Class::Terminal, "ca.crt"),
            (tls(TlsCause::NotTls), none, Class::Terminal, "spec.insecure"),
            (Fault::Deadline, none, Class::Retry { after: None }, "spec.timeout"),
        ] {
            let failure = failed(fault, login, (false, false));
            assert_eq!(failure.class, class, "{}", failure.message);
            let given = failure.hint.unwrap_or_default();
            assert!(given.contains(hint), "{}: {given}", failure.message);
            assert!(!given.contains("--") && !given.contains("docker"), "{given}");
        }
    }

    #[test]
    fn failure_of_the_set_up_belongs_to_its_secret() {
        let setup = || Fault::Setup("no PEM".into());
        assert_eq!(failed(setup(), &Login::Nothing, (true, true)).step, Step::Certificates);
        assert_eq!(failed(setup(), &Login::Nothing, (false, true)).step, Step::Proxy);
        assert_eq!(failed(setup(), &Login::Nothing, (false, false)).step, Step::Digest);
    }
}
