//! Names of signers: the part of RFC 4514 that trust policies use.
//!
//! A name is a set of attributes. A signer is trusted if its certificate's subject has all attributes of the policy's
//! name with the same values, letter by letter.

use std::{collections::BTreeMap, fmt};

use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Tag, Tagged as _,
        asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
    },
    name::Name,
};

use crate::reason::excerpt;

/// Attributes that every name in a policy has.
const MANDATORY: [&str; 3] = ["C", "ST", "O"];

/// The attributes for which Notation has a name. A subject with others is no name of Notation's.
const KNOWN: [(ObjectIdentifier, &str); 9] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "SERIALNUMBER"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.17"), "POSTALCODE"),
];

/// A name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Subject(BTreeMap<String, String>);

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// No name of RFC 4514.
    #[error("it is no name of RFC 4514: {0}")]
    Form(&'static str),
    /// A value as hex of its encoding.
    #[error("values that begin with `#` are not supported")]
    Encoded,
    /// Two attributes joined by `+`.
    #[error("attributes joined by `+` are not supported")]
    Joined,
    /// An attribute twice.
    #[error("it has the attribute `{0}` twice")]
    Double(String),
    /// An attribute without a value.
    #[error("its attribute `{0}` is empty")]
    Empty(String),
    /// An attribute that every name has is missing.
    #[error("it has no attribute `{0}`; `C`, `ST` and `O` are mandatory")]
    Mandatory(&'static str),
    /// An attribute for which Notation has no name.
    #[error("it has the attribute {0}, for which Notation has no name")]
    Unknown(String),
    /// A value in an encoding that is not read.
    #[error("its attribute `{0}` cannot be read")]
    Unreadable(&'static str),
}

impl Subject {
    /// Reads a name such as `C=US, ST=WA, O=Example, CN=ci`.
    pub(super) fn parse(text: &str) -> Result<Self, SubjectError> {
        if text.contains("=#") {
            return Err(SubjectError::Encoded);
        }
        let mut attributes = Vec::new();
        let mut rest = text;
        loop {
            let (name, value) = rest.split_once('=').ok_or(SubjectError::Form("an attribute has no `=`"))?;
            if name.contains([',', ';', '+', '\\']) {
                return Err(SubjectError::Form("an attribute has no `=`"));
            }
            let end = unescaped_end(value);
            let (value, after) = value.split_at_checked(end).unwrap_or((value, ""));
            attributes.push((name.trim().to_owned(), unescape(value)?));
            match after.chars().next() {
                None => break,
                Some('+') => return Err(SubjectError::Joined),
                Some(separator) => rest = after.get(separator.len_utf8()..).unwrap_or_default(),
            }
        }
        Self::of(attributes)
    }

    /// Reads the subject of a certificate.
    pub(super) fn of_certificate(name: &Name) -> Result<Self, SubjectError> {
        let mut attributes = Vec::new();
        for set in &name.0 {
            if set.0.len() > 1 {
                return Err(SubjectError::Joined);
            }
            for attribute in set.0.iter() {
                attributes.push(read(attribute)?);
            }
        }
        Self::of(attributes)
    }

    fn of(attributes: Vec<(String, String)>) -> Result<Self, SubjectError> {
        let mut all = BTreeMap::new();
        for (name, value) in attributes {
            let name = if name == "S" { "ST".to_owned() } else { name };
            if name.is_empty() {
                return Err(SubjectError::Form("an attribute has no name"));
            }
            if value.is_empty() {
                return Err(SubjectError::Empty(excerpt(&name)));
            }
            if all.contains_key(&name) {
                return Err(SubjectError::Double(excerpt(&name)));
            }
            all.insert(name, value);
        }
        match MANDATORY.into_iter().find(|name| !all.contains_key(*name)) {
            Some(missing) => Err(SubjectError::Mandatory(missing)),
            None => Ok(Self(all)),
        }
    }

    /// Whether `other` has everything that this has.
    pub(super) fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|(name, value)| other.0.get(name) == Some(value))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Where a value ends: at the first separator that no `\` precedes.
fn unescaped_end(value: &str) -> usize {
    let mut escaped = false;
    for (index, char) in value.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' | ';' | '+' => return index,
            _ => {}
        }
    }
    value.len()
}

/// A value without the spaces around it and with its escapes resolved.
fn unescape(value: &str) -> Result<String, SubjectError> {
    const WRONG: SubjectError = SubjectError::Form("an escape is wrong");
    let mut out = Vec::new();
    let mut kept = 0;
    let mut chars = value.trim_start_matches(' ').chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            let mut bytes = [0; 4];
            out.extend_from_slice(char.encode_utf8(&mut bytes).as_bytes());
            if char != ' ' {
                kept = out.len();
            }
            continue;
        }
        match chars.next().ok_or(WRONG)? {
            char @ (' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') => {
                out.push(u8::try_from(char).map_err(|_| WRONG)?);
            }
            first => {
                let digits = first.to_digit(16).zip(chars.next().and_then(|second| second.to_digit(16)));
                let (first, second) = digits.ok_or(WRONG)?;
                out.push(u8::try_from(first * 16 + second).map_err(|_| WRONG)?);
            }
        }
        kept = out.len();
    }
    out.truncate(kept);
    String::from_utf8(out).map_err(|_| WRONG)
}

/// An attribute of a certificate's subject.
fn read(attribute: &AttributeTypeAndValue) -> Result<(String, String), SubjectError> {
    let known = KNOWN.into_iter().find(|(oid, _)| *oid == attribute.oid);
    let (_, name) = known.ok_or_else(|| SubjectError::Unknown(attribute.oid.to_string()))?;
    let value = &attribute.value;
    let text = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => {
            value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned())
        }
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().map(|text| text.as_str().to_owned()),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned()),
        _ => return Err(SubjectError::Unreadable(name)),
    };
    Ok((name.to_owned(), text.map_err(|_| SubjectError::Unreadable(name))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, String)>, SubjectError> {
        Subject::parse(text).map(|subject| subject.0.into_iter().collect())
    }

    #[test]
    fn subject_takes_spaces_and_escapes_as_rfc_4514_has_them() {
        let of = |pairs: &[(&str, &str)]| {
            Ok(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(
            parse(" C = US , S=WA;O=Acme\\, Inc. ,CN=\\ a\\2Cb\\ "),
            of(&[("C", "US"), ("CN", " a,b "), ("O", "Acme, Inc."), ("ST", "WA")])
        );
        assert_eq!(parse("C=US,ST=\u{dc},O=a=b"), of(&[("C", "US"), ("O", "a=b"), ("ST", "\u{dc}")]));
        assert_eq!(parse("C=US,ST=\\C3\\9C,O=x"), of(&[("C", "US"), ("O", "x"), ("ST", "\u{dc}")]));
    }

    #[test]
    fn subject_names_what_is_wrong_with_a_name() {
        for (text, error) in [
            ("", SubjectError::Form("an attribute has no `=`")),
            ("C=US,ST=WA,O", SubjectError::Form("an attribute has no `=`")),
            ("C=US,ST=WA,O=x,", SubjectError::Form("an attribute has no `=`")),
            ("C=US,ST=WA,O=x,OU,CN=y", SubjectError::Form("an attribute has no `=`")),
            ("C=US,ST=WA,=x", SubjectError::Form("an attribute has no name")),
            ("C=US,ST=WA,O=a\\", SubjectError::Form("an escape is wrong")),
            ("C=US,ST=WA,O=a\\zz", SubjectError::Form("an escape is wrong")),
            ("C=US,ST=WA,O=\\ff", SubjectError::Form("an escape is wrong")),
            ("C=US,ST=WA,O=#0500", SubjectError::Encoded),
            ("C=US,ST=WA,O=a+OU=b", SubjectError::Joined),
            ("C=US,ST=WA,O=a,O=b", SubjectError::Double("O".to_owned())),
            ("C=US,ST=WA,S=a,O=b", SubjectError::Double("ST".to_owned())),
            ("C=US,ST=WA,O= ,CN=a", SubjectError::Empty("O".to_owned())),
            ("C=US,ST=WA,CN=a", SubjectError::Mandatory("O")),
            ("c=US,ST=WA,O=a", SubjectError::Mandatory("C")),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn subject_of_a_certificate_has_no_joined_attributes() {
        let of = |name: &str| Subject::of_certificate(&name.parse().unwrap());
        assert!(of("C=US,ST=WA,O=a,CN=b").is_ok());
        assert_eq!(of("C=US,ST=WA,O=a+CN=b"), Err(SubjectError::Joined));
    }

    #[test]
    fn subject_is_part_of_one_with_the_same_values() {
        let whole = Subject::parse("C=US,ST=WA,O=a,CN=b").unwrap();
        assert!(Subject::parse("C=US,ST=WA,O=a").unwrap().is_part_of(&whole));
        assert!(whole.is_part_of(&whole));
        assert!(!whole.is_part_of(&Subject::parse("C=US,ST=WA,O=a").unwrap()));
        assert!(!Subject::parse("C=US,ST=WA,O=A").unwrap().is_part_of(&whole));
    }
}
