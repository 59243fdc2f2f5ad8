//! The command lines in README, the guides and the examples of the help are ours.

use clap::{Arg, Command, CommandFactory as _, error::ErrorKind};
use oci_testkit::{
    cases,
    documents::{Code, Document, commands},
};
use serde_json::Value;

use crate::cli::{Cli, parse_from};

/// What is called, without the program: `kubectl oci push …` and `kubectl-oci push …` alike.
fn ours(words: &[String]) -> Option<&[String]> {
    let is_variable = |word: &&String| word.contains('=') && !word.starts_with('-');
    match &words[words.iter().take_while(is_variable).count()..] {
        [kubectl, oci, rest @ ..] if kubectl == "kubectl" && oci == "oci" => Some(rest),
        [program, rest @ ..] if program == "kubectl-oci" => Some(rest),
        _ => None,
    }
}

/// The scripts of a block: of YAML those in its values.
fn scripts(code: &Code) -> Vec<String> {
    match code.language.as_str() {
        // What is completed is no command yet.
        "console" => {
            let steps = code.steps().into_iter().map(|step| step.command);
            steps.filter(|command| !command.ends_with("<TAB>")).collect()
        }
        "yaml" => {
            let comments = code.text.lines().filter_map(|line| line.trim().strip_prefix("# "));
            let comments: Vec<String> = comments.map(str::to_owned).collect();
            let mut scripts = vec![comments.join("\n")];
            values(&cases::yaml(&code.text), &mut scripts);
            scripts
        }
        _ => vec![code.text.clone()],
    }
}

fn values(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| self::values(value, all)),
        Value::Object(fields) => fields.values().for_each(|value| self::values(value, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Why it is no command line of ours, if so.
fn fault(words: &[String]) -> Option<String> {
    let words = words.iter().map(|word| word.replace("//…", "//registry.example/app").replace('…', "x"));
    let error = parse_from(std::iter::once("kubectl-oci".to_owned()).chain(words).map(Into::into)).err()?;
    let harmless = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
    (!harmless).then(|| error.to_string())
}

#[test]
fn documents_have_command_lines_of_ours() {
    let (mut count, mut faults) = (0, Vec::new());
    for code in Document::all().iter().flat_map(Document::codes) {
        for script in scripts(&code) {
            for command in commands(&script) {
                let Some(words) = ours(&command) else { continue };
                count += 1;
                faults
                    .extend(fault(words).map(|why| format!("{}: {}: {why}", code.place, command.join(" "))));
            }
        }
    }
    assert!(count > 40, "the documents are read wrongly: {count}");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Why a span in a sentence, which may be a part of a command line, is nothing of ours.
fn fault_of_part(span: &str) -> Option<String> {
    let words = commands(&span.replace('|', "/")).into_iter().next()?;
    let mut words = ours(&words)?.iter().peekable();
    let mut found = vec![Cli::command()];
    found.iter_mut().for_each(Command::build);
    while let Some(word) = words.next_if(|word| !word.starts_with(['-', '['])) {
        let next: Vec<Command> = found
            .iter()
            .flat_map(|from| word.split('/').filter_map(|name| from.find_subcommand(name)))
            .cloned()
            .collect();
        if next.is_empty() {
            let is_argument = found.iter().all(|command| !command.has_subcommands());
            return (!is_argument && !["…", "COMMAND"].contains(&word.as_str()))
                .then(|| format!("no command `{word}`"))
                .or_else(|| fault_of_flags(words.map(String::as_str), &found));
        }
        found = next;
    }
    fault_of_flags(words.map(String::as_str), &found)
}

fn fault_of_flags<'w>(mut words: impl Iterator<Item = &'w str>, of: &[Command]) -> Option<String> {
    let has = |word: &str| {
        let name = word.split('=').next().unwrap_or_default().trim_matches(['[', ']', ',']);
        let fits = |arg: &Arg| {
            let long = arg.get_long().map(|long| format!("--{long}")).unwrap_or_default();
            let short = arg.get_short().map(|short| format!("-{short}"));
            match name.strip_suffix('…') {
                Some(start) => long.starts_with(start),
                None => long == name || short.as_deref() == Some(name),
            }
        };
        of.iter().any(|command| command.get_arguments().any(fits))
    };
    let unknown =
        words.find(|word| word.trim_start_matches('[').starts_with('-') && *word != "-" && !has(word));
    unknown.map(|word| format!("no flag `{word}`"))
}

#[test]
fn documents_name_commands_and_flags_of_ours() {
    let (mut count, mut faults) = (0, Vec::new());
    for (place, span) in Document::all().iter().flat_map(Document::spans) {
        count += usize::from(span.starts_with("kubectl oci ") || span.starts_with("kubectl-oci "));
        faults.extend(fault_of_part(&span).map(|why| format!("{place}: `{span}`: {why}")));
    }
    assert!(count > 40, "the documents are read wrongly: {count}");
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Wider lines are wrapped where they are shown, and nobody could copy them.
const WIDTH: usize = 80;

fn examples(command: &Command, all: &mut Vec<String>) {
    all.extend(command.get_after_help().map(ToString::to_string));
    command.get_subcommands().for_each(|command| examples(command, all));
}

#[test]
fn help_has_examples_that_can_be_copied() {
    let (mut all, mut count) = (Vec::new(), 0);
    examples(&Cli::command(), &mut all);
    let lines = all.iter().flat_map(|text| text.lines());
    let wide: Vec<_> = lines.filter(|line| line.starts_with("  ") && line.chars().count() > WIDTH).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    for command in all.iter().flat_map(|text| commands(text)) {
        let Some(words) = ours(&command) else { continue };
        count += 1;
        assert_eq!(fault(words), None, "{command:?}");
    }
    assert!(count > 30, "the examples are read wrongly: {count}");
}

#[test]
fn faults_of_command_lines_are_found() {
    for (script, part) in [
        ("kubectl oci pul artifact oci://a.example/b:c -o d", "unrecognized subcommand"),
        ("kubectl-oci pull artifact oci://a.example/b:c --ouput d", "unexpected argument"),
        ("a | kubectl oci create", "required arguments"),
    ] {
        let all = commands(script);
        let found = fault(all.iter().find_map(|words| ours(words)).unwrap()).unwrap();
        assert!(found.contains(part), "{found}");
    }
    for span in
        ["kubectl oci pul", "kubectl oci pull artifact --ouput=d", "kubectl oci install|uninstal --crd"]
    {
        assert!(fault_of_part(span).is_some(), "{span}");
    }
    for span in [
        "kubectl oci",
        "kubectl oci install|uninstall",
        "kubectl oci get -A",
        "kubectl oci pull artifact --verify-…",
    ] {
        assert_eq!(fault_of_part(span), None, "{span}");
    }
}
