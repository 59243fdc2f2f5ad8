//! Completion: what the last of some words can become. kubectl asks by `kubectl_complete-oci`, the scripts for shells ask by
//! `kubectl-oci __complete`; both are answered in the words of Cobra, which kubectl is made of: a line for each candidate,
//! with a tab before what is to be said about it, and a last line `:N` with what else the shell should do.
//!
//! <https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md>
//!
//! A shell shows nothing but candidates: whatever goes wrong, there are just fewer of them.

mod candidates;
mod live;
mod shim;
mod spot;

use std::{ffi::OsString, fmt};

use clap::{CommandFactory as _, Parser};

use crate::{cli::Cli, context::Context, global::Global};

pub(crate) use shim::install;
use spot::Spot;

/// The word that asks; no command, because flags among the words are none of ours.
pub(crate) const ASKED_BY: &str = "__complete";

/// The answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    /// Whole words, each perhaps with a tab and a text.
    candidates: Vec<String>,
    directive: u8,
}

/// No space after the word: it goes on.
const NO_SPACE: u8 = 2;
/// No names of files.
const NO_FILES: u8 = 4;
/// Names of folders.
const FOLDERS: u8 = 16;
/// The order is ours.
const KEEP_ORDER: u8 = 32;

impl Answer {
    fn words(candidates: Vec<String>) -> Self {
        Self { candidates, directive: NO_FILES }
    }

    /// Nothing but what the shell does by itself.
    fn directive(directive: u8) -> Self {
        Self { candidates: Vec::new(), directive }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.candidates.iter().try_for_each(|candidate| writeln!(f, "{candidate}"))?;
        writeln!(f, ":{}", self.directive)
    }
}

/// Whoever presses a key waits no longer for a registry.
#[derive(Debug, Parser)]
struct Surroundings {
    #[command(flatten)]
    global: Global,
}

/// The context to complete in.
pub(crate) fn context() -> Option<Context> {
    let surroundings = Surroundings::try_parse_from(["", "--quiet", "--timeout=2s"]).ok()?;
    Some(Context::new(&surroundings.global))
}

/// The words after the plugin's name, of which the last may be empty, if they are to be completed.
pub(crate) fn asked(arguments: impl IntoIterator<Item = OsString>) -> Option<Vec<String>> {
    let mut arguments = arguments.into_iter().skip(1);
    (arguments.next()? == ASKED_BY)
        .then(|| arguments.map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Prints what the last word can become.
pub(crate) async fn run(words: &[String], context: &Context) {
    let mut root = Cli::command();
    root.build();
    let answer = answer(&root, words, context).await;
    // There is nobody to tell.
    let _ = context.printer.data(&answer.to_string());
}

async fn answer(root: &clap::Command, words: &[String], context: &Context) -> Answer {
    let Some((last, before)) = words.split_last() else { return Answer::directive(NO_FILES) };
    // PowerShell before 7.3 has no other way to pass on an empty word.
    let last = if last == "\"\"" { "" } else { last };
    let spot = Spot::find(root, before);
    match candidates::of(&spot, last) {
        candidates::Found::Answer(answer) => answer,
        candidates::Found::Artifact(side) => live::artifact(last, side, &spot, context).await,
    }
}
