//! Logins: Docker's files and helpers, `--creds`, and what a refusal shows.

use std::os::unix::fs::PermissionsExt as _;

use oci_testkit::{
    registry::{Auth, Registry},
    tls::Tls,
};

use crate::sandbox::Sandbox;

const PUSH: [&str; 7] = ["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"];

fn guarded() -> Sandbox {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::basic("tester", "s3cret-pass")).start());
    sandbox.sample();
    sandbox
}

#[test]
fn login_comes_from_the_docker_config() {
    let sandbox = guarded();
    // base64 of tester:s3cret-pass
    let auths =
        format!(r#"{{"auths":{{"{}":{{"auth":"dGVzdGVyOnMzY3JldC1wYXNz"}}}}}}"#, sandbox.registry.host());
    sandbox.write("home/.docker/config.json", &auths);
    sandbox.ok(&PUSH);
    sandbox.write("elsewhere/config.json", &auths);
    std::fs::remove_file(sandbox.path("home/.docker/config.json")).unwrap();
    let mut command = sandbox.command(&PUSH);
    let screen = sandbox.screen(command.env("DOCKER_CONFIG", sandbox.path("elsewhere")).output().unwrap());
    assert_eq!(screen.code, Some(0), "{}", screen.show());
}

#[test]
fn login_comes_from_a_helper() {
    let sandbox = guarded();
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"fake"}"#);
    sandbox.write(
        "bin/docker-credential-fake",
        "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"tester\",\"Secret\":\"s3cret-pass\"}'\n",
    );
    let helper = sandbox.path("bin/docker-credential-fake");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", sandbox.path("bin").display(), crate::sandbox::search_path());
    let screen = sandbox.screen(sandbox.command(&PUSH).env("PATH", path).output().unwrap());
    assert_eq!(screen.code, Some(0), "{}", screen.show());
}

#[test]
fn login_with_a_failing_helper_is_an_error_with_its_words() {
    let sandbox = guarded();
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"fake"}"#);
    sandbox.write("bin/docker-credential-fake", "#!/bin/sh\necho 'the keychain is locked' >&2\nexit 1\n");
    let helper = sandbox.path("bin/docker-credential-fake");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", sandbox.path("bin").display(), crate::sandbox::search_path());
    let screen = sandbox.screen(sandbox.command(&PUSH).env("PATH", path).output().unwrap());
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("the keychain is locked"), "{}", screen.stderr);
}

#[test]
fn login_takes_the_password_from_standard_input() {
    let sandbox = guarded();
    let args = [&PUSH[..], &["--creds", "tester", "--password-stdin"]].concat();
    let screen = sandbox.run_with_input(&args, "s3cret-pass\n");
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert_eq!(sandbox.run_with_input(&args, "").code, Some(2));
    sandbox.fails(&[&PUSH[..], &["--password-stdin"]].concat());
    sandbox.fails(&[&PUSH[..], &["--creds", "a:b", "--password-stdin"]].concat());
}

#[test]
fn wrong_password_shows_the_registry_s_words_and_no_secret() {
    let sandbox = guarded();
    let screen = sandbox.fails(&[&PUSH[..], &["--creds", "tester:hunter2", "-v"]].concat());
    assert!(screen.stderr.contains("access denied"), "{}", screen.stderr);
    assert!(screen.stderr.contains("hint: log in"), "{}", screen.stderr);
    for secret in ["hunter2", "dGVzdGVyOmh1bnRlcjI"] {
        assert!(!screen.stderr.contains(secret), "{}", screen.stderr);
    }
}

#[test]
fn verbose_shows_requests_without_secrets() {
    let sandbox = guarded();
    let screen = sandbox.ok(&[&PUSH[..], &["--creds", "tester:s3cret-pass", "-v"]].concat());
    assert!(
        screen.stderr.contains("method=PUT") && screen.stderr.contains("status=201"),
        "{}",
        screen.stderr
    );
    for secret in ["s3cret-pass", "dGVzdGVyOnMzY3JldC1wYXNz", "Basic "] {
        assert!(!screen.stderr.contains(secret), "{}", screen.stderr);
    }
}

#[test]
fn private_authority_and_client_certificate_are_used() {
    let tls = Tls::new();
    let sandbox = Sandbox::with(Registry::builder().mutual_tls(&tls).start());
    sandbox.sample();
    sandbox.write("ca.pem", &tls.ca_pem);
    sandbox.write("cert.pem", &tls.client_cert_pem);
    sandbox.write("key.pem", &tls.client_key_pem);
    let flags = ["--ca-file", "ca.pem", "--cert-file", "cert.pem", "--key-file", "key.pem"];
    sandbox.ok(&[&PUSH[..], &flags].concat());
    let screen = sandbox.fails(&PUSH);
    assert!(screen.stderr.contains("--ca-file"), "{}", screen.stderr);
    sandbox.fails(&[&PUSH[..], &["--ca-file", "missing.pem"]].concat());
    sandbox.fails(&[&PUSH[..], &["--ca-file", "app/deployment.yaml"]].concat());
    sandbox.fails(&[&PUSH[..], &["--cert-file", "cert.pem"]].concat());
}
