//! What `docs/reference` says, against a real API server.

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use oci_crds::schema;
use oci_testkit::{
    control_plane::{Ran, eventually},
    tools::{program, workspace},
};
use serde_json::Value;

use crate::world::World;

#[tokio::test]
async fn reference_s_examples_are_accepted_without_a_warning() {
    let world = World::shared().await;
    let namespace = world.plane.namespace().await;
    let mut seen = 0;
    for entry in fs::read_dir(workspace().join("docs/reference/examples")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.to_str().unwrap();
        let applied = world.plane.run(&["apply", "--namespace", &namespace, "-f", file]).await;
        assert!(applied.code == 0 && applied.stderr.is_empty(), "{file}: {applied}");
        let mut lint = Command::new(program("kubectl-oci").unwrap());
        lint.env_clear().args(["lint", "-f", file]);
        let linted = Ran::of(lint).await;
        let said = format!("{}{}", linted.stdout, linted.stderr);
        assert!(linted.code == 0 && said.contains("0 faults, 0 warnings"), "{file}: {linted}");
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} examples");
    let stored =
        world.plane.run(&["get", "ocirepositories", "-n", &namespace, "-o", "name"]).await.succeeded();
    assert_eq!(stored.lines().count(), seen, "two examples have one name: {stored}");
}

/// Every field below by its path, with what the schema says of it.
fn described(path: &str, schema: &Value, found: &mut BTreeMap<String, String>) {
    let words = schema["description"].as_str().unwrap_or_default().split_whitespace();
    found.insert(path.to_owned(), words.collect::<Vec<_>>().join(" "));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        described(&format!("{path}.{name}"), field, found);
    }
    for (name, field) in schema["items"]["properties"].as_object().into_iter().flatten() {
        described(&format!("{path}.{name}"), field, found);
    }
}

#[tokio::test]
async fn kubectl_explains_every_field() {
    let world = World::shared().await;
    let root = serde_json::to_value(schema::root()).unwrap();
    let mut fields = BTreeMap::new();
    for part in ["spec", "status"] {
        described(&format!("ocirepository.{part}"), &root["properties"][part], &mut fields);
    }
    assert!(fields.len() > 50, "only {} fields", fields.len());
    for version in ["v1", "v1beta2"] {
        let version = format!("--api-version=source.toolkit.fluxcd.io/{version}");
        // The API server publishes the schema a little after it serves the kind.
        eventually("the schema", Duration::from_mins(1), async || {
            let ran = world.plane.run(&["explain", "ocirepository", &version]).await;
            if ran.code == 0 { Ok(()) } else { Err(ran.to_string()) }
        })
        .await;
        for (field, description) in &fields {
            let said = world.plane.run(&["explain", field, &version]).await.succeeded();
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            let shown = said.split_once("DESCRIPTION: ").map(|(_, shown)| shown).unwrap_or_default();
            assert!(!description.is_empty() && shown.starts_with(description), "{field}: {said}");
        }
    }
}
