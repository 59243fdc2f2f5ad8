//! `spec.verify`: whose signature an artifact must have.

use oci_artifact::name::{IdentityPattern, Pattern};

use super::{Code, Fault, Path, Verification, fault::quote, given, names};
use crate::v1::{Identity, Spec, Verify};

/// The signature. `None` also where a part of it is unusable.
pub(super) fn check(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Verification> {
    let verify = spec.verify.as_ref()?;
    let provider = given(verify.provider.as_ref()).unwrap_or("cosign");
    let notation = match provider {
        "cosign" => false,
        "notation" => true,
        other => {
            let message = format!("{} is neither `cosign` nor `notation`", quote(other));
            faults.push(Fault::new(
                Code::VerifyProvider,
                &Path::new("spec.verify.provider"),
                Some(other),
                message,
            ));
            return None;
        }
    };
    let secret = names::secret("spec.verify.secretRef.name", verify.secret_ref.as_ref(), faults);
    if notation && verify.secret_ref.is_none() {
        let message = "notation needs a Secret with the trust policy and the certificates".to_owned();
        let fault =
            Fault::new(Code::VerifyNotationSecret, &Path::new("spec.verify.secretRef"), None, message);
        faults.push(fault.hint("name a Secret with `trustpolicy.json` and `*.crt` or `*.pem`"));
    }
    let keyless = !notation && verify.secret_ref.is_none();
    let identities = identities(verify, keyless, faults);
    if !keyless {
        unused(verify, provider, faults);
    }
    let trusted_root = names::secret(
        "spec.verify.trustedRootSecretRef.name",
        verify.trusted_root_secret_ref.as_ref(),
        faults,
    );
    match (notation, secret) {
        (true, secret) => secret.map(|secret| Verification::Notation { secret }),
        (false, Some(secret)) => Some(Verification::CosignKeys { secret }),
        (false, None) => Some(Verification::CosignKeyless { identities, trusted_root }),
    }
}

/// What stands there beside keys or for notation, and is not looked at.
fn unused(verify: &Verify, provider: &str, faults: &mut Vec<Fault>) {
    let why = if provider == "notation" { "with notation" } else { "beside the keys of `secretRef`" };
    if verify.match_oidc_identity.is_some() {
        let message = format!("identities do nothing {why}");
        let path = Path::new("spec.verify.matchOIDCIdentity");
        let fault = Fault::new(Code::VerifyIdentitiesUnused, &path, Some(provider), message);
        faults.push(fault.hint("remove them, or remove `secretRef` to verify with cosign by identity"));
    }
    if let Some(root) = &verify.trusted_root_secret_ref {
        let message = format!("a trusted root does nothing {why}");
        let path = Path::new("spec.verify.trustedRootSecretRef");
        let fault = Fault::new(Code::VerifyTrustedRootUnused, &path, Some(&root.name), message);
        faults.push(fault.hint("remove it, or remove `secretRef` to verify with cosign by identity"));
    }
}

/// The identities that could be parsed.
fn identities(verify: &Verify, used: bool, faults: &mut Vec<Fault>) -> Vec<IdentityPattern> {
    let path = Path::new("spec.verify.matchOIDCIdentity");
    let all = verify.match_oidc_identity.as_deref().unwrap_or_default();
    if used && all.is_empty() {
        let message = if verify.match_oidc_identity.is_some() {
            "the list is empty, so a signature of anybody at all would do"
        } else {
            "without a key or an identity, a signature of anybody at all would do"
        };
        let fault = Fault::new(Code::VerifyAnyone, &path, None, message.to_owned());
        faults.push(fault.hint(
            "add who may sign, as `issuer: ^https://token\\.actions\\.githubusercontent\\.com$` and \
             `subject: ^https://github\\.com/org/app/\\.github/workflows/`, or name a Secret with public keys in \
             `spec.verify.secretRef`",
        ));
    }
    let parsed = all.iter().enumerate().filter_map(|(index, identity)| {
        let Identity { issuer, subject } = identity;
        let place = |field| path.index(index).field(field);
        let issuer = pattern(|| place("issuer"), issuer, used, faults);
        let subject = pattern(|| place("subject"), subject, used, faults);
        Some(IdentityPattern { issuer: issuer?, subject: subject? })
    });
    parsed.collect()
}

/// The pattern at a place, which is only asked for if there is a fault.
fn pattern(place: impl Fn() -> Path, text: &str, used: bool, faults: &mut Vec<Fault>) -> Option<Pattern> {
    if text.is_empty() {
        let message = "an empty pattern matches everybody".to_owned();
        let fault = Fault::new(Code::VerifyIdentityEmpty, &place(), Some(text), message);
        faults.push(fault.hint("write what the whole of it must be, as `^https://accounts\\.google\\.com$`"));
    }
    Pattern::parse(text)
        .map_err(|error| {
            let fault = Fault::new(Code::VerifyIdentityPattern, &place(), Some(text), error.to_string());
            faults.push(fault.hint_of(&error).unless_used(used));
        })
        .ok()
}
