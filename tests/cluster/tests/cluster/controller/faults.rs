//! Killed at any instant.

use oci_testkit::{control_plane::eventually, samples::Seeded};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, is_ready},
    world::{LONG, shard, started, was_well},
};

/// How many objects there are.
const OBJECTS: usize = 30;
/// How often it is killed.
const KILLS: u64 = 8;

fn name(index: usize) -> String {
    format!("app-{index}")
}

/// Moves the tag of each object.
fn push_all(tenant: &Tenant<'_>, round: u64) -> Vec<String> {
    let image = |index: usize| {
        // Some weight, so that a kill finds something half done.
        let noise = Seeded::new(round * 1000 + index as u64).bytes(200_000);
        let text: String = noise.iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let digest = Image::of(&[("app.yaml", &text), ("round", &round.to_string())]);
        digest.push(&tenant.registry, "org/app", &name(index))
    };
    (0..OBJECTS).map(|index| format!("{}@{}", name(index), image(index))).collect()
}

fn revision(object: &Value) -> &str {
    object["status"]["artifact"]["revision"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn controller_that_is_killed_leaves_no_half_artifact_and_loses_no_object() {
    let shard_name = "killed";
    let tenant = Tenant::of_shard(shard_name).await;
    let mut controller = started(shard(shard_name).await.with("--concurrent=8"));
    let mut wanted = push_all(&tenant, 0);
    for index in 0..OBJECTS {
        let fields = json!({ "ref": { "tag": name(index) }, "interval": "500ms" });
        tenant.apply(&name(index), &fields).await;
    }
    let mut dice = Seeded::new(7);
    for round in 1..=KILLS {
        // Killed once some are done, how many differs.
        let some = usize::try_from(dice.next_u64() % 12).unwrap();
        eventually("some to be done", LONG, async || {
            let done = tenant
                .list()
                .await
                .iter()
                .filter(|object| wanted.iter().any(|one| one == revision(object)))
                .count();
            if done >= some { Ok(()) } else { Err(format!("{done} of {some}")) }
        })
        .await;
        controller.kill();
        wanted = push_all(&tenant, round);
        let advertised = tenant.list().await;
        assert_eq!(advertised.len(), OBJECTS);
        controller.restart();
        controller.wait_ready();
        for object in advertised.iter().filter(|object| object["status"]["artifact"].is_object()) {
            // Fails unless all of it comes, with the digest that was advertised.
            tenant.download(object).await;
        }
    }
    eventually("all to be at their newest", LONG, async || {
        let all = tenant.list().await;
        let left = all.iter().filter(|o| !is_ready(o) || wanted.iter().all(|one| one != revision(o))).count();
        if left == 0 { Ok(()) } else { Err(format!("{left} are not")) }
    })
    .await;
    let mut files = 0;
    for object in tenant.list().await {
        tenant.download(&object).await;
        files += 1;
    }
    assert_eq!(files, OBJECTS);
    was_well(&controller);
}
