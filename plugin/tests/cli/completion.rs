//! What can be completed, in the words of kubectl's protocol.

use oci_testkit::{
    planted::PASSWORD,
    registry::{Act, Auth, Class, Fault, Match, Registry},
    tls::Tls,
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
    // Empty words of PowerShell before 7.3.
    assert_eq!(candidates(&complete(&sandbox, &["push", "\"\""])), (vec!["artifact"], ":4"));
    // Nothing but words without dashes comes after `--`, and no command after such a word.
    assert_eq!(candidates(&complete(&sandbox, &["push", "--", ""])), (vec![], ":4"));
    assert_eq!(candidates(&complete(&sandbox, &["push", "-", "artifact", "--reprod"])).0, [""; 0]);
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
    for whole in ["-ojson", "-o=json", "-qojson", "--output=json", "--unknown"] {
        assert_eq!(list(&[whole, "--filter-s"]), words("--filter-semver"), "{whole}");
    }
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
    assert_eq!(directive(&["verify", "artifact", "--policy", ""]), ":0", "by its other name");
    assert_eq!(directive(&["generate", "key-pair", "--output-key-prefix", ""]), ":0");
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
    let screen = complete(&sandbox, &["copy", "artifact", "URL/app:s"]);
    assert_eq!(candidates(&screen).0, whole(&["stable"]));
    // A repository cannot be completed, and one without a tag is what `list` wants.
    for words in
        [["pull", "artifact", "URL/app"], ["pull", "artifact", "URL/a"], ["list", "artifacts", "URL/app:"]]
    {
        assert_eq!(candidates(&complete(&sandbox, &words)), (vec![], ":6"), "{words:?}");
    }
}

#[test]
fn tags_of_signatures_are_no_candidates() {
    let sandbox = Sandbox::pushed();
    let hex = "0".repeat(64);
    sandbox.ok(&["tag", "artifact", "URL/app:v1", "--tag", &format!("sha256-{hex}.sig,v2")]);
    let screen = complete(&sandbox, &["pull", "artifact", "URL/app:"]);
    assert_eq!(candidates(&screen).0.len(), 2, "{}", screen.show());
}

#[test]
fn schemes_of_artifacts_are_completed() {
    let sandbox = Sandbox::new();
    assert_eq!(candidates(&complete(&sandbox, &["pull", "artifact", ""])), (vec!["oci://"], ":6"));
    assert_eq!(
        candidates(&complete(&sandbox, &["pull", "artifact", "oci://"])),
        (vec![], ":6"),
        "it is whole"
    );
    let both = vec!["oci://", "oci-layout://"];
    assert_eq!(candidates(&complete(&sandbox, &["copy", "artifact", "oci"])), (both, ":6"));
    assert_eq!(candidates(&complete(&sandbox, &["pull", "artifact", "oci://x/", ""])), (vec![], ":4"));
    assert_eq!(sandbox.registry.requests().len(), 0);
}

#[test]
fn tags_are_asked_for_with_the_flags_that_were_typed() {
    let login = format!("tester:{PASSWORD}");
    let creds = format!("--creds={login}");
    let sandbox =
        Sandbox::pushed_to(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start(), &[&creds]);
    let with = |flags: &[&str]| {
        let screen = complete(&sandbox, &[&["pull", "artifact"], flags, &["URL/app:"]].concat());
        candidates(&screen).0.len()
    };
    assert_eq!(with(&[&creds]), 1);
    assert_eq!(with(&[]), 0);
    sandbox.registry.reset();
    // Whose password nobody typed yet is nobody: no one else asks in that name.
    let typed = ["__complete", "pull", "artifact", "--creds", "tester", "--password-stdin", "URL/app:"];
    assert_eq!(sandbox.run_with_input(&typed, PASSWORD).stdout, ":6\n");
    assert_eq!(sandbox.registry.requests().len(), 0);
    let from = format!("--from-creds={login}");
    let copy = ["copy", "artifact", &from, "URL/app:"];
    assert_eq!(candidates(&complete(&sandbox, &copy)).0.len(), 1);
    let to = [&copy[..3], &["URL/app:v1", "URL/app:"]].concat();
    assert_eq!(candidates(&complete(&sandbox, &to)).0.len(), 0, "the login of the other side");
    let creds = format!("--to-creds={login}");
    let creds = creds.as_str();
    assert_eq!(candidates(&complete(&sandbox, &[&[creds], &to[..]].concat())).0.len(), 0, "no flag yet");
    let to = [&to[..2], &[creds], &to[2..]].concat();
    assert_eq!(candidates(&complete(&sandbox, &to)).0.len(), 1);
}

#[test]
fn tags_are_asked_for_by_the_trust_that_was_typed() {
    let insecure = ["--insecure-registry"];
    let sandbox = Sandbox::pushed_to(Registry::builder().tls(&Tls::new()).start(), &insecure);
    for (flags, tags) in [(&insecure[..], 1), (&[], 0)] {
        let screen = complete(&sandbox, &[&["pull", "artifact"], flags, &["URL/app:"]].concat());
        assert_eq!(candidates(&screen).0.len(), tags, "{flags:?}");
    }
}

#[test]
fn helper_that_takes_its_time_is_not_waited_for() {
    let guarded = Registry::builder().auth(Auth::basic("tester", PASSWORD)).start();
    let sandbox = Sandbox::pushed_to(guarded, &[&format!("--creds=tester:{PASSWORD}")]);
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"slow"}"#);
    let answer = format!(r#"{{"Username":"tester","Secret":"{PASSWORD}"}}"#);
    for (wait, tags) in [("true", 1), ("sleep 20", 0)] {
        sandbox.helper("slow", &format!("{wait}; echo '{answer}'"));
        let screen = complete(&sandbox, &["pull", "artifact", "URL/app:"]);
        assert_eq!(candidates(&screen).0.len(), tags, "{wait}");
    }
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
