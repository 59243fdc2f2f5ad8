//! Several controllers of which one works.

use oci_testkit::{control_plane::eventually, controller::Controller};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::Tenant,
    world::{LONG, shard, started, was_well},
};

/// One of several, which decide quickly.
async fn candidate(name: &str, hostname: &str) -> oci_testkit::controller::Options {
    let mut options = shard(name)
        .await
        .with("--enable-leader-election")
        .with("--leader-election-lease-duration=4s")
        .with("--leader-election-renew-deadline=3s")
        .with("--leader-election-retry-period=500ms");
    options.hostname = hostname.to_owned();
    options
}

/// Whether the artifact is on that controller.
fn on<'a>(controller: &'a Controller) -> impl Fn(&Value) -> bool + 'a {
    move |object| {
        let url = object["status"]["artifact"]["url"].as_str().unwrap_or_default();
        url.starts_with(&format!("{}/", controller.artifacts()))
    }
}

#[tokio::test]
async fn controllers_take_turns_and_only_the_leader_writes() {
    let name = "leaders";
    let tenant = Tenant::of_shard(name).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    let mut one = started(candidate(name, "one").await);
    let mut two = Controller::start(candidate(name, "two").await);
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "interval": "500ms" })).await;
    tenant.until("app", "an artifact of the first", on(&one)).await;
    assert!(two.runs() && !two.is_ready(), "{}", two.log());

    // The first one sleeps, and does not know it.
    one.signal("STOP");
    two.wait_ready();
    tenant.until("app", "an artifact of the second", on(&two)).await;
    one.signal("CONT");
    eventually("the first one to know", LONG, async || {
        if !one.runs() || !one.is_ready() { Ok(()) } else { Err("it says that it is ready") }
    })
    .await;
    let before = tenant.ready("app").await;
    tenant.run("app", "now").await;
    let after = tenant.ready("app").await;
    assert!(on(&two)(&after), "{after}");
    assert_eq!(before["status"]["artifact"], after["status"]["artifact"]);

    // The second one leaves, and says so: the first one need not wait for the lease to end.
    one.restart();
    assert_eq!(two.terminate(), 0, "{}", two.log());
    one.wait_ready();
    tenant.until("app", "an artifact of the first", on(&one)).await;
    was_well(&one);
    was_well(&two);
}

#[tokio::test]
async fn controller_does_not_start_beside_flux_unless_it_is_to_take_over() {
    // A Lease of Flux is the business of unsharded controllers, and those would meet the objects of all other tests.
    let plane = oci_testkit::control_plane::ControlPlane::start().await;
    super::world::install(&plane).await;
    plane.run(&["create", "namespace", "flux-system"]).await.succeeded();
    let lease = |at: &str| {
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": "source-controller-leader-election", "namespace": "flux-system" },
            "spec": {
                "holderIdentity": "source-controller-0_1",
                "leaseDurationSeconds": 3600,
                "acquireTime": at,
                "renewTime": at,
                "leaseTransitions": 1,
            },
        })
    };
    let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.000000Z"]).output().unwrap();
    let now = String::from_utf8(now.stdout).unwrap();
    plane.apply(&lease(now.trim()).to_string()).await;
    let identity = super::world::identity(&plane).await;
    let options = || oci_testkit::controller::Options::new(&identity).with("--enable-leader-election");
    let mut refused = Controller::start(options());
    assert_ne!(refused.wait_ended(), 0);
    let log = refused.log();
    assert!(log.contains("source-controller") && log.contains("--take-over"), "{log}");
    let taking = started(options().with("--take-over"));
    was_well(&taking);
    drop(taking);
    // One that was left behind is no hindrance.
    plane.apply(&lease("2020-01-01T00:00:00.000000Z").to_string()).await;
    let after = started(options());
    was_well(&after);
}
