//! What a person sees.

use oci_testkit::control_plane::Ran;
use serde_json::json;

use super::{push::Image, tenant::Tenant};

async fn kubectl(tenant: &Tenant<'_>, arguments: &[&str]) -> Ran {
    let mut all = vec!["--namespace", tenant.namespace.as_str()];
    all.extend(arguments);
    tenant.plane.run(&all).await
}

#[tokio::test]
async fn controller_is_understood_by_kubectl() {
    let tenant = Tenant::new().await;
    let digest = Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("good", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.apply("bad", &json!({ "ref": { "tag": "v9" } })).await;
    kubectl(&tenant, &["wait", "--for=condition=Ready", "ocirepo/good", "--timeout=60s"]).await.succeeded();
    kubectl(&tenant, &["wait", "--for=condition=FetchFailed", "ocirepo/bad", "--timeout=60s"])
        .await
        .succeeded();
    let wait = ["wait", "--for=condition=Ready=false", "ocirepo/bad", "--timeout=60s"];
    kubectl(&tenant, &wait).await.succeeded();

    let table = kubectl(&tenant, &["get", "ocirepo"]).await.succeeded();
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["NAME", "URL", "READY", "STATUS", "AGE"]);
    let (bad, good) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(good.contains(&tenant.registry.url("org/app")) && good.contains(" True "), "{table}");
    assert!(good.contains(&format!("v1@{digest}")), "{table}");
    assert!(bad.contains(" False ") && bad.contains("v9"), "{table}");

    let described = kubectl(&tenant, &["describe", "ocirepo/good"]).await.succeeded();
    assert!(described.contains("NewArtifact"), "{described}");
}

#[tokio::test]
async fn controller_lets_nobody_wait_for_what_is_there_already() {
    let tenant = Tenant::new().await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let second = Image::saying("two").push(&tenant.registry, "org/app", "v2");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    tenant.apply("app", &json!({ "ref": { "tag": "v2" } })).await;
    // The generation says whose `Ready` it is; kstatus and `flux` look at it.
    let generation = "--for=jsonpath={.status.observedGeneration}=2";
    kubectl(&tenant, &["wait", generation, "ocirepo/app", "--timeout=60s"]).await.succeeded();
    kubectl(&tenant, &["wait", "--for=condition=Ready", "ocirepo/app", "--timeout=60s"]).await.succeeded();
    let object = tenant.get("app").await;
    assert_eq!(object["status"]["artifact"]["revision"], format!("v2@{second}"));
}

#[tokio::test]
async fn kubectl_describes_what_failed_and_what_to_do() {
    let tenant = Tenant::new().await;
    tenant.apply("app", &json!({ "ref": { "tag": "v9" } })).await;
    tenant.event("app", "OCIArtifactPullFailed").await;
    kubectl(&tenant, &["wait", "--for=condition=FetchFailed", "ocirepo/app", "--timeout=60s"])
        .await
        .succeeded();
    let described = kubectl(&tenant, &["describe", "ocirepo/app"]).await.succeeded();
    let (object, events) = described.split_once("\nEvents:\n").unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let object = words(object);
    let failed = "Reason: OCIArtifactPullFailed Status: True Type: FetchFailed";
    assert!(object.contains(failed), "{failed} is not in:\n{described}");
    let told: Vec<&str> = events.lines().filter(|line| line.contains("OCIArtifactPullFailed")).collect();
    assert!(told.len() == 1 && told[0].trim_start().starts_with("Warning "), "{described}");
    // What was attempted on what, why it failed, and what to do.
    let url = tenant.registry.url("org/app");
    let address = url.trim_start_matches("oci://");
    for part in [
        "failed to determine artifact digest: ",
        address,
        "v9",
        "404",
        "; push it, or correct spec.url and spec.ref",
    ] {
        assert!(object.contains(part) && words(told[0]).contains(part), "{part} is not in:\n{described}");
    }
}
