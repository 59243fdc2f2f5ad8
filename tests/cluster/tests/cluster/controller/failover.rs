//! Leaders over a bucket that die or are cut off, and those that follow.

use std::path::{Path, PathBuf};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use oci_controller::args::Args;
use oci_testkit::{control_plane::eventually, controller::Controller, service::Service};
use serde_json::json;

use super::{
    buckets::{blobs, download, options},
    push::Image,
    tenant::Tenant,
    world::{LONG, plane, started, was_well},
};
use crate::bucket::Bucket;

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
async fn through(service: &Service, kubeconfig: &Path) -> PathBuf {
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
