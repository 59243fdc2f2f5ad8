//! Envelopes of JSON: one flattened JWS (RFC 7515, 7.2.2).
//!
//! Specification: `signature-envelope-jws.md` of the Notary Project.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use oci_artifact::limits::CHAIN_CERTIFICATES;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    NotationReason,
    envelope::{Attributes, Envelope, attribute},
};
use crate::{Part, Reason, json};

#[derive(Deserialize)]
struct Flattened {
    payload: String,
    protected: String,
    header: Unprotected,
    signature: String,
}

#[derive(Deserialize)]
struct Unprotected {
    #[serde(default)]
    x5c: Vec<String>,
    #[serde(rename = "io.cncf.notary.timestampSignature")]
    timestamp: Option<String>,
}

/// Takes an envelope apart.
pub(super) fn parse(bytes: &[u8]) -> Result<Envelope, Reason> {
    let flattened: Flattened = json::read(bytes, Part::Envelope)?;
    let protected = url_safe(&flattened.protected, Part::Attributes)?;
    let protected: Map<String, Value> = json::read(&protected, Part::Attributes)?;
    if flattened.header.x5c.len() > CHAIN_CERTIFICATES {
        return Err(NotationReason::ChainLength(flattened.header.x5c.len()).into());
    }
    let chain =
        flattened.header.x5c.iter().map(|one| standard(one, Part::Chain)).collect::<Result<_, _>>()?;
    let timestamp = flattened.header.timestamp.filter(|text| !text.is_empty());
    Ok(Envelope {
        signed: format!("{}.{}", flattened.protected, flattened.payload).into_bytes(),
        signature: url_safe(&flattened.signature, Part::SignatureValue)?,
        algorithm: text(&protected, "alg")?.unwrap_or_default(),
        content_type: text(&protected, "cty")?.unwrap_or_default(),
        attributes: attributes(&protected)?,
        payload: url_safe(&flattened.payload, Part::Payload)?,
        chain,
        timestamp: timestamp.map(|text| standard(&text, Part::Timestamp)).transpose()?,
    })
}

fn attributes(protected: &Map<String, Value>) -> Result<Attributes, Reason> {
    let critical = match protected.get("crit") {
        None => Vec::new(),
        Some(value) => Vec::<String>::deserialize(value).map_err(|error| malformed(&error))?,
    };
    let plugin = [attribute::PLUGIN, attribute::PLUGIN_VERSION];
    Ok(Attributes {
        scheme: text(protected, attribute::SCHEME)?.unwrap_or_default(),
        time: time(protected, attribute::TIME)?,
        authentic_time: time(protected, attribute::AUTHENTIC_TIME)?,
        expiry: time(protected, attribute::EXPIRY)?,
        critical,
        plugin: plugin.into_iter().find(|name| protected.contains_key(*name)),
    })
}

fn text(protected: &Map<String, Value>, name: &str) -> Result<Option<String>, Reason> {
    match protected.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(malformed(&format!("`{name}` is no text"))),
    }
}

fn time(protected: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Reason> {
    let time = |text: String| text.parse().map_err(|error: jiff::Error| malformed(&error));
    text(protected, name)?.map(time).transpose()
}

fn malformed(fault: &impl std::fmt::Display) -> Reason {
    Reason::malformed(Part::Attributes, fault)
}

fn url_safe(text: &str, part: Part) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| Reason::malformed(part, &error))
}

fn standard(text: &str, part: Part) -> Result<Vec<u8>, Reason> {
    STANDARD.decode(text).map_err(|error| Reason::malformed(part, &error))
}
