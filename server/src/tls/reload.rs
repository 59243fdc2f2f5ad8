//! Certificate files, looked at again and again.
//!
//! By content and not by notification: Kubernetes exchanges a mounted Secret by moving the symbolic link `..data`, which
//! a watch on the files does not see, and a poll works on every file system.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use super::{
    Certificates, Clock, Served,
    source::{Contents, FileError, Files},
};

/// Files of what is served.
#[derive(Debug)]
pub struct Watch {
    files: Files,
    served: Arc<Served>,
    metrics: Certificates,
    clock: Clock,
    /// What is served.
    good: Contents,
    /// What was complained about last.
    complaint: Option<String>,
}

impl Watch {
    /// Reads the files for the first time. They must be right.
    pub fn begin(
        files: Files,
        served: Arc<Served>,
        metrics: Certificates,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let good = files.read()?;
        let identity = files.identity(&good, clock())?;
        metrics.serve(&identity);
        served.replace(identity);
        Ok(Self { files, served, metrics, clock, good, complaint: None })
    }

    /// Looks at the files every so often, for ever.
    pub async fn run(mut self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Some kilobytes, usually of a memory file system; but nobody knows what else is mounted there.
            let files = self.files.clone();
            if let Ok(read) = tokio::task::spawn_blocking(move || files.read()).await {
                self.look(read);
            }
        }
    }

    /// Takes what was read, or keeps what is served and says why, once.
    pub fn look(&mut self, read: Result<Contents, FileError>) {
        match self.take(read) {
            Ok(()) => self.complaint = None,
            Err(error) => {
                self.metrics.reload_failures.inc();
                let complaint = error.to_string();
                if self.complaint.as_ref() != Some(&complaint) {
                    tracing::error!(
                        error = complaint,
                        "the certificate was not renewed, the one before stays"
                    );
                    self.complaint = Some(complaint);
                }
            }
        }
    }

    fn take(&mut self, read: Result<Contents, FileError>) -> Result<(), FileError> {
        let contents = read?;
        let identity = self.files.identity(&contents, (self.clock)())?;
        if contents != self.good {
            tracing::info!(not_after = %identity.not_after, "another certificate is served");
            self.metrics.reloads.inc();
            self.metrics.serve(&identity);
            self.served.replace(identity);
            self.good = contents;
        }
        Ok(())
    }
}
