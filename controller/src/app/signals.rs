//! The signals that end the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Error;

/// The signals that ask a process to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn install() -> Result<Self, Error> {
        let system = |source| Error::System { doing: "waiting for signals", source };
        let terminate = signal(SignalKind::terminate()).map_err(system)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(system)?;
        Ok(Self { terminate, interrupt })
    }

    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
