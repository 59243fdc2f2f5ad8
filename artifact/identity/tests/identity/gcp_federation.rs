//! Google: workload identity federation by a file of Application Default Credentials.

use std::fs;

use oci_testkit::{planted::CLIENT_SECRET, scripted::Scripted};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    gcp::{EMAIL, GAR, IAM, PLATFORM, STS, USER, iam, impersonation, sts},
    gcp_files::{filed, impersonation_url, puller, unusable},
    internet::{Internet, strict_get, token},
};

const AUDIENCE: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";

fn external(source: &Value) -> Value {
    json!({
        "type": "external_account", "audience": AUDIENCE, "credential_source": source,
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": format!("https://{STS}/v1/token"),
    })
}

#[tokio::test]
async fn gcp_federation_takes_the_token_of_a_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    let json_format = json!({ "type": "json", "subject_token_field_name": "id" });
    for (content, source) in [
        (format!("{}\n", token("other")), json!({ "file": path })),
        (token("other"), json!({ "file": path, "format": { "type": "text" } })),
        (json!({ "id": token("other") }).to_string(), json!({ "file": path, "format": json_format })),
    ] {
        fs::write(&path, content).unwrap();
        let internet = Internet::start(&[STS], |asked| {
            sts(asked, AUDIENCE, &token("other"), &format!("{PLATFORM} {EMAIL}"))
        });
        let file = filed(external(&source).to_string());
        assert_eq!(puller(&internet, &file).login(GAR).await, (USER.to_owned(), token("sts")));
    }
    fs::write(&path, format!("{}\nx", token("other"))).unwrap();
    let said = unusable(external(&json!({ "file": path })).to_string()).await;
    assert!(said.ends_with("its token has characters that no token has"), "{said}");
    let said = unusable(external(&json!({ "file": path, "format": json_format })).to_string()).await;
    assert!(said.ends_with("it is no JSON"), "{said}");
}

#[tokio::test]
async fn gcp_federation_takes_the_token_of_a_url_and_is_a_service_account() {
    let server = Scripted::start(|asked| {
        let answer = json!({ "value": token("other") });
        strict_get(
            asked,
            &[("audience", "x")],
            ("authorization", &format!("bearer {CLIENT_SECRET}")),
            &answer,
        )
    });
    let source = json!({
        "url": format!("http://{}/token?audience=x", server.address()),
        "headers": { "Authorization": format!("bearer {CLIENT_SECRET}") },
        "format": { "type": "json", "subject_token_field_name": "value" },
    });
    let mut content = external(&source);
    content["service_account_impersonation_url"] = json!(impersonation_url());
    let internet = Internet::start(&[STS, IAM], |asked| match asked.host.as_str() {
        STS => sts(asked, AUDIENCE, &token("other"), PLATFORM),
        _ => iam(asked, &token("sts"), &impersonation()),
    });
    let file = filed(content.to_string());
    assert_eq!(puller(&internet, &file).login(GAR).await, (USER.to_owned(), token("iam")));
    assert_eq!((server.asked().len(), internet.lines().len()), (1, 2));
}

#[tokio::test]
async fn gcp_federation_that_would_lead_elsewhere_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, token("other")).unwrap();
    let with = |field: &str, value: Value| {
        let mut content = external(&json!({ "file": path }));
        content[field] = value;
        content.to_string()
    };
    for (content, said) in [
        (
            with("token_url", json!("https://sts.example/v1/token")),
            "its token_url is no https URL of Google's",
        ),
        (
            with("token_url", json!("https://storage.googleapis.com/b/o")),
            "its token_url is no https URL of Google's",
        ),
        (
            with("service_account_impersonation_url", json!("https://evil.example/")),
            "its service_account_impersonation_url is no https URL of Google's",
        ),
        (
            external(&json!({ "executable": { "command": "/bin/sh -c id" } })).to_string(),
            "a program of the file's choice",
        ),
        (
            external(&json!({ "environment_id": "aws1", "url": "http://169.254.169.254" })).to_string(),
            "request of AWS",
        ),
        (external(&json!({ "certificate": {} })).to_string(), "a token by a certificate is not supported"),
        (external(&json!({})).to_string(), "its credential_source has no file and no url"),
        (external(&json!({ "url": "file:///etc/passwd" })).to_string(), "is no http URL"),
        (
            external(&json!({ "url": "http://127.0.0.1", "headers": { "a b": "c" } })).to_string(),
            "no possible name",
        ),
        (with("client_secret", json!(CLIENT_SECRET)), "are not supported"),
    ] {
        let told = unusable(content).await;
        assert!(told.contains(said), "{said}: {told}");
    }
}
