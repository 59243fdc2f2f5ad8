//! Where a login comes from, and how far it gets.

use std::fmt::Write as _;

use oci_artifact::name::Repository;
use oci_registry::{
    Error, Step, Tried,
    auth::{Lookup, Passed, SourceError},
};
use serde::Serialize;

use super::{clean, table};

/// Who was asked for a login, what came of it, and what the registry said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Walk {
    repository: String,
    sources: Vec<Asked>,
    /// `basic(user)` or `anonymous`; `None` if a source failed.
    login: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Taken>,
    #[serde(skip)]
    found: bool,
}

/// A source and its answer.
#[derive(Serialize)]
struct Asked {
    source: String,
    answer: String,
}

/// A step and what was seen.
#[derive(Serialize)]
struct Taken {
    step: &'static str,
    ok: bool,
    answer: String,
}

impl Walk {
    pub(crate) fn new(repository: &Repository, lookup: &Lookup) -> Self {
        let mut sources = asked(&lookup.passed);
        if let Some(found) = &lookup.found {
            let answer = format!("{:?}", found.credential);
            sources.push(Asked { source: found.origin.clone(), answer });
        }
        Self {
            repository: repository.to_string(),
            sources,
            login: Some(format!("{:?}", lookup.credential())),
            steps: Vec::new(),
            found: lookup.found.is_some(),
        }
    }

    /// As far as it came.
    pub(crate) fn failed(repository: &Repository, error: &SourceError) -> Self {
        let sources = asked(error.passed());
        Self { repository: repository.to_string(), sources, login: None, steps: Vec::new(), found: false }
    }

    /// Adds what the registry said, and returns the failure that it ended with.
    pub(crate) fn tried(&mut self, tried: Vec<Tried>) -> Option<Error> {
        let mut failure = None;
        for Tried { step, outcome } in tried {
            let ok = outcome.is_ok();
            let answer = match outcome {
                Ok(answer) => answer,
                Err(error) => {
                    let answer = error.fault.to_string();
                    failure = Some(error);
                    answer
                }
            };
            self.steps.push(Taken { step: name(step), ok, answer });
        }
        failure
    }

    /// Whether there is a login, or the registry let us in without one.
    pub(crate) fn is_good(&self) -> bool {
        self.found || !self.steps.is_empty()
    }

    /// Whether a token server gave somebody a token by a login.
    pub(crate) fn is_known(&self) -> bool {
        self.found && self.steps.iter().any(|taken| taken.step == name(Step::Token) && taken.ok)
    }

    /// For a person.
    pub(crate) fn show(&self) -> String {
        let asked = self.sources.iter().map(|asked| vec![asked.source.clone(), asked.answer.clone()]);
        let mut out = table(&["SOURCE", "ANSWER"], &asked.collect::<Vec<_>>());
        if let Some(login) = &self.login {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "\nlogin for {}: {}", self.repository, clean(login));
        }
        if !self.steps.is_empty() {
            let word = |ok| if ok { "ok" } else { "failed" };
            let steps = self
                .steps
                .iter()
                .map(|taken| vec![taken.step.to_owned(), word(taken.ok).to_owned(), taken.answer.clone()]);
            out.push('\n');
            out.push_str(&table(&["STEP", "RESULT", "ANSWER"], &steps.collect::<Vec<_>>()));
        }
        out
    }
}

fn asked(passed: &[Passed]) -> Vec<Asked> {
    let asked = |passed: &Passed| Asked { source: passed.source.clone(), answer: passed.why.clone() };
    passed.iter().map(asked).collect()
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Ping => "ping",
        Step::Challenge => "challenge",
        Step::Token => "token",
        Step::Request => "request",
    }
}
