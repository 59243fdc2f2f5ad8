//! What a person or a pipe sees. Data goes to standard output, everything else to standard error.

mod conditions;
mod describe;
mod errors;
mod format;
mod printer;
mod progress;
mod prompt;
mod table;
mod walk;

pub(crate) use conditions::Conditions;
pub(crate) use describe::{Report, describe};
pub(crate) use errors::{failure, fatal, usage};
pub(crate) use format::{clean, document, indented, lines, size};
pub(crate) use printer::Printer;
pub(crate) use progress::Progress;
pub(crate) use prompt::{ask, ask_secretly};
pub(crate) use table::table;
pub(crate) use walk::Walk;
