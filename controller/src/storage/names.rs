//! Names of folders and files.

use oci_artifact::name::{Algorithm, Digest};
use oci_source::store::{Owner, StoreError};

/// The folder of everything, below the storage's root.
pub(crate) const KIND: &str = "ocirepository";
/// The link to the newest file of a folder.
pub(crate) const LATEST: &str = "latest.tar.gz";
/// What every file ends with.
const ENDING: &str = ".tar.gz";

/// The folder of an owner below [`KIND`]: `<namespace>/<name>`, if both are names that the cluster can have.
pub(super) fn key(owner: &Owner) -> Result<String, StoreError> {
    for part in [&owner.namespace, &owner.name] {
        if !is_subdomain(part) {
            return Err(StoreError::Name(part.clone()));
        }
    }
    Ok(format!("{}/{}", owner.namespace, owner.name))
}

/// The owner of a folder.
pub(super) fn owner(key: &str) -> Option<Owner> {
    let (namespace, name) = key.split_once('/')?;
    Some(Owner { namespace: namespace.to_owned(), name: name.to_owned() })
}

/// DNS-1123: at most 253 bytes; labels of lower-case letters, digits and inner hyphens between dots.
pub(super) fn is_subdomain(text: &str) -> bool {
    let label = |label: &str| {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = label.as_bytes();
        bytes.first().is_some_and(plain)
            && bytes.last().is_some_and(plain)
            && bytes.iter().all(|byte| plain(byte) || *byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// What an entry of a folder is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An artifact.
    Artifact,
    /// The link to the newest one.
    Latest,
    /// What a process that was killed has left: Flux's locks and half-written files.
    Leftover,
    /// Nothing of ours.
    Foreign,
}

/// What an entry of a folder is, by its name.
pub(super) fn kind(name: &str) -> Kind {
    if name == LATEST {
        return Kind::Latest;
    }
    if name.strip_suffix(".lock").or_else(|| name.strip_suffix(".tmp")).is_some_and(is_ours) {
        return Kind::Leftover;
    }
    if is_artifact(name) {
        return Kind::Artifact;
    }
    let whole = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    if is_artifact(whole) { Kind::Leftover } else { Kind::Foreign }
}

fn is_ours(name: &str) -> bool {
    name == LATEST || is_artifact(name)
}

fn is_artifact(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(ENDING) else {
        return false;
    };
    let (digest, rest) = stem.split_once('-').unwrap_or((stem, "0"));
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    Digest::parse(digest).is_ok() && (1..=128).contains(&rest.len()) && rest.bytes().all(hex)
}

/// Whether a file was made from this revision.
pub(super) fn is_of(name: &str, revision: &Digest) -> bool {
    name.strip_prefix(revision.algorithm().name())
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|rest| rest.strip_prefix(revision.hex()))
        .is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// Names for content that is made from `revision`, the best first. The plain one is for the first content only, so
/// that a name never means two contents; the longer ones are for contents whose digests begin alike.
pub(super) fn candidates<'a>(
    revision: &'a Digest,
    content: &'a Digest,
    first: bool,
) -> impl Iterator<Item = String> + 'a {
    let plain = first.then(|| format!("{revision}{ENDING}"));
    let marked = [8, 16, 64].into_iter().filter_map(move |length| {
        content.hex().get(..length).map(|mark| format!("{revision}-{mark}{ENDING}"))
    });
    plain.into_iter().chain(marked)
}

/// Whether a path is below the folder of an owner: what a status says is no path, only a text to look up.
pub(super) fn below<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let name = path.strip_prefix(KIND)?.strip_prefix('/')?.strip_prefix(key)?.strip_prefix('/')?;
    (kind(name) == Kind::Artifact).then_some(name)
}

/// The name of a file in a bucket: it says what is in it, so that nobody who reads it need trust anybody, and no two
/// contents can have it.
pub(super) fn certain(revision: &Digest, content: &Digest) -> String {
    format!("{revision}-{}{ENDING}", content.hex())
}

/// What is in a file with such a name.
pub(super) fn content(name: &str) -> Option<Digest> {
    let (_, hex) = name.strip_suffix(ENDING)?.split_once('-')?;
    let mut all = [Algorithm::Sha256, Algorithm::Sha512].into_iter();
    let digest = all.find_map(|algorithm| Digest::parse(&format!("{}:{hex}", algorithm.name())).ok())?;
    is_artifact(name).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn kind_knows_what_is_ours() {
        for (name, expected) in [
            (format!("sha256:{HEX}.tar.gz"), Kind::Artifact),
            (format!("sha256:{HEX}-0123abcd.tar.gz"), Kind::Artifact),
            (format!("sha512:{HEX}{HEX}.tar.gz"), Kind::Artifact),
            ("latest.tar.gz".to_owned(), Kind::Latest),
            (format!("sha256:{HEX}.tar.gz.lock"), Kind::Leftover),
            (format!("sha256:{HEX}.tar.gz1234567"), Kind::Leftover),
            ("latest.tar.gz.tmp".to_owned(), Kind::Leftover),
            (format!("sha256:{HEX}-.tar.gz"), Kind::Foreign),
            (format!("sha256:{HEX}-xyz.tar.gz"), Kind::Foreign),
            (format!("sha256:{HEX}.tar"), Kind::Foreign),
            (format!("{HEX}.tar.gz"), Kind::Foreign),
            ("notes.lock".to_owned(), Kind::Foreign),
            (String::new(), Kind::Foreign),
        ] {
            assert_eq!(kind(&name), expected, "{name}");
        }
    }

    #[test]
    fn key_refuses_what_leads_elsewhere() {
        let owner = |namespace: &str, name: &str| Owner { namespace: namespace.into(), name: name.into() };
        let long = format!("{}.{}", "a".repeat(126), "b".repeat(126));
        for name in ["app", "a", "0", "a.b-c.d", long.as_str()] {
            let owner = owner("apps", name);
            let key = key(&owner).unwrap();
            assert_eq!(key, format!("apps/{name}"));
            assert_eq!(super::owner(&key), Some(owner));
        }
        let longer = format!("{long}c");
        for name in
            ["", ".", "..", "../x", "a/b", "/a", "-a", "a-", "a..b", ".a", "A", "a\0", "ä", "a b", &longer]
        {
            assert!(key(&owner("apps", name)).is_err(), "{name:?}");
            assert!(key(&owner(name, "app")).is_err(), "{name:?}");
        }
    }

    #[test]
    fn candidates_mark_every_content_but_the_first() {
        let (revision, content) = (Digest::of(b"revision"), Digest::of(b"content"));
        let names: Vec<_> = candidates(&revision, &content, true).collect();
        assert_eq!(names[0], format!("{revision}.tar.gz"));
        assert_eq!(names[1], format!("{revision}-{}.tar.gz", &content.hex()[..8]));
        assert_eq!(candidates(&revision, &content, false).collect::<Vec<_>>(), names[1..]);
        assert!(names.iter().all(|name| kind(name) == Kind::Artifact && is_of(name, &revision)));
        assert!(!is_of(&names[0], &content));
    }

    #[test]
    fn certain_names_say_what_is_in_the_file() {
        let revision = Digest::of(b"revision");
        let long = format!("sha512:{}", "0f".repeat(64));
        for digest in [Digest::of(b"content"), Digest::parse(&long).unwrap()] {
            let name = certain(&revision, &digest);
            assert_eq!((kind(&name), content(&name)), (Kind::Artifact, Some(digest)));
            assert!(is_of(&name, &revision));
        }
        for name in [format!("{revision}.tar.gz"), format!("{revision}-0123abcd.tar.gz"), LATEST.to_owned()] {
            assert_eq!(content(&name), None, "{name}");
        }
        assert_eq!(content(&format!("x-{HEX}.tar.gz")), None);
        assert_eq!(content(&format!("sha256:{HEX}-{}.tar.gz", HEX.to_uppercase())), None);
    }
}
