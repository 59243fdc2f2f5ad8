//! What can be completed, in the words of kubectl's protocol, and the file by which kubectl asks.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use oci_testkit::{
    planted::PASSWORD,
    registry::{Act, Auth, Class, Fault, Match, Registry},
};

use crate::sandbox::{Sandbox, Screen, shows};

/// What the last of `words` can become.
fn complete(sandbox: &Sandbox, words: &[&str]) -> Screen {
    let screen = sandbox.run(&[&["__complete"], words].concat());
    assert_eq!((screen.code, screen.stderr.as_str()), (Some(0), ""), "{words:?}: {}", screen.show());
    screen
}

/// The candidates without what is said about them, and the directive.
fn candidates(screen: &Screen) -> (Vec<&str>, &str) {
    let mut lines: Vec<&str> = screen.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
    let directive = lines.pop().unwrap();
    (lines, directive)
}

#[test]
fn commands_are_completed_with_what_they_do() {
    let sandbox = Sandbox::new();
    shows(
        &complete(&sandbox, &["pu"]),
        "exit 0
         out: push\tPack a folder and push it to a registry
         out: pull\tDownload an artifact and extract it
         out: :4",
    );
    assert_eq!(candidates(&complete(&sandbox, &["push", ""])), (vec!["artifact"], ":4"));
    assert_eq!(candidates(&complete(&sandbox, &["-q", "--timeout", "1m", "generate", "k"])).0, ["key-pair"]);
    assert_eq!(candidates(&complete(&sandbox, &["explode", ""])), (vec![], ":4"));
}

#[test]
fn every_command_is_completed() {
    let sandbox = Sandbox::new();
    let help = sandbox.ok(&["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let listed = list.lines().take_while(|line| !line.is_empty());
    // A long description goes on in the next line, further to the right.
    let listed: Vec<&str> = listed
        .filter(|line| !line.starts_with("    "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(listed.len() > 20, "{listed:?}");
    assert_eq!(candidates(&complete(&sandbox, &[""])).0, listed);
}

#[test]
fn flags_are_completed_by_command() {
    let sandbox = Sandbox::new();
    let screen = complete(&sandbox, &["push", "artifact", "--re"]);
    let expected =
        vec!["--registry-config", "--reproducible", "--request-timeout", "--resolve-symlinks", "--revision"];
    assert_eq!(candidates(&screen), (expected, ":4"), "{}", screen.show());
    assert!(candidates(&complete(&sandbox, &["list", "artifacts", "-"])).0.contains(&"--help"));
    assert_eq!(candidates(&complete(&sandbox, &["list", "artifacts", "--filter-s"])).0, ["--filter-semver"]);
    assert_eq!(candidates(&complete(&sandbox, &["push", "artifact", "--ns"])).0, [""; 0], "a hidden flag");
    assert_eq!(candidates(&complete(&sandbox, &["push", "artifact", "--", "--re"])).0, [""; 0]);
}

#[test]
fn values_are_completed_however_they_are_written() {
    let sandbox = Sandbox::new();
    let list = |words: &[&str]| {
        let words = [&["list", "artifacts", "URL/app"], words].concat();
        let screen = complete(&sandbox, &words);
        let (found, directive) = candidates(&screen);
        (found.join(" "), directive.to_owned())
    };
    let words = |text: &str| (text.to_owned(), ":4".to_owned());
    assert_eq!(list(&["-o", ""]), words("json yaml name wide"));
    assert_eq!(list(&["--output", "w"]), words("wide"));
    assert_eq!(list(&["--output=y"]), words("--output=yaml"));
    assert_eq!(list(&["-qo", "n"]), words("name"));
    assert_eq!(list(&["--provider", "a"]), words("aws azure"));
    assert_eq!(list(&["--limit", ""]), words(""));
    assert_eq!(list(&["--unknown=", ""]), words(""));
}

#[test]
fn files_and_folders_are_left_to_the_shell() {
    let sandbox = Sandbox::new();
    let directive = |words: &[&str]| {
        let screen = complete(&sandbox, words);
        let (found, directive) = candidates(&screen);
        assert_eq!(found, [""; 0], "{words:?}");
        directive.to_owned()
    };
    assert_eq!(directive(&["push", "artifact", "-f", ""]), ":0");
    assert_eq!(directive(&["push", "artifact", "--ca-file=ce"]), ":0");
    assert_eq!(directive(&["lint", "-f", "x"]), ":0");
    assert_eq!(directive(&["pull", "artifact", "URL/app:v1", "-o", ""]), ":16");
    assert_eq!(directive(&["push", "artifact", "--ignore-paths", ""]), ":4");
}

#[test]
fn tags_are_completed_from_the_registry_newest_first() {
    let sandbox = Sandbox::pushed();
    sandbox.ok(&["tag", "artifact", "URL/app:v1", "--tag", "v1.2.0,v1.10.0,stable"]);
    let host = sandbox.registry.host();
    let whole = |tags: &[&str]| tags.iter().map(|tag| format!("oci://{host}/app:{tag}")).collect::<Vec<_>>();
    let screen = complete(&sandbox, &["pull", "artifact", "URL/app:v"]);
    assert_eq!(candidates(&screen).0, whole(&["v1.10.0", "v1.2.0", "v1"]));
    assert_eq!(candidates(&screen).1, ":36");
    let screen = complete(&sandbox, &["diff", "artifact", "URL/app:v1", "URL/app:s"]);
    assert_eq!(candidates(&screen).0, whole(&["stable"]));
    let screen = complete(&sandbox, &["copy", "artifact", "URL/app:v1", "URL/app:v1.2"]);
    assert_eq!(candidates(&screen).0, whole(&["v1.2.0"]));
    // A repository cannot be completed, and one without a tag is what `list` wants.
    for words in
        [["pull", "artifact", "URL/app"], ["pull", "artifact", "URL/a"], ["list", "artifacts", "URL/app:"]]
    {
        assert_eq!(candidates(&complete(&sandbox, &words)), (vec![], ":6"), "{words:?}");
    }
}

#[test]
fn schemes_of_artifacts_are_completed() {
    let sandbox = Sandbox::new();
    assert_eq!(candidates(&complete(&sandbox, &["pull", "artifact", ""])), (vec!["oci://"], ":6"));
    let both = vec!["oci://", "oci-layout://"];
    assert_eq!(candidates(&complete(&sandbox, &["copy", "artifact", "oci"])), (both, ":6"));
    assert_eq!(candidates(&complete(&sandbox, &["pull", "artifact", "oci://x/", ""])), (vec![], ":4"));
    assert_eq!(sandbox.registry.requests().len(), 0);
}

#[test]
fn tags_are_asked_for_with_the_flags_that_were_typed() {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start());
    sandbox.sample();
    let login = format!("tester:{PASSWORD}");
    let creds = format!("--creds={login}");
    let push = ["push", "artifact", "URL/app:v1", "-f", "app", "--source", "s", "--revision", "r"];
    sandbox.ok(&[&push[..], &[&creds]].concat());
    let with = |flags: &[&str]| {
        let screen = complete(&sandbox, &[&["pull", "artifact"], flags, &["URL/app:"]].concat());
        candidates(&screen).0.len()
    };
    assert_eq!(with(&[&creds]), 1);
    assert_eq!(with(&["--creds", &login, "--insecure-registry"]), 1);
    assert_eq!(with(&[]), 0);
    sandbox.registry.reset();
    // Whose password nobody typed yet is nobody: no one else asks in that name.
    assert_eq!(with(&["--creds", "tester", "--password-stdin"]), 0);
    assert_eq!(sandbox.registry.requests().len(), 0);
    let from = format!("--from-creds={login}");
    let copy = ["copy", "artifact", &from, "URL/app:"];
    assert_eq!(candidates(&complete(&sandbox, &copy)).0.len(), 1);
    let to = [&copy[..3], &["URL/app:v1", "URL/app:"]].concat();
    assert_eq!(candidates(&complete(&sandbox, &to)).0.len(), 0, "the login of the other side");
}

#[test]
fn registry_that_fails_or_never_answers_is_no_error() {
    for act in [Act::status(500), Act::Stall, Act::status(404)] {
        let sandbox = Sandbox::pushed();
        sandbox.registry.fault(Fault::always(Match::class(Class::Tags), act));
        let screen = complete(&sandbox, &["pull", "artifact", "URL/app:"]);
        assert_eq!(candidates(&screen), (vec![], ":6"));
    }
    let sandbox = Sandbox::new();
    for odd in ["oci://127.0.0.1:1/app:", "oci:///:", "oci://a b/c:", "oci://x/\u{1b}[2J:", "oci://-/-:"] {
        assert_eq!(candidates(&complete(&sandbox, &["pull", "artifact", odd])), (vec![], ":6"), "{odd}");
    }
    assert_eq!(candidates(&complete(&sandbox, &[])), (vec![], ":4"));
}

/// The candidates that bash would show or insert for this line.
fn in_bash(sandbox: &Sandbox, line: &str) -> String {
    let bin = sandbox.path("bin");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("kubectl-oci").is_symlink() {
        symlink(env!("CARGO_BIN_EXE_kubectl-oci"), bin.join("kubectl-oci")).unwrap();
    }
    // Outside of a real completion there are no options of one.
    let script = r#"compopt() { echo "compopt $*"; }
        source <(kubectl-oci completion bash)
        COMP_LINE="$1" COMP_POINT="${#1}"; _kubectl_oci; printf '<%s>\n' "${COMPREPLY[@]}""#;
    let path =
        sandbox.command(&[]).get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let line = line.replace("URL", &format!("oci://{}", sandbox.registry.host()));
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-c", script, "bash", &line]).env_clear();
    let screen = sandbox.screen(bash.env("PATH", path).env("HOME", sandbox.root()).output().unwrap());
    assert_eq!(screen.stderr, "");
    screen.stdout
}

#[test]
fn bash_completes_words_with_colons_and_equals_signs() {
    let sandbox = Sandbox::pushed();
    assert_eq!(in_bash(&sandbox, "kubectl-oci insp"), "compopt +o default\n<inspect>\n");
    let tag = in_bash(&sandbox, "kubectl-oci pull artifact URL/app:");
    assert_eq!(tag, "compopt +o default\ncompopt -o nosort\n<v1>\n");
    let format = in_bash(&sandbox, "kubectl-oci list artifact URL/app --output=j");
    assert_eq!(format, "compopt +o default\n<json>\n");
    let scheme = in_bash(&sandbox, "kubectl-oci pull artifact ");
    assert_eq!(scheme, "compopt -o nospace\ncompopt +o default\n<oci://>\n");
    assert_eq!(in_bash(&sandbox, "kubectl-oci push artifact --path "), "<>\n");
}

#[test]
fn scripts_ask_the_program() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = sandbox.ok(&["completion", shell]).stdout;
        assert!(script.contains("kubectl-oci __complete "), "{shell}: {script}");
    }
    assert_eq!(sandbox.run(&["completion", "tcsh"]).code, Some(2));
}

#[test]
fn install_writes_what_kubectl_looks_for_once() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("bin")).unwrap();
    let install = ["completion", "install", "--dir", "bin"];
    shows(
        &sandbox.run(&install),
        "exit 0
         err: ✔ bin/kubectl_complete-oci written; kubectl 1.26 and newer complete `kubectl oci` by it
         err: ► to be rid of it: rm bin/kubectl_complete-oci",
    );
    let file = sandbox.path("bin/kubectl_complete-oci");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("#!/bin/sh\n") && text.ends_with("exec kubectl-oci __complete \"$@\"\n"),
        "{text}"
    );
    shows(&sandbox.run(&install), "exit 0\nerr: ✔ bin/kubectl_complete-oci is there already");
    // One of an older version is renewed.
    fs::write(&file, text.replace("exec ", "exec  ")).unwrap();
    assert!(sandbox.ok(&install).stderr.contains("written"));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(sandbox.files(), ["bin", "bin/kubectl_complete-oci", "tmp"]);
}

#[test]
fn install_replaces_nothing_of_somebody_else() {
    let sandbox = Sandbox::new();
    let file = "bin/kubectl_complete-oci";
    let refused = |what: &str| {
        let screen = sandbox.fails(&["completion", "install", "--dir", "bin"]);
        assert!(
            screen.stderr.contains("`bin/kubectl_complete-oci` is there already"),
            "{what}: {}",
            screen.show()
        );
    };
    sandbox.write(file, "#!/bin/sh\necho mine\n");
    refused("a script");
    assert_eq!(fs::read_to_string(sandbox.path(file)).unwrap(), "#!/bin/sh\necho mine\n");
    fs::remove_file(sandbox.path(file)).unwrap();
    symlink("nowhere", sandbox.path(file)).unwrap();
    refused("a link");
    assert!(sandbox.path(file).is_symlink());
    fs::remove_file(sandbox.path(file)).unwrap();
    fs::create_dir(sandbox.path(file)).unwrap();
    refused("a folder");
    let screen = sandbox.fails(&["completion", "install", "--dir", "nowhere"]);
    assert!(screen.stderr.contains("nowhere"), "{}", screen.show());
}

#[test]
fn install_says_when_kubectl_will_not_find_it() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("elsewhere")).unwrap();
    let screen = sandbox.ok(&["completion", "install", "--dir", "elsewhere"]);
    assert!(screen.stderr.contains("elsewhere is not in your PATH"), "{}", screen.show());
}
