//! Tags of the repository that is being typed, asked of its registry with the flags that were typed before.

use clap::Parser;
use oci_artifact::name::{
    Tag,
    select::{is_signature_tag, sort_for_list},
};
use oci_registry::Access;

use super::{Answer, KEEP_ORDER, NO_FILES, NO_SPACE, candidates::Side, spot::Spot};
use crate::{
    args::{RegistryArgs, parse_repository},
    context::Context,
};

/// How artifacts in registries begin.
const SCHEME: &str = "oci://";
/// How those in folders do.
const LAYOUT: &str = "oci-layout://";

/// What an artifact can become.
pub(super) async fn artifact(last: &str, side: Side, spot: &Spot<'_>, context: &Context) -> Answer {
    let schemes: &[&str] = if matches!(side, Side::From | Side::To) { &[SCHEME, LAYOUT] } else { &[SCHEME] };
    let begun: Vec<String> = schemes
        .iter()
        .filter(|scheme| scheme.starts_with(last) && scheme.len() > last.len())
        .map(|scheme| (*scheme).to_owned())
        .collect();
    let tags = match split(last).filter(|_| begun.is_empty() && side != Side::Repository) {
        Some((repository, tag)) => tags(repository, tag, side, spot, context).await,
        None => None,
    };
    let tags = tags.unwrap_or_default();
    if tags.is_empty() {
        return Answer { candidates: begun, directive: NO_SPACE | NO_FILES };
    }
    Answer { candidates: tags, directive: NO_FILES | KEEP_ORDER }
}

/// The repository, and the beginning of a tag; nothing if no tag was begun.
fn split(url: &str) -> Option<(&str, &str)> {
    let (_, name) = url.strip_prefix(SCHEME)?.rsplit_once('/')?;
    let (_, tag) = name.split_once(':')?;
    let repository = url.strip_suffix(tag)?.strip_suffix(':')?;
    (!name.contains('@')).then_some((repository, tag))
}

/// The flags that say how a registry is reached.
#[derive(Debug, Parser)]
struct Typed {
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Newest first, as `list` has them. Whoever pressed a key waits no longer than the context allows.
async fn tags(url: &str, begun: &str, side: Side, spot: &Spot<'_>, context: &Context) -> Option<Vec<String>> {
    let repository = parse_repository(url).ok()?;
    let args = typed(side, spot)?;
    let client = context.client(&args, repository.host()).await.ok()?;
    let mut tags = client.repository(&repository, Access::Pull).tags().await.ok()?;
    tags.retain(|tag| !is_signature_tag(tag) && tag.as_str().starts_with(begun));
    let word = |tag: &Tag| format!("{url}:{tag}");
    Some(sort_for_list(tags).iter().map(word).collect())
}

/// Nobody can type a password now: without it, the registry would be asked by somebody else.
fn typed(side: Side, spot: &Spot<'_>) -> Option<RegistryArgs> {
    let prefix = match side {
        Side::From => "from-",
        Side::To => "to-",
        Side::Only | Side::Repository => "",
    };
    let command = <Typed as clap::CommandFactory>::command();
    let known = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let mut words = vec![String::new()];
    for (name, value) in &spot.flags {
        let name = name.strip_prefix(prefix).unwrap_or(name);
        if name == "password-stdin" {
            return None;
        }
        if known(name) {
            words.push(
                value.as_ref().map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}")),
            );
        }
    }
    Typed::try_parse_from(words).ok().map(|typed| typed.registry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_finds_the_tag_that_was_begun() {
        assert_eq!(split("oci://host:5000/a/b:v1"), Some(("oci://host:5000/a/b", "v1")));
        assert_eq!(split("oci://host/a:"), Some(("oci://host/a", "")));
        for none in ["", "oci://", "oci://host:5000", "oci://host/a", "oci://host/a@sha256:12", "host/a:"] {
            assert_eq!(split(none), None, "{none}");
        }
    }
}
