//! The metadata service of an instance.

use oci_artifact::{Class, Classify};
use oci_identity::Environment;
use oci_testkit::{
    net,
    planted::AWS_SESSION_TOKEN,
    scripted::{Asked, Reply, Scripted},
};
use serde_json::json;

use super::{
    container::keys,
    world::{HOST, LATER, World, assert_logged_in},
};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const TOKEN: &str = "/latest/api/token";

/// Version 2, strict.
fn imds(asked: &Asked) -> Reply {
    let known = asked.header("x-aws-ec2-metadata-token") == Some(AWS_SESSION_TOKEN);
    match (asked.method.as_str(), asked.path.as_str()) {
        ("PUT", TOKEN) if asked.header("x-aws-ec2-metadata-token-ttl-seconds") == Some("60") => {
            Reply::text(200, AWS_SESSION_TOKEN)
        }
        ("GET", ROLES) if known => Reply::text(200, "node-role"),
        ("GET", path) if known && path == format!("{ROLES}node-role") => {
            let mut body = keys("ASIANODE", LATER);
            body["Code"] = json!("Success");
            body["Type"] = json!("AWS-HMAC");
            Reply::json(200, &body)
        }
        _ => Reply::text(401, ""),
    }
}

fn at(address: &str) -> Environment {
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), format!("http://{address}"))];
    Environment { variables: variables.into(), ..Environment::default() }
}

/// Logs in where the service answers so to this path, and well to others.
async fn with(path: &'static str, reply: Reply) -> (Scripted, Result<String, String>, Class) {
    let world = World::start();
    let server = Scripted::start(move |asked| if asked.path == path { reply.clone() } else { imds(asked) });
    let result = world.log_in(at(&server.address().to_string()), HOST).await;
    let class = result.as_ref().err().map_or(Class::Terminal, Classify::class);
    let told = match result {
        Ok(lookup) => Ok(lookup.to_string()),
        failed @ Err(_) => Err(super::world::said(failed)),
    };
    (server, told, class)
}

#[tokio::test]
async fn instance_logs_in_by_its_role() {
    let (world, server) = (World::start(), Scripted::start(imds));
    let lookup = world.log_in(at(&server.address().to_string()), HOST).await.unwrap();
    assert_logged_in(&lookup, "ECR in eu-west-1, role node-role of the instance");
    let path = |path: &str| format!("127.0.0.1{path}");
    assert_eq!(
        server.lines(),
        [
            format!("PUT {}", path(TOKEN)),
            format!("GET {}", path(ROLES)),
            format!("GET {}node-role", path(ROLES))
        ]
    );
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn computer_without_a_metadata_service_is_anonymous() {
    let world = World::start();
    let nobody = net::refused();
    let text = world.log_in(at(&nobody), HOST).await.unwrap().to_string();
    assert!(text.ends_with(&format!("metadata service (EC2): nothing answers at http://{nobody}")), "{text}");
}

#[tokio::test]
async fn service_that_is_none_is_passed_by() {
    for (path, reply, why, requests) in [
        (
            TOKEN,
            Reply::Stall,
            "no answer in time; in a container the instance's hop limit must be 2 at least",
            1,
        ),
        (
            TOKEN,
            Reply::text(302, "").header("location", "http://portal.example/"),
            "it answered 302, which is no",
            1,
        ),
        (TOKEN, Reply::text(403, ""), "it answered 403, which is no metadata service of EC2", 1),
        (TOKEN, Reply::text(404, "<html>"), "it answered 404, which is no metadata service of EC2", 1),
        (ROLES, Reply::text(404, ""), "the instance has no role", 2),
        (ROLES, Reply::text(307, "").header("location", "http://portal.example/"), "it answered 307", 2),
    ] {
        let (server, told, _) = with(path, reply).await;
        let told = told.unwrap();
        assert!(told.contains(&format!("; metadata service (EC2): {why}")), "{told}");
        assert_eq!(server.lines().len(), requests);
    }
}

#[tokio::test]
async fn service_that_stumbles_is_an_error_that_passes() {
    for status in [429, 500, 503] {
        let (server, told, class) = with(TOKEN, Reply::text(status, "")).await;
        assert!(told.unwrap_err().contains(&format!("answered {status}")));
        assert_eq!((class, server.lines().len()), (Class::Retry { after: None }, 1));
    }
}

#[tokio::test]
async fn unusable_answers_of_the_service_are_told() {
    const LAST: &str = "/latest/meta-data/iam/security-credentials/node-role";
    let mut failed = keys("ASIANODE", LATER);
    failed["Code"] = json!("AssumeRoleUnauthorizedAccess");
    for (path, reply, wanted) in [
        (TOKEN, Reply::text(200, ""), "its token is none"),
        (TOKEN, Reply::text(200, "a\nb"), "its token is none"),
        (TOKEN, Reply::text(200, "<html>a portal</html>"), "its token is none"),
        (TOKEN, Reply::text(200, &"x".repeat(1_025)), "its token is none"),
        (ROLES, Reply::text(200, "../../user-data"), "the name of its role is none"),
        (ROLES, Reply::text(200, ""), "the name of its role is none"),
        (ROLES, Reply::text(200, &"x".repeat((64 << 10) + 1)), "larger than the limit of 65536 bytes"),
        (LAST, Reply::json(200, &failed), "it could not assume the role"),
        (LAST, Reply::text(404, ""), "getting keys of the instance's role node-role"),
        (LAST, Reply::text(302, "").header("location", "http://portal.example/"), "answered 302"),
        (LAST, Reply::json(200, &keys("ASIANODE", "2026-01-01T11:59:59Z")), "it is over already"),
        (LAST, Reply::json(200, &keys("ASIA NODE", LATER)), "the access key id is empty, too long"),
    ] {
        let (_, told, _) = with(path, reply).await;
        let told = told.unwrap_err();
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}
