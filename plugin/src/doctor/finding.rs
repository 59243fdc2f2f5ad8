//! One thing that was looked at.

use serde::Serialize;

use crate::ui::clean;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// It works; one should know.
    Note,
    /// It does not work, or not for long.
    Fault,
}

/// One thing that was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) about: String,
    pub(crate) state: State,
    /// What was seen.
    pub(crate) message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
}

/// All that was found, in the order in which it was looked at.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
}

impl Finding {
    pub(crate) fn good(about: &str, message: impl Into<String>) -> Self {
        Self { about: about.to_owned(), state: State::Good, message: message.into(), remedy: None }
    }

    pub(crate) fn note(about: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Note, remedy: Some(remedy.into()), ..Self::good(about, message) }
    }

    pub(crate) fn fault(about: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Fault, ..Self::note(about, message, remedy) }
    }
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Whether anything does not work.
    pub(crate) fn has_fault(&self) -> bool {
        self.findings.iter().any(|finding| finding.state == State::Fault)
    }

    /// For a person: one line each, and what to do below it.
    pub(crate) fn show(&self) -> String {
        let line = |finding: &Finding| {
            let glyph = match finding.state {
                State::Good => "✔",
                State::Note => "⚠️",
                State::Fault => "✗",
            };
            let remedy = finding.remedy.as_ref().map(|remedy| format!("  remedy: {}\n", clean(remedy)));
            let text = format!("{glyph} {}: {}\n", clean(&finding.about), clean(&finding.message));
            text + &remedy.unwrap_or_default()
        };
        self.findings.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_shown_with_their_remedies() {
        let mut findings = Findings::default();
        findings.add(Finding::good("kind", "is there"));
        assert!(!findings.has_fault());
        findings.extend([Finding::note("a", "b", "c"), Finding::fault("d", "e\u{1b}", "f")]);
        assert!(findings.has_fault());
        let shown = "✔ kind: is there\n⚠️ a: b\n  remedy: c\n✗ d: e\\u{1b}\n  remedy: f\n";
        assert_eq!(findings.show(), shown);
    }
}
