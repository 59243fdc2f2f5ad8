//! A trust root that is kept up to date by TUF.

use std::{sync::Arc, time::Duration};

use oci_registry::{Options, web::Web};
use oci_verify::{
    CommonRoot,
    tuf::{Mirror, Updated, Updates},
};
use reqwest::Url;
use tokio::time::{Instant, sleep};

use super::{Surroundings, disk, mirror::WebMirror, published};

/// The wait after a first failure; doubled for each further one, up to the interval.
const FIRST: Duration = Duration::from_mins(1);

/// Asks a mirror now and then.
pub(super) struct Refresher {
    updates: Updates,
    mirror: Url,
    every: Duration,
    root: CommonRoot,
    around: Surroundings,
}

impl Refresher {
    pub(super) fn new(
        updates: Updates,
        mirror: Url,
        every: Duration,
        root: CommonRoot,
        around: Surroundings,
    ) -> Self {
        Self { updates, mirror, every, root, around }
    }

    /// Takes up what another process has left. What is damaged is left alone, and replaced by the next good one.
    pub(super) async fn remember(&mut self) {
        let (folder, metrics) = (&self.around.folder, &self.around.metrics);
        let saved = match disk::load(folder).await {
            Ok(None) => return,
            Ok(Some(saved)) => self.updates.remember(&saved).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match saved {
            // This program is newer than what was fetched by the one before.
            Ok(updated) if self.root.get().is_ok() && updated.at < published() => {}
            Ok(updated) => {
                metrics.current_at(updated.at);
                tracing::info!(fetched = %updated.at, digest = %updated.root.digest(), "the trust root is remembered");
                self.root.replace(updated.root);
            }
            Err(error) => {
                tracing::warn!(
                    error,
                    "the trust root that was kept in the storage cannot be used, passing it over"
                );
            }
        }
    }

    /// Refreshes for ever.
    pub(super) async fn run(&mut self) {
        let mut pause = FIRST;
        loop {
            if self.refresh().await {
                pause = FIRST;
                sleep(self.every).await;
            } else {
                sleep(pause.min(self.every)).await;
                pause = pause.saturating_mul(2).min(self.every);
            }
        }
    }

    /// Asks the mirror; whether the chain holds.
    pub(super) async fn refresh(&mut self) -> bool {
        let deadline = Some(Instant::now() + self.around.patience);
        let web = Web::new(&Options { deadline, ..self.around.web.clone() });
        let mirror: Arc<dyn Mirror> = Arc::new(WebMirror { web, base: self.mirror.clone() });
        let metrics = &self.around.metrics;
        match self.updates.refresh(mirror, (self.around.now)()).await {
            Ok(Updated { root, at }) => {
                metrics.renewed(at);
                if !self.root.get().is_ok_and(|used| used.digest() == root.digest()) {
                    tracing::info!(digest = %root.digest(), "another trust root is used");
                }
                self.root.replace(root);
                self.keep().await;
                true
            }
            Err(error) => {
                metrics.failed();
                tracing::warn!(mirror = %self.mirror, %error, "the trust root was not refreshed, the one before stays");
                false
            }
        }
    }

    async fn keep(&self) {
        let Some(saved) = self.updates.saved() else { return };
        if let Err(error) = disk::keep(&self.around.folder, saved).await {
            tracing::warn!(%error, "the trust root was not written to the storage, a restart forgets it");
        }
    }
}
