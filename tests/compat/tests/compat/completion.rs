//! The real kubectl completes `kubectl oci`, by the file that `completion install` writes beside the plugin.

use std::{fs, os::unix::fs::symlink, process::Command};

use oci_testkit::{planted, tools};

use crate::bench::{Bench, Seen, distribution};

/// `bin/` with kubectl and the plugin is the whole search path, beside what a shell script needs.
fn kubectl(bench: &Bench, arguments: &[&str]) -> Seen {
    let mut command = Command::new(bench.path("bin/kubectl"));
    command.args(arguments).current_dir(bench.path("")).env_clear().env("HOME", bench.path("home"));
    let output = command.env("PATH", bench.path("bin")).output().unwrap();
    planted::assert_clean("standard output", &output.stdout);
    Seen {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A computer on which the plugin's completion was installed through kubectl.
fn installed() -> Bench {
    let bench = Bench::new();
    fs::create_dir_all(bench.path("bin")).unwrap();
    for (name, program) in
        [("kubectl", tools::path("kubectl")), ("kubectl-oci", tools::program("kubectl-oci"))]
    {
        symlink(program.unwrap_or_else(|error| panic!("{error}")), bench.path("bin").join(name)).unwrap();
    }
    let seen = kubectl(&bench, &["oci", "completion", "install"]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(!seen.stderr.contains("PATH"), "{seen:#?}");
    assert!(bench.path("bin/kubectl_complete-oci").is_file(), "beside the link, not beside what it leads to");
    bench
}

#[test]
fn kubectl_completes_commands_flags_and_formats() {
    let bench = installed();
    let complete = |words: &[&str]| {
        let seen = kubectl(&bench, &[&["__complete", "oci"], words].concat());
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        seen.stdout
    };
    assert_eq!(
        complete(&["pu"]),
        "push\tPack a folder and push it to a registry\npull\tDownload an artifact and extract it\n:4\n"
    );
    assert_eq!(
        complete(&["list", "artifacts", "oci://ghcr.io/org/app", "-o", ""]),
        "json\tJSON\nyaml\tYAML\nname\tNames only, without asking for each manifest\nwide\tMore columns\n:4\n"
    );
    assert_eq!(
        complete(&["list", "artifacts", "--filter-s"]),
        "--filter-semver\tOnly tags that are versions in this range, as in `>=1.0.0 <2.0.0`\n:4\n"
    );
    assert_eq!(complete(&["push", "artifact", "--path", ""]), ":0\n");
    assert_eq!(complete(&["pull", "artifact", "--output", ""]), ":16\n");
}

#[test]
fn kubectl_completes_tags_of_a_registry() {
    let (bench, registry) = (installed(), distribution());
    bench.push(&registry.url("app:v1"), &["--tag", "v1.10.0,v1.2.0"]);
    let url = registry.url("app");
    let seen = kubectl(&bench, &["__complete", "oci", "pull", "artifact", &format!("{url}:")]);
    assert_eq!(seen.stdout, format!("{url}:v1.10.0\n{url}:v1.2.0\n{url}:v1\n:36\n"));
    let seen = kubectl(&bench, &["__complete", "oci", "pull", "artifact", &url]);
    assert_eq!(seen.stdout, ":6\n");
    drop(registry);
    let seen = kubectl(&bench, &["__complete", "oci", "pull", "artifact", &format!("{url}:")]);
    assert_eq!((seen.code, seen.stdout.as_str()), (Some(0), ":6\n"), "{seen:#?}");
    assert!(!seen.stderr.contains('✗'), "{seen:#?}");
}
