//! The object of a request: what of it is read, and what is wrong with it.

use std::{borrow::Cow, fmt};

use oci_crds::{
    v1::Spec,
    validate::{self, Code, Fault},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::{limits::CAUSES, wire::Cause};

/// An object whose spec is not parsed yet.
pub(super) struct Object<'a> {
    pub(super) metadata: Metadata<'a>,
    spec: Option<&'a RawValue>,
}

/// Its fields that are read.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

/// Takes an object only: by itself serde also takes a list for a structure, field by field.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<'de>, A::Error> {
        let Fields { metadata, spec } = Fields::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Object { metadata, spec })
    }
}

/// The metadata that matters.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    generate_name: Cow<'a, str>,
    deletion_timestamp: Option<IgnoredAny>,
}

impl Metadata<'_> {
    /// Whether it is on its way out: then only its finalizers are waited for, and nothing may hold it up.
    pub(super) fn is_deleted(&self) -> bool {
        self.deletion_timestamp.is_some()
    }

    /// The name, or the beginning of the one that the API server will give.
    pub(super) fn name(&self) -> &str {
        if self.name.is_empty() { &self.generate_name } else { &self.name }
    }
}

/// What is wrong with an object.
#[derive(Default)]
pub(super) struct Finding {
    /// Why it is refused; empty if it is not.
    pub(super) causes: Vec<Cause>,
    /// The rules behind the causes.
    pub(super) codes: Vec<Code>,
    /// What is said beside.
    pub(super) warnings: Vec<String>,
}

impl Finding {
    /// The object is none at all.
    pub(super) fn unreadable(why: &str) -> Self {
        let cause = Cause { reason: "FieldValueInvalid", message: why.to_owned(), field: String::new() };
        Self { causes: vec![cause], ..Self::default() }
    }

    fn of(faults: &[Fault], warnings: Vec<String>) -> Self {
        let mut codes: Vec<Code> = faults.iter().map(|fault| fault.code).collect();
        let mut causes: Vec<Cause> = faults.iter().take(CAUSES).map(cause).collect();
        if let Some(more) = faults.len().checked_sub(CAUSES).filter(|more| *more > 0) {
            let message = format!("{more} more faults are not listed");
            causes.push(Cause { reason: "FieldValueInvalid", message, field: "spec".to_owned() });
        }
        codes.truncate(CAUSES);
        Self { causes, codes, warnings }
    }
}

impl<'a> Object<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Judges the object, which is written over `old`.
    pub(super) fn judge(&self, old: Option<&Object<'_>>, warn_only: &[Code]) -> Finding {
        // Writes of labels, annotations and finalizers, which are the most: nothing to parse.
        if old.is_some_and(|old| text(old.spec) == text(self.spec)) {
            return Finding::default();
        }
        let new = match decode(self.spec) {
            Ok(spec) => spec,
            Err(error) => return self.undecodable(old, &error),
        };
        let old = old.and_then(|old| decode(old.spec).ok());
        let judgement = validate::judge(&new, old.as_ref(), warn_only);
        let warnings = judgement.warnings.iter().take(CAUSES).map(ToString::to_string).collect();
        Finding::of(&judgement.refused, warnings)
    }

    /// A spec that does not fit the types. The API server's schema lets none through, unless it was stored before.
    fn undecodable(&self, old: Option<&Object<'_>>, error: &serde_json::Error) -> Finding {
        let faults = self.type_faults();
        if faults.is_empty() {
            let message = format!("the spec cannot be read: {error}");
            let cause = Cause { reason: "FieldValueInvalid", message, field: "spec".to_owned() };
            return Finding { causes: vec![cause], ..Finding::default() };
        }
        let before = old.map(Object::type_faults).unwrap_or_default();
        let (known, new): (Vec<Fault>, Vec<Fault>) =
            faults.into_iter().partition(|fault| before.iter().any(|older| fault.is_same(older)));
        let warnings =
            known.iter().take(CAUSES).map(|fault| crate::wire::shown(&fault.to_string())).collect();
        Finding::of(&new, warnings)
    }

    /// The fields that have another type than the schema wants. Builds a tree, which only a spec at fault is worth.
    fn type_faults(&self) -> Vec<Fault> {
        let spec = serde_json::from_str::<serde_json::Value>(text(self.spec));
        let faults = spec.map(|spec| oci_crds::schema::check(&serde_json::json!({ "spec": spec })));
        let mut faults = faults.unwrap_or_default();
        faults.retain(|fault| fault.code == Code::TypeMismatch);
        faults
    }
}

fn text(spec: Option<&RawValue>) -> &str {
    spec.map_or("null", RawValue::get)
}

/// The spec; an absent one is empty.
fn decode(spec: Option<&RawValue>) -> Result<Spec, serde_json::Error> {
    spec.map_or_else(|| Ok(Spec::default()), |spec| map(spec.get()))
}

/// Parses what must be a JSON object: serde also takes a list for a structure, field by field.
fn map<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    if text.starts_with('{') {
        return serde_json::from_str(text);
    }
    Err(serde_json::Error::custom("it is no JSON object"))
}

fn cause(fault: &Fault) -> Cause {
    let message = match &fault.hint {
        Some(hint) => format!("{}; {hint}", fault.message),
        None => fault.message.clone(),
    };
    Cause { reason: reason(fault.code), message, field: fault.path.to_string() }
}

/// The API server's own word for that sort of fault.
fn reason(code: Code) -> &'static str {
    match code {
        Code::UrlMissing
        | Code::IntervalMissing
        | Code::FieldMissing
        | Code::VerifyNotationSecret
        | Code::VerifyAnyone
        | Code::VerifyIdentityEmpty => "FieldValueRequired",
        Code::EnumUnknown | Code::LayerOperation | Code::ProviderUnknown | Code::VerifyProvider => {
            "FieldValueNotSupported"
        }
        Code::RefSemverFilterUnused
        | Code::VerifyIdentitiesUnused
        | Code::VerifyTrustedRootUnused
        | Code::InsecureCertificate => "FieldValueForbidden",
        Code::TypeMismatch => "FieldValueTypeInvalid",
        Code::UrlLong => "FieldValueTooLong",
        _ => "FieldValueInvalid",
    }
}
