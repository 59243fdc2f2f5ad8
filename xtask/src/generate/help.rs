//! `docs/reference/cli.md` and `flags.md`: what the programs say of themselves.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Generated, broken, head};
use crate::{error::Result, run::output};

/// The programs that are asked.
const PROGRAMS: [&str; 3] = ["kubectl-oci", "oci-controller", "oci-webhook"];

/// Columns of the texts.
const WIDTH: &str = "100";

const CLI: &str = "
Every command has `--help`, which says what is written here. The flags that every command has are written once, under
[kubectl oci](#kubectl-oci). [Variables](variables.md) are read too; how failures look, and with which code a command
ends, is in [Errors of the plugin](errors.md).
";

const FLAGS: &str = "
What `--help` says. Where a flag has a variable, the flag wins. Other variables that are read are in
[Variables](variables.md).
";

/// Both pages; `find` knows where the programs are.
pub(super) fn files(find: impl Fn(&'static str) -> Result<PathBuf>) -> Result<Vec<Generated>> {
    let [plugin, controller, webhook] = PROGRAMS;
    let mut flags = head("Flags of the controller and the webhook") + FLAGS;
    for name in [controller, webhook] {
        flags.push_str(&block(name, &help(&find(name)?, &[])?));
    }
    Ok(vec![
        ("docs/reference/cli.md".into(), cli(&find(plugin)?)?),
        ("docs/reference/flags.md".into(), flags),
    ])
}

/// A command that does something itself.
struct Verb {
    /// With all words before it.
    name: String,
    /// The beginning of its help.
    about: String,
    help: String,
}

fn cli(plugin: &Path) -> Result<String> {
    let root = help(plugin, &[])?;
    let mut verbs = Vec::new();
    collect(plugin, &[], &root, &mut verbs)?;
    let mut text = head("Commands of the plugin") + CLI;
    text.push_str("\n| command | what it does |\n| --- | --- |\n");
    for Verb { name, about, .. } in &verbs {
        let _ = writeln!(text, "| [{name}](#{}) | {about} |", name.replace(' ', "-"));
    }
    text.push_str(&block("kubectl oci", &root));
    let common = sections(&root);
    for Verb { name, help, .. } in &verbs {
        let own: Vec<String> = sections(help).into_iter().filter(|part| !common.contains(part)).collect();
        text.push_str(&block(name, &own.join("\n\n")));
    }
    Ok(text)
}

/// All commands below the one with this help that have none below themselves.
fn collect(program: &Path, words: &[&str], parent: &str, found: &mut Vec<Verb>) -> Result<()> {
    for word in commands(parent) {
        let words: Vec<&str> = words.iter().copied().chain([word]).collect();
        let help = help(program, &words)?;
        if commands(&help).next().is_some() {
            collect(program, &words, &help, found)?;
        } else {
            let about: Vec<&str> = help.lines().take_while(|line| !line.is_empty()).collect();
            let name = format!("kubectl oci {}", words.join(" "));
            found.push(Verb { name, about: about.join(" "), help });
        }
    }
    Ok(())
}

/// The names of the commands that a help lists. What is indented deeper goes on with the line before.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let entries = lines.take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
    entries.filter(|entry| !entry.starts_with(' ')).filter_map(|entry| entry.split_whitespace().next())
}

/// The parts of a help: what stands before the first title, and each title with what is under it.
fn sections(help: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in help.lines() {
        if line.ends_with(':') && !line.starts_with(' ') {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            let _ = writeln!(part, "{line}");
        }
    }
    parts.into_iter().map(|part| part.trim_end().to_owned()).collect()
}

fn block(title: &str, help: &str) -> String {
    format!("\n## {title}\n\n```text\n{help}\n```\n")
}

/// What `--help` prints with nothing of the environment, without spaces at the ends of lines.
fn help(program: &Path, words: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(words).arg("--help").env_clear().env("COLUMNS", WIDTH);
    let said = output(&mut command)?;
    let what = format!("the help of {} {}", program.display(), words.join(" "));
    if !said.status.success() {
        return Err(broken(&what, &String::from_utf8_lossy(&said.stderr)));
    }
    let text = String::from_utf8_lossy(&said.stdout);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim_end().to_owned())
}
