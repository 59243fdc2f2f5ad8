//! Events on a real API server.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use kube::{Api, api::ListParams};
use oci_controller::{
    app,
    cluster::recorder::{CONTROLLER, Recorder, RecorderOptions},
    observe::Metrics,
};
use oci_crds::conditions::Reason;
use oci_decide::{Kind, Notice};
use oci_testkit::control_plane::ControlPlane;

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn events_of_seven_kilobytes_are_taken() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let options =
        RecorderOptions { controller: CONTROLLER, instance: "pod".to_owned(), notify: None, now: app::now };
    let metrics = Metrics::new(false);
    let recorder = Recorder::new(plane.client(), options.clone(), &metrics).unwrap();
    let about = ObjectReference {
        api_version: Some("source.toolkit.fluxcd.io/v1".to_owned()),
        kind: Some("OCIRepository".to_owned()),
        namespace: Some(namespace.clone()),
        name: Some("app".to_owned()),
        uid: Some("7f1c6e0e-0000-4000-8000-000000000001".to_owned()),
        ..ObjectReference::default()
    };
    let notice = Notice {
        kind: Kind::Warning,
        reason: Reason::PullFailed,
        action: "Reconcile",
        message: "x".repeat(7000),
        metadata: [("event.toolkit.fluxcd.io/team".to_owned(), "a".to_owned())].into(),
    };
    for _ in 0..20 {
        recorder.publish(&about, &notice);
    }
    assert!(recorder.flush(LONG).await);
    assert_eq!(metrics.events.sent.get(), 20);
    let fields = ListParams::default().fields("involvedObject.uid=7f1c6e0e-0000-4000-8000-000000000001");
    let events = Api::<Event>::namespaced(plane.client(), &namespace).list(&fields).await.unwrap().items;
    assert_eq!(events.len(), 20);
    let event = events.first().unwrap();
    assert_eq!(event.message.as_ref().map(String::len), Some(7000));
    assert_eq!(event.source.as_ref().unwrap().component.as_deref(), Some("source-controller"));

    let stranger = Recorder::new(plane.user("event-stranger", &[]), options, &metrics).unwrap();
    stranger.publish(&about, &notice);
    assert!(stranger.flush(LONG).await);
    assert_eq!((metrics.events.sent.get(), metrics.events.failed.get()), (20, 1));
}
