//! `--provider`: a cloud's identity goes to that cloud's registries, or nothing goes anywhere.

use oci_testkit::{
    planted::PASSWORD,
    registry::{Auth, Registry},
};

use crate::sandbox::Sandbox;

const ECR: &str = "oci://012345678901.dkr.ecr.eu-west-1.amazonaws.com/app";

fn guarded() -> Sandbox {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start());
    sandbox.sample();
    sandbox
}

#[test]
fn registry_of_somebody_else_is_refused_before_anything_is_sent() {
    let sandbox = guarded();
    for cloud in ["aws", "azure", "gcp"] {
        for args in [
            &["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"][..],
            &["pull", "artifact", "URL/app:v1", "-o", "out"],
            &["list", "artifacts", "URL/app"],
            &["tag", "artifact", "URL/app:v1", "--tag", "x"],
            &["diff", "artifact", "URL/app:v1", "--path", "app"],
            &["inspect", "artifact", "URL/app:v1"],
            &["auth", "explain", "URL/app", "--test"],
        ] {
            let screen = sandbox.fails(&[args, &["--provider", cloud]].concat());
            assert!(screen.stderr.contains(&format!("is no registry of {cloud}")), "{}", screen.show());
        }
        for side in ["--from-provider", "--to-provider"] {
            let screen = sandbox.fails(&["copy", "artifact", "URL/app:v1", "URL/b", side, cloud]);
            assert!(screen.stderr.contains(&format!("is no registry of {cloud}")), "{}", screen.show());
        }
    }
    assert_eq!(sandbox.registry.accepts(), 0);
}

#[test]
fn look_alikes_are_refused() {
    let sandbox = guarded();
    for (cloud, url) in [
        ("aws", "oci://012345678901.dkr.ecr.eu-west-1.amazonaws.com.example.org/app"),
        ("aws", "oci://012345678901.dkr.ecr.eu-west-1.amazonaws.com:443/app"),
        ("aws", "oci://dkr.ecr.eu-west-1.amazonaws.com/app"),
        ("azure", "oci://app.azurecr.io.example.org/app"),
        ("gcp", "oci://xgcr.io/app"),
    ] {
        let screen = sandbox.fails(&["list", "artifacts", url, "--provider", cloud]);
        assert!(screen.stderr.contains(&format!("is no registry of {cloud}")), "{}", screen.show());
    }
    let screen = sandbox.fails(&["list", "artifacts", ECR, "--provider", "gcp"]);
    assert!(screen.stderr.contains("hint: it is one of aws: pass `--provider aws`"), "{}", screen.show());
}

#[test]
fn two_ways_to_log_in_are_one_too_many() {
    let sandbox = guarded();
    let creds = format!("AWS:{PASSWORD}");
    let screen = sandbox.fails(&["list", "artifacts", ECR, "--provider", "aws", "--creds", &creds]);
    assert!(screen.stderr.contains("--creds and --provider aws are two ways"), "{}", screen.show());
    let screen = sandbox.fails(&["list", "artifacts", ECR, "--provider", "oracle"]);
    assert!(screen.stderr.contains("[possible values: generic, aws, azure, gcp]"), "{}", screen.show());
}

#[test]
fn credentials_of_the_command_line_are_for_one_registry() {
    let sandbox = guarded();
    let creds = format!("tester:{PASSWORD}");
    let flags = ["--source=s", "--revision=r", "--creds", &creds];
    sandbox.ok(&[&["push", "artifact", "URL/app:v1", "-f", "app"], &flags[..]].concat());
    sandbox.ok(&["diff", "artifact", "URL/app:v1", "URL/app:v1", "--creds", &creds]);
    let other = Registry::start();
    let screen = sandbox.fails(&["diff", "artifact", "URL/app:v1", &other.url("app:v1"), "--creds", &creds]);
    assert!(screen.stderr.contains("--creds is for one registry"), "{}", screen.show());
    assert_eq!(other.accepts(), 0);
}

#[test]
fn refusal_by_a_cloud_s_registry_names_its_identities() {
    // The embedded registry answers whatever host it is asked for, as a proxy does.
    let sandbox = guarded();
    let proxy = sandbox.registry.origin();
    let args = ["list", "artifacts", ECR, "--insecure-registry"];
    let screen = sandbox.run_in(&args, &[("HTTP_PROXY", &proxy), ("HTTPS_PROXY", &proxy)]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(
        screen.stderr.contains("access denied") && screen.stderr.contains("as anonymous"),
        "{}",
        screen.show()
    );
    assert!(screen.stderr.contains("log in by an identity with `--provider aws`"), "{}", screen.show());
    let screen = sandbox.run(&["auth", "explain", ECR]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stderr.contains("`--provider aws` logs in by an identity"), "{}", screen.show());
}
