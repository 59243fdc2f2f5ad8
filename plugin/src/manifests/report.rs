//! What `lint` found, for people and as data.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{exit::Exit, ui::clean};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A file or a document could not be read.
    Error,
    /// The object would be refused.
    Fault,
    /// The object would be accepted, with this said.
    Warning,
}

/// Something that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1; absent if the file could not be read at all, as is `column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Of the field, within the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    pub(crate) code: String,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// Everything that was found, and in how much.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) files: usize,
    pub(crate) objects: usize,
}

impl Report {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Nothing is wrong, something is, or something could not be looked at.
    pub(crate) fn exit(&self) -> Exit {
        match (self.count(Severity::Error), self.count(Severity::Fault)) {
            (0, 0) => Exit::Ok,
            (0, _) => Exit::Different,
            _ => Exit::Failed,
        }
    }

    /// One line for each finding, as compilers print them, with what to do below it.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let mut line = clean(&finding.file);
            // Writing to a string cannot fail.
            if let Some(number) = finding.line {
                let _ = write!(line, ":{number}");
            }
            if finding.severity == Severity::Warning {
                line.push_str(": warning");
            }
            if let Some(path) = &finding.path {
                let _ = write!(line, ": {}", clean(path));
            }
            let _ = writeln!(out, "{line}: {}", clean(&finding.message));
            if let Some(hint) = &finding.hint {
                let _ = writeln!(out, "  hint: {}", clean(hint));
            }
        }
        out
    }

    /// `3 objects in 2 files: 1 fault, 2 warnings`
    pub(crate) fn summary(&self) -> String {
        let errors = match self.count(Severity::Error) {
            0 => String::new(),
            count => format!("{}, ", counted(count, "error")),
        };
        format!(
            "{} in {}: {errors}{}, {}",
            counted(self.objects, "object"),
            counted(self.files, "file"),
            counted(self.count(Severity::Fault), "fault"),
            counted(self.count(Severity::Warning), "warning"),
        )
    }
}

/// `1 file`, `2 files`
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
