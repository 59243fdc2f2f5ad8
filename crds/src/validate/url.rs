//! `spec.url`, and how its registry is spoken to.

use oci_artifact::name::{Reference, ReferenceError, Repository, Target};

use super::{Code, Fault, Path, given};
use crate::v1::Spec;

/// The repository.
pub(super) fn check(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Repository> {
    let path = Path::new("spec.url");
    let Some(text) = given(spec.url.as_ref()) else {
        let message = "the repository is missing".to_owned();
        faults.push(
            Fault::new(Code::UrlMissing, &path, None, message).hint("write it like `oci://ghcr.io/org/app`"),
        );
        return None;
    };
    let fault = |code, message: String| Fault::new(code, &path, Some(text), message);
    match Reference::parse_url(text) {
        Ok(Reference { repository, target: None }) => Some(repository),
        Ok(Reference { repository, target: Some(target) }) => {
            let (code, what, field) = match &target {
                Target::Tag(_) => (Code::UrlTag, "tag", "tag"),
                Target::Digest(_) => (Code::UrlDigest, "digest", "digest"),
            };
            let message = format!("`oci://{}` has the {what} `{target}`", repository.with(target.clone()));
            let hint = format!("write `url: oci://{repository}` and `ref: {{{field}: \"{target}\"}}`");
            faults.push(fault(code, message).hint(hint));
            None
        }
        Err(error) => {
            faults.push(with_hint(fault(code_of(&error), error.to_string()), &error));
            None
        }
    }
}

fn code_of(error: &ReferenceError) -> Code {
    match error {
        ReferenceError::Scheme(_) => Code::UrlScheme,
        ReferenceError::Host { .. } => Code::UrlHost,
        ReferenceError::NoPath(_) | ReferenceError::Path { .. } => Code::UrlRepository,
        ReferenceError::Long { .. } => Code::UrlLong,
        ReferenceError::Tag { .. } | ReferenceError::NotBare(_) => Code::UrlTag,
        ReferenceError::Digest { .. } | ReferenceError::TagAndDigest(_) => Code::UrlDigest,
        ReferenceError::Extra(_) => Code::UrlExtra,
    }
}

fn with_hint(fault: Fault, error: &ReferenceError) -> Fault {
    match error {
        ReferenceError::Scheme(_) | ReferenceError::Host { .. } | ReferenceError::NoPath(_) => {
            fault.hint("write it like `oci://ghcr.io/org/app`")
        }
        ReferenceError::Tag { .. } | ReferenceError::NotBare(_) => {
            fault.hint("put the tag into `spec.ref.tag`")
        }
        ReferenceError::Digest { .. } => fault.hint("put the digest into `spec.ref.digest`"),
        ReferenceError::TagAndDigest(_) => {
            fault.hint("put the digest into `spec.ref.digest`; it says all that the tag does")
        }
        ReferenceError::Extra(_) => {
            fault.hint("put credentials into a Secret and name it in `spec.secretRef`")
        }
        ReferenceError::Path { .. } | ReferenceError::Long { .. } => fault,
    }
}

/// A certificate for a registry that is asked without TLS.
pub(super) fn insecure(spec: &Spec, faults: &mut Vec<Fault>) {
    if let (Some(true), Some(secret)) = (spec.insecure, &spec.cert_secret_ref) {
        let message = "the certificates are not used: `insecure: true` means plain HTTP".to_owned();
        let fault = Fault::new(
            Code::InsecureCertificate,
            &Path::new("spec.certSecretRef"),
            Some(&secret.name),
            message,
        );
        faults.push(fault.hint("remove `insecure` to speak TLS with them, or remove `certSecretRef`"));
    }
}
