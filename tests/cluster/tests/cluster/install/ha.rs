//! Several replicas over a bucket, as their manifests say: all of them serve, and when they are replaced one by one, nobody
//! who asks them notices.

use std::{cell::Cell, convert::Infallible};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{DynamicObject, ObjectMeta, PostParams},
};
use oci_artifact::name::Digest;
use oci_testkit::{
    control_plane::{ControlPlane, Ran, eventually},
    kubelet::Pod,
    registry::Class,
    replicas::Replicas,
};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    cluster, installed, plugin,
    running::{LONG, WEBHOOK, available, deployed, tenant, wire},
};
use crate::{
    bucket::{Bucket, LOGIN},
    controller::{
        push::Image,
        slow::{Slow, large},
        tenant::{Tenant, fetch, value},
    },
    objects::{object, repositories, try_out},
};

const CONTROLLER: &str = "oci-controller";
/// An API server keeps 25 connections that nobody uses.
const CROWD: usize = 40;

struct Ha {
    bucket: Bucket,
    webhooks: Replicas,
    controllers: Replicas,
}

/// The login of the bucket is there before the pods are.
async fn login(plane: &ControlPlane) {
    plane.run(&["create", "namespace", "oci-system"]).await.succeeded();
    let data = LOGIN.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let metadata = ObjectMeta { name: Some("oci-storage".to_owned()), ..ObjectMeta::default() };
    let secret = Secret { metadata, string_data: Some(data), ..Secret::default() };
    let secrets: Api<Secret> = Api::namespaced(plane.client(), "oci-system");
    secrets.create(&PostParams::default(), &secret).await.unwrap();
}

async fn replicas(plane: &ControlPlane, deployment: &str, port: &str, more: &[&str]) -> Replicas {
    deployed(plane, deployment).await;
    let replicas = Replicas::start(plane, deployment, port, more).await;
    available(plane, deployment, replicas.pods().len()).await;
    replicas
}

async fn started(plane: &ControlPlane) -> Ha {
    let bucket = Bucket::new();
    bucket.create().await;
    login(plane).await;
    let url = format!("--bucket={}/one", bucket.url());
    let endpoint = format!("--bucket-endpoint={}", Bucket::endpoint());
    let install = ["install", "--overlay=ha", &url, &endpoint, "--timeout=1m"];
    let start = async {
        let webhooks = replicas(plane, WEBHOOK, "https", &["--tls-reload-interval=200ms"]).await;
        (webhooks, replicas(plane, CONTROLLER, "http", &[]).await)
    };
    let (told, (webhooks, controllers)): (Ran, _) = tokio::join!(plugin(plane, &install), start);
    let waited = [(WEBHOOK, 3), (CONTROLLER, 2)]
        .into_iter()
        .all(|(name, count)| told.stderr.contains(&format!("{name}: {count} of {count} available")));
    assert!(told.code == 0 && waited, "{told}");
    wire(plane, webhooks.port()).await;
    Ha { bucket, webhooks, controllers }
}

/// All of them end in time, and in good order.
async fn end(pods: Vec<Pod>) {
    for mut pod in pods {
        assert_eq!(pod.ended().await, 0, "{}", pod.log());
        for bad in ["is forbidden", "panicked at", "some downloads were cut", "were not answered in time"] {
            assert!(!pod.log().contains(bad), "{}", pod.log());
        }
    }
}

impl Ha {
    /// Where the artifact of an object is served, by all replicas and by each.
    fn urls(&self, object: &Value) -> Vec<String> {
        let artifact = &object["status"]["artifact"];
        let (url, path) = (artifact["url"].as_str().unwrap(), artifact["path"].as_str().unwrap());
        assert_eq!(url, format!("http://127.0.0.1:{}/{path}", self.controllers.port()));
        let own = self.controllers.pods().iter().map(|pod| format!("http://{}/{path}", host(pod)));
        own.chain([url.to_owned()]).collect()
    }

    async fn ended(self, plane: &ControlPlane) {
        end(self.controllers.ask_to_end().into_iter().chain(self.webhooks.ask_to_end()).collect()).await;
        plugin(plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
        assert_eq!(installed(plane).await, Vec::<String>::new());
    }
}

fn host(pod: &Pod) -> String {
    format!("127.0.0.1:{}", pod.port("http"))
}

fn layers(tenant: &Tenant<'_>) -> usize {
    tenant.registry.count(|request| request.class == Class::Blob)
}

#[tokio::test]
async fn ha_runs_as_its_manifests_say() {
    let plane = cluster().await;
    let ha = started(&plane).await;
    let tenant = tenant(&plane).await;
    let bad = tenant.spec(&json!({ "ref": { "tag": "v1", "semver": ">=1.0.0" } }));
    let refused = try_out(&tenant.api, &object("bad", "v1", &bad)).await.unwrap_err();
    assert!(refused.message.contains("spec.ref"), "{}", refused.message);

    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    for url in ha.urls(&object) {
        let bytes = fetch(&url).await.unwrap();
        assert_eq!(object["status"]["artifact"]["digest"], Digest::of(&bytes).to_string(), "{url}");
    }
    assert_eq!(layers(&tenant), 1);
    let path = object["status"]["artifact"]["path"].as_str().unwrap();
    assert_eq!(ha.bucket.files().await, [format!("one/{path}")]);
    let (folder, owner) = ha.bucket.owner().await;
    assert!(
        folder == "one" && owner.ends_with(", Lease oci-system/oci-controller-leader-election"),
        "{owner}"
    );
    let older = repositories(plane.client(), &tenant.namespace, "v1beta2").get("app").await.unwrap();
    assert_eq!(older.data["status"]["artifact"], object["status"]["artifact"]);
    tenant.delete("app").await;
    tenant.gone("app").await;
    assert_eq!(ha.bucket.files().await, Vec::<String>::new());
    ha.ended(&plane).await;
}

/// What somebody does again and again, and how often it was done so far.
#[derive(Default)]
struct Counted(Cell<usize>);

impl Counted {
    fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Waits until it was done once more, from the beginning to the end.
    async fn again(&self, what: &str) {
        let before = self.0.get();
        eventually(what, LONG, async || if self.0.get() > before + 1 { Ok(()) } else { Err("not yet") })
            .await;
    }
}

/// Downloads without pause: each time anew, or over one connection for as long as that is kept.
async fn download(object: &Value, count: &Counted, anew: bool) -> Infallible {
    let artifact = &object["status"]["artifact"];
    let client = || Client::builder().no_proxy().build().unwrap();
    let mut same = client();
    loop {
        if anew {
            same = client();
        }
        let answer = same.get(artifact["url"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let bytes = answer.bytes().await.unwrap();
        assert_eq!(artifact["digest"], Digest::of(&bytes).to_string());
        count.add();
    }
}

/// Does more at once than an API server keeps connections for, so that it always makes new ones.
async fn crowd<F: Future<Output = ()> + Send + 'static>(one: impl Fn() -> F) {
    let mut all: JoinSet<()> = (0..CROWD).map(|_| one()).collect();
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

/// Has what is good and what is bad judged, without pause.
async fn judge(api: &Api<DynamicObject>, good: &Value, bad: &Value, count: &Counted) -> Infallible {
    loop {
        crowd(|| {
            let (api, good) = (api.clone(), good.clone());
            async move { drop(try_out(&api, &good).await.unwrap()) }
        })
        .await;
        let refused = try_out(api, bad).await.unwrap_err();
        assert!(refused.message.contains("denied the request"), "{}", refused.message);
        count.add();
    }
}

/// Reads an object that has to be converted, without pause.
async fn convert(api: &Api<DynamicObject>, object: &Value, count: &Counted) -> Infallible {
    loop {
        crowd(|| {
            let (api, spec) = (api.clone(), object["spec"].clone());
            async move { assert_eq!(value(api.get("app").await.unwrap())["spec"], spec) }
        })
        .await;
        count.add();
    }
}

#[tokio::test]
async fn replicas_are_replaced_one_by_one_and_nobody_notices() {
    let plane = cluster().await;
    let mut ha = started(&plane).await;
    let (tenant, big) = (tenant(&plane).await, tenant(&plane).await);
    large().push(&big.registry, "org/app", "v1");
    for tenant in [&tenant, &big] {
        tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "1s" })).await;
    }
    let (app, large) = (tenant.ready("app").await, big.ready("app").await);
    let spec = |fields: Value| object("other", "v1", &tenant.spec(&fields));
    let (good, bad) = (spec(json!({})), spec(json!({ "interval": "0s" })));
    let older = repositories(plane.client(), &tenant.namespace, "v1beta2");
    let [downloads, kept, reviews, conversions] = [const { Counted(Cell::new(0)) }; 4];
    let everybody = async || {
        tokio::join!(
            downloads.again("downloads"),
            kept.again("downloads over one connection"),
            reviews.again("reviews"),
            conversions.again("conversions"),
        );
    };
    let replace = async {
        everybody().await;
        for _ in 0..2 {
            let slow = Slow::begin(&host(&ha.controllers.pods()[0]), &large).await;
            let old = ha.controllers.replace(&plane).await;
            assert!(!old.is_ready().await);
            slow.finish(&large).await;
            everybody().await;
            end(vec![old]).await;
        }
        for _ in 0..3 {
            let old = ha.webhooks.replace(&plane).await;
            assert!(!old.is_ready().await);
            everybody().await;
            end(vec![old]).await;
        }
        everybody().await;
    };
    tokio::select! {
        () = replace => {}
        never = download(&app, &downloads, true) => match never {},
        never = download(&app, &kept, false) => match never {},
        never = judge(&tenant.api, &good, &bad, &reviews) => match never {},
        never = convert(&older, &app, &conversions) => match never {},
    }
    // Somebody leads, and has found everything again.
    assert_eq!((layers(&tenant), layers(&big)), (1, 1));
    let newer = Image::saying("two").push(&tenant.registry, "org/app", "v1");
    let object = tenant.ready_at("app", &format!("v1@{newer}")).await;
    for url in ha.urls(&object) {
        fetch(&url).await.unwrap();
    }
    assert_eq!((layers(&tenant), layers(&big)), (2, 1));
    ha.ended(&plane).await;
}
