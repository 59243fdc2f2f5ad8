//! Several controllers of which one works.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    controller::{Controller, Options},
};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::Tenant,
    world::{LONG, identity, install, shard, started, was_well},
};

/// One of several, which decide quickly.
async fn candidate(name: &str, hostname: &str) -> Options {
    let mut options = shard(name)
        .await
        .with("--enable-leader-election")
        .with("--leader-election-lease-duration=4s")
        .with("--leader-election-renew-deadline=3s")
        .with("--leader-election-retry-period=500ms");
    hostname.clone_into(&mut options.hostname);
    options
}

/// Whether the artifact is on that controller.
fn on(controller: &Controller) -> impl Fn(&Value) -> bool {
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

/// The Lease of a source-controller, renewed at that time.
fn lease(at: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": { "name": "source-controller-leader-election", "namespace": "flux-system" },
        "spec": {
            "holderIdentity": "source-controller-0_1",
            "leaseDurationSeconds": 5,
            "acquireTime": at,
            "renewTime": at,
            "leaseTransitions": 1,
        },
    })
}

/// Renews the Lease for as long as it is polled.
async fn renew(plane: &ControlPlane) {
    let leases: Api<Lease> = Api::namespaced(plane.client(), "flux-system");
    for number in 0.. {
        let at = format!("{}.{:06}Z", now(), number % 1_000_000);
        let renewed = json!({ "spec": { "renewTime": at } });
        let name = "source-controller-leader-election";
        leases.patch(name, &PatchParams::default(), &Patch::Merge(renewed)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Now, to the second and without a `Z`.
fn now() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn controller_does_not_start_beside_flux_unless_it_is_to_take_over() {
    // A Lease of Flux is the business of unsharded controllers, and those would meet the objects of all other tests.
    let plane = ControlPlane::start().await;
    install(&plane).await;
    plane.run(&["create", "namespace", "flux-system"]).await.succeeded();
    plane.apply(&lease(&format!("{}.000000Z", now())).to_string()).await;
    let identity = identity(&plane).await;
    let options = || Options::new(&identity).with("--enable-leader-election");

    let mut refused = Controller::start(options());
    let mut ended = async || {
        eventually("an end", LONG, async || if refused.runs() { Err("it runs") } else { Ok(()) }).await;
    };
    tokio::select! {
        () = ended() => {}
        () = renew(&plane) => {}
    }
    assert_ne!(refused.wait_ended(), 0);
    let log = refused.log();
    assert!(log.contains("flux-system/source-controller-leader-election"), "{log}");
    assert!(log.contains("--take-over"), "{log}");
    let taking = started(options().with("--take-over"));
    was_well(&taking);
    drop(taking);
    // Nobody renews it any more.
    let after = started(options());
    was_well(&after);
}
