//! The data of `verify artifact -o`.

use oci_artifact::{Classify as _, name::Digest};
use oci_verify::{By, Format, LetPass, Log, Refusal, Verdict, Verified};
use serde::Serialize;

use super::judge::reason;

/// What is known about an artifact's signature.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    artifact: String,
    digest: Digest,
    verified: bool,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<Signature>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    let_pass: Vec<Passed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
}

/// The signature that counts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The digest of the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Digest>,
    /// The level of the trust policy by which it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_at: Option<String>,
    log: &'static str,
    certificate_logged: bool,
    timestamped: bool,
}

/// What a level lets pass.
#[derive(Serialize)]
struct Passed {
    check: String,
    reason: &'static str,
    message: String,
}

/// What does not count.
#[derive(Serialize)]
struct Refused {
    about: String,
    reason: &'static str,
    message: String,
}

impl Report {
    pub(crate) fn new(artifact: String, digest: Digest, verdict: &Verdict) -> Self {
        let (signature, let_pass, refused) = match verdict {
            Verdict::Verified(verified) => {
                (Some(signature(verified)), verified.let_pass.as_slice(), verified.refused.as_slice())
            }
            Verdict::Rejected(rejected) => (None, &[][..], rejected.refused.as_slice()),
            Verdict::Unavailable(unavailable) => (None, &[][..], unavailable.rejected.refused.as_slice()),
            Verdict::Ignored(ignored) => (None, ignored.let_pass.as_slice(), ignored.refused.as_slice()),
            Verdict::NotSigned => (None, &[][..], &[][..]),
        };
        Self {
            artifact,
            digest,
            verified: signature.is_some(),
            reason: reason(verdict),
            message: verdict.to_string(),
            signature,
            let_pass: let_pass.iter().map(passed).collect(),
            refused: refused.iter().map(refused_one).collect(),
        }
    }
}

fn passed(passed: &LetPass) -> Passed {
    Passed {
        check: passed.check.to_string(),
        reason: passed.reason.reason(),
        message: passed.reason.to_string(),
    }
}

fn refused_one(refusal: &Refusal) -> Refused {
    Refused {
        about: refusal.about.to_string(),
        reason: refusal.reason.reason(),
        message: refusal.reason.to_string(),
    }
}

fn signature(verified: &Verified) -> Signature {
    let (key, algorithm, issuer, subject) = match &verified.by {
        By::Key { name, algorithm } => (Some(name.clone()), Some(*algorithm), None, None),
        By::Identity { issuer, subject } => (None, None, Some(issuer.clone()), Some(subject.clone())),
        By::Certificate { subject, .. } => (None, None, None, Some(subject.clone())),
    };
    let certificate = match &verified.by {
        By::Certificate { digest, .. } => Some(digest.clone()),
        By::Key { .. } | By::Identity { .. } => None,
    };
    Signature {
        format: match verified.how.format {
            Format::Bundle => "bundle",
            Format::Legacy => "legacy",
            Format::NotationJws | Format::NotationCose | Format::Notation => "notation",
        },
        key,
        algorithm,
        issuer,
        subject,
        certificate,
        level: verified.level,
        signed_at: verified.when.map(|when| when.to_string()),
        log: match verified.how.log {
            Log::Unasked => "unasked",
            Log::Promise => "promise",
            Log::Inclusion => "inclusion",
        },
        certificate_logged: verified.how.certificate_logged,
        timestamped: verified.how.timestamped,
    }
}
