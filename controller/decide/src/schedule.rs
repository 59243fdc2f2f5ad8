//! When an object is looked at again.

use std::time::Duration;

/// When an object is looked at again, unless something wakes it up earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Only if something changes.
    Never,
    /// After this time.
    After(Duration),
}
