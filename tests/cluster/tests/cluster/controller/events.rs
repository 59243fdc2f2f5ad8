//! What people and other controllers are told.

use oci_testkit::{
    control_plane::eventually,
    receiver::Receiver,
    registry::{Act, Class, Fault, Match},
};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::Tenant,
    world::{LONG, shard, started, was_well},
};

const ORIGIN: &str = "main@sha1:b3b00fe35424a45d373bf4c7214178bc36fd7872";

fn annotated(text: &str) -> Image {
    Image::saying(text)
        .annotated("org.opencontainers.image.revision", ORIGIN)
        .annotated("org.opencontainers.image.source", "https://github.com/org/app")
}

#[tokio::test]
async fn controller_tells_of_new_artifacts_failures_and_recoveries() {
    let tenant = Tenant::new().await;
    let digest = annotated("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant
        .patch("app", &json!({ "metadata": { "annotations": { "event.toolkit.fluxcd.io/team": "a" } } }))
        .await;
    let object = tenant.ready("app").await;
    let event = tenant.event("app", "NewArtifact").await;
    let message = event.message.unwrap();
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    assert!(message.contains(&format!("v1@{digest}")) && message.contains(ORIGIN), "{message}");
    assert!(message.contains("https://github.com/org/app"), "{message}");
    let source = event.source.and_then(|source| source.component);
    assert_eq!(source.as_deref(), Some("source-controller"));
    let annotations = event.metadata.annotations.unwrap();
    assert_eq!(annotations["source.toolkit.fluxcd.io/revision"], format!("v1@{digest}"));
    assert_eq!(json!(annotations["source.toolkit.fluxcd.io/digest"]), object["status"]["artifact"]["digest"]);
    assert_eq!(annotations["source.toolkit.fluxcd.io/originRevision"], ORIGIN);
    let involved = event.involved_object;
    assert_eq!(involved.kind.as_deref(), Some("OCIRepository"));
    assert_eq!(involved.api_version.as_deref(), Some("source.toolkit.fluxcd.io/v1"));
    assert_eq!(json!(involved.uid), object["metadata"]["uid"]);

    tenant.registry.fault(Fault::always(Match::class(Class::Manifest), Act::status(404)));
    tenant.run("app", "fails").await;
    let event = tenant.event("app", "OCIArtifactPullFailed").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    tenant.registry.clear_faults();
    tenant.ready("app").await;
    let event = tenant.event("app", "Succeeded").await;
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    let annotations = event.metadata.annotations.unwrap();
    assert_eq!(annotations["event.toolkit.fluxcd.io/team"], "a");
}

/// The part of a notification that does not differ from run to run.
fn about(body: &Value) -> Value {
    json!({
        "object": body["involvedObject"]["name"],
        "severity": body["severity"],
        "reason": body["reason"],
        "action": body["action"],
        "controller": body["reportingController"],
        "instance": body["reportingInstance"],
    })
}

#[tokio::test]
async fn controller_posts_notifications_as_flux_does() {
    let name = "notifications";
    let tenant = Tenant::of_shard(name).await;
    let receiver = Receiver::start();
    // One that is ill for a moment is told again; one that has had it is not.
    receiver.answer(&[500, 202, 429]);
    let controller = started(shard(name).await.with(format!("--events-addr={}", receiver.url())));
    let digest = annotated("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    let posted = |count: usize| {
        let receiver = receiver.clone();
        async move {
            eventually("notifications", LONG, async || {
                let posted = receiver.posted();
                if posted.len() >= count { Ok(posted) } else { Err(format!("{posted:?}")) }
            })
            .await
        }
    };
    let first = posted(2).await;
    assert_eq!((first[0].status, first[1].status), (500, 202));
    assert_eq!(first[0].body, first[1].body);
    let (head, body) = (&first[0], &first[0].body);
    assert_eq!((head.line.as_str(), head.content_type.as_str()), ("POST / HTTP/1.1", "application/json"));
    let wanted = json!({
        "object": "app", "severity": "info", "reason": "NewArtifact", "action": "Reconcile",
        "controller": "source-controller", "instance": "oci-controller-0",
    });
    assert_eq!(about(body), wanted);
    assert_eq!(body["involvedObject"]["kind"], "OCIRepository");
    assert_eq!(body["involvedObject"]["namespace"], tenant.namespace);
    assert!(body["message"].as_str().unwrap().contains(&digest.to_string()), "{body}");
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
    assert_eq!(body["metadata"]["source.toolkit.fluxcd.io/revision"], format!("v1@{digest}"));
    assert_eq!(body["metadata"]["source.toolkit.fluxcd.io/originRevision"], ORIGIN);

    // The answer 429 means that it is known already.
    tenant.apply("bad", &json!({ "url": "oci://127.0.0.1:1/org/app:v1" })).await;
    let all = posted(3).await;
    let wanted = json!({
        "object": "bad", "severity": "error", "reason": "URLInvalid", "action": "Reconcile",
        "controller": "source-controller", "instance": "oci-controller-0",
    });
    assert_eq!(about(&all[2].body), wanted);
    let second = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    tenant.run("app", "now").await;
    tenant.ready_at("app", &format!("v1@{second}")).await;
    let all = posted(4).await;
    assert_eq!(all[3].body["reason"], "NewArtifact", "{all:?}");
    was_well(&controller);
}

#[tokio::test]
async fn controller_does_not_wait_for_a_receiver_that_is_away() {
    let name = "no-receiver";
    let tenant = Tenant::of_shard(name).await;
    let silent = oci_testkit::net::Silent::start();
    let controller = started(shard(name).await.with(format!("--events-addr=http://{}/", silent.host())));
    for (index, text) in ["one", "two", "three", "four"].into_iter().enumerate() {
        Image::saying(text).push(&tenant.registry, "org/app", &format!("v{index}"));
        tenant.apply(text, &json!({ "ref": { "tag": format!("v{index}") } })).await;
    }
    for name in ["one", "two", "three", "four"] {
        tenant.ready(name).await;
    }
    was_well(&controller);
}
