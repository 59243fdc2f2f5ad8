//! The order of things: what is looked at, how much of it, and what it comes to.

use jiff::Timestamp;
use oci_artifact::{
    limits::{SIGNATURE_BYTES, SIGNATURES},
    name::{Algorithm, Digest, Hasher},
};

use crate::{
    About, Blob, By, Format, How, Identities, Legacy, Log, Material, Part, Policy, Reason, Refusal, Rejected,
    Verdict, Verified, bundle, legacy, material::Outages, sigstore::Evidence,
};

/// A signature that counts.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) by: By,
    pub(crate) when: Option<Timestamp>,
    pub(crate) how: How,
}

/// Whether the policy has a signature of the artifact: the first one that counts, bundles before legacy ones.
///
/// A signature counts by itself or not at all: none is asked for because another one failed, and none failed makes
/// another one count less. `now` is compared with the times that signatures say; the library below also compares with
/// the computer's clock.
pub fn verify(policy: &Policy, artifact: &Digest, material: &Material, now: Timestamp) -> Verdict {
    let mut refused = policy_faults(policy);
    let mut outages = Outages::default();
    let mut found: Vec<Signature<'_>> = Vec::new();
    found.extend(outages.here(&material.bundles).iter().map(Signature::Bundle));
    found.extend(outages.here(&material.legacy).iter().map(Signature::Legacy));
    outages.missed(&material.missed);
    let nobody = refused.iter().any(|refusal| refusal.about == About::Policy);
    for signature in found.iter().filter(|_| !nobody).take(SIGNATURES) {
        match signature.verify(policy, artifact, now) {
            Ok(Accepted { by, when, how }) => {
                let (level, let_pass) = (None, Vec::new());
                return Verdict::Verified(Verified { by, when, how, refused, level, let_pass });
            }
            Err(reason) => refused.push(Refusal { about: signature.about(), reason }),
        }
    }
    if !nobody {
        refused.extend(material.refused.iter().cloned());
    }
    let unseen = found.len().saturating_sub(SIGNATURES).saturating_add(material.more);
    let rejected = Rejected { refused, unseen };
    if nobody {
        return Verdict::Rejected(rejected);
    }
    let nothing = found.is_empty() && material.refused.is_empty() && unseen == 0;
    outages.verdict(nothing, rejected)
}

/// What is wrong with the policy itself. What concerns all of it leaves nothing to verify.
fn policy_faults(policy: &Policy) -> Vec<Refusal> {
    match policy {
        Policy::Keys(keys) => {
            let fault = |fault: &crate::KeyFault| Refusal {
                about: About::Key(fault.name.clone()),
                reason: Reason::Key(fault.error.clone()),
            };
            let mut refused: Vec<Refusal> = keys.faults().iter().map(fault).collect();
            if keys.is_empty() {
                refused.push(Refusal { about: About::Policy, reason: Reason::NoKeys });
            }
            refused
        }
        Policy::Keyless { identities: Identities::OneOf(list), .. } if list.is_empty() => {
            vec![Refusal { about: About::Policy, reason: Reason::NoIdentities }]
        }
        Policy::Keyless { .. } => Vec::new(),
    }
}

/// A signature of either format.
#[derive(Clone, Copy)]
enum Signature<'a> {
    Bundle(&'a Blob),
    Legacy(&'a Legacy),
}

impl Signature<'_> {
    fn blob(&self) -> &Blob {
        match self {
            Self::Bundle(blob) => blob,
            Self::Legacy(legacy) => &legacy.payload,
        }
    }

    fn about(&self) -> About {
        let format = match self {
            Self::Bundle(_) => Format::Bundle,
            Self::Legacy(_) => Format::Legacy,
        };
        About::Signature { format, digest: self.blob().digest.clone() }
    }

    fn verify(&self, policy: &Policy, artifact: &Digest, now: Timestamp) -> Result<Accepted, Reason> {
        self.check_size()?;
        check_blob(self.blob())?;
        match self {
            Self::Bundle(blob) => bundle::verify(policy, artifact, blob, now),
            Self::Legacy(signature) => legacy::verify(policy, artifact, signature, now),
        }
    }

    fn check_size(&self) -> Result<(), Reason> {
        let annotations = match self {
            Self::Bundle(_) => 0,
            Self::Legacy(legacy) => {
                legacy.annotations.iter().map(|(key, value)| key.len() + value.len()).sum()
            }
        };
        if self.blob().bytes.len() + annotations > SIGNATURE_BYTES {
            return Err(Reason::TooLarge { part: Part::Signature, limit: SIGNATURE_BYTES });
        }
        Ok(())
    }
}

/// Refuses other bytes than the descriptor says.
pub(crate) fn check_blob(blob: &Blob) -> Result<(), Reason> {
    let algorithm: Algorithm = blob.digest.algorithm();
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&blob.bytes);
    let actual = hasher.finish();
    if actual != blob.digest {
        return Err(Reason::BlobDigest { expected: blob.digest.clone(), actual });
    }
    Ok(())
}

/// Judges whose signature was proven.
pub(crate) fn by_identity(
    identities: &Identities,
    format: Format,
    evidence: Evidence,
) -> Result<Accepted, Reason> {
    let Evidence { issuer, subject, when, logged, certificate_logged, timestamped } = evidence;
    let allowed = match identities {
        Identities::Anybody => true,
        Identities::OneOf(list) => list.iter().any(|identity| identity.is_match(&issuer, &subject)),
    };
    if !allowed {
        return Err(Reason::Identity { issuer, subject });
    }
    let log = match (logged, format) {
        // Notation knows no logs.
        (false, _) | (_, Format::NotationJws | Format::NotationCose | Format::Notation) => Log::Unasked,
        (true, Format::Legacy) => Log::Promise,
        (true, Format::Bundle) => Log::Inclusion,
    };
    let how = How { format, log, certificate_logged, timestamped };
    Ok(Accepted { by: By::Identity { issuer, subject }, when: Some(when), how })
}
