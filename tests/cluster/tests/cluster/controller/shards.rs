//! Controllers for some of the objects.

use oci_testkit::{control_plane::eventually, controller::Options};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, fetch, is_ready},
    world::{LONG, shard, started, was_well},
};
use crate::world::manifests;

#[tokio::test]
async fn controller_looks_after_its_shard_only() {
    let (mine, other) = (Tenant::of_shard("shard-a").await, Tenant::of_shard("shard-b").await);
    let both = started(shard("shard-a").await.with("--enable-leader-election"));
    for tenant in [&mine, &other] {
        Image::saying("one").push(&tenant.registry, "org/app", "v1");
        tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    }
    let object = mine.ready("app").await;
    assert!(object["status"]["artifact"]["url"].as_str().unwrap().starts_with(&both.artifacts()));
    assert!(other.registry.requests().is_empty());
    assert!(other.get("app").await["metadata"]["finalizers"].is_null());
    // Moved into the shard, it is looked after.
    let label = json!({ "metadata": { "labels": { "sharding.fluxcd.io/key": "shard-a" } } });
    other.patch("app", &label).await;
    other.ready("app").await;
    // Its Lease is its own.
    let leases = mine.plane.run(&["get", "leases", "-n", "oci-system", "-o", "name"]).await.succeeded();
    let prefix = "lease.coordination.k8s.io/oci-controller-leader-election-";
    assert!(leases.lines().filter(|line| line.starts_with(prefix)).count() >= 1, "{leases}");
    was_well(&both);
}

/// Readers follow the status, and hear of it late.
#[tokio::test]
async fn object_that_moves_is_served_where_it_was_until_its_readers_have_heard_of_it() {
    let (moving, left) = (Tenant::of_shard("move-from").await, Tenant::of_shard("move-from").await);
    let selector = "--watch-label-selector=sharding.fluxcd.io/key=move-from";
    let (long, short) = ("--artifact-retention-ttl=1h", "--artifact-retention-ttl=1s");
    let mut from = started(shard("move-from").await.with(long));
    let to = started(shard("move-to").await);
    let mut before = Vec::new();
    for tenant in [&moving, &left] {
        Image::saying("one").push(&tenant.registry, "org/app", "v1");
        tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
        before.push(tenant.ready("app").await);
    }
    let label = |shard: &str| json!({ "metadata": { "labels": { "sharding.fluxcd.io/key": shard } } });
    left.patch("app", &label("move-nowhere")).await;
    moving.patch("app", &label("move-to")).await;
    let there = |object: &Value| {
        object["status"]["artifact"]["url"].as_str().unwrap_or_default().starts_with(&to.artifacts())
    };
    let after = moving.until("app", "to be there", there).await;
    for object in [&after, &before[0], &before[1]] {
        moving.download(object).await;
    }
    // That is not forgotten.
    from.restart();
    from.wait_ready();
    for object in &before {
        moving.download(object).await;
    }

    from.restart_with(&[selector, short]);
    from.wait_ready();
    let gone = async |object: &Value| {
        let url = object["status"]["artifact"]["url"].as_str().unwrap();
        eventually("the end of what was left behind", LONG, async || match fetch(url).await {
            Err(error) if error.ends_with("404 Not Found") => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    };
    gone(&before[0]).await;
    moving.download(&after).await;
    // Nobody looks after this one, and its status leads here still.
    left.download(&before[1]).await;
    left.delete("app").await;
    left.patch("app", &json!({ "metadata": { "finalizers": null } })).await;
    gone(&before[1]).await;
    was_well(&from);
    was_well(&to);
}

/// The rights of the manifests as a Role of one namespace.
async fn role(tenant: &Tenant<'_>) -> Vec<Value> {
    let namespace = &tenant.namespace;
    let mut rules = Vec::new();
    for document in manifests(tenant.plane, "overlays/single").await.split("\n---\n") {
        let document: Value = oci_testkit::cases::yaml(document);
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        if document["kind"] == "ClusterRole" && name.starts_with("oci-controller") {
            rules.extend(document["rules"].as_array().unwrap().clone());
        }
    }
    let metadata = json!({ "name": "controller", "namespace": namespace });
    let api = "rbac.authorization.k8s.io/v1";
    vec![
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }),
        json!({ "apiVersion": api, "kind": "Role", "metadata": metadata, "rules": rules }),
        json!({
            "apiVersion": api,
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "controller" },
            "subjects": [{ "kind": "ServiceAccount", "name": "controller", "namespace": namespace }],
        }),
    ]
}

#[tokio::test]
async fn controller_of_one_namespace_needs_no_rights_elsewhere() {
    let (mine, other) = (Tenant::of_shard("namespaced").await, Tenant::of_shard("namespaced").await);
    for object in role(&mine).await {
        mine.install(&object).await;
    }
    let token = mine.plane.service_account_token(&mine.namespace, "controller").await;
    let mut options = Options::new(mine.plane.kubeconfig_with_token(&token))
        .with("--watch-all-namespaces=false")
        .with("--watch-label-selector=sharding.fluxcd.io/key=namespaced");
    options.namespace.clone_from(&mine.namespace);
    let controller = started(options);
    for tenant in [&other, &mine] {
        Image::saying("one").push(&tenant.registry, "org/app", "v1");
        tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    }
    let object = mine.ready("app").await;
    mine.event("app", "NewArtifact").await;
    mine.download(&object).await;
    assert!(!is_ready(&other.get("app").await));
    assert!(other.registry.requests().is_empty());
    mine.delete("app").await;
    mine.gone("app").await;
    was_well(&controller);
}
