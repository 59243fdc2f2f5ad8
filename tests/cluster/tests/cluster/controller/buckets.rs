//! Controllers whose artifacts are in a bucket, in a server that somebody else wrote.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use oci_artifact::name::Digest;
use oci_testkit::{
    control_plane::eventually,
    controller::{Controller, Options},
    planted::AWS_SECRET_KEY,
    real::Moto,
    registry::Class,
    samples::Seeded,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    push::Image,
    tenant::{Tenant, condition, fetch},
    world::{LONG, shard, started, was_well},
};

static MOTO: LazyLock<Moto> = LazyLock::new(|| Moto::start().unwrap());
static BUCKETS: AtomicUsize = AtomicUsize::new(0);

/// What moto wants to see before it takes a request for one to S3.
const SOMEBODY: &str =
    "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
/// The Service in front of all replicas.
const SERVICE: &str = "oci-controller.oci-system.svc.cluster.local.";

/// A bucket that is not there yet.
struct Bucket(String);

impl Bucket {
    fn new() -> Self {
        Self(format!("artifacts-{}", BUCKETS.fetch_add(1, Ordering::Relaxed)))
    }

    async fn ask(&self, method: Method, query: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("{}/{}{query}", MOTO.url(), self.0));
        let answer = request.header("authorization", SOMEBODY).send().await.unwrap();
        assert!(answer.status().is_success(), "{}\n{}", answer.status(), MOTO.log());
        answer.text().await.unwrap()
    }

    async fn create(&self) {
        self.ask(Method::PUT, "").await;
    }

    /// The keys of all files.
    async fn files(&self) -> Vec<String> {
        let list = self.ask(Method::GET, "?list-type=2").await;
        list.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }

    /// How a controller is started.
    async fn options(&self, name: &str, hostname: &str) -> Options {
        let mut options = shard(name)
            .await
            .with(format!("--storage-bucket=s3://{}/flux", self.0))
            .with(format!("--storage-bucket-endpoint={}", MOTO.url()))
            .with(format!("--storage-adv-addr={SERVICE}"))
            .with("--enable-leader-election")
            .with("--leader-election-lease-duration=4s")
            .with("--leader-election-renew-deadline=3s")
            .with("--leader-election-retry-period=500ms")
            .with("--shutdown-timeout=4s");
        hostname.clone_into(&mut options.hostname);
        for (name, value) in
            [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)]
        {
            options.environment.push((name.to_owned(), value.to_owned()));
        }
        options
    }
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
    let mut one = started(bucket.options(name, "one").await);
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "500ms" })).await;
    let object = tenant.ready_at("app", &format!("v1@{first}")).await;
    // Who does not lead is ready as well.
    let mut two = started(bucket.options(name, "two").await);
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
    let mut controller = Controller::start(bucket.options(name, "one").await);
    eventually("the log to say so", LONG, async || {
        let log = controller.log();
        if log.contains("NoSuchBucket") && log.contains("create the bucket") { Ok(()) } else { Err(log) }
    })
    .await;
    assert!(controller.runs() && !controller.is_ready());
    bucket.create().await;
    controller.wait_ready();

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
async fn a_controller_that_ends_answers_until_others_know_and_finishes_downloads() {
    let name = "bucket-ending";
    let (tenant, bucket) = (Tenant::of_shard(name).await, Bucket::new());
    bucket.create().await;
    let mut controller = started(bucket.options(name, "one").await);
    // More than the kernel takes.
    let noise: String =
        Seeded::new(7).bytes(24 << 20).iter().map(|byte| char::from(b'0' + byte % 64)).collect();
    Image::of(&[("app.yaml", "one"), ("noise", &noise)]).push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let (address, path) = {
        let url = url(&controller, &object);
        let rest = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        (rest.0.to_owned(), rest.1.to_owned())
    };
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    slow.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 64 << 10];
    slow.read_exact(&mut bytes).await.unwrap();

    controller.signal("TERM");
    eventually("readiness to end", LONG, async || if controller.is_ready() { Err("ready") } else { Ok(()) })
        .await;
    // Whoever has not heard of it yet is served.
    download(&controller, &object).await;
    slow.read_to_end(&mut bytes).await.unwrap();
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(object["status"]["artifact"]["digest"], Digest::of(&bytes[head..]).to_string());
    assert_eq!(controller.wait_ended(), 0, "{}", controller.log());
    assert!(!controller.log().contains("some downloads were cut"), "{}", controller.log());
    was_well(&controller);
}
