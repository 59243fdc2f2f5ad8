//! What people and other controllers are told: an event, and a notification.

use std::collections::BTreeMap;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `Normal`, severity `info`.
    Normal,
    /// `Warning`, severity `error`.
    Warning,
}

/// One thing that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How bad it is.
    pub kind: Kind,
    /// The event's reason.
    pub reason: &'static str,
    /// What was done, for notifications.
    pub action: &'static str,
    /// The sentence.
    pub message: String,
    /// Annotations of the event, and metadata of the notification.
    pub metadata: BTreeMap<String, String>,
}
