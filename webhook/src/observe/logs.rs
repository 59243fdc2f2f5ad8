//! Where log lines go: standard error, one line each, JSON unless told otherwise.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Sends the process's log lines to standard error. Does nothing if that was done before.
pub fn install(format: Format, filter: EnvFilter) {
    let registry = tracing_subscriber::registry().with(filter);
    let _ = match format {
        Format::Json => {
            let layer = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            registry.with(layer).try_init()
        }
        Format::Text => registry.with(fmt::layer().with_ansi(false).with_writer(io::stderr)).try_init(),
    };
}
