//! Arguments: help, faults, and the flags of the Flux CLI.

use crate::sandbox::{Sandbox, shows};

#[test]
fn help_says_kubectl_oci() {
    let sandbox = Sandbox::new();
    let screen = sandbox.ok(&["push", "artifact", "--help"]);
    assert!(
        screen.stdout.contains("Usage: kubectl oci push artifact [OPTIONS] --path <PATH> <URL>"),
        "{}",
        screen.stdout
    );
    assert!(sandbox.ok(&["--help"]).stdout.contains("Usage: kubectl oci [OPTIONS] <COMMAND>"));
}

#[test]
fn version_prints_text_and_data() {
    let sandbox = Sandbox::new();
    let version = env!("CARGO_PKG_VERSION");
    shows(&sandbox.run(&["version"]), &format!("exit 0\nout: kubectl-oci: v{version}"));
    shows(&sandbox.run(&["version", "--client", "-o", "name"]), &format!("exit 0\nout: v{version}"));
    shows(&sandbox.run(&["version", "-o", "yaml"]), &format!("exit 0\nout: kubectl-oci: v{version}"));
}

#[test]
fn bad_urls_are_named() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let digest = format!("sha256:{}", "0".repeat(64));
    for (url, part) in [
        ("ghcr.io/org/app", "must begin with `oci://`"),
        ("https://ghcr.io/org/app", "must begin with `oci://`"),
        ("oci://ghcr.io", "no repository after the host"),
        ("oci://ghcr.io/Org/app", "component `Org` is not valid"),
        ("oci://ghcr.io/org/app:", "tag `` is not valid"),
        ("oci://ghcr.io/org/app@sha256:12", "64 lower-case hex digits"),
        (&format!("oci://ghcr.io/org/app:v1@{digest}"), "a tag and a digest"),
        (&format!("oci://ghcr.io/{}", "a".repeat(300)), "300 bytes, more than 255"),
        ("oci://::1/app", "in brackets: `[::1]`"),
        ("oci://user:hunter2@ghcr.io/app", "must not contain credentials"),
        ("", "must begin with `oci://`"),
    ] {
        let screen = sandbox.fails(&["push", "artifact", url, "-f", "app", "--source=s", "--revision=r"]);
        assert!(screen.stderr.contains(part), "{url}: {}", screen.stderr);
        assert!(!screen.stderr.contains("hunter2"), "{}", screen.stderr);
    }
    let screen = sandbox.fails(&["push", "artifact", &format!("URL/app@{digest}"), "-f", "app"]);
    assert!(screen.stderr.contains("cannot push to a digest"), "{}", screen.stderr);
}

#[test]
fn flags_of_flux_are_accepted() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    sandbox.ok(&[
        "push",
        "artifact",
        "URL/app:v1",
        "--path=./app",
        "--source=s",
        "--revision=main@sha1:a",
        "--annotations=a=b",
        "-a",
        "c=d",
        "--reproducible",
        "--ignore-paths=x,y",
        "--add-ignore-paths=z",
        "--resolve-symlinks",
        "--creds=u:p",
        "--provider=generic",
        "--insecure-registry",
        "--debug",
        "--output=json",
        "--timeout=1m",
        "--verbose",
        "--namespace=flux-system",
        "--kubeconfig=none",
        "--context=none",
    ]);
    sandbox.ok(&[
        "list",
        "artifacts",
        "URL/app",
        "--filter-semver=",
        "--filter-regex=",
        "--insecure-registry",
    ]);
    sandbox.ok(&["build", "artifact", "--path=./app", "--output=x.tgz", "--ignore-paths="]);
    sandbox.ok(&[
        "diff",
        "artifact",
        "URL/app:v1",
        "--path=./app",
        "--ignore-paths=x,y",
        "--insecure-registry",
    ]);
}

#[test]
fn unknown_commands_and_flags_exit_with_two() {
    let sandbox = Sandbox::new();
    for args in [
        &["push"][..],
        &["push", "image"],
        &["explode"],
        &["list", "artifacts"],
        &["pull", "artifact", "URL/a"],
        &[],
    ] {
        assert_eq!(sandbox.run(args).code, Some(2), "{args:?}");
    }
    let screen = sandbox.run(&["push", "artifact", "URL/a", "--timeout", "soon", "-f", "x"]);
    assert!(screen.stderr.contains("`soon` is not a duration"), "{}", screen.stderr);
}

#[test]
fn errors_show_no_escape_sequences() {
    let sandbox = Sandbox::new();
    let screen = sandbox.fails(&["pull", "artifact", "URL/a:v1", "-o", "x", "--ca-file", "\u{1b}[2Jnone\r"]);
    assert!(!screen.stderr.contains(['\u{1b}', '\r']), "{:?}", screen.stderr);
    assert!(screen.stderr.contains(r"\u{1b}[2Jnone\r"), "{:?}", screen.stderr);
}
