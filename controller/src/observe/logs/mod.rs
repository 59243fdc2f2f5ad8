//! Log lines on standard error, with source-controller's field names.
//!
//! ```text
//! {"level":"info","ts":"2026-11-25T03:40:09.000Z","msg":"…","controller":"ocirepository",…,"namespace":"a","name":"b"}
//! ```
//!
//! An event or a span with the fields `namespace` and `name` is about an object. What libraries log is shown from
//! warnings on, whatever the level: at finer levels they show headers, and credentials with them.

mod fields;
mod line;

use std::io;

use jiff::Timestamp;
use tracing::{Event, Level as Severity, Subscriber, level_filters::LevelFilter, span};
use tracing_subscriber::{
    Layer, filter::Targets, fmt::MakeWriter, layer::Context, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::args::{Encoding, Level};

use fields::Fields;

/// How the names of our crates begin.
const OURS: &str = "oci_";

/// What fails there we tell ourselves, and not at each try.
const WATCHES: &str = "kube_runtime";

/// Sends the process's log lines to standard error. Does nothing if that was done before. `now` is the clock.
pub fn install(level: Level, encoding: Encoding, now: fn() -> Timestamp) {
    let lines = Lines::new(io::stderr, encoding, now).with_filter(targets(level));
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// What is logged at a level.
pub fn targets(level: Level) -> Targets {
    let (ours, others) = match level {
        Level::Trace => (LevelFilter::TRACE, LevelFilter::WARN),
        Level::Debug => (LevelFilter::DEBUG, LevelFilter::WARN),
        Level::Info => (LevelFilter::INFO, LevelFilter::WARN),
        Level::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
    };
    Targets::new().with_default(others).with_target(OURS, ours).with_target(WATCHES, LevelFilter::ERROR)
}

/// Writes one line for each event.
#[derive(Debug)]
pub struct Lines<W> {
    writer: W,
    encoding: Encoding,
    now: fn() -> Timestamp,
}

impl<W> Lines<W> {
    /// Writes there, with the times of that clock.
    pub fn new(writer: W, encoding: Encoding, now: fn() -> Timestamp) -> Self {
        Self { writer, encoding, now }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // What is nearer wins.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.add_missing(outer);
            }
        }
        let line = line::line(self.encoding, name(*event.metadata().level()), (self.now)(), &fields);
        // There is nowhere to tell that a line could not be written.
        let _ = io::Write::write_all(&mut self.writer.make_writer_for(event.metadata()), line.as_bytes());
    }
}

/// source-controller knows no warnings.
fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::TRACE => "trace",
        Severity::DEBUG => "debug",
        Severity::INFO | Severity::WARN => "info",
        Severity::ERROR => "error",
    }
}
