//! Envelopes of CBOR: one tagged `COSE_Sign1` (RFC 9052, 4.2).
//!
//! Specification: `signature-envelope-cose.md` of the Notary Project.

use coset::{
    ContentType, CoseSign1, Header, Label, RegisteredLabelWithPrivate, TaggedCborSerializable as _,
    cbor::value::Value,
    iana::{self, EnumI64 as _},
};
use jiff::Timestamp;
use oci_artifact::limits::CHAIN_CERTIFICATES;

use super::{
    NotationReason,
    envelope::{Attributes, Envelope, attribute},
};
use crate::{Part, Reason};

/// The certificates (RFC 9360).
const CHAIN: Label = Label::Int(iana::HeaderParameter::X5Chain as i64);
/// A time in seconds (RFC 8949, 3.4.2).
const EPOCH: u64 = 1;

/// Takes an envelope apart.
pub(super) fn parse(bytes: &[u8]) -> Result<Envelope, Reason> {
    let sign =
        CoseSign1::from_tagged_slice(bytes).map_err(|error| Reason::malformed(Part::Envelope, &error))?;
    let payload = sign.payload.clone().ok_or(Reason::Missing(Part::Payload))?;
    let protected = &sign.protected.header;
    let timestamp = match entry(&sign.unprotected, attribute::TIMESTAMP) {
        None => None,
        Some(Value::Bytes(bytes)) => Some(bytes.clone()).filter(|bytes| !bytes.is_empty()),
        Some(_) => return Err(Reason::malformed(Part::Timestamp, &"it is no bytes")),
    };
    Ok(Envelope {
        // With the protected attributes as they came.
        signed: sign.tbs_data(&[]),
        algorithm: algorithm(protected),
        attributes: attributes(protected)?,
        content_type: match &protected.content_type {
            Some(ContentType::Text(text)) => text.clone(),
            Some(ContentType::Assigned(number)) => number.to_i64().to_string(),
            None => String::new(),
        },
        payload,
        chain: chain(&sign.unprotected)?,
        timestamp,
        signature: sign.signature,
    })
}

fn algorithm(protected: &Header) -> String {
    let name = match &protected.alg {
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::PS256)) => "PS256",
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::PS384)) => "PS384",
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::PS512)) => "PS512",
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256)) => "ES256",
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES384)) => "ES384",
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES512)) => "ES512",
        Some(RegisteredLabelWithPrivate::Assigned(other)) => return format!("number {}", other.to_i64()),
        Some(RegisteredLabelWithPrivate::PrivateUse(number)) => return format!("number {number}"),
        Some(RegisteredLabelWithPrivate::Text(text)) => return format!("`{text}`"),
        None => "nothing",
    };
    name.to_owned()
}

fn attributes(protected: &Header) -> Result<Attributes, Reason> {
    let scheme = match entry(protected, attribute::SCHEME) {
        None => String::new(),
        Some(Value::Text(text)) => text.clone(),
        Some(_) => return Err(malformed(attribute::SCHEME, "is no text")),
    };
    let critical = protected.crit.iter().map(|label| match label {
        RegisteredLabelWithPrivate::Text(text) => text.clone(),
        RegisteredLabelWithPrivate::Assigned(label) => label.to_i64().to_string(),
        RegisteredLabelWithPrivate::PrivateUse(number) => number.to_string(),
    });
    let plugin = [attribute::PLUGIN, attribute::PLUGIN_VERSION];
    Ok(Attributes {
        scheme,
        time: time(protected, attribute::TIME)?,
        authentic_time: time(protected, attribute::AUTHENTIC_TIME)?,
        expiry: time(protected, attribute::EXPIRY)?,
        critical: critical.collect(),
        plugin: plugin.into_iter().find(|name| entry(protected, name).is_some()),
    })
}

fn time(header: &Header, name: &'static str) -> Result<Option<Timestamp>, Reason> {
    let Some(value) = entry(header, name) else { return Ok(None) };
    let wrong = || malformed(name, "is no time");
    let Value::Tag(EPOCH, inner) = value else { return Err(wrong()) };
    let time = match inner.as_ref() {
        Value::Integer(seconds) => {
            i64::try_from(*seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
        }
        _ => None,
    };
    time.map(Some).ok_or_else(wrong)
}

fn chain(unprotected: &Header) -> Result<Vec<Vec<u8>>, Reason> {
    let found = unprotected.rest.iter().find(|(label, _)| *label == CHAIN).map(|(_, value)| value);
    let Some(Value::Array(certificates)) = found else { return Ok(Vec::new()) };
    if certificates.len() > CHAIN_CERTIFICATES {
        return Err(NotationReason::ChainLength(certificates.len()).into());
    }
    let der = |value: &Value| value.as_bytes().cloned();
    let chain: Option<Vec<_>> = certificates.iter().map(der).collect();
    chain.ok_or_else(|| Reason::malformed(Part::Chain, &"a certificate is no bytes"))
}

fn entry<'a>(header: &'a Header, name: &str) -> Option<&'a Value> {
    let mut entries = header.rest.iter();
    entries.find(|(label, _)| matches!(label, Label::Text(text) if text == name)).map(|(_, value)| value)
}

fn malformed(name: &str, fault: &str) -> Reason {
    Reason::malformed(Part::Attributes, &format!("`{name}` {fault}"))
}
