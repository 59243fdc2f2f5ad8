//! What a scalar means to kubectl.
//!
//! The rules are those of go-yaml 2, `resolve.go`, below `sigs.k8s.io/yaml` 1.6: quoted and block scalars are text. Of
//! the others, `y`, `yes`, `on`, `true` and their opposites are booleans, in the three usual spellings; `~`, `null` and
//! nothing are null; numbers are Go's, with `0x`, `0o`, `0b`, a leading `0` for octal, and `_` anywhere. Dates stay text.
//! Infinity and NaN are no JSON, kubectl refuses them. A whole number with a fraction or an exponent (`5.0`, `1e3`)
//! arrives as an integer.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A scalar as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar<'a> {
    /// The text, without quotes, escapes resolved.
    pub(crate) text: Cow<'a, str>,
    /// Whether it stands there without quotes.
    pub(crate) plain: bool,
    pub(super) tag: Tag,
}

/// An explicit tag, as in `!!str 5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    Str,
    Bool,
    Int,
    Float,
    Null,
    Binary,
    /// Of no meaning to kubectl: the value stays a text.
    Other,
}

impl Tag {
    pub(super) fn of(tag: &granit_parser::Tag) -> Self {
        match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
            Some("str" | "timestamp") => Self::Str,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("null") => Self::Null,
            Some("binary") => Self::Binary,
            Some(_) | None => Self::Other,
        }
    }
}

impl Scalar<'_> {
    /// The value as JSON.
    pub(super) fn value(&self) -> Result<Value, String> {
        let found = match self.tag {
            Tag::None if !self.plain => return Ok(self.as_text()),
            Tag::Str | Tag::Other => return Ok(self.as_text()),
            Tag::Binary => return Err("the tag `!!binary` is not supported: write the base64 text".into()),
            Tag::None | Tag::Bool | Tag::Int | Tag::Float | Tag::Null => resolve(&self.text)?,
        };
        let fits = match self.tag {
            Tag::Bool => found.is_boolean(),
            Tag::Int => found.is_i64() || found.is_u64(),
            Tag::Float => found.is_number(),
            Tag::Null => found.is_null(),
            Tag::None | Tag::Str | Tag::Binary | Tag::Other => true,
        };
        if fits { Ok(found) } else { Err(format!("`{}` is not what its tag says", short(&self.text))) }
    }

    /// The value as the key of a mapping, which is a text in JSON.
    pub(super) fn key(&self) -> Result<Cow<'_, str>, String> {
        match self.value()? {
            Value::Null => Err("a field without a name".into()),
            Value::Bool(value) => Ok(if value { "true" } else { "false" }.into()),
            Value::Number(number) => Ok(number.to_string().into()),
            Value::String(_) | Value::Array(_) | Value::Object(_) => Ok(Cow::Borrowed(&self.text)),
        }
    }

    /// `<<`, which copies the fields of other mappings.
    pub(super) fn is_merge(&self) -> bool {
        self.plain && self.tag == Tag::None && self.text == "<<"
    }

    fn as_text(&self) -> Value {
        Value::String(self.text.clone().into_owned())
    }
}

/// A scalar without quotes.
fn resolve(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => false.into(),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => return Err(format!("`{text}` is no number that JSON has")),
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    })
}

fn number(text: &str) -> Option<Number> {
    if text.starts_with('.') {
        return float(text);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).or_else(|| float(&digits))
}

/// `strconv.ParseInt` with base 0, and `ParseUint` for what is larger.
fn integer(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.get(..1)?, digits),
        None => ("", text),
    };
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, digits.get(2..)?),
        Some("0o") => (8, digits.get(2..)?),
        Some("0b") => (2, digits.get(2..)?),
        Some(other) if other.starts_with('0') => (8, digits.get(1..)?),
        Some(_) | None => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{digits}"), radix).map(Number::from);
    signed.or_else(|_| u64::from_str_radix(digits, radix).map(Number::from)).ok().filter(|number| {
        // Only what has no sign may be larger than a signed integer.
        number.is_i64() || sign.is_empty()
    })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, which a value too large for 64 bits does not match.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let shaped = digits(whole) && digits(fraction) && digits(exponent) && !exponent.is_empty();
    if !shaped {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    // Go writes a whole number without a point, and the API server then reads an integer.
    let written = format!("{value}");
    written.parse::<i64>().map(Number::from).ok().or_else(|| Number::from_f64(value))
}

/// A foreign text for a message.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}
