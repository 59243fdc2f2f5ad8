//! Committed files that a test makes, because only it links what they are made from.

#![expect(clippy::panic, reason = "a page that is out of date fails its test")]

use std::fs;

use crate::tools::{environment, workspace};

/// Set by `cargo xtask generate`: what would be compared is written.
const WRITE: &str = "KUBECTL_OCI_GENERATE";

/// Fails if a committed file has another text. `path` begins at the workspace's folder.
pub fn compare(path: &str, text: &str) {
    let whole = workspace().join(path);
    if environment(WRITE).is_some() {
        fs::write(&whole, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        return;
    }
    let committed = fs::read_to_string(&whole).unwrap_or_default();
    let new = text.lines().find(|line| !committed.lines().any(|known| known == *line));
    assert!(
        committed == text,
        "{path} is out of date ({}): run `cargo xtask generate`",
        new.unwrap_or("it has more than it should, or in another order")
    );
}
