//! `spec.ref`: which artifact of the repository.

use oci_artifact::{
    Classify,
    name::{Digest, Pattern, Range, Tag},
};

use super::{Code, Fault, Path, Selection, fault::quote, given};
use crate::v1::{Reference, Spec};

/// There is one, but it cannot be used; the faults say why.
struct Unusable;

/// The selection, by Flux's precedence: digest, semver, tag, and `latest` where nothing is said.
pub(super) fn check(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Selection> {
    let Some(reference) = &spec.reference else {
        return Some(Selection::Tag(Tag::latest()));
    };
    let (digest, range, tag) =
        (given(reference.digest.as_ref()), given(reference.semver.as_ref()), given(reference.tag.as_ref()));
    ambiguous(reference, faults);
    let by_digest = digest.map(|text| self::digest(text, faults));
    let by_range = range.map(|text| self::range(text, by_digest.is_none(), faults));
    let by_filter = filter(reference, by_digest.is_none() && by_range.is_some(), faults);
    let by_tag = tag.map(|text| self::tag(text, by_digest.is_none() && by_range.is_none(), faults));
    match (by_digest, by_range, by_tag) {
        (Some(digest), _, _) => digest.map(Selection::Digest),
        (None, Some(range), _) => Some(Selection::Range { range: range?, filter: by_filter.ok()? }),
        (None, None, Some(tag)) => tag.map(Selection::Tag),
        (None, None, None) => Some(Selection::Tag(Tag::latest())),
    }
}

fn ambiguous(reference: &Reference, faults: &mut Vec<Fault>) {
    let all = [("digest", &reference.digest), ("semver", &reference.semver), ("tag", &reference.tag)];
    let set: Vec<(&str, &str)> =
        all.into_iter().filter_map(|(name, text)| Some((name, given(text.as_ref())?))).collect();
    let [(winner, _), _, ..] = set.as_slice() else {
        return;
    };
    let names: Vec<String> = set.iter().map(|(name, text)| format!("{name} {}", quote(text))).collect();
    let message =
        format!("more than one is set: {}; Flux takes the {winner} and ignores the rest", names.join(", "));
    let fault = Fault::new(Code::RefAmbiguous, &Path::new("spec.ref"), Some(&names.join(",")), message);
    faults.push(fault.hint("keep one of tag, semver and digest"));
}

fn digest(text: &str, faults: &mut Vec<Fault>) -> Option<Digest> {
    Digest::parse(text)
        .map_err(|error| {
            let fault =
                Fault::new(Code::RefDigest, &Path::new("spec.ref.digest"), Some(text), error.to_string());
            faults.push(fault.hint("`kubectl oci inspect artifact` shows the digest of a tag"));
        })
        .ok()
}

fn range(text: &str, used: bool, faults: &mut Vec<Fault>) -> Option<Range> {
    Range::parse(text)
        .map_err(|error| {
            let fault =
                Fault::new(Code::RefSemver, &Path::new("spec.ref.semver"), Some(text), error.to_string());
            let hint = error.hint().unwrap_or_else(|| "write a range like `>=1.0.0 <2.0.0` or `1.x`".into());
            faults.push(fault.hint(hint).unless_used(used));
        })
        .ok()
}

fn filter(reference: &Reference, used: bool, faults: &mut Vec<Fault>) -> Result<Option<Pattern>, Unusable> {
    let Some(text) = given(reference.semver_filter.as_ref()) else {
        return Ok(None);
    };
    let path = Path::new("spec.ref.semverFilter");
    if given(reference.semver.as_ref()).is_none() {
        let message = format!("the filter {} does nothing without `semver`", quote(text));
        let fault = Fault::new(Code::RefSemverFilterUnused, &path, Some(text), message);
        faults.push(
            fault.hint("add `semver: \"*\"` to take the highest version that it matches, or remove it"),
        );
    }
    Pattern::parse(text).map(Some).map_err(|error| {
        let fault = Fault::new(Code::RefSemverFilter, &path, Some(text), error.to_string());
        faults.push(fault.hint_of(&error).unless_used(used));
        Unusable
    })
}

fn tag(text: &str, used: bool, faults: &mut Vec<Fault>) -> Option<Tag> {
    let path = Path::new("spec.ref.tag");
    Tag::parse(text)
        .map_err(|error| {
            let fault = match text.split_once('@') {
                Some((tag, digest)) if digest.contains(':') => {
                    let message = format!("{} has a digest behind the tag", quote(text));
                    let hint = format!(
                        "write `digest: {}` instead of `tag`; it says all that {} does",
                        cut(digest),
                        quote(tag)
                    );
                    Fault::new(Code::RefTagDigest, &path, Some(text), message).hint(hint)
                }
                _ if Digest::parse(text).is_ok() => {
                    let message = format!("{} is a digest, not a tag", quote(text));
                    Fault::new(Code::RefTagDigest, &path, Some(text), message)
                        .hint(format!("write `digest: {}` instead of `tag`", cut(text)))
                }
                _ => Fault::new(Code::RefTag, &path, Some(text), error.to_string()),
            };
            faults.push(fault.unless_used(used));
        })
        .ok()
}

/// A digest for a hint, which must be whole to be of use.
fn cut(text: &str) -> String {
    text.chars().take(140).flat_map(char::escape_debug).collect()
}
