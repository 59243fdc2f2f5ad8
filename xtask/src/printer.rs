//! The one file that writes to the terminal.

use std::time::Duration;

use crate::error::Error;

/// A line of output.
#[expect(clippy::print_stdout, reason = "the output of a command line program")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A title of a step.
pub(crate) fn step(name: &str) {
    line(&format!("\n== {name}"));
}

/// A failure.
#[expect(clippy::print_stderr, reason = "the output of a command line program")]
pub(crate) fn error(error: &Error) {
    eprintln!("error: {error}");
}

/// Columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        line(cells.join("  ").trim_end());
    }
}

/// `3.2 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
