//! The path of a member: relative, UTF-8, and the same thing to every reader.
//!
//! A path that a file system, a shell or another tar reader might understand differently is refused, never repaired
//! and never skipped (CVE-2018-15664 and its many cousins). The one exception is a leading `./`, which `tar -C dir .`
//! writes before every name.

use std::fmt;

use crate::limits;

use super::Error;

/// A relative path of normal components, `deploy/app.yaml`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberPath(Box<str>);

/// What is wrong with a member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// No name at all.
    #[error("the name is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the name is not valid UTF-8")]
    NotUtf8,
    /// Begins with `/`.
    #[error("the name is an absolute path")]
    Absolute,
    /// Contains `\`, a separator on some systems.
    #[error("the name contains a backslash")]
    Backslash,
    /// Begins with a drive such as `C:`.
    #[error("the name begins with a drive letter")]
    Drive,
    /// NUL, newline, escape or another control character.
    #[error("the name contains a control character")]
    Control,
    /// A component `..`.
    #[error("the name contains `..`")]
    Parent,
    /// A component `.` or an empty one.
    #[error("the name has an empty component or `.`")]
    Component,
    /// A file whose name ends with `/`.
    #[error("the name of a file ends with a slash")]
    TrailingSlash,
    /// Too many components.
    #[error("the name has more than {} components", limits::PATH_DEPTH)]
    Deep,
    /// Too many bytes.
    #[error("the name has more than {} bytes", limits::PATH_BYTES)]
    Long,
}

impl MemberPath {
    /// Parses a path that must already be in its only form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_bytes(text.as_bytes())
    }

    /// Like [`MemberPath::parse`], of bytes that may not be UTF-8.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let text = check(bytes).map_err(|fault| Error::Path { member: shown(bytes), fault })?;
        Ok(Self(text.into()))
    }

    /// The name in a tar header; `None` is the root of the archive, `.` or `./`.
    ///
    /// A folder may end with a slash. Leading `./` is dropped.
    pub(super) fn of_member(bytes: &[u8], folder: bool) -> Result<Option<Self>, Error> {
        let refused = |fault| Error::Path { member: shown(bytes), fault };
        let mut name = bytes;
        if folder && name.len() > 1 {
            name = name.strip_suffix(b"/").unwrap_or(name);
        }
        if folder && name == b"." {
            return Ok(None);
        }
        name = name.strip_prefix(b"./").unwrap_or(name);
        if !folder && name.ends_with(b"/") && !name.starts_with(b"/") {
            return Err(refused(PathFault::TrailingSlash));
        }
        let text = check(name).map_err(refused)?;
        Ok(Some(Self(text.into())))
    }

    /// The path with `/` between its components.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The folder that the member is in; `None` at the top.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

fn check(bytes: &[u8]) -> Result<&str, PathFault> {
    if bytes.is_empty() {
        return Err(PathFault::Empty);
    }
    if bytes.len() > limits::PATH_BYTES {
        return Err(PathFault::Long);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PathFault::NotUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(PathFault::Control);
    }
    if text.contains('\\') {
        return Err(PathFault::Backslash);
    }
    if text.starts_with('/') {
        return Err(PathFault::Absolute);
    }
    if matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err(PathFault::Drive);
    }
    for component in text.split('/') {
        match component {
            ".." => return Err(PathFault::Parent),
            "" | "." => return Err(PathFault::Component),
            _ => {}
        }
    }
    if text.split('/').count() > limits::PATH_DEPTH {
        return Err(PathFault::Deep);
    }
    Ok(text)
}

/// At most 80 characters of a foreign name, control characters escaped: fit for an error message.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..400).unwrap_or(bytes));
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if bytes.len() > 400 || text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> PathFault {
        match MemberPath::of_member(bytes, false) {
            Err(Error::Path { fault, .. }) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn path_accepts_normal_components() {
        for text in ["a", "a/b", "..a/b..", "a b/ä/日本", ".hidden", "-rf", "..."] {
            assert_eq!(MemberPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn path_refuses_what_readers_disagree_about() {
        assert_eq!(fault(b""), PathFault::Empty);
        assert_eq!(fault(b"a/"), PathFault::TrailingSlash);
        assert_eq!(fault(b"/a"), PathFault::Absolute);
        assert_eq!(fault(b"//a"), PathFault::Absolute);
        assert_eq!(fault(b"../a"), PathFault::Parent);
        assert_eq!(fault(b"a/../../b"), PathFault::Parent);
        assert_eq!(fault(b"a/.."), PathFault::Parent);
        assert_eq!(fault(b"."), PathFault::Component);
        assert_eq!(fault(b"a//b"), PathFault::Component);
        assert_eq!(fault(b"a/./b"), PathFault::Component);
        assert_eq!(fault(b"././a"), PathFault::Component);
        assert_eq!(fault(b"..\\a"), PathFault::Backslash);
        assert_eq!(fault(b"C:a"), PathFault::Drive);
        assert_eq!(fault(b"c:/a"), PathFault::Drive);
        assert_eq!(fault(b"a\nb"), PathFault::Control);
        assert_eq!(fault(b"a\x1b[2J"), PathFault::Control);
        assert_eq!(fault(b"a\0b"), PathFault::Control);
        assert_eq!(fault(b"a\xff"), PathFault::NotUtf8);
        assert_eq!(fault(b"a\xc0\xafb"), PathFault::NotUtf8);
    }

    #[test]
    fn path_has_exactly_the_limits() {
        let deep = |count: usize| vec!["d"; count].join("/");
        assert!(MemberPath::parse(&deep(limits::PATH_DEPTH)).is_ok());
        assert_eq!(fault(deep(limits::PATH_DEPTH + 1).as_bytes()), PathFault::Deep);
        assert!(MemberPath::parse(&"n".repeat(limits::PATH_BYTES)).is_ok());
        assert_eq!(fault("n".repeat(limits::PATH_BYTES + 1).as_bytes()), PathFault::Long);
    }

    #[test]
    fn path_of_a_folder_may_end_with_a_slash() {
        let folder = |bytes| MemberPath::of_member(bytes, true).unwrap();
        assert_eq!(folder(b"."), None);
        assert_eq!(folder(b"./"), None);
        assert_eq!(folder(b"a/").unwrap().as_str(), "a");
        assert_eq!(folder(b"./a/b/").unwrap().as_str(), "a/b");
        assert!(MemberPath::of_member(b"a//", true).is_err());
        assert!(MemberPath::of_member(b"/", true).is_err());
        assert!(MemberPath::of_member(b".//", true).is_err());
    }

    #[test]
    fn path_drops_one_leading_dot_of_a_file() {
        assert_eq!(MemberPath::of_member(b"./a/b", false).unwrap().unwrap().as_str(), "a/b");
    }

    #[test]
    fn path_in_a_message_is_short_and_escaped() {
        let message = MemberPath::of_member(&[b"\x1b[31m".as_slice(), &[b'x'; 5_000]].concat(), false)
            .unwrap_err()
            .to_string();
        assert!(message.len() < 300 && !message.contains('\x1b'), "{message}");
    }

    #[test]
    fn path_knows_its_parts() {
        let path = MemberPath::parse("a/b/c").unwrap();
        assert_eq!((path.parent(), path.name()), (Some("a/b"), "c"));
        let top = MemberPath::parse("c").unwrap();
        assert_eq!((top.parent(), top.name()), (None, "c"));
    }
}
