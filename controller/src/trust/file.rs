//! A trust root in a file, looked at again and again.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_verify::{CommonRoot, TrustRoot};
use tokio::{task::spawn_blocking, time::MissedTickBehavior};

use super::{TrustError, disk};
use crate::observe::TrustMetrics;

/// A file whose trust root is used.
pub(super) struct Watched {
    path: PathBuf,
    root: CommonRoot,
    metrics: Arc<TrustMetrics>,
    /// What is used.
    digest: Digest,
    /// What was complained about last.
    complaint: Option<String>,
}

impl Watched {
    /// Reads the file for the first time. It must be right.
    pub(super) fn begin(
        path: PathBuf,
        root: CommonRoot,
        metrics: Arc<TrustMetrics>,
    ) -> Result<Self, TrustError> {
        let flag = "sigstore-trusted-root";
        let (bytes, written) = match disk::trusted_root(&path) {
            Ok(read) => read,
            Err(source) => return Err(TrustError::File { flag, path, source }),
        };
        let parsed = match TrustRoot::parse(&bytes) {
            Ok(parsed) => Arc::new(parsed),
            Err(source) => return Err(TrustError::Root { path, source }),
        };
        let digest = parsed.digest().clone();
        root.replace(parsed);
        metrics.current_at(written);
        Ok(Self { path, root, metrics, digest, complaint: None })
    }

    /// Looks every so often, for ever.
    pub(super) async fn run(&mut self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look().await;
        }
    }

    /// Takes what is there now, or keeps what is used and says why, once.
    pub(super) async fn look(&mut self) -> bool {
        let path = self.path.clone();
        let read = spawn_blocking(move || disk::trusted_root(&path)).await.map_err(io::Error::other);
        let Err(error) = self.take(read.flatten()) else {
            self.complaint = None;
            return true;
        };
        self.metrics.failed();
        if self.complaint.as_ref() != Some(&error) {
            let path = self.path.display();
            tracing::warn!(%path, error, "the trust root was not renewed, the one before stays");
            self.complaint = Some(error);
        }
        false
    }

    fn take(&mut self, read: io::Result<(Vec<u8>, Timestamp)>) -> Result<(), String> {
        let (bytes, written) = read.map_err(|error| error.to_string())?;
        if Digest::of(&bytes) == self.digest {
            self.metrics.recovered();
            return Ok(());
        }
        let parsed = TrustRoot::parse(&bytes).map_err(|error| error.to_string())?;
        self.digest = parsed.digest().clone();
        self.root.replace(Arc::new(parsed));
        self.metrics.renewed(written);
        tracing::info!(digest = %self.digest, "another trust root is used");
        Ok(())
    }
}
