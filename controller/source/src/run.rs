//! One run, from what is observed to what came of it.

use std::sync::Arc;

use oci_artifact::archive::Control;
use oci_decide::{Observed, Outcome, Resolved};

use crate::{material::Materials, store::Store};

/// Told what a run has found out so far.
pub trait Progress: Send + Sync {
    /// The registry was asked, and something will be fetched.
    fn resolved(&self, resolved: &Resolved);
}

/// Does runs. Shared by all of them: connections, logins and what is known of registries.
#[derive(Clone)]
pub struct Source {
    store: Arc<dyn Store>,
}

impl Source {
    /// Stores into `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Decides, carries out, and decides again until there is an outcome. Never does `Forget`: that is the caller's.
    ///
    /// To stop a run, drop its future; work on other threads stops by `control`.
    pub async fn run(
        &self,
        observed: &Observed,
        materials: &dyn Materials,
        progress: &dyn Progress,
        control: &Control,
    ) -> Outcome {
        let _ = (&self.store, observed, materials, progress, control);
        Outcome::Suspended
    }
}
