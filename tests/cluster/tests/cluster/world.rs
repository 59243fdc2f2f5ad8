//! An API server that asks a real webhook, with what `deploy` installs; only its address differs: a port on loopback
//! instead of a Service.

use std::{net::SocketAddr, sync::Arc, thread, time::Duration};

use oci_server::{
    Options,
    limits::Limits,
    serve,
    tls::{self, Served, source::Material},
};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    tls::Tls,
    tools::workspace,
};
use oci_webhook::{
    admit::Rules,
    app,
    http::{Health, Webhook},
    limits::Permits,
    observe::Metrics,
};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, oneshot};

use crate::objects::{apply, object, repositories, try_out};

static SHARED: OnceCell<World> = OnceCell::const_new();

/// The control plane and its webhook.
pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    tls: Tls,
    address: SocketAddr,
    webhook: Option<Hook>,
}

impl World {
    /// The one that tests share which change nothing but objects in namespaces of their own.
    pub(crate) async fn shared() -> &'static Self {
        SHARED.get_or_init(async || Self::start("overlays/single").await).await
    }

    /// A world of one's own, as an overlay of `deploy` has it.
    pub(crate) async fn start(overlay: &str) -> Self {
        Self::over(ControlPlane::start().await, overlay).await
    }

    /// A world that something was done in before we came.
    pub(crate) async fn start_over<T>(before: impl AsyncFn(&ControlPlane) -> T) -> (Self, T) {
        let plane = ControlPlane::start().await;
        let done = before(&plane).await;
        (Self::over(plane, "overlays/single").await, done)
    }

    /// A world in a control plane that is there.
    pub(crate) async fn over(plane: ControlPlane, overlay: &str) -> Self {
        let tls = Tls::new();
        let webhook = Hook::start(&tls, 0);
        let address = webhook.address;
        let world = Self { plane, tls, address, webhook: Some(webhook) };
        world.install(overlay).await;
        asked(&world.plane).await;
        world
    }

    /// Installs an overlay of `deploy`, over the one that is there.
    pub(crate) async fn install(&self, overlay: &str) {
        install(&self.plane, overlay, self.address, &self.tls.ca_pem).await;
    }

    /// Ends the webhook. Nobody listens then.
    pub(crate) fn stop_webhook(&mut self) {
        self.webhook = None;
    }

    /// Starts it again where it was.
    pub(crate) fn start_webhook(&mut self) {
        self.webhook = Some(Hook::start(&self.tls, self.address.port()));
    }
}

/// A webhook on a thread of its own: each test has a runtime that ends with it.
struct Hook {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Hook {
    /// Serves on that port of loopback; 0 takes a free one.
    fn start(tls: &Tls, port: u16) -> Self {
        let material = Material {
            certificate: tls.server_cert_pem.clone().into_bytes(),
            key: tls.server_key_pem.clone().into_bytes(),
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let work = async move {
            let served = Arc::new(Served::default());
            served.replace(material.identity(app::now()).unwrap());
            let health = Health::new(Arc::clone(&served));
            let metrics = Arc::new(Metrics::new());
            let options = Options {
                tls: Some(tls::server_config(served).unwrap()),
                limits: Limits::default(),
                connections: metrics.connections("webhook"),
            };
            let webhook = Webhook::new(Rules::default(), Permits::default(), health, metrics);
            let running = serve(listener, webhook.router(), options).unwrap();
            // An error means that the sender is gone, which ends the webhook too.
            let _ = stopped.await;
            running.stop(Duration::from_secs(5)).await;
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let thread = thread::spawn(move || runtime.block_on(work));
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What an overlay of `deploy` installs.
pub(crate) async fn manifests(plane: &ControlPlane, overlay: &str) -> String {
    let folder = workspace().join("deploy").join(overlay);
    plane.run(&["kustomize", &folder.to_string_lossy()]).await.succeeded()
}

/// What an overlay of `deploy` with components on top installs, as somebody's own kustomization does it.
pub(crate) async fn manifests_with(plane: &ControlPlane, overlay: &str, components: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().canonicalize().unwrap();
    // kustomize takes relative paths only.
    let up = "../".repeat(own.components().count() - 1);
    let deploy = workspace().canonicalize().unwrap().join("deploy");
    let relative = |part: String| format!("{up}{}", deploy.join(part).strip_prefix("/").unwrap().display());
    let components: Vec<String> =
        components.iter().map(|name| relative(format!("components/{name}"))).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [relative(overlay.to_owned())],
        "components": components,
    });
    std::fs::write(own.join("kustomization.yaml"), kustomization.to_string()).unwrap();
    plane.run(&["kustomize", &own.to_string_lossy()]).await.succeeded()
}

/// Installs the CRD and the webhook configuration of an overlay, both pointing to `address`.
pub(crate) async fn install(plane: &ControlPlane, overlay: &str, address: SocketAddr, ca_pem: &str) {
    let manifests = manifests(plane, overlay).await;
    let bundle = base64(ca_pem);
    let client = |path: &str| json!({ "url": format!("https://{address}{path}"), "caBundle": bundle });
    let mut all = String::new();
    for document in manifests.split("\n---\n") {
        let mut document: Value = oci_testkit::cases::yaml(document);
        if document["kind"] == "CustomResourceDefinition" {
            document["spec"]["conversion"]["webhook"]["clientConfig"] = client("/convert");
        }
        if document["kind"] == "ValidatingWebhookConfiguration" {
            document["webhooks"][0]["clientConfig"] = client("/validate");
            // Tests need objects that were stored before anybody judged: those that this group writes.
            let exempt =
                json!({ "name": "suite", "expression": "!('suite:unjudged' in request.userInfo.groups)" });
            document["webhooks"][0]["matchConditions"].as_array_mut().unwrap().push(exempt);
        }
        all.extend(["---\n", &document.to_string(), "\n"]);
    }
    plane.apply(&all).await;
}

/// Stores an object that the webhook is not asked about, as one that was there before it.
pub(crate) async fn unjudged(plane: &ControlPlane, namespace: &str, object: &Value) {
    // This group is exempt, by the match condition that `install` adds.
    let client = plane.user("unjudged", &["system:masters", "suite:unjudged"]);
    apply(&repositories(client, namespace, "v1"), object).await.unwrap();
}

/// Waits until the API server asks the webhook.
pub(crate) async fn asked(plane: &ControlPlane) {
    let namespace = plane.namespace().await;
    let api = repositories(plane.client(), &namespace, "v1");
    let bad = object("bad", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
    eventually("the webhook", Duration::from_mins(1), async || {
        let answer = try_out(&api, &bad).await.err();
        match answer {
            Some(status) if status.message.contains("denied the request") => Ok(()),
            Some(status) => Err(status.message),
            None => Err("accepted".to_owned()),
        }
    })
    .await;
}

fn base64(text: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(text)
}
