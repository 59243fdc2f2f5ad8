//! What every exchange works with.

use jiff::Timestamp;
use oci_registry::web::Web;

use crate::{account::Account, environment::Environment, gcp::Gke};

/// Who asks, and by what.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) web: &'a Web,
    /// The wall clock: signatures and assertions carry it.
    pub(crate) now: fn() -> Timestamp,
    /// What is known of a cluster of Google's.
    pub(crate) gke: &'a Gke,
    /// The account whose identity it is; `None` for that of this process.
    pub(crate) account: Option<&'a Account>,
}
