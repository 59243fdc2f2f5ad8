//! What the tests work with: artifacts, policies, and what a verdict has to be.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use oci_artifact::name::{Digest, IdentityPattern, Pattern};
use oci_testkit::sigstore::{Certified, ISSUER, Instance, NOW, Request, SUBJECT, legacy};
use oci_verify::{
    BUNDLE_TYPE, Blob, Found, Identities, Keys, LEGACY_TYPE, Legacy, Material, Policy, Reason, TrustRoot,
    Verdict, Verified, verify,
};
use serde_json::Value;

/// The artifact that is asked about.
pub(crate) const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Another one.
pub(crate) const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// One Sigstore for all tests: its keys take a moment.
pub(crate) fn sigstore() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(Instance::new)
}

/// The usual signer's certificate, a new one each time.
pub(crate) fn signer() -> Certified {
    sigstore().certify(&Request::default())
}

/// A signer's certificate that is changed.
pub(crate) fn signer_with(change: impl FnOnce(&mut Request)) -> Certified {
    let mut request = Request::default();
    change(&mut request);
    sigstore().certify(&request)
}

/// The moment at which everything is verified.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW + 3_600).unwrap()
}

/// A trust root out of JSON.
pub(crate) fn root(json: &Value) -> Arc<TrustRoot> {
    Arc::new(TrustRoot::parse(json.to_string().as_bytes()).unwrap())
}

/// Who may sign, by patterns for issuer and subject.
pub(crate) fn identities(list: &[(&str, &str)]) -> Identities {
    let pattern = |text: &str| Pattern::parse(text).unwrap();
    let identity = |(issuer, subject): &(&str, &str)| IdentityPattern {
        issuer: pattern(issuer),
        subject: pattern(subject),
    };
    Identities::OneOf(list.iter().map(identity).collect())
}

/// A policy by identity, with the usual trust root.
pub(crate) fn by_identity(list: &[(&str, &str)]) -> Policy {
    keyless(identities(list), &sigstore().trusted_root())
}

/// A policy by identity.
pub(crate) fn keyless(identities: Identities, trusted_root: &Value) -> Policy {
    Policy::Keyless { identities, root: root(trusted_root) }
}

/// The policy that the usual signer fulfils.
pub(crate) fn usual() -> Policy {
    let whole = |text: &str| format!("^{}$", text.replace('.', "\\."));
    by_identity(&[(&whole(ISSUER), &whole(SUBJECT))])
}

/// A policy by keys.
pub(crate) fn by_keys(keys: &[(&str, &str)]) -> Policy {
    Policy::Keys(Keys::read(keys.iter().map(|(name, pem)| (*name, pem.as_bytes()))))
}

/// A layer whose descriptor is right.
pub(crate) fn blob(media_type: &str, bytes: &[u8]) -> Blob {
    Blob { media_type: media_type.to_owned(), digest: Digest::of(bytes), bytes: bytes.to_vec() }
}

/// Bundles as they were found.
pub(crate) fn bundles(all: &[Value]) -> Material {
    let found = all.iter().map(|json| blob(BUNDLE_TYPE, json.to_string().as_bytes())).collect();
    Material { bundles: Found::Here(found), ..Material::default() }
}

/// A legacy signature as it was found.
pub(crate) fn found(signature: legacy::Legacy) -> Legacy {
    Legacy { payload: blob(LEGACY_TYPE, &signature.payload), annotations: signature.annotations }
}

/// Legacy signatures as they were found.
pub(crate) fn legacies(all: Vec<legacy::Legacy>) -> Material {
    Material { legacy: Found::Here(all.into_iter().map(found).collect()), ..Material::default() }
}

/// The verdict about [`A`].
pub(crate) fn judge(policy: &Policy, material: &Material) -> Verdict {
    judge_at(policy, material, now())
}

/// The verdict about [`A`] at some moment.
pub(crate) fn judge_at(policy: &Policy, material: &Material, now: Timestamp) -> Verdict {
    verify(policy, &Digest::parse(A).unwrap(), material, now)
}

/// That there is a signature that counts.
#[track_caller]
pub(crate) fn accepted(policy: &Policy, material: &Material) -> Verified {
    match judge(policy, material) {
        Verdict::Verified(verified) => verified,
        other => panic!("{other}"),
    }
}

/// The only reason why the only signature does not count.
#[track_caller]
pub(crate) fn refused(policy: &Policy, material: &Material) -> Reason {
    let reasons = all_refused(policy, material);
    let [reason] = reasons.as_slice() else { panic!("{reasons:?}") };
    reason.clone()
}

/// The reasons why no signature counts.
#[track_caller]
pub(crate) fn all_refused(policy: &Policy, material: &Material) -> Vec<Reason> {
    match judge(policy, material) {
        Verdict::Rejected(rejected) => rejected.refused.into_iter().map(|refusal| refusal.reason).collect(),
        other => panic!("{other}"),
    }
}

/// The reason why a bundle does not count.
#[track_caller]
pub(crate) fn bundle_refused(policy: &Policy, bundle: &Value) -> Reason {
    refused(policy, &bundles(std::slice::from_ref(bundle)))
}

/// The reason why a legacy signature does not count.
#[track_caller]
pub(crate) fn legacy_refused(policy: &Policy, signature: legacy::Legacy) -> Reason {
    refused(policy, &legacies(vec![signature]))
}

/// Asserts a reason by its pattern.
macro_rules! assert_reason {
    ($reason:expr, $pattern:pat $(if $guard:expr)?) => {
        match $reason {
            $pattern $(if $guard)? => {}
            other => panic!("{} is not expected: {other:?}", oci_artifact::Classify::reason(&other)),
        }
    };
}
pub(crate) use assert_reason;
