//! The flags that README, guides and reference speak of: those of our programs, or of a program that is known here.

use std::{collections::BTreeSet, process::Command};

use clap::CommandFactory as _;
use oci_testkit::{documents::Document, tools};
use regex::Regex;

/// Flags of others: the program, and what the documents say of it.
const FOREIGN: [(&str, &[&str]); 10] = [
    ("aws", &["--format", "--profile"]),
    ("cargo", &["--image", "--locked"]),
    ("cosign", &["--bundle", "--insecure-ignore-tlog", "--signature-digest-algorithm"]),
    ("curl", &["--cacert", "--cert"]),
    ("flux", &["--components"]),
    ("helm", &["--create-namespace"]),
    ("krew", &["--archive", "--manifest", "--manifest-url"]),
    ("kubectl", &["--all", "--from-file", "--from-literal", "--server-side", "--type"]),
    ("sha256sum", &["--check", "--ignore-missing"]),
    // Of its controllers: of the clients of artifacts, and of source-controller what ours does not have.
    ("flux", &["--authorized-artifact-server-spiffe-id", "--authorized-", "--spiffe-broker-"]),
];

fn flags(text: &str) -> BTreeSet<String> {
    let flag = Regex::new(r"(?:^|[^\w-])(--[a-z][a-z0-9-]+)").unwrap();
    flag.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// All flags of the plugin, which has no library: as its help tells them.
fn of_the_plugin(command: &[&str], all: &mut BTreeSet<String>) {
    let program = tools::program("kubectl-oci").unwrap();
    let output = Command::new(program).args(command).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    all.extend(flags(&help));
    let commands = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    for name in
        commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next())
    {
        of_the_plugin(&[command, &[name]].concat(), all);
    }
}

fn of_ours() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    of_the_plugin(&[], &mut all);
    for program in [oci_controller::args::Args::command(), oci_webhook::args::Args::command()] {
        all.extend(program.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))));
    }
    all
}

#[test]
fn documents_speak_of_flags_that_there_are() {
    let ours = of_ours();
    assert!(ours.contains("--tag-semver") && ours.contains("--storage-path") && ours.contains("--warn-only"));
    let foreign: BTreeSet<&str> = FOREIGN.iter().flat_map(|(_, flags)| flags.iter().copied()).collect();
    let is_known = |flag: &String| {
        // `--verify-…` stands for several.
        let begins = flag.ends_with('-') && ours.iter().any(|ours| ours.starts_with(flag));
        begins || ours.contains(flag) || foreign.contains(flag.as_str())
    };
    let mut unknown = Vec::new();
    let is_manual =
        |name: &str| !["docs/design/", "docs/contributing/"].iter().any(|folder| name.starts_with(folder));
    for document in Document::all().iter().filter(|document| is_manual(&document.name)) {
        let codes = document.codes().into_iter().map(|code| (code.place, code.text));
        for (place, text) in codes.chain(document.spans()) {
            unknown.extend(
                flags(&text)
                    .into_iter()
                    .filter(|flag| !is_known(flag))
                    .map(|flag| format!("{place}: {flag}")),
            );
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}
