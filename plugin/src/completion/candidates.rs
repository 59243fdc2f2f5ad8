//! Candidates that the command line itself knows: commands, flags, values of few kinds, files.

use clap::{Arg, Command};

use super::{
    Answer, FOLDERS, NO_FILES,
    spot::{Spot, takes_value},
};

/// What there is to say.
#[derive(Debug)]
pub(super) enum Found {
    /// All of it.
    Answer(Answer),
    /// The word is an artifact, whose tags a registry knows.
    Artifact(Side),
}

/// What an artifact is in its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The only one, or as good.
    Only,
    /// Where a copy comes from.
    From,
    /// Where a copy goes.
    To,
    /// A repository, without a tag.
    Repository,
}

/// What `last` can become.
pub(super) fn of(spot: &Spot<'_>, last: &str) -> Found {
    if let Some(flag) = spot.pending {
        return Found::Answer(value(flag, "", last));
    }
    if !spot.only_positionals && last.starts_with('-') {
        let assigned = last.strip_prefix("--").and_then(|text| text.split_once('='));
        return Found::Answer(match assigned {
            Some((name, text)) => match spot.long(name).filter(|flag| takes_value(flag)) {
                Some(flag) => value(flag, &format!("--{name}="), text),
                None => Answer::directive(NO_FILES),
            },
            None => Answer::words(flags(spot, last)),
        });
    }
    let Some(command) = spot.command() else { return Found::Answer(Answer::directive(NO_FILES)) };
    if command.has_subcommands() && spot.positionals == 0 && !spot.only_positionals {
        return Found::Answer(Answer::words(commands(command, last)));
    }
    match spot.positional() {
        Some(arg) => match side(spot, arg) {
            Some(side) => Found::Artifact(side),
            None => Found::Answer(value(arg, "", last)),
        },
        None => Found::Answer(Answer::directive(NO_FILES)),
    }
}

/// Whether the word is an artifact.
fn side(spot: &Spot<'_>, arg: &Arg) -> Option<Side> {
    let list = spot.chain.iter().any(|command| command.get_name() == "list");
    match arg.get_id().as_str() {
        "url" if list => Some(Side::Repository),
        "url" | "other" => Some(Side::Only),
        "from" => Some(Side::From),
        "to" => Some(Side::To),
        _ => None,
    }
}

fn commands(command: &Command, last: &str) -> Vec<String> {
    let fits = command.get_subcommands().filter(|command| command.get_name().starts_with(last));
    fits.map(|command| described(command.get_name(), command.get_about())).collect()
}

fn flags(spot: &Spot<'_>, last: &str) -> Vec<String> {
    let shown = spot.args().filter(|flag| !flag.is_hide_set());
    let mut found: Vec<String> = shown
        .filter_map(|flag| Some((format!("--{}", flag.get_long()?), flag.get_help())))
        .filter(|(name, _)| name.starts_with(last))
        .map(|(name, help)| described(&name, help))
        .collect();
    found.sort();
    found
}

/// Values of a flag or a positional word; `before` is what stands in the same word before the value.
fn value(arg: &Arg, before: &str, last: &str) -> Answer {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let fits = possible.iter().filter(|value| value.get_name().starts_with(last));
        let line = |value: &clap::builder::PossibleValue| {
            described(&format!("{before}{}", value.get_name()), value.get_help())
        };
        return Answer::words(fits.map(line).collect());
    }
    let names = arg.get_value_names().unwrap_or_default();
    let says = |words: &[&str]| names.iter().any(|name| words.iter().any(|word| name.contains(word)));
    Answer::directive(match () {
        () if says(&["FILE", "PATH", "PREFIX"]) => 0,
        () if says(&["FOLDER"]) => FOLDERS,
        () => NO_FILES,
    })
}

/// A candidate, and what is said about it: one line.
fn described(name: &str, about: Option<&clap::builder::StyledStr>) -> String {
    about.map_or_else(|| name.to_owned(), |about| format!("{name}\t{about}"))
}
