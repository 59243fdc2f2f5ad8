//! What an envelope says: that one artifact is signed.

use std::collections::BTreeMap;

use oci_artifact::name::Digest;
use serde::Deserialize;

use crate::{Part, Reason, json, reason::excerpt};

/// The type of the payload in an envelope.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of the statement in the payload.
pub(crate) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Cosign's predicate for a signature. Others are attestations, which anybody who builds may make.
pub(crate) const PREDICATE_TYPE: &str = "https://sigstore.dev/cosign/sign/v1";

/// The predicate is empty in a signature; names and annotations are the signer's notes.
#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: BTreeMap<String, String>,
}

/// Refuses whatever is not the statement that exactly this artifact is signed.
pub(super) fn check(payload_type: &str, payload: &[u8], artifact: &Digest) -> Result<(), Reason> {
    if payload_type != PAYLOAD_TYPE {
        return Err(Reason::PayloadType(excerpt(payload_type)));
    }
    let statement: Statement = json::read(payload, Part::Statement)?;
    check_types(&statement)?;
    let [subject] = statement.subject.as_slice() else {
        return Err(Reason::Subjects(statement.subject.len()));
    };
    check_digest(&subject.digest, artifact)
}

fn check_types(statement: &Statement) -> Result<(), Reason> {
    if statement.predicate_type != PREDICATE_TYPE {
        return Err(Reason::PredicateType(excerpt(&statement.predicate_type)));
    }
    if statement.kind != STATEMENT_TYPE {
        return Err(Reason::StatementType(excerpt(&statement.kind)));
    }
    Ok(())
}

/// One digest, and that of the artifact: a second one would name something else, too.
fn check_digest(digests: &BTreeMap<String, String>, artifact: &Digest) -> Result<(), Reason> {
    let same = |(algorithm, hex): (&String, &String)| {
        algorithm == artifact.algorithm().name() && hex == artifact.hex()
    };
    if digests.len() == 1 && digests.iter().all(same) {
        return Ok(());
    }
    let named: Vec<String> = digests.iter().map(|(algorithm, hex)| format!("{algorithm}:{hex}")).collect();
    Err(Reason::OtherArtifact(excerpt(&named.join(", "))))
}
