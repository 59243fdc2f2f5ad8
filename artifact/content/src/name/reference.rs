//! Repositories and references: `oci://host[:port]/path[:tag|@digest]`.

use std::{fmt, str::FromStr};

use super::{Digest, DigestError, Host, HostError, Tag, TagError, digest::excerpt};
use crate::{Class, Classify};

/// What every artifact URL begins with.
pub const URL_SCHEME: &str = "oci://";

/// Longest repository name without its host, in bytes (as the reference registry).
const NAME_BYTES: usize = 255;

/// A repository: registry host and path, `ghcr.io/org/app`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    host: Host,
    path: Box<str>,
}

/// One manifest of a repository, named by tag or by digest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// By a name that can move.
    Tag(Tag),
    /// By content.
    Digest(Digest),
}

impl Target {
    /// The tag, if it is one.
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Tag(tag) => Some(tag),
            Self::Digest(_) => None,
        }
    }
}

/// A repository, and the manifest in it if one was named.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Where.
    pub repository: Repository,
    /// Which; `None` if the text named neither tag nor digest.
    pub target: Option<Target>,
}

/// Why a text is no artifact URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No `oci://` in front.
    #[error("artifact URL `{0}` must begin with `oci://`")]
    Scheme(String),
    /// The host is wrong.
    #[error("artifact URL `{url}`: {source}")]
    Host {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        source: HostError,
    },
    /// No path after the host.
    #[error("artifact URL `{0}` has no repository after the host")]
    NoPath(String),
    /// Upper case, empty components or characters outside the grammar.
    #[error(
        "artifact URL `{url}`: repository component `{component}` is not valid: use lower-case letters and digits, \
         separated by `.`, `_`, `__` or `-`"
    )]
    Path {
        /// The URL as given.
        url: String,
        /// The component at fault.
        component: String,
    },
    /// Too long.
    #[error("artifact URL `{url}`: the repository name has {length} bytes, more than {NAME_BYTES}")]
    Long {
        /// The URL as given, cut.
        url: String,
        /// Bytes of the path.
        length: usize,
    },
    /// The tag is wrong.
    #[error("artifact URL `{url}`: {source}")]
    Tag {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        source: TagError,
    },
    /// The digest is wrong.
    #[error("artifact URL `{url}`: {source}")]
    Digest {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// Both were given.
    #[error("artifact URL `{0}` has a tag and a digest: give one of them")]
    TagAndDigest(String),
    /// A tag or digest where a bare repository is wanted.
    #[error("artifact URL `{0}` must name a repository, without tag or digest")]
    NotBare(String),
    /// User, password or other URL parts.
    #[error("artifact URL `{0}` must not contain credentials, a query or a fragment")]
    Extra(String),
}

impl Classify for ReferenceError {
    fn reason(&self) -> &'static str {
        "ReferenceInvalid"
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Scheme(_) | Self::Host { .. } | Self::NoPath(_) => {
                Some("write it like `oci://ghcr.io/org/app:v1`".into())
            }
            Self::NotBare(_) => Some("write it like `oci://ghcr.io/org/app`".into()),
            Self::Extra(_) => Some("log in with `kubectl oci login` or `--creds`".into()),
            Self::Path { .. }
            | Self::Long { .. }
            | Self::Tag { .. }
            | Self::Digest { .. }
            | Self::TagAndDigest(_) => None,
        }
    }
}

impl Repository {
    /// Parses `host/path` without scheme, tag or digest.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        Reference::parse(text)?.into_repository()
    }

    /// The registry.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The name of the repository in its registry, `org/app`. Docker Hub's official images have `library/` in front.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// This repository's manifest with that name.
    pub fn with(&self, target: Target) -> Reference {
        Reference { repository: self.clone(), target: Some(target) }
    }
}

impl Reference {
    /// Parses `oci://host/path[:tag|@digest]`.
    pub fn parse_url(url: &str) -> Result<Self, ReferenceError> {
        let rest = url.strip_prefix(URL_SCHEME).ok_or_else(|| ReferenceError::Scheme(excerpt(url)))?;
        parse(rest, url)
    }

    /// Parses `host/path[:tag|@digest]`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        parse(text, text)
    }

    /// The repository, if nothing more was named.
    pub fn into_repository(self) -> Result<Repository, ReferenceError> {
        match self.target {
            None => Ok(self.repository),
            Some(_) => Err(ReferenceError::NotBare(self.to_string())),
        }
    }

    /// The target, or the tag `latest`.
    pub fn target_or_latest(&self) -> Target {
        self.target.clone().unwrap_or_else(|| Target::Tag(Tag::latest()))
    }

    /// The tag, if the reference has one.
    pub fn tag(&self) -> Option<&Tag> {
        self.target.as_ref().and_then(Target::tag)
    }
}

fn parse(text: &str, url: &str) -> Result<Reference, ReferenceError> {
    let quoted = || excerpt(url);
    if text.contains(['?', '#']) {
        return Err(ReferenceError::Extra(excerpt(text.split(['?', '#']).next().unwrap_or_default())));
    }
    let (host, rest) = text.split_once('/').unwrap_or((text, ""));
    if let Some((_, host)) = host.rsplit_once('@') {
        // Never repeat what stands before the `@`: it may be a password.
        return Err(ReferenceError::Extra(format!("…@{}", excerpt(host))));
    }
    let host = Host::parse(host).map_err(|source| ReferenceError::Host { url: quoted(), source })?;
    let (rest, digest) = match rest.split_once('@') {
        Some((name, digest)) => {
            let digest =
                Digest::parse(digest).map_err(|source| ReferenceError::Digest { url: quoted(), source })?;
            (name, Some(digest))
        }
        None => (rest, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) => {
            let tag = Tag::parse(tag).map_err(|source| ReferenceError::Tag { url: quoted(), source })?;
            (name, Some(tag))
        }
        None => (rest, None),
    };
    let path = check_path(path, url)?;
    let target = match (tag, digest) {
        (Some(_), Some(_)) => return Err(ReferenceError::TagAndDigest(quoted())),
        (Some(tag), None) => Some(Target::Tag(tag)),
        (None, Some(digest)) => Some(Target::Digest(digest)),
        (None, None) => None,
    };
    // Docker Hub keeps its official images under `library/`; every client adds it.
    let path =
        if host.is_docker_hub() && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    Ok(Reference { repository: Repository { host, path: path.into() }, target })
}

fn check_path<'a>(path: &'a str, url: &str) -> Result<&'a str, ReferenceError> {
    if path.is_empty() {
        return Err(ReferenceError::NoPath(excerpt(url)));
    }
    if path.len() > NAME_BYTES {
        return Err(ReferenceError::Long { url: excerpt(url), length: path.len() });
    }
    match path.split('/').find(|component| !is_component(component)) {
        Some(component) => Err(ReferenceError::Path { url: excerpt(url), component: excerpt(component) }),
        None => Ok(path),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    alnum(*first)
        && alnum(*last)
        && bytes.split(|b| alnum(*b)).all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As in a request path: the tag or the digest alone.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => fmt::Display::fmt(tag, f),
            Self::Digest(digest) => fmt::Display::fmt(digest, f),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            None => write!(f, "{}", self.repository),
            Some(Target::Tag(tag)) => write!(f, "{}:{tag}", self.repository),
            Some(Target::Digest(digest)) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn reference_prints_what_it_parsed() {
        for text in [
            "ghcr.io/org/app".to_owned(),
            "localhost:5000/app:v1".to_owned(),
            format!("[::1]:5000/a/b/c@{DIGEST}"),
            "r.example/a-b/c.d/e_f/g__h/i---j:1.0.0".to_owned(),
        ] {
            let parsed = Reference::parse_url(&format!("oci://{text}")).unwrap();
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn reference_adds_library_on_docker_hub() {
        assert_eq!(Reference::parse("docker.io/alpine:3").unwrap().to_string(), "docker.io/library/alpine:3");
        assert_eq!(Reference::parse("docker.io/a/b").unwrap().to_string(), "docker.io/a/b");
    }

    #[test]
    fn reference_names_the_fault() {
        let url = |text: &str| Reference::parse_url(text).unwrap_err();
        assert!(matches!(url("ghcr.io/org/app"), ReferenceError::Scheme(_)));
        assert!(matches!(url("https://ghcr.io/org/app"), ReferenceError::Scheme(_)));
        assert!(matches!(url("oci://"), ReferenceError::Host { source: HostError::Missing, .. }));
        assert!(matches!(url("oci://ghcr.io"), ReferenceError::NoPath(_)));
        assert!(matches!(url("oci://ghcr.io/"), ReferenceError::NoPath(_)));
        assert!(matches!(url("oci://ghcr.io/Org/app"), ReferenceError::Path { .. }));
        assert!(matches!(url("oci://ghcr.io/org//app"), ReferenceError::Path { .. }));
        assert!(matches!(url("oci://ghcr.io/org/../app"), ReferenceError::Path { .. }));
        assert!(matches!(url("oci://ghcr.io/org/app%2f"), ReferenceError::Path { .. }));
        assert!(matches!(url("oci://ghcr.io/org/app:"), ReferenceError::Tag { .. }));
        assert!(matches!(url("oci://ghcr.io/org/app@sha256:12"), ReferenceError::Digest { .. }));
        assert!(matches!(
            url(&format!("oci://ghcr.io/org/app:v1@{DIGEST}")),
            ReferenceError::TagAndDigest(_)
        ));
        assert!(matches!(url(&format!("oci://r.example/{}", "a".repeat(256))), ReferenceError::Long { .. }));
        assert!(Reference::parse_url(&format!("oci://r.example/{}", "a".repeat(255))).is_ok());
        assert!(matches!(url("oci://r.example/a?x=y"), ReferenceError::Extra(_)));
    }

    #[test]
    fn reference_never_repeats_a_password() {
        let error = Reference::parse_url("oci://user:hunter2@ghcr.io/org/app").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn repository_refuses_a_tag() {
        assert!(matches!(Repository::parse("ghcr.io/org/app:v1"), Err(ReferenceError::NotBare(_))));
    }
}
