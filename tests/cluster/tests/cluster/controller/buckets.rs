//! Controllers whose artifacts are in a bucket, in a server that somebody else wrote.

use oci_artifact::name::Digest;
use oci_testkit::{
    control_plane::eventually,
    controller::{Controller, Options},
    registry::Class,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    push::Image,
    slow::{Slow, large},
    tenant::{Tenant, condition, fetch},
    world::{LONG, plane, shard, started, was_well},
};
use crate::{
    bucket::{Bucket, LOGIN},
    world::manifests,
};

static MAY_KNOW: OnceCell<()> = OnceCell::const_new();

/// The Service in front of all replicas.
const SERVICE: &str = "oci-controller.oci-system.svc.cluster.local.";

/// The right that a controller with a bucket has beside the others.
async fn may_know_the_cluster() {
    let plane = plane().await;
    let manifests = manifests(plane, "overlays/ha").await;
    let is_role = |text: &&str| {
        let object: Value = oci_testkit::cases::yaml(text);
        object["kind"] == "ClusterRole" && object["metadata"]["name"] == "oci-controller"
    };
    plane.apply(manifests.split("\n---\n").find(is_role).unwrap()).await;
}

/// How a controller over a bucket is started.
pub(super) async fn options(bucket: &Bucket, name: &str, hostname: &str) -> Options {
    MAY_KNOW.get_or_init(may_know_the_cluster).await;
    let mut options = shard(name)
        .await
        .with(format!("--storage-bucket={}/flux", bucket.url()))
        .with(format!("--storage-bucket-endpoint={}", Bucket::endpoint()))
        .with(format!("--storage-adv-addr={SERVICE}"))
        .with("--enable-leader-election")
        .with("--leader-election-lease-duration=4s")
        .with("--leader-election-renew-deadline=3s")
        .with("--leader-election-retry-period=500ms")
        .with("--shutdown-timeout=4s");
    hostname.clone_into(&mut options.hostname);
    options.environment.extend(LOGIN.map(|(name, value)| (name.to_owned(), value.to_owned())));
    options
}

/// Where a controller serves the artifact of an object.
fn url(controller: &Controller, object: &Value) -> String {
    let artifact = &object["status"]["artifact"];
    let path = artifact["path"].as_str().unwrap();
    assert_eq!(artifact["url"], format!("http://{SERVICE}/{path}"));
    format!("{}/{path}", controller.artifacts())
}

/// Downloads the artifact of an object from a controller.
pub(super) async fn download(controller: &Controller, object: &Value) {
    let bytes = fetch(&url(controller, object)).await.unwrap();
    let artifact = &object["status"]["artifact"];
    assert_eq!(artifact["digest"], Digest::of(&bytes).to_string(), "{artifact}");
    assert_eq!(artifact["size"], bytes.len(), "{artifact}");
}

pub(super) fn blobs(tenant: &Tenant<'_>) -> usize {
    tenant.registry.count(|request| request.class == Class::Blob)
}

#[tokio::test]
async fn replicas_serve_from_a_bucket_and_failovers_download_nothing() {
    let name = "bucket-replicas";
    let (tenant, bucket) = (Tenant::of_shard(name).await, Bucket::new());
    bucket.create().await;
    let first = Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let mut one = started(options(&bucket, name, "one").await);
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "500ms" })).await;
    let object = tenant.ready_at("app", &format!("v1@{first}")).await;
    // Who does not lead is ready as well.
    let mut two = started(options(&bucket, name, "two").await);
    for controller in [&one, &two] {
        download(controller, &object).await;
    }
    assert_eq!(blobs(&tenant), 1);

    // Nobody leads for a while, and nobody who downloads notices.
    tenant.registry.reset();
    one.kill();
    assert!(two.is_ready());
    download(&two, &object).await;
    let second = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    let newer = tenant.ready_at("app", &format!("v1@{second}")).await;
    download(&two, &newer).await;
    download(&two, &object).await;
    assert_eq!(blobs(&tenant), 1, "only what is new");

    // All of them start again, and have nothing but the bucket.
    one.restart();
    one.wait_ready();
    assert_eq!(two.terminate(), 0, "{}", two.log());
    std::fs::remove_dir_all(two.storage()).unwrap();
    std::fs::create_dir(two.storage()).unwrap();
    tenant.registry.reset();
    two.restart();
    two.wait_ready();
    eventually("polls of the next leader", LONG, async || {
        let polls = tenant.registry.count(|request| request.method == "HEAD");
        if polls >= 2 { Ok(()) } else { Err(format!("{polls}")) }
    })
    .await;
    let after = tenant.ready("app").await;
    assert_eq!(after["status"]["artifact"], newer["status"]["artifact"]);
    for controller in [&one, &two] {
        download(controller, &after).await;
    }
    assert_eq!(blobs(&tenant), 0);
    let mut expected: Vec<String> = [&object, &newer]
        .into_iter()
        .map(|object| {
            let path = object["status"]["artifact"]["path"].as_str().unwrap();
            let folder = one.log().split("flux/shard-").nth(1).unwrap()[..8].to_owned();
            format!("flux/shard-{folder}/{path}")
        })
        .collect();
    expected.sort();
    assert_eq!(bucket.files().await, expected, "none is lost, and none is there twice");
    was_well(&one);
    was_well(&two);
}

#[tokio::test]
async fn a_bucket_that_fails_is_told_and_used_once_it_is_well() {
    let name = "bucket-failing";
    let (tenant, bucket) = (Tenant::of_shard(name).await, Bucket::new());
    let mut controller = Controller::start(options(&bucket, name, "one").await);
    eventually("the log to say so", LONG, async || {
        let log = controller.log();
        if log.contains("NoSuchBucket") && log.contains("create the bucket") { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(controller.runs() && !controller.is_ready());
    bucket.create().await;
    controller.wait_ready();

    eventually("the leader to work", LONG, async || {
        let log = controller.log();
        if log.contains("all objects are known") { Ok(()) } else { Err(log) }
    })
    .await;
    let (folder, _) = bucket.owner().await;
    bucket.ask(Method::DELETE, &format!("/{folder}/owner")).await;
    bucket.ask(Method::DELETE, "").await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant
        .until("app", "a failed storage", |object| {
            condition(object, "StorageOperationFailed")["status"] == "True"
        })
        .await;
    let message = condition(&object, "StorageOperationFailed")["message"].to_string();
    assert!(message.contains("NoSuchBucket") && message.contains("storing s3://artifacts-"), "{message}");
    assert!(controller.is_ready(), "what was read before could be served");
    bucket.create().await;
    let object = tenant.ready("app").await;
    download(&controller, &object).await;
    was_well(&controller);
}

#[tokio::test]
async fn a_controller_does_not_work_in_a_place_of_a_bucket_that_is_another_installation_s() {
    let name = "bucket-claimed";
    let (tenant, bucket) = (Tenant::of_shard(name).await, Bucket::new());
    bucket.create().await;
    let mut controller = started(options(&bucket, name, "one").await);
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let kube_system = ["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"];
    let cluster = tenant.plane.run(&kube_system).await.succeeded();
    let (folder, owner) = bucket.owner().await;
    assert!(
        owner.starts_with(&format!("cluster {cluster}, Lease oci-system/oci-controller-leader-")),
        "{owner}"
    );
    controller.restart();
    controller.wait_ready();

    // As if another cluster had the same place.
    bucket.put(&format!("{folder}/owner"), "cluster 7, Lease oci-system/other").await;
    controller.restart();
    assert_ne!(controller.wait_ended(), 0);
    let log = controller.log();
    assert!(log.contains("is of cluster 7, Lease oci-system/other, and this is cluster"), "{log}");
    let files = bucket.files().await;
    assert!(files.len() == 1 && files[0].ends_with(object["status"]["artifact"]["path"].as_str().unwrap()));
    bucket.ask(Method::DELETE, &format!("/{folder}/owner")).await;
    controller.restart();
    controller.wait_ready();
    eventually("the place to be ours again", LONG, async || {
        let noted = bucket.owner().await.1;
        if noted == owner { Ok(()) } else { Err(noted) }
    })
    .await;
    was_well(&controller);
}

#[tokio::test]
async fn a_controller_that_ends_answers_until_others_know_and_finishes_downloads() {
    let name = "bucket-ending";
    let (tenant, bucket) = (Tenant::of_shard(name).await, Bucket::new());
    bucket.create().await;
    let mut controller = started(options(&bucket, name, "one").await);
    large().push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let slow = Slow::begin(controller.artifacts().trim_start_matches("http://"), &object).await;

    controller.signal("TERM");
    eventually("readiness to end", LONG, async || if controller.is_ready() { Err("ready") } else { Ok(()) })
        .await;
    // Whoever has not heard of it yet is served.
    download(&controller, &object).await;
    slow.finish(&object).await;
    assert_eq!(controller.wait_ended(), 0, "{}", controller.log());
    assert!(!controller.log().contains("some downloads were cut"), "{}", controller.log());
    was_well(&controller);
}
