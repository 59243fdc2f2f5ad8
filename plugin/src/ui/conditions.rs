//! Conditions of an object as they change.

use super::{Printer, clean};
use crate::cluster::Condition;

/// Tells what is new.
#[derive(Debug)]
pub(crate) struct Conditions {
    printer: Printer,
    known: Vec<Condition>,
    /// Put in front, where several objects are waited for.
    prefix: String,
}

impl Conditions {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, known: Vec::new(), prefix: String::new() }
    }

    /// With the name of the object in front of each line.
    pub(crate) fn of(printer: Printer, name: &str) -> Self {
        Self { prefix: format!("{name}: "), ..Self::new(printer) }
    }

    /// What was so before.
    pub(crate) fn know(&mut self, conditions: &[Condition]) {
        self.known = conditions.to_vec();
    }

    /// `◎ Ready=False: OCIArtifactPullFailed: …`, for each that changed.
    pub(crate) fn tell(&mut self, conditions: &[Condition]) {
        let told = |condition: &Condition| {
            self.known.iter().any(|known| {
                (&known.kind, &known.status, &known.reason, &known.message)
                    == (&condition.kind, &condition.status, &condition.reason, &condition.message)
            })
        };
        for condition in conditions.iter().filter(|condition| !told(condition)) {
            let Condition { kind, status, reason, message, .. } = condition;
            self.printer.waiting(clean(&format!("{}{kind}={status}: {reason}: {message}", self.prefix)));
        }
        self.know(conditions);
    }
}
