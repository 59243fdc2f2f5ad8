//! Self-issued certificates against an API server of a hundred lines: what is written when, and by whom.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use k8s_openapi::ByteString;
use oci_server::tls::Served;
use oci_testkit::tls::Tls;
use oci_webhook::{
    observe::Certificates,
    tls::{
        issue::Lifetimes,
        keeper::Keeper,
        publish::{Cluster, Names},
        secret::{Held, KEYS},
    },
};
use serde_json::{Value, json};

const SECRET: &str = "/api/v1/namespaces/oci-system/secrets/tls";
const CONFIGURATION: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/oci-webhook";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crd";

thread_local! {
    // Each test runs on a thread of its own.
    static NOW: Cell<i64> = const { Cell::new(1_800_000_000) };
}

fn clock() -> Timestamp {
    Timestamp::from_second(NOW.get()).unwrap()
}

fn pass_days(days: i64) {
    NOW.set(NOW.get() + days * 24 * 3_600);
}

/// Objects by their paths, with resource versions.
#[derive(Clone, Default)]
struct Api(Arc<Mutex<State>>);

type Interference = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// Method and path of every write that happened.
    writes: Vec<String>,
    /// What somebody else does just before the next write.
    before_write: Option<Interference>,
    down: bool,
}

impl State {
    fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

impl State {
    fn create(&mut self, path: &str, object: Value) -> Result<Value, (StatusCode, &'static str)> {
        let path = format!("{path}/{}", object["metadata"]["name"].as_str().unwrap());
        if self.objects.contains_key(&path) {
            return Err((StatusCode::CONFLICT, "AlreadyExists"));
        }
        Ok(self.put(&path, object))
    }

    /// Replaces or patches, if the object is still the one that was read.
    fn change(
        &mut self,
        path: &str,
        method: &Method,
        body: Value,
    ) -> Result<Value, (StatusCode, &'static str)> {
        let Some(mut object) = self.objects.get(path).cloned() else {
            return Err((StatusCode::NOT_FOUND, "NotFound"));
        };
        let wanted = &body["metadata"]["resourceVersion"];
        assert!(wanted.is_string(), "a write without a condition: {body}");
        if *wanted != object["metadata"]["resourceVersion"] {
            return Err((StatusCode::CONFLICT, "Conflict"));
        }
        if method == Method::PUT {
            object = body;
        } else {
            merge(&mut object, &body);
        }
        Ok(self.put(path, object))
    }
}

impl Api {
    fn with_places() -> Self {
        let api = Self::default();
        api.put(
            CONFIGURATION,
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": { "name": "oci-webhook" },
                "webhooks": [
                    { "name": "a", "clientConfig": { "url": "https://127.0.0.1" }, "sideEffects": "None",
                      "admissionReviewVersions": ["v1"] },
                ],
            }),
        );
        let conversion = json!({ "strategy": "Webhook", "webhook": { "clientConfig": {}, "conversionReviewVersions": ["v1"] } });
        api.put(CRD, json!({ "metadata": { "name": "crd" }, "spec": { "conversion": conversion } }));
        api
    }

    fn put(&self, path: &str, object: Value) {
        self.0.lock().unwrap().put(path, object);
    }

    fn get(&self, path: &str) -> Value {
        self.0.lock().unwrap().objects.get(path).cloned().unwrap_or_default()
    }

    /// What was written since the last time.
    fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }

    fn data(&self, key: &str) -> String {
        let value = self.get(SECRET)["data"][key].clone();
        let bytes: ByteString = serde_json::from_value(value).unwrap();
        String::from_utf8(bytes.0).unwrap()
    }

    fn set(&self, key: &str, text: &str) {
        let mut secret = self.get(SECRET);
        secret["data"][key] = json!(ByteString(text.as_bytes().to_vec()));
        self.put(SECRET, secret);
    }

    /// The bundles that are published.
    fn published(&self) -> [String; 2] {
        let text = |value: &Value| {
            serde_json::from_value(value.clone())
                .map(|ByteString(bytes)| String::from_utf8(bytes).unwrap())
                .unwrap_or_default()
        };
        [
            text(&self.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["caBundle"]),
            text(&self.get(CRD)["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"]),
        ]
    }

    async fn answer(self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut state = self.0.lock().unwrap();
        if state.down {
            return status(StatusCode::FORBIDDEN, "Forbidden");
        }
        let path = parts.uri.path().to_owned();
        if parts.method == Method::GET {
            return match state.objects.get(&path) {
                Some(object) => reply(object),
                None => status(StatusCode::NOT_FOUND, "NotFound"),
            };
        }
        if let Some(before) = state.before_write.take() {
            before(&mut state);
        }
        let written = if parts.method == Method::POST {
            state.create(&path, body)
        } else {
            state.change(&path, &parts.method, body)
        };
        let object = match written {
            Ok(object) => object,
            Err((code, reason)) => return status(code, reason),
        };
        state.writes.push(format!("{} {path}", parts.method));
        reply(&object)
    }
}

/// A merge patch; lists by the names in them.
fn merge(object: &mut Value, patch: &Value) {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(items), Value::Array(patches)) => {
            for patch in patches {
                let item = items.iter_mut().find(|item| item["name"] == patch["name"]).unwrap();
                merge(item, patch);
            }
        }
        (object, patch) => *object = patch.clone(),
    }
}

fn reply(object: &Value) -> Response {
    ([("content-type", "application/json")], object.to_string()).into_response()
}

fn status(code: StatusCode, reason: &str) -> Response {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code.as_u16() });
    (code, [("content-type", "application/json")], status.to_string()).into_response()
}

/// A replica.
struct Replica {
    keeper: Keeper,
    served: Arc<Served>,
    metrics: Certificates,
}

impl Replica {
    fn new(api: &Api) -> Self {
        let answering = api.clone();
        let router = Router::new().fallback(move |request: Request| answering.clone().answer(request));
        let names = Names {
            namespace: "oci-system".to_owned(),
            secret: "tls".to_owned(),
            configuration: Some("oci-webhook".to_owned()),
            crd: Some("crd".to_owned()),
        };
        let cluster = Cluster::new(kube::Client::new(router, "oci-system"), names);
        let (served, metrics) = (Arc::new(Served::default()), Certificates::default());
        let keeper = Keeper::new(
            cluster,
            vec!["oci-webhook.oci-system.svc".to_owned(), "127.0.0.1".to_owned()],
            Lifetimes::default(),
            Arc::clone(&served),
            metrics.clone(),
            clock,
        );
        Self { keeper, served, metrics }
    }

    async fn pass(&mut self) {
        self.keeper.pass().await.unwrap();
    }

    fn certificate(&self) -> Vec<u8> {
        self.served.current().unwrap().key().cert[0].to_vec()
    }
}

/// How many certificates a bundle has.
fn count(bundle: &str) -> usize {
    bundle.matches("-----BEGIN CERTIFICATE-----").count()
}

#[tokio::test]
async fn keeper_makes_everything_and_then_nothing() {
    let api = Api::with_places();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    assert_eq!(
        api.writes(),
        [
            "POST /api/v1/namespaces/oci-system/secrets",
            &format!("PATCH {CONFIGURATION}"),
            &format!("PATCH {CRD}"),
        ]
    );
    let secret = api.get(SECRET);
    assert_eq!(secret["type"], "kubernetes.io/tls");
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), KEYS.len());
    assert!(KEYS.iter().all(|key| !api.data(key).is_empty()));
    assert_eq!(api.published(), [api.data("ca.crt"), api.data("ca.crt")]);
    assert_eq!(api.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["url"], "https://127.0.0.1");
    replica.certificate();
    for _ in 0..3 {
        replica.pass().await;
    }
    assert_eq!(api.writes(), [""; 0]);
    assert_eq!(replica.metrics.served.reloads.get(), 0);
}

#[tokio::test]
async fn keeper_needs_no_places() {
    let api = Api::default();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    assert_eq!(api.writes().len(), 1);
    // They are installed later.
    let places = Api::with_places();
    api.put(CONFIGURATION, places.get(CONFIGURATION));
    let mut crd = places.get(CRD);
    crd["spec"]["conversion"] = json!({ "strategy": "None" });
    api.put(CRD, crd);
    Replica::new(&api).pass().await;
    assert_eq!(api.published(), [api.data("ca.crt"), String::new()]);
    assert_eq!(api.get(CRD)["spec"]["conversion"], json!({ "strategy": "None" }));
}

#[tokio::test]
async fn keepers_share_one_secret() {
    let api = Api::with_places();
    let mut replicas = [Replica::new(&api), Replica::new(&api), Replica::new(&api)];
    let [one, two, three] = &mut replicas;
    tokio::join!(one.pass(), two.pass(), three.pass());
    assert_eq!(one.certificate(), two.certificate());
    assert_eq!(one.certificate(), three.certificate());
    assert_eq!(api.published(), [api.data("ca.crt"), api.data("ca.crt")]);
    let secrets = api.writes().iter().filter(|write| write.contains("secrets")).count();
    assert_eq!(secrets, 1);
}

#[tokio::test]
async fn keeper_that_is_overtaken_takes_what_the_other_wrote() {
    let (other, api) = (Api::with_places(), Api::with_places());
    Replica::new(&other).pass().await;
    let theirs = other.get(SECRET);
    api.0.lock().unwrap().before_write = Some(Box::new(move |state| drop(state.put(SECRET, theirs))));
    let mut replica = Replica::new(&api);
    replica.pass().await;
    assert_eq!(api.data("ca.crt"), other.data("ca.crt"));
    assert_eq!(api.published(), [other.data("ca.crt"), other.data("ca.crt")]);
}

#[tokio::test]
async fn keeper_restores_a_bundle() {
    let api = Api::with_places();
    Replica::new(&api).pass().await;
    let bundle = api.data("ca.crt");
    let mut configuration = api.get(CONFIGURATION);
    configuration["webhooks"][0]["clientConfig"]["caBundle"] =
        json!(ByteString(Tls::new().ca_pem.into_bytes()));
    api.put(CONFIGURATION, configuration);
    api.writes();
    // One that has not looked within the last half minute.
    Replica::new(&api).pass().await;
    assert_eq!(api.writes(), [format!("PATCH {CONFIGURATION}")]);
    assert_eq!(api.published(), [bundle.clone(), bundle]);
}

#[tokio::test]
async fn keeper_renews_the_certificate_only() {
    let api = Api::with_places();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    let (before, bundle) = (replica.certificate(), api.data("ca.crt"));
    api.writes();
    pass_days(20);
    replica.pass().await;
    assert_eq!(api.writes(), [format!("PUT {SECRET}")]);
    assert_ne!(replica.certificate(), before);
    assert_eq!(api.data("ca.crt"), bundle);
    assert_eq!(replica.metrics.served.reloads.get(), 1);
}

#[tokio::test]
async fn keeper_changes_the_authority_without_a_gap() {
    let api = Api::with_places();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    let first = api.data("ca.crt");
    for _ in 0..12 {
        pass_days(20);
        replica.pass().await;
    }
    assert_eq!(api.data("ca.crt"), first);
    api.writes();
    pass_days(10);
    let before = replica.certificate();
    replica.pass().await;
    // Both stand in the bundle, everywhere; the certificate is still the old one's.
    let both = api.data("ca.crt");
    assert_eq!(count(&both), 2);
    assert!(both.ends_with(&first) && !both.starts_with(&first));
    assert_eq!(api.published(), [both.clone(), both.clone()]);
    assert_eq!(replica.certificate(), before);
    assert_eq!(
        api.writes(),
        [format!("PUT {SECRET}"), format!("PATCH {CONFIGURATION}"), format!("PATCH {CRD}")]
    );
    NOW.set(NOW.get() + 61);
    replica.pass().await;
    assert_ne!(replica.certificate(), before);
    assert_eq!(api.data("ca.crt"), both);
    assert_eq!(api.writes(), [format!("PUT {SECRET}")]);
    // The old one leaves when it has ended.
    for _ in 0..7 {
        pass_days(19);
        replica.pass().await;
    }
    let last = api.data("ca.crt");
    assert_eq!(count(&last), 1);
    assert!(both.starts_with(&last));
    assert_eq!(api.published(), [last.clone(), last]);
}

#[tokio::test]
async fn keeper_does_not_issue_from_an_authority_that_it_cannot_publish() {
    let api = Api::with_places();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    let before = replica.certificate();
    // The key is lost, the certificate is not.
    api.set("ca.key", "");
    replica.pass().await;
    assert_eq!((count(&api.data("ca.crt")), replica.certificate()), (2, before));
    assert_eq!(api.published(), [api.data("ca.crt"), api.data("ca.crt")]);
}

#[tokio::test]
async fn keeper_replaces_what_makes_no_sense() {
    let foreign = Tls::new();
    let long = "x".repeat(100_000);
    for (key, text) in [
        ("tls.crt", ""),
        ("tls.crt", "nonsense"),
        ("tls.crt", foreign.server_cert_pem.as_str()),
        ("tls.key", foreign.server_key_pem.as_str()),
        ("ca.crt", ""),
        ("ca.crt", foreign.ca_pem.as_str()),
        ("ca.crt", &long),
        ("ca.key", foreign.server_key_pem.as_str()),
    ] {
        let api = Api::with_places();
        Replica::new(&api).pass().await;
        api.set(key, text);
        let mut replica = Replica::new(&api);
        replica.pass().await;
        let secret = api.get(SECRET);
        let data = serde_json::from_value(secret["data"].clone()).unwrap();
        let held = Held::read(&data, clock());
        assert!(held.complaints.is_empty(), "{key}: {:?}", held.complaints);
        assert_eq!(api.published(), [held.bundle(), held.bundle()], "{key}");
        replica.certificate();
    }
}

#[tokio::test]
async fn keeper_keeps_what_is_not_its_own_in_the_secret() {
    let api = Api::with_places();
    api.put(SECRET, json!({ "metadata": { "name": "tls", "labels": { "a": "b" } }, "type": "Opaque", "data": { "x": "eA==" } }));
    Replica::new(&api).pass().await;
    let secret = api.get(SECRET);
    assert_eq!((&secret["metadata"]["labels"]["a"], &secret["type"]), (&json!("b"), &json!("Opaque")));
    assert_eq!((api.data("x").as_str(), api.data("tls.crt").is_empty()), ("x", false));
}

#[tokio::test]
async fn keeper_serves_on_while_the_api_server_refuses() {
    let api = Api::with_places();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    let before = replica.certificate();
    api.0.lock().unwrap().down = true;
    let error = replica.keeper.pass().await.unwrap_err().to_string();
    assert!(error.starts_with("reading Secret oci-system/tls failed: "), "{error}");
    assert_eq!(replica.certificate(), before);
}

#[tokio::test]
async fn keeper_publishes_at_once_where_a_place_appears() {
    let api = Api::default();
    let mut replica = Replica::new(&api);
    replica.pass().await;
    let places = Api::with_places();
    api.put(CONFIGURATION, places.get(CONFIGURATION));
    replica.pass().await;
    assert_eq!(api.published(), [api.data("ca.crt"), String::new()]);
    api.put(CRD, places.get(CRD));
    replica.pass().await;
    assert_eq!(api.published(), [api.data("ca.crt"), api.data("ca.crt")]);
}
