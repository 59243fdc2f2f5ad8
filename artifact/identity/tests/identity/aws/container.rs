//! An agent beside the container: EKS Pod Identity and ECS.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use oci_artifact::{Class, Classify as _, name::Cloud};
use oci_identity::Plan;
use oci_testkit::{
    net,
    planted::{AWS_SESSION_TOKEN, OTHER_AWS_SECRET_KEY, POD_IDENTITY_TOKEN},
    scripted::{Asked, Reply, Scripted},
};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::world::{
    HOST, LATER, World, a_file, assert_logged_in, environment, identities, log_in, said, serve,
};

const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// What an agent answers.
pub(super) fn keys(id: &str, expires: &str) -> Value {
    json!({
        "AccessKeyId": id, "SecretAccessKey": OTHER_AWS_SECRET_KEY, "Token": AWS_SESSION_TOKEN,
        "Expiration": expires, "AccountId": "012345678901", "RoleArn": "arn:aws:iam::012345678901:role/pod",
    })
}

/// The agent of EKS, strict.
fn agent(asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.path.as_str(), asked.header("authorization")) {
        ("GET", "/v1/credentials", Some(POD_IDENTITY_TOKEN)) => Reply::json(200, &keys("ASIAPOD", LATER)),
        _ => Reply::json(400, &json!({ "message": "bad token" })),
    }
}

fn at(agent: &Scripted) -> String {
    format!("http://{}/v1/credentials", agent.address())
}

#[tokio::test]
async fn pod_identity_gives_the_keys_of_the_pod_s_role() {
    let (world, agent, folder) = (World::start(), Scripted::start(agent), tempdir().unwrap());
    let file = a_file(folder.path(), "token", &format!("{POD_IDENTITY_TOKEN}\n"));
    // The file comes before the variable.
    let variables = environment(&[(FULL, &at(&agent)), (TOKEN_FILE, &file), (TOKEN, "other")]);
    let lookup = world.log_in(variables, HOST).await.unwrap();
    let origin = format!("ECR in eu-west-1, the container's role, by http://{}", agent.address());
    assert_logged_in(&lookup, &origin);
    assert_eq!(agent.lines(), ["GET 127.0.0.1/v1/credentials"], "past the proxy");
    assert_eq!(world.lines(), ["POST api.ecr.eu-west-1.amazonaws.com/"]);
}

#[tokio::test]
async fn token_in_a_variable_is_shown_to_the_agent() {
    let (world, agent) = (World::start(), Scripted::start(agent));
    let token = format!(" {POD_IDENTITY_TOKEN}\n");
    let lookup = world.log_in(environment(&[(FULL, &at(&agent)), (TOKEN, &token)]), HOST).await;
    assert!(lookup.is_ok());
}

#[tokio::test]
async fn token_with_a_line_end_is_not_shown_to_the_agent() {
    let (world, agent, folder) = (World::start(), Scripted::start(agent), tempdir().unwrap());
    let file = a_file(folder.path(), "token", "one\r\nx: two");
    fs::write(folder.path().join("empty"), "").unwrap();
    let empty = folder.path().join("empty").display().to_string();
    for (variable, value, wanted) in [
        (TOKEN_FILE, file.as_str(), "its token is empty, too long, or has characters that no token has"),
        (TOKEN, "one\ntwo", "its token is empty, too long, or has characters that no token has"),
        (TOKEN_FILE, &empty, "its token is empty"),
        (
            TOKEN_FILE,
            "/nowhere/token",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (/nowhere/token): it cannot be read",
        ),
    ] {
        let text = world.fail(environment(&[(FULL, &at(&agent)), (variable, value)])).await;
        assert!(text.contains(wanted), "{text}");
    }
    assert!(agent.lines().is_empty());
}

#[tokio::test]
async fn agent_on_a_forbidden_host_is_not_asked() {
    let world = World::start();
    for host in ["agent.example", "10.0.0.1", "169.254.169.254", "127.0.0.1.example.org"] {
        let url = format!("http://{host}/v1/credentials");
        let text = world.fail(environment(&[(FULL, &url), (TOKEN, POD_IDENTITY_TOKEN)])).await;
        assert!(text.starts_with(&format!("{FULL}: the token would go to {host} by http")), "{text}");
    }
}

#[tokio::test]
async fn unusable_answers_of_the_agent_are_told() {
    let world = World::start();
    let mut broken = keys("ASIAPOD", LATER);
    broken["SecretAccessKey"] = json!("planted\nkey");
    for (reply, wanted) in [
        (Reply::json(400, &json!({ "message": "no association" })), "answered 400: no association"),
        (Reply::json(404, &json!({ "code": "NoRole", "message": "x" })), "answered 404: NoRole: x"),
        (Reply::text(302, "").header("location", "http://127.0.0.1:1/"), "answered 302"),
        (Reply::text(200, "not JSON"), "sent an unusable answer: it is not the JSON expected"),
        (Reply::text(200, &"x".repeat((64 << 10) + 1)), "larger than the limit of 65536 bytes"),
        (Reply::json(200, &json!({})), "sent an unusable answer: it has no AccessKeyId"),
        (Reply::json(200, &broken), "sent an unusable answer: the secret access key is empty, too long"),
        (Reply::json(200, &keys("ASIAPOD", "never")), "sent an unusable answer: the expiration is no time"),
        (Reply::json(200, &keys("ASIAPOD", "2026-01-01T11:00:00Z")), "it is over already"),
    ] {
        let agent = Scripted::start(move |_| reply.clone());
        let text = world.fail(environment(&[(FULL, &at(&agent)), (TOKEN, POD_IDENTITY_TOKEN)])).await;
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn agent_that_is_not_there_is_an_error_that_passes() {
    let world = World::start();
    let url = format!("http://{}/v1/credentials", net::refused());
    let error = world.log_in(environment(&[(FULL, &url)]), HOST).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: None });
    let busy = Scripted::start(|_| Reply::text(429, ""));
    let error = world.log_in(environment(&[(FULL, &at(&busy))]), HOST).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: None });
    assert_eq!(busy.lines().len(), 1);
}

#[tokio::test]
async fn keys_of_the_agent_are_kept_until_aws_does_not_take_them() {
    let count = AtomicUsize::new(0);
    let agent = Scripted::start(move |asked| {
        assert!(asked.header("authorization").is_none());
        let id = ["ASIAOLD", "ASIANEW"][count.fetch_add(1, Ordering::Relaxed).min(1)];
        Reply::json(200, &keys(id, LATER))
    });
    let world = World::with(|asked| {
        if asked.header("authorization").unwrap().contains("=ASIAOLD/") {
            return Reply::json(400, &json!({ "__type": "ExpiredTokenException", "message": "over" }));
        }
        serve(asked)
    });
    let identities = identities(environment(&[(FULL, &at(&agent))]));
    let source = || identities.source(Plan::Process(Cloud::Aws), world.web(), None);
    said(log_in(&source(), HOST).await);
    for _ in 0..3 {
        log_in(&source(), HOST).await.unwrap();
    }
    assert_eq!((agent.lines().len(), world.lines().len()), (2, 2));
}
