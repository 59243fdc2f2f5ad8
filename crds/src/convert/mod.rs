//! Conversion between the versions of the API, on the bytes of an object.
//!
//! Both versions have the same fields (see [`v1beta2`](crate::v1beta2)), so only the value of `apiVersion` changes.
//! Everything else stays byte for byte as it was: order, unknown fields, numbers of any size, and objects that never
//! were valid.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{GROUP, KIND, VERSIONS};

/// Why an object cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a JSON object with the fields of a Kubernetes object, or one with a field twice.
    #[error("it is no Kubernetes object: {0}")]
    Malformed(String),
    /// Of another group or kind.
    #[error("it is a {kind} of {group_version}, not an {KIND} of {GROUP}")]
    Foreign {
        /// The object's `apiVersion`, cut.
        group_version: String,
        /// The object's kind, cut.
        kind: String,
    },
    /// Of a version that does not exist.
    #[error("there is no version `{0}` of {KIND}: there are {all}", all = VERSIONS.join(" and "))]
    Version(String),
}

/// A version to convert to, `source.toolkit.fluxcd.io/<version>`, as a JSON string with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired(String);

impl Desired {
    /// Parses `source.toolkit.fluxcd.io/v1` or `…/v1beta2`.
    pub fn parse(group_version: &str) -> Result<Self, Error> {
        known(group_version)?;
        Ok(Self(format!("\"{group_version}\"")))
    }

    /// The JSON string, with its quotes.
    pub fn quoted(&self) -> &str {
        &self.0
    }
}

/// The fields that a conversion looks at. Read as they are, so that their place is known.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "apiVersion")]
    api_version: &'a RawValue,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// What names an object in a message: name and namespace, where they can be read.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named<'a> {
    /// `metadata.namespace`
    #[serde(borrow)]
    pub namespace: Option<Cow<'a, str>>,
    /// `metadata.name`
    #[serde(borrow)]
    pub name: Option<Cow<'a, str>>,
}

/// What stands before and behind the version of an object that can be converted: with [`Desired::quoted`] between them
/// they are the object in the desired version. A list can so be cut while it is read, before that version is known.
pub fn around(object: &str) -> Result<(&str, &str), Error> {
    if !is_object(object) {
        return Err(Error::Malformed("it is no JSON object".into()));
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(object).map_err(|error| Error::Malformed(error.to_string()))?;
    let raw = envelope.api_version.get();
    let group_version: Cow<'_, str> =
        serde_json::from_str(raw).map_err(|_| Error::Malformed("its apiVersion is no string".into()))?;
    if envelope.kind != KIND || group_version.split('/').next() != Some(GROUP) {
        return Err(Error::Foreign { group_version: cut(&group_version), kind: cut(&envelope.kind) });
    }
    known(&group_version)?;
    // The raw value is a part of the object's own text: where it begins is a difference of addresses.
    let start = raw.as_ptr().addr().wrapping_sub(object.as_ptr().addr());
    let place = object.get(..start).zip(object.get(start.saturating_add(raw.len())..));
    place.ok_or_else(|| Error::Malformed("its apiVersion has no place".into()))
}

/// Whether JSON text is an object: serde also takes a list for a structure, field by field.
fn is_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{')
}

/// What names the object, for messages. Nothing if that cannot be read.
pub fn named(object: &str) -> Named<'_> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        metadata: Named<'a>,
    }
    if !is_object(object) {
        return Named::default();
    }
    serde_json::from_str::<Outer<'_>>(object).map(|outer| outer.metadata).unwrap_or_default()
}

fn known(group_version: &str) -> Result<(), Error> {
    match group_version.split_once('/') {
        Some((GROUP, version)) if VERSIONS.contains(&version) => Ok(()),
        _ => Err(Error::Version(cut(group_version))),
    }
}

/// Foreign text for a message: short and on one line.
fn cut(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
