//! A token in a file: IAM roles for service accounts (IRSA).

use std::{fs, process::Command};

use oci_testkit::planted::AWS_WEB_IDENTITY_TOKEN;
use tempfile::tempdir;

use super::world::{HOST, ROLE, World, a_file, assert_logged_in, environment};

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ARN: (&str, &str) = ("AWS_ROLE_ARN", ROLE);

#[tokio::test]
async fn token_in_a_file_is_exchanged_for_the_role() {
    let (world, folder) = (World::start(), tempdir().unwrap());
    let file = a_file(folder.path(), "token", &format!("{AWS_WEB_IDENTITY_TOKEN}\n"));
    // An agent beside it is not asked.
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    let lookup = world.log_in(environment(&[(FILE, &file), ARN, agent]), HOST).await.unwrap();
    assert_logged_in(&lookup, &format!("ECR in eu-west-1, role {ROLE} by the token in `{file}`"));
    assert_eq!(world.lines(), ["POST sts.eu-west-1.amazonaws.com/", "POST api.ecr.eu-west-1.amazonaws.com/"]);
    let session = |index: usize| {
        let fields = world.aws.asked()[index].form();
        fields.into_iter().find(|(name, _)| name == "RoleSessionName").unwrap().1
    };
    assert_eq!(session(0), "kubectl-oci");
    let named = ("AWS_ROLE_SESSION_NAME", "pod/1");
    world.log_in(environment(&[(FILE, &file), ARN, named]), HOST).await.unwrap();
    assert_eq!(session(2), "pod-1");
}

#[tokio::test]
async fn keys_in_variables_come_before_the_file() {
    let world = World::start();
    let file = (FILE, "/nowhere/token");
    let variables = [&super::world::KEYS[..], &[file, ARN]].concat();
    assert_logged_in(
        &world.log_in(environment(&variables), HOST).await.unwrap(),
        "ECR in eu-west-1, keys in AWS_ACCESS_KEY_ID",
    );
}

#[tokio::test]
async fn file_that_holds_no_token_is_told() {
    let (world, folder) = (World::start(), tempdir().unwrap());
    let at = |name: &str| folder.path().join(name).display().to_string();
    a_file(folder.path(), "empty", "");
    a_file(folder.path(), "blank", " \n\n");
    a_file(folder.path(), "lines", "one\ntwo\n");
    a_file(folder.path(), "large", &"x".repeat((64 << 10) + 1));
    fs::write(at("binary"), b"\xff\xfe").unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    for (name, wanted) in [
        ("missing", "it cannot be read: No such file"),
        ("empty", "it has no token"),
        ("blank", "it has no token"),
        ("large", "it is larger than 65536 bytes"),
        ("lines", "its token has characters that no token has"),
        ("binary", "it is no text"),
        ("pipe", "it cannot be read: it is no regular file"),
        ("", "it cannot be read: it is no regular file"),
        ("empty/below", "it cannot be read: Not a directory"),
    ] {
        let text = world.fail(environment(&[(FILE, &at(name)), ARN])).await;
        assert!(text.starts_with(&format!("{FILE} ({}): {wanted}", at(name))), "{text}");
    }
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn role_that_is_none_is_told() {
    let (world, folder) = (World::start(), tempdir().unwrap());
    let file = a_file(folder.path(), "token", AWS_WEB_IDENTITY_TOKEN);
    let text = world.fail(environment(&[(FILE, &file)])).await;
    assert!(text.starts_with("AWS_ROLE_ARN: it is not set, but AWS_WEB_IDENTITY_TOKEN_FILE is"), "{text}");
    assert!(
        text.contains("(annotate the ServiceAccount of the pod with eks.amazonaws.com/role-arn)"),
        "{text}"
    );
    let long = format!("arn:{}", "x".repeat(2_048));
    for arn in ["puller", "arn:aws:iam::1:role/a b", "arn:aws\n", &long] {
        let text = world.fail(environment(&[(FILE, &file), ("AWS_ROLE_ARN", arn)])).await;
        assert!(text.starts_with("AWS_ROLE_ARN: it is not the ARN of a role"), "{text}");
    }
    assert!(world.lines().is_empty());
}
