//! `auth explain`: the walk, the steps, and that nothing is asked that is not needed.

use oci_testkit::{
    net,
    planted::{PASSWORD, WRONG_PASSWORD},
    registry::{Act, Auth, Bearer, Class, Fault, Match, Recorded, Registry},
};
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, shows, shows_table};

const EXPLAIN: [&str; 3] = ["auth", "explain", "URL/app"];
const TEST: [&str; 4] = ["auth", "explain", "URL/app", "--test"];

fn guarded() -> Sandbox {
    Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start())
}

fn tokens(rules: Bearer) -> Sandbox {
    let login = Some(("tester".to_owned(), PASSWORD.to_owned()));
    Sandbox::with(Registry::builder().auth(Auth::Bearer(Bearer { login, ..rules })).start())
}

#[test]
fn walk_of_somebody_without_a_login_names_every_source() {
    let sandbox = guarded();
    sandbox.write("home/.docker/config.json", r#"{"auths":{"a.example":{"auth":"dTpw"}}}"#);
    shows_table(
        &sandbox.run(&EXPLAIN),
        "exit 1
        out: SOURCE                                     ANSWER
        out: --creds                                    not given
        out: HOME/.docker/config.json            no entry for HOST
        out: HOME/.config/containers/auth.json   there is no such file
        out:
        out: login for HOST/app: anonymous",
    );
    assert_eq!(sandbox.registry.accepts(), 0);
}

#[test]
fn walk_ends_at_the_login_that_is_used() {
    let sandbox = guarded();
    let host = sandbox.registry.host();
    sandbox.write(
        "home/.docker/config.json",
        &format!(r#"{{"auths":{{"{host}":{{"auth":"dGVzdGVyOnMzY3JldC1wYXNz"}}}}}}"#),
    );
    let file = sandbox.path("home/.docker/config.json").display().to_string();
    let screen = sandbox.ok(&[&EXPLAIN[..], &["-o", "json"]].concat());
    let walk: Value = serde_json::from_str(&screen.stdout).unwrap();
    assert_eq!(
        walk,
        json!({
            "repository": format!("{host}/app"),
            "sources": [
                {"source": "--creds", "answer": "not given"},
                {"source": file, "answer": "basic(tester)"},
            ],
            "login": "basic(tester)",
        })
    );
    assert!(sandbox.ok(&[&EXPLAIN[..], &["-o", "yaml"]].concat()).stdout.contains("login: basic(tester)"));
    let creds = format!("me:{PASSWORD}");
    let screen = sandbox.ok(&[&EXPLAIN[..], &["--creds", &creds]].concat());
    assert!(screen.stdout.contains("login for"), "{}", screen.show());
    assert!(screen.show().contains("out: --creds   basic(me)"), "{}", screen.show());
    assert_eq!(sandbox.registry.accepts(), 0);
}

#[test]
fn missing_helper_ends_the_walk_with_its_error() {
    let sandbox = guarded();
    sandbox.write("auth.json", "{}");
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"nowhere"}"#);
    let named = sandbox.path("auth.json").display().to_string();
    for args in [&EXPLAIN[..], &TEST] {
        shows_table(
            &sandbox.run_in(args, &[("REGISTRY_AUTH_FILE", &named)]),
            "exit 2
            out: SOURCE             ANSWER
            out: --creds            not given
            out: FOLDER/auth.json   no entry for HOST
            err: ✗ looking for a login for HOST/app failed: credential helper `docker-credential-nowhere` for HOST: not found on PATH (named in HOME/.docker/config.json)
            err:   hint: install `docker-credential-nowhere`, remove it from `credsStore` or `credHelpers`, or pass `--creds user:password`",
        );
    }
    assert_eq!(sandbox.registry.accepts(), 0);
}

#[test]
fn test_shows_each_step_to_the_end() {
    let sandbox = tokens(Bearer::default());
    let creds = format!("tester:{PASSWORD}");
    let screen = sandbox.ok(&[&TEST[..], &["--creds", &creds]].concat());
    shows_table(
        &screen,
        "exit 0
        out: SOURCE    ANSWER
        out: --creds   basic(tester)
        out:
        out: login for HOST/app: basic(tester)
        out:
        out: STEP        RESULT   ANSWER
        out: ping        ok       http://HOST answers (401) and asks for a login
        out: challenge   ok       a token of http://HOST for `HOST` (Bearer)
        out: token       ok       given for repository:app:pull (as basic(tester), --creds)
        out: request     ok       let in, but there is nothing of that name, or not for this account (404 NAME_UNKNOWN: repository name not known to registry)",
    );
    let lines: Vec<String> = sandbox.registry.requests().iter().map(Recorded::line).collect();
    assert_eq!(lines.len(), 3, "one request a step: {lines:?}");
    sandbox.sample();
    sandbox.ok(&[
        "push",
        "artifact",
        "URL/app:v1",
        "-f",
        "app",
        "--source=s",
        "--revision=r",
        "--creds",
        &creds,
    ]);
    let screen = sandbox.ok(&["auth", "explain", "URL/app:v1", "--check", "--creds", &creds]);
    assert!(
        screen.show().contains("request     ok       let in: sha256:DIGEST is there"),
        "{}",
        screen.show()
    );
}

#[test]
fn wrong_password_is_refused_at_its_step() {
    let creds = format!("tester:{WRONG_PASSWORD}");
    let args = [&TEST[..], &["--creds", &creds]].concat();
    shows_table(
        &guarded().run(&args),
        "exit 1
        out: SOURCE    ANSWER
        out: --creds   basic(tester)
        out:
        out: login for HOST/app: basic(tester)
        out:
        out: STEP        RESULT   ANSWER
        out: ping        ok       http://HOST answers (401) and asks for a login
        out: challenge   ok       a user and a password with each request (Basic)
        out: request     failed   access denied: UNAUTHORIZED: authentication required (as basic(tester), --creds)
        err: ✗ trying the login for HOST/app failed: listing the tags of HOST/app: access denied: UNAUTHORIZED: authentication required (as basic(tester), --creds)
        err:   hint: log in with `kubectl oci login`, or pass `--creds user:password`; check that the account may do this",
    );
    let screen = tokens(Bearer::default()).run(&args);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    let refused = "token       failed   the token server http://HOST answered 401: UNAUTHORIZED: unknown user or wrong password";
    assert!(screen.show().contains(refused), "{}", screen.show());
    assert!(!screen.stdout.contains("request"), "{}", screen.show());
}

#[test]
fn wrong_account_is_refused_at_the_request() {
    let sandbox = tokens(Bearer::default());
    sandbox.registry.fault(Fault::always(Match::class(Class::Tags), Act::status(403)));
    let creds = format!("tester:{PASSWORD}");
    let screen = sandbox.run(&[&TEST[..], &["--creds", &creds, "-o", "json"]].concat());
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    let walk: Value = serde_json::from_str(&screen.stdout).unwrap();
    let steps = walk["steps"].as_array().unwrap();
    let names: Vec<_> =
        steps.iter().map(|step| (step["step"].as_str().unwrap(), step["ok"] == true)).collect();
    assert_eq!(names, [("ping", true), ("challenge", true), ("token", true), ("request", false)]);
    assert!(screen.stderr.contains("hint: the registry knows this account, but"), "{}", screen.show());
}

#[test]
fn open_registry_needs_no_login() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.ok(&TEST);
    assert!(
        screen.show().contains("ping      ok       http://HOST answers (200) and asks for no login"),
        "{}",
        screen.show()
    );
    assert!(screen.show().contains("request   ok       let in: its tags are listed"), "{}", screen.show());
}

#[test]
fn what_cannot_be_found_out_is_a_failure() {
    let sandbox = guarded();
    let gone = format!("oci://{}/app", net::refused());
    let screen = sandbox.run(&["auth", "explain", &gone, "--test"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stdout.contains("ping   failed   cannot connect to"), "{}", screen.show());
    for (challenge, step) in [
        (Act::Challenge("Negotiate".into()), "challenge"),
        (Act::Challenge("Bearer realm=\"not a url\"".into()), "token"),
        (Act::status(404), "ping"),
        (Act::status(503), "ping"),
    ] {
        let sandbox = guarded();
        sandbox.registry.fault(Fault::always(Match::class(Class::Ping), challenge));
        let screen = sandbox.run(&TEST);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        let last = screen.stdout.lines().last().unwrap();
        assert!(last.starts_with(step) && last.contains("failed"), "{}", screen.show());
    }
}

#[test]
fn helper_is_started_once() {
    let sandbox = guarded();
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"fake"}"#);
    let script =
        r#"cat >/dev/null; echo run >> "$HOME/runs"; echo '{"Username":"tester","Secret":"s3cret-pass"}'"#;
    sandbox.helper("fake", script);
    let screen = sandbox.ok(&TEST);
    assert!(screen.stdout.contains("docker-credential-fake, named in"), "{}", screen.show());
    assert_eq!(std::fs::read_to_string(sandbox.path("home/runs")).unwrap(), "run\n");
}

#[test]
fn refusal_of_a_command_names_every_source() {
    let sandbox = guarded();
    sandbox.write("home/.docker/config.json", "{}");
    shows(
        &sandbox.run(&["list", "artifacts", "URL/app"]),
        "exit 2
        err: ✗ listing HOST/app failed: listing the tags of HOST/app: access denied: UNAUTHORIZED: authentication required (as anonymous: --creds: not given; HOME/.docker/config.json: no entry for HOST; HOME/.config/containers/auth.json: there is no such file)
        err:   hint: log in with `kubectl oci login`, or pass `--creds user:password`; check that the account may do this",
    );
}
