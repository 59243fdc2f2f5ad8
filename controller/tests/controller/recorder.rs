//! Events and notifications: what is sent, how often, in which order, and that telling never waits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Client, Config};
use oci_controller::{
    cluster::recorder::{CONTROLLER, Recorder, RecorderOptions, WAITING},
    observe::Metrics,
};
use oci_crds::conditions::Reason;
use oci_decide::{Kind, Notice};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_mins(1);

/// A server that takes everything that is posted to it: an API server and a receiver of notifications.
#[derive(Clone)]
struct Server {
    address: std::net::SocketAddr,
    state: Arc<Shared>,
}

struct Shared {
    /// The message of each body, and what was answered.
    seen: watch::Sender<Vec<(String, u16)>>,
    bodies: Mutex<Vec<Value>>,
    /// The next answers; 201 after them.
    answers: Mutex<VecDeque<u16>>,
    /// Requests that may be answered.
    may: Semaphore,
}

impl Server {
    /// Answers at once, or as many requests as it is allowed later.
    async fn start(at_once: bool) -> Self {
        let state = Arc::new(Shared {
            seen: watch::Sender::default(),
            bodies: Mutex::default(),
            answers: Mutex::default(),
            may: Semaphore::new(if at_once { Semaphore::MAX_PERMITS } else { 0 }),
        });
        let router = Router::new().fallback(post(answer)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    fn answers(self, statuses: &[u16]) -> Self {
        self.state.answers.lock().unwrap().extend(statuses);
        self
    }

    fn allow_all(&self) {
        self.state.may.add_permits(1_000_000);
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn client(&self) -> Client {
        let mut config = Config::new(self.url().parse().unwrap());
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    /// Waits for this many requests, and returns the message and the answer of each.
    async fn seen(&self, number: usize) -> Vec<(String, u16)> {
        let mut seen = self.state.seen.subscribe();
        let all = tokio::time::timeout(LONG, seen.wait_for(|seen| seen.len() >= number)).await;
        all.unwrap_or_else(|_| panic!("{number} requests")).unwrap().clone()
    }

    fn bodies(&self) -> Vec<Value> {
        self.state.bodies.lock().unwrap().clone()
    }
}

async fn answer(State(state): State<Arc<Shared>>, body: String) -> (StatusCode, String) {
    let status = state.answers.lock().unwrap().pop_front().unwrap_or(201);
    let parsed: Value = serde_json::from_str(&body).unwrap();
    let message = parsed["message"].as_str().unwrap_or_default().to_owned();
    state.bodies.lock().unwrap().push(parsed);
    state.seen.send_modify(|seen| seen.push((message, status)));
    state.may.acquire().await.unwrap().forget();
    let refused = json!({ "kind": "Status", "status": "Failure", "code": status, "message": "refused" });
    let status = StatusCode::from_u16(status).unwrap();
    (status, if status.is_success() { body } else { refused.to_string() })
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_987).unwrap()
}

fn options(notify: Option<&Server>) -> RecorderOptions {
    let notify = notify.map(|server| server.url().parse().unwrap());
    RecorderOptions { controller: CONTROLLER, instance: "source-controller-0".to_owned(), notify, now }
}

fn start(api: &Server, options: RecorderOptions, metrics: &Metrics) -> Recorder {
    Recorder::with_pause(api.client(), options, metrics, Duration::from_millis(20)).unwrap()
}

fn about(name: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some("source.toolkit.fluxcd.io/v1".to_owned()),
        kind: Some("OCIRepository".to_owned()),
        namespace: Some("apps".to_owned()),
        name: Some(name.to_owned()),
        uid: Some("7f1c6e0e-0000-4000-8000-000000000001".to_owned()),
        resource_version: Some("42".to_owned()),
        ..ObjectReference::default()
    }
}

fn notice(kind: Kind, message: &str) -> Notice {
    let revision = "source.toolkit.fluxcd.io/revision".to_owned();
    Notice {
        kind,
        reason: Reason::NewArtifact,
        action: "Reconcile",
        message: message.to_owned(),
        metadata: [(revision, "v1@sha256:ab".to_owned())].into(),
    }
}

fn said(name: &str) -> Notice {
    notice(Kind::Normal, name)
}

#[tokio::test]
async fn notification_is_an_event_of_version_1() {
    let (api, receiver, metrics) =
        (Server::start(true).await, Server::start(true).await, Metrics::new(false));
    let recorder = start(&api, options(Some(&receiver)), &metrics);
    recorder.publish(&about("app"), &notice(Kind::Normal, "stored artifact"));
    let plain = Notice { metadata: [].into(), ..notice(Kind::Warning, "failed") };
    recorder.publish(&about("app"), &plain);
    assert!(recorder.flush(LONG).await);
    let involved = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "namespace": "apps",
        "name": "app",
        "uid": "7f1c6e0e-0000-4000-8000-000000000001",
        "resourceVersion": "42",
    });
    let mut expected = json!({
        "involvedObject": involved,
        "severity": "info",
        "timestamp": "2023-11-14T22:13:20Z",
        "message": "stored artifact",
        "reason": "NewArtifact",
        "action": "Reconcile",
        "metadata": { "source.toolkit.fluxcd.io/revision": "v1@sha256:ab" },
        "reportingController": "source-controller",
        "reportingInstance": "source-controller-0",
    });
    let bodies = receiver.bodies();
    assert_eq!(bodies[0], expected);
    expected["severity"] = json!("error");
    expected["message"] = json!("failed");
    expected.as_object_mut().unwrap().remove("metadata");
    assert_eq!(bodies[1], expected);
    assert_eq!(metrics.notifications.sent.get(), 2);
}

#[tokio::test]
async fn event_is_one_of_core_v1() {
    let (api, metrics) = (Server::start(true).await, Metrics::new(false));
    let recorder = start(&api, options(None), &metrics);
    recorder.publish(&about("app"), &notice(Kind::Warning, "no"));
    assert!(recorder.flush(LONG).await);
    let mut body = api.bodies().remove(0);
    let name = body["metadata"]["name"].take();
    let suffix = name.as_str().unwrap().strip_prefix("app.").unwrap();
    assert!(suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{suffix}");
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": null,
            "namespace": "apps",
            "annotations": { "source.toolkit.fluxcd.io/revision": "v1@sha256:ab" },
        },
        "involvedObject": body["involvedObject"].clone(),
        "type": "Warning",
        "reason": "NewArtifact",
        "message": "no",
        "source": { "component": CONTROLLER },
        "reportingComponent": "source-controller",
        "reportingInstance": "source-controller-0",
        "firstTimestamp": "2023-11-14T22:13:20Z",
        "lastTimestamp": "2023-11-14T22:13:20Z",
        "count": 1,
    });
    assert_eq!(body, expected);
    assert_eq!(body["involvedObject"]["uid"], "7f1c6e0e-0000-4000-8000-000000000001");
    assert_eq!(metrics.events.sent.get(), 1);
}

#[tokio::test]
async fn notification_is_posted_again_while_the_receiver_fails() {
    // What is answered, and how many requests that makes.
    let table: [(&[u16], usize, u64, u64); 7] = [
        (&[500, 202], 2, 1, 0),
        (&[502, 503, 504, 200], 4, 1, 0),
        (&[500; 9], 5, 0, 1),
        (&[429], 1, 1, 0),
        (&[501], 1, 0, 1),
        (&[404], 1, 0, 1),
        (&[400], 1, 0, 1),
    ];
    for (answers, requests, sent, failed) in table {
        let (api, metrics) = (Server::start(true).await, Metrics::new(false));
        let receiver = Server::start(true).await.answers(answers);
        let recorder = start(&api, options(Some(&receiver)), &metrics);
        recorder.publish(&about("app"), &said("one"));
        assert!(recorder.flush(LONG).await);
        assert_eq!(receiver.bodies().len(), requests, "{answers:?}");
        let counted = (metrics.notifications.sent.get(), metrics.notifications.failed.get());
        assert_eq!(counted, (sent, failed), "{answers:?}");
    }
}

#[tokio::test]
async fn notification_is_given_up_where_nobody_listens() {
    let (api, metrics) = (Server::start(true).await, Metrics::new(false));
    let nobody = Some(format!("http://{}/", oci_testkit::net::refused()).parse().unwrap());
    let options = RecorderOptions { notify: nobody, ..options(None) };
    let recorder = start(&api, options, &metrics);
    recorder.publish(&about("app"), &said("one"));
    assert!(recorder.flush(LONG).await);
    assert_eq!(metrics.notifications.failed.get(), 1);
    assert_eq!(metrics.events.sent.get(), 1);
}

#[tokio::test]
async fn notifications_of_one_object_come_in_order() {
    let (api, metrics) = (Server::start(true).await, Metrics::new(false));
    let receiver = Server::start(true).await.answers(&[500, 500]);
    let recorder = start(&api, options(Some(&receiver)), &metrics);
    for message in ["1", "2", "3"] {
        recorder.publish(&about("app"), &said(message));
    }
    assert!(recorder.flush(LONG).await);
    let order: Vec<String> = receiver.seen(5).await.into_iter().map(|(message, _)| message).collect();
    assert_eq!(order, ["1", "1", "1", "2", "3"]);
}

#[tokio::test]
async fn dead_receiver_delays_neither_publishers_nor_events() {
    let (api, receiver) = (Server::start(true).await, Server::start(false).await);
    let metrics = Metrics::new(false);
    let recorder = start(&api, options(Some(&receiver)), &metrics);
    recorder.publish(&about("app"), &said("first"));
    receiver.seen(1).await;
    // Nothing is awaited here: this task is the only one that runs.
    for number in 0..WAITING + 100 {
        recorder.publish(&about("app"), &said(&number.to_string()));
    }
    assert_eq!(metrics.notifications.dropped.get(), 100, "the queue is bounded");
    assert_eq!(metrics.events.dropped.get(), 100, "the other task had no time either");
    // Events arrive while the receiver does not answer.
    assert_eq!(api.seen(1 + WAITING).await.len(), 1 + WAITING);
    assert!(!recorder.flush(Duration::ZERO).await);

    receiver.allow_all();
    assert!(recorder.flush(LONG).await);
    let mut messages: Vec<String> = receiver.seen(0).await.into_iter().map(|(message, _)| message).collect();
    // On a busy computer, the first one was given up and posted again.
    messages.dedup();
    assert_eq!(messages.len(), 1 + WAITING);
    assert_eq!((messages[0].as_str(), messages[1].as_str()), ("first", "100"), "the oldest went");
}

#[tokio::test]
async fn events_are_tried_once() {
    let api = Server::start(true).await.answers(&[403, 500, 409]);
    let metrics = Metrics::new(false);
    let recorder = start(&api, options(None), &metrics);
    for _ in 0..4 {
        recorder.publish(&about("app"), &said("one"));
    }
    assert!(recorder.flush(LONG).await);
    assert_eq!(api.bodies().len(), 4);
    assert_eq!((metrics.events.sent.get(), metrics.events.failed.get()), (1, 3));
}
