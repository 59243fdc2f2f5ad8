//! Controllers whose artifacts are in a bucket, in a server that somebody else wrote.

use std::path::PathBuf;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use oci_artifact::name::Digest;
use oci_controller::args::Args;
use oci_testkit::{
    control_plane::eventually,
    controller::{Controller, Options},
    registry::Class,
    service::Service,
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
async fn options(bucket: &Bucket, name: &str, hostname: &str) -> Options {
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
async fn download(controller: &Controller, object: &Value) {
    let bytes = fetch(&url(controller, object)).await.unwrap();
    let artifact = &object["status"]["artifact"];
    assert_eq!(artifact["digest"], Digest::of(&bytes).to_string(), "{artifact}");
    assert_eq!(artifact["size"], bytes.len(), "{artifact}");
}

fn blobs(tenant: &Tenant<'_>) -> usize {
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

/// The Lease of a shard.
async fn lease(name: &str) -> LeaseSpec {
    let selector = format!("--watch-label-selector=sharding.fluxcd.io/key={name}");
    let args = Args::read(["oci-controller".to_owned(), selector], |_| None).unwrap();
    let leases: Api<Lease> = Api::namespaced(plane().await.client(), "oci-system");
    leases.get_opt(&args.lease_name()).await.unwrap().and_then(|lease| lease.spec).unwrap_or_default()
}

/// Waits until the controller of that host leads.
async fn leads(name: &str, hostname: &str) -> LeaseSpec {
    eventually("a leader", LONG, async || {
        let lease = lease(name).await;
        let holder = lease.holder_identity.clone().unwrap_or_default();
        if holder.split('_').next() == Some(hostname) { Ok(lease) } else { Err(holder) }
    })
    .await
}

/// The kubeconfig of who reaches the API server by a Service.
async fn through(service: &Service, kubeconfig: &PathBuf) -> PathBuf {
    let plane = plane().await;
    service.lead_to(plane.config().cluster_url.port_u16());
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    let path = kubeconfig.with_extension("through");
    std::fs::write(&path, text.replace(&plane.url(), &format!("https://127.0.0.1:{}", service.port())))
        .unwrap();
    path
}

/// A leader that is cut off does not know of its successor, and goes on serving.
#[tokio::test]
async fn whoever_leads_after_a_leader_that_was_cut_off_or_killed_loses_and_doubles_nothing() {
    let name = "bucket-failover";
    let (tenant, bucket, cable) = (Tenant::of_shard(name).await, Bucket::new(), Service::start());
    bucket.create().await;
    let options = async |hostname| options(&bucket, name, hostname).await.with("--artifact-retention-ttl=1h");
    let mut one = options("one").await;
    one.kubeconfig = through(&cable, &one.kubeconfig).await;
    let mut one = started(one);
    leads(name, "one").await;
    let mut two = started(options("two").await);
    let apps = ["a", "b", "c"];
    for app in apps {
        Image::saying(app).push(&tenant.registry, "org/app", app);
        tenant.apply(app, &json!({ "ref": { "tag": app }, "interval": "500ms" })).await;
    }
    for app in apps {
        tenant.ready(app).await;
    }
    let first = lease(name).await;
    // Everything that is known of artifacts, however it is found out.
    let whole = async |one: &Controller, two: &Controller, layers: usize| {
        let mut paths = Vec::new();
        for app in apps {
            let object = tenant.ready(app).await;
            for controller in [one, two] {
                download(controller, &object).await;
            }
            paths.push(object["status"]["artifact"]["path"].as_str().unwrap().to_owned());
        }
        assert_eq!(blobs(&tenant), layers, "each layer once");
        let files = bucket.files().await;
        assert!(
            paths.iter().all(|path| files.iter().any(|file| file.ends_with(path))),
            "{paths:?} {files:?}"
        );
        // Superseded ones are kept here.
        assert_eq!(files.len(), layers, "{files:?}");
    };
    whole(&one, &two, 3).await;

    cable.silence(true);
    let second = leads(name, "two").await;
    assert_eq!(first.lease_duration_seconds, Some(4));
    assert_eq!(second.lease_transitions, first.lease_transitions.map(|before| before + 1));
    let newer = Image::saying("newer").push(&tenant.registry, "org/app", "a");
    tenant.ready_at("a", &format!("a@{newer}")).await;
    assert_ne!(one.wait_ended(), 0, "{}", one.log());
    // Started again, and cut off still.
    one.restart();
    one.wait_ready();
    whole(&one, &two, 4).await;

    cable.silence(false);
    two.kill();
    let third = leads(name, "one").await;
    assert_eq!(third.lease_transitions, second.lease_transitions.map(|before| before + 1));
    let newest = Image::saying("newest").push(&tenant.registry, "org/app", "b");
    tenant.ready_at("b", &format!("b@{newest}")).await;
    two.restart();
    two.wait_ready();
    whole(&one, &two, 5).await;
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
