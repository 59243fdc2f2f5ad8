//! The objects in a cluster: how it is reached, what is asked of it, and how one waits for a controller.
//!
//! ```text
//! kubeconfig + flags -> access -> api ── get, list, apply, merge, watch ──> API server
//!                        │         └─ wait: watch again and again, until kstatus says that the goal is reached
//!                        └─ anything ── objects of other kinds, for installing
//! ```

mod access;
mod anything;
mod api;
mod error;
mod kstatus;
mod object;
mod show;
mod spec;
mod wait;

pub(crate) use access::{Access, Surroundings, connect, is_pod, namespace};
pub(crate) use anything::{Anything, Kind, Named};
pub(crate) use api::{Applying, Filter, Repositories};
pub(crate) use error::ClusterError;
pub(crate) use kstatus::Condition;
pub(crate) use object::{Stored, full_name};
pub(crate) use show::{Columns, rows};
pub(crate) use spec::SpecArgs;
pub(crate) use wait::{Goal, wait};

use oci_crds::validate::is_name;

use crate::context::Context;

/// The name of an object or a namespace, which becomes part of a URL.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    let shown = text.escape_debug();
    Err(format!("`{shown}` is not a name: lower-case letters, digits, `-` and `.`, at most 253 characters"))
}

/// Waits for an object and tells what becomes of it; the end of the wait is the command's end.
pub(crate) async fn wait_for(
    repositories: &Repositories,
    object: Stored,
    goal: &Goal,
    conditions: crate::ui::Conditions,
    context: &Context,
) -> Result<Stored, ClusterError> {
    let object = wait(repositories, object, goal, context.deadline, conditions).await?;
    let revision = object.revision().unwrap_or("none");
    context.printer.success(format!("{} is ready: {}", object.full_name(), crate::ui::clean(revision)));
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_name_lets_nothing_into_a_url() {
        for name in ["a", "app-1", "my.app", &"a".repeat(253)] {
            assert_eq!(parse_name(name).as_deref(), Ok(name));
        }
        for text in ["", ".", "..", "a/b", "A", "-a", "a-", "a..b", "a?b", "a%2fb", "ü", &"a".repeat(254)] {
            assert!(parse_name(text).is_err(), "{text}");
        }
    }
}
