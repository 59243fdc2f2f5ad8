//! What the controller logs of runs, next to `docs/reference/logs.md`.

use std::{collections::BTreeSet, fs};

use oci_hygiene::{markdown, workspace};
use oci_testkit::control_plane::eventually;
use serde_json::{Map, Value, json};

use super::{
    push::Image,
    tenant::Tenant,
    world::{LONG, shard, started, was_well},
};

#[tokio::test]
async fn controller_logs_the_fields_of_the_reference_and_names_the_object_in_every_line_of_a_run() {
    let name = "logs";
    let tenant = Tenant::of_shard(name).await;
    let controller = started(shard(name).await.with("--log-level=debug"));
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("good", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.apply("bad", &json!({ "ref": { "tag": "v9" } })).await;
    tenant.apply("wrong", &json!({ "url": "oci://127.0.0.1:1/org/app:v1" })).await;
    tenant.ready("good").await;
    tenant.event("bad", "OCIArtifactPullFailed").await;
    tenant.event("wrong", "URLInvalid").await;
    let lines: Vec<Map<String, Value>> = eventually("lines about all three", LONG, async || {
        let log = controller.log();
        let lines: Vec<_> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let told = |name: &str| {
            lines.iter().any(|line: &Map<String, Value>| {
                line.get("OCIRepository").is_some_and(|object| object["name"] == name)
                    && line.contains_key("reason")
            })
        };
        if ["good", "bad", "wrong"].into_iter().all(told) { Ok(lines) } else { Err(log) }
    })
    .await;
    let page = fs::read_to_string(workspace().join("docs/reference/logs.md")).unwrap();
    let known: BTreeSet<String> =
        ["Lines", "Controller"].into_iter().flat_map(|heading| markdown::names(&page, heading)).collect();
    for line in &lines {
        let unknown: Vec<_> = line.keys().filter(|field| !known.contains(*field)).collect();
        assert!(unknown.is_empty() && line.contains_key("msg"), "{unknown:?} of {line:?}");
    }
    let requests: Vec<_> = lines.iter().filter(|line| line["msg"] == "request").collect();
    let address = tenant.registry.url("org/app");
    let address = address.trim_start_matches("oci://").split('/').next().unwrap();
    let mut seen = 0;
    for line in requests.iter().filter(|line| line["url"].as_str().is_some_and(|url| url.contains(address))) {
        assert!(line.contains_key("OCIRepository") && line["namespace"] == tenant.namespace, "{line:?}");
        assert!(line["ms"].is_u64(), "{line:?}");
        seen += 1;
    }
    assert!(seen > 2, "{requests:?}");
    was_well(&controller);
}
