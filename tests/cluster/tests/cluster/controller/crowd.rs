//! Many objects at once.

use std::fs;

use oci_testkit::{control_plane::eventually, net::Silent};
use serde_json::json;

use super::{
    push::Image,
    tenant::{Tenant, is, is_ready},
    world::LONG,
};

#[tokio::test]
async fn controller_works_for_the_healthy_while_a_registry_never_answers() {
    let tenant = Tenant::new().await;
    let silent = Silent::start();
    let dead = |index: usize| format!("dead-{index}");
    let healthy = |index: usize| format!("healthy-{index}");
    for index in 0..10 {
        let url = format!("oci://{}/org/app", silent.host());
        tenant.apply(&dead(index), &json!({ "url": url, "timeout": "10m" })).await;
    }
    for index in 0..20 {
        Image::saying(&healthy(index)).push(&tenant.registry, "org/app", &healthy(index));
        tenant.apply(&healthy(index), &json!({ "ref": { "tag": healthy(index) } })).await;
    }
    for index in 0..20 {
        tenant.ready(&healthy(index)).await;
    }
    for index in 0..10 {
        assert!(!is(&tenant.get(&dead(index)).await, "Ready", "True"));
        // Nor does one that hangs hold up its own end.
        tenant.delete(&dead(index)).await;
    }
    for index in 0..10 {
        tenant.gone(&dead(index)).await;
    }
}

#[tokio::test]
async fn controller_stores_and_forgets_a_thousand_objects() {
    const OBJECTS: usize = 1_000;
    let tenant = Tenant::new().await;
    // Twenty artifacts for all of them.
    for index in 0..20 {
        let tag = format!("v{index}");
        Image::saying(&tag).push(&tenant.registry, "org/app", &tag);
    }
    for index in 0..OBJECTS {
        let tag = format!("v{}", index % 20);
        tenant.apply(&format!("app-{index}"), &json!({ "ref": { "tag": tag } })).await;
    }
    let all = eventually("all to be ready", LONG * 5, async || {
        let all = tenant.list().await;
        let ready = all.iter().filter(|object| is_ready(object)).count();
        if ready == OBJECTS { Ok(all) } else { Err(format!("{ready} are")) }
    })
    .await;
    tenant.download(&all[0]).await;
    let arguments = ["delete", "ocirepo", "--all", "-n", &tenant.namespace, "--wait=false"];
    tenant.plane.run(&arguments).await.succeeded();
    eventually("all to be gone", LONG * 5, async || {
        let left = tenant.list().await.len();
        if left == 0 { Ok(()) } else { Err(format!("{left} are left")) }
    })
    .await;
    let folder = tenant.controller().storage().join("ocirepository").join(&tenant.namespace);
    let left = fs::read_dir(folder).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0);
}
