//! Notation: what counts, and each check with what it must refuse.

mod chains;
mod draft;
mod envelopes;
mod hostile;
mod levels;
mod pki;
mod policies;
mod stamper;
mod times;
mod who;

use jiff::Timestamp;
use oci_artifact::{manifest::Descriptor, name::Repository};
use oci_verify::{
    Blob, Found, Material, NotationPolicy, NotationReason, Reason, Verdict, Verified, verify_notation,
};
use serde_json::{Value, json};

use self::{draft::Draft, pki::Chain};
use crate::desk::{A, now};

/// The artifact that is asked about.
fn artifact() -> Descriptor {
    serde_json::from_value(json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": A, "size": 528,
    }))
    .unwrap()
}

/// A trust policy of one statement about everything.
fn strict() -> Value {
    json!({ "version": "1.0", "trustPolicies": [{
        "name": "all",
        "registryScopes": ["*"],
        "signatureVerification": { "level": "strict" },
        "trustStores": ["ca:some", "signingAuthority:some"],
        "trustedIdentities": ["*"],
    }]})
}

/// A trust policy of another level.
fn level(level: &str) -> Value {
    let mut document = strict();
    document["trustPolicies"][0]["signatureVerification"]["level"] = json!(level);
    document
}

/// A Secret, read.
fn read(document: &Value, certificates: &[&str]) -> NotationPolicy {
    let document = document.to_string();
    let names: Vec<String> = (0..certificates.len()).map(|index| format!("{index:03}.crt")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("trustpolicy.json", document.as_bytes())];
    entries.extend(names.iter().zip(certificates).map(|(name, pem)| (name.as_str(), pem.as_bytes())));
    NotationPolicy::read(entries).unwrap()
}

/// The strict policy that trusts the root of a chain.
fn trusting(chain: &Chain) -> NotationPolicy {
    read(&strict(), &[&chain.root_pem()])
}

/// The verdict about the artifact at some moment.
fn judge_at(policy: &NotationPolicy, blobs: &[Blob], at: Timestamp) -> Verdict {
    let material = Material { notation: Found::Here(blobs.to_vec()), ..Material::default() };
    let repository = Repository::parse("registry.example/org/app").unwrap();
    verify_notation(policy, &repository, &artifact(), &material, at)
}

fn judge(policy: &NotationPolicy, blobs: &[Blob]) -> Verdict {
    judge_at(policy, blobs, now())
}

/// That a layer counts.
#[track_caller]
fn accepted(policy: &NotationPolicy, blob: &Blob) -> Verified {
    match judge(policy, std::slice::from_ref(blob)) {
        Verdict::Verified(verified) => verified,
        other => panic!("{other}"),
    }
}

/// Why a layer does not count.
#[track_caller]
fn refused(policy: &NotationPolicy, blob: &Blob) -> Reason {
    match judge(policy, std::slice::from_ref(blob)) {
        Verdict::Rejected(rejected) if rejected.refused.len() == 1 => rejected.refused[0].reason.clone(),
        other => panic!("{other}"),
    }
}

/// Why neither envelope of a draft counts, which is the same reason.
#[track_caller]
fn both_refused(policy: &NotationPolicy, draft: &Draft<'_>) -> Reason {
    let [jws, cose] = draft.both();
    let reason = refused(policy, &jws);
    assert_eq!(refused(policy, &cose), reason);
    reason
}

/// The same, where the reason is of Notation only.
#[track_caller]
fn notation_refused(policy: &NotationPolicy, draft: &Draft<'_>) -> NotationReason {
    match both_refused(policy, draft) {
        Reason::Notation(reason) => reason,
        other => panic!("{other:?}"),
    }
}
