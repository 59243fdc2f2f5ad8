//! A progress line with speed and remaining time, on a terminal only.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci_artifact::archive::Control;
use tokio::task::JoinHandle;

use super::Printer;

/// Time between two looks at the counter.
const TICK: Duration = Duration::from_millis(100);

/// Shows how far something is until it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    watcher: Option<JoinHandle<()>>,
}

impl Progress {
    /// Watches the bytes that `control` counts from now on; `total` is `None` where it is not known.
    pub(crate) fn watch(printer: Printer, control: &Control, what: &'static str, total: Option<u64>) -> Self {
        if printer.is_quiet() || !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), watcher: None };
        }
        let template = if total.is_some() {
            "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{msg} {spinner} {bytes} {bytes_per_sec}"
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
        bar.set_style(style);
        bar.set_message(what);
        let (control, shown, start) = (control.clone(), bar.clone(), control.bytes());
        let watcher = tokio::spawn(async move {
            loop {
                shown.set_position(control.bytes() - start);
                tokio::time::sleep(TICK).await;
            }
        });
        Self { bar, watcher: Some(watcher) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(watcher) = &self.watcher {
            watcher.abort();
        }
        self.bar.finish_and_clear();
    }
}
