//! What shells and kubectl are given to ask with: the scripts, of which bash runs its own, and the file in the PATH.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use crate::sandbox::{Sandbox, shows};

/// The candidates that bash would show or insert for this line.
fn in_bash(sandbox: &Sandbox, line: &str) -> String {
    // Outside of a real completion there are no options of one.
    let script = r#"compopt() { echo "compopt $*"; }
        source <(kubectl-oci completion bash)
        COMP_LINE="$1" COMP_POINT="$2"; _kubectl_oci; printf '<%s>\n' "${COMPREPLY[@]}""#;
    let line = line.replace("URL", &format!("oci://{}", sandbox.registry.host()));
    // Where the cursor is.
    let (before, after) = line.split_once('|').unwrap_or((&line, ""));
    bash(sandbox, &["-c", script, "bash", &format!("{before}{after}"), &before.len().to_string()])
}

/// What bash prints that finds the program.
fn bash(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let bin = sandbox.path("bin");
    fs::create_dir_all(&bin).unwrap();
    if !bin.join("kubectl-oci").is_symlink() {
        symlink(env!("CARGO_BIN_EXE_kubectl-oci"), bin.join("kubectl-oci")).unwrap();
    }
    let path =
        sandbox.command(&[]).get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile"]).args(arguments).env_clear();
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
    let folders = in_bash(&sandbox, "kubectl-oci pull artifact URL/app:v1 -o ");
    assert_eq!(folders, "compopt +o default -o dirnames\n<>\n");
    // What stands after the cursor does not count.
    assert_eq!(in_bash(&sandbox, "kubectl-oci insp|ect artifact URL/app"), "compopt +o default\n<inspect>\n");
}

#[test]
fn scripts_ask_the_program() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = sandbox.ok(&["completion", shell]).stdout;
        assert!(script.contains("kubectl-oci __complete "), "{shell}: {script}");
    }
    let registered = "source <(kubectl-oci completion bash); complete -p kubectl-oci";
    assert_eq!(
        bash(&sandbox, &["-c", registered]),
        "complete -o default -F _kubectl_oci kubectl-oci\n",
        "files are bash's to complete"
    );
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
    sandbox.write(file, &"#!/bin/sh\n".repeat(1000));
    refused("a long script");
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
    let install = |folder| sandbox.ok(&["completion", "install", "--dir", folder]);
    assert!(install("elsewhere").stderr.contains("elsewhere is not in your PATH"));
    // The same folder by another name.
    fs::create_dir_all(sandbox.path("bin")).unwrap();
    symlink("bin", sandbox.path("link")).unwrap();
    let screen = install("link");
    assert!(!screen.stderr.contains("PATH"), "{}", screen.show());
}
