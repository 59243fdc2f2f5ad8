//! A finding: where, what, why, and what to do.

use std::{borrow::Cow, fmt};

use oci_artifact::Classify;
use serde::{Serialize, Serializer};

use super::{Code, Kind};

/// Characters of a foreign value in a message.
const QUOTED: usize = 80;
/// Characters of a warning; the API server cuts what is longer.
const WARNING: usize = 256;

/// Where in an object, as `spec.verify.matchOIDCIdentity[0].subject`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Cow<'static, str>);

impl Path {
    /// A whole path. Rules know theirs, and most specs have no fault: nothing is made for them.
    pub const fn new(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    /// A field of what is here.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        let shown: String = name.chars().take(QUOTED).flat_map(char::escape_debug).collect();
        Self(format!("{self}.{shown}").into())
    }

    /// An item of the list that is here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{self}[{index}]").into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule found it.
    pub code: Code,
    /// Where.
    pub path: Path,
    /// What is wrong, with the value at fault (never with a password).
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it means for the object: the code's own kind, or less where the field is not used anyway.
    pub kind: Kind,
    value: Value,
}

/// The value at fault, to be compared only: it may hold a password.
#[derive(Clone, PartialEq, Eq)]
struct Value(Option<Box<str>>);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Fault {
    pub(crate) fn new(code: Code, path: &Path, value: Option<&str>, message: String) -> Self {
        let value = Value(value.map(Box::from));
        Self { code, path: path.clone(), message, hint: None, kind: code.kind(), value }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the hint of the error that it came of, if that has one.
    pub(crate) fn hint_of(mut self, error: &impl Classify) -> Self {
        self.hint = error.hint();
        self
    }

    /// The field is wrong but not used: Flux runs the object all the same.
    pub(crate) fn unless_used(mut self, used: bool) -> Self {
        if !used && self.kind == Kind::Unusable {
            self.kind = Kind::Refused;
        }
        self
    }

    /// Whether it is the same fault about the same value, in an older state of the object.
    pub fn is_same(&self, older: &Self) -> bool {
        self.code == older.code && self.path == older.path && self.value == older.value
    }
}

/// `path: message`
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Something worth saying that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Which rule says it.
    pub code: Code,
    /// Where.
    pub path: Path,
    /// What, without the path. Together with the path at most 256 characters.
    pub text: String,
}

impl Warning {
    pub(crate) fn new(code: Code, path: Path, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let room = WARNING.saturating_sub(path.as_str().chars().count() + 2);
        if let Some((end, _)) = text.char_indices().nth(room) {
            text.truncate(end);
            text.pop();
            text.push('…');
        }
        Self { code, path, text }
    }
}

/// `path: text`
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// A foreign value for a message: in backticks, short, on one line.
pub(crate) fn quote(text: &str) -> String {
    let mut out: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}
