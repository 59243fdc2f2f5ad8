//! The data of `verify artifact -o`.

use oci_artifact::{Classify as _, name::Digest};
use oci_verify::{By, Format, Log, Refusal, Verdict, Verified};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_at: Option<String>,
    log: &'static str,
    certificate_logged: bool,
    timestamped: bool,
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
        let (signature, refused) = match verdict {
            Verdict::Verified(verified) => (Some(signature(verified)), verified.refused.as_slice()),
            Verdict::Rejected(rejected) => (None, rejected.refused.as_slice()),
            Verdict::Unavailable(unavailable) => (None, unavailable.rejected.refused.as_slice()),
            Verdict::Ignored(ignored) => (None, ignored.refused.as_slice()),
            Verdict::NotSigned => (None, &[][..]),
        };
        Self {
            artifact,
            digest,
            verified: signature.is_some(),
            reason: reason(verdict),
            message: verdict.to_string(),
            signature,
            refused: refused.iter().map(refused_one).collect(),
        }
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
    Signature {
        format: match verified.how.format {
            Format::Bundle => "bundle",
            Format::Legacy => "legacy",
            Format::NotationJws | Format::NotationCose => "notation",
        },
        key,
        algorithm,
        issuer,
        subject,
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
