//! Names, versions, ranges and patterns.

use std::fmt::{Debug, Display};

use oci_artifact::{
    archive::MemberPath,
    duration,
    manifest::{Annotation, Platform},
    name::{
        Digest, Host, IdentityPattern, Pattern, Range, Reference, Repository, Revision, Tag, Version, select,
    },
};
use oci_registry::auth::LoginPlace;
use oci_server::tls::spiffe::{Allowed, Id};

use crate::{first_line, is_line};

/// Text in all the grammars of names.
pub(crate) fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(reference) = stable(text, Reference::parse) {
        let host = reference.repository.host().to_string();
        assert!(!host.is_empty() && !host.contains(['/', '@', '?', '#', '\\']), "{host:?}");
        let path = reference.repository.path();
        assert!(path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{path:?}");
        drop(reference.target_or_latest());
    }
    message(Reference::parse_url(text));
    stable(text, Repository::parse);
    stable(text, Host::parse);
    stable(text, Tag::parse);
    stable(text, Revision::parse);
    if let Some(digest) = stable(text, Digest::parse) {
        assert!(digest.hex().bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    }
    if let Some(path) = stable(text, MemberPath::parse) {
        assert!(path.components().all(|part| !matches!(part, "" | "." | "..")), "{path}");
    }
    if let (Some(allowed), Some(id)) = (stable(text, str::parse::<Allowed>), stable(text, str::parse::<Id>)) {
        assert!(allowed.means(&id, id.domain()), "{allowed}");
    }
    if let Some(platform) = Platform::parse(text) {
        assert_eq!(Platform::parse(&platform.to_string()), Some(platform));
    }
    message(text.parse::<Annotation>());
    message(duration::parse(text));
    message(LoginPlace::parse(text));
}

/// A range, and tags, one a line.
pub(crate) fn versions(bytes: &[u8]) {
    let Some((first, rest)) = first_line(bytes) else { return };
    let range = stable(first, Range::parse);
    stable(first, Version::parse);
    let mut tags: Vec<Tag> = rest.lines().take(64).filter_map(|line| Tag::parse(line).ok()).collect();
    if let Some(range) = range {
        let newest = select::newest(&tags, &range, None);
        tags.reverse();
        assert_eq!(select::newest(&tags, &range, None), newest, "the order of the tags decides");
        let versions = tags.iter().filter_map(|tag| Version::parse_tag_strict(tag.as_str()).ok());
        let best = versions.filter(|version| range.matches(version)).max();
        let newest = newest.map(|tag| Version::parse_tag_strict(tag.as_str()).unwrap());
        assert!(newest >= best, "{newest:?} is not the newest, {best:?} is");
    }
    let sorted = select::sort_for_list(tags.clone());
    assert_eq!(sorted.len(), tags.len());
    assert_eq!(select::sort_for_list(sorted.clone()), sorted);
}

/// A pattern, and text to find it in.
pub(crate) fn patterns(bytes: &[u8]) {
    let Some((first, rest)) = first_line(bytes) else { return };
    if let Some(pattern) = message(Pattern::parse(first)) {
        assert_eq!(pattern.as_str(), first);
        pattern.is_match(rest);
        let _ = (pattern.is_anchored(), pattern.is_open());
        let identity = IdentityPattern { issuer: pattern.clone(), subject: pattern };
        identity.is_match(rest, first);
    }
    if let Some(exact) = message(Pattern::exactly(rest)) {
        assert!(exact.is_match(rest) && !exact.is_match(&format!("{rest}x")), "{exact}");
    }
}

/// What is parsed, which printed, parsed and printed again is the same.
fn stable<T: Debug + Display, E: Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
    let value = message(parse(text))?;
    let printed = value.to_string();
    let again = parse(&printed).map(|value| value.to_string()).ok();
    assert_eq!(again.as_ref(), Some(&printed), "{value:?}");
    Some(value)
}

fn message<T, E: Display>(result: Result<T, E>) -> Option<T> {
    result.inspect_err(|error| is_line(&error.to_string())).ok()
}
