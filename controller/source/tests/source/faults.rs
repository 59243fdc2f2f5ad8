//! Registries that lie, break, refuse or are gone.

use std::{sync::atomic::Ordering, time::Duration};

use oci_artifact::{
    Class,
    manifest::{Descriptor, FLUX_CONTENT, Manifest, OCI_MANIFEST, config_descriptor},
};
use oci_decide::{Outcome, Step};
use oci_testkit::{
    net,
    registry::{Act, Class as Endpoint, Fault, Match, Registry},
};
use serde_json::json;

use crate::support::{Case, NAME, World, asked, closing, manifest, seed};

fn tag() -> serde_json::Value {
    json!({ "ref": { "tag": "v1" } })
}

const RETRY: Class = Class::Retry { after: None };

/// A run against a registry with one artifact and this misbehaviour; nothing may be left behind.
async fn run(on: Match, act: Act) -> oci_decide::Failure {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", &"a".repeat(10_000))]);
    registry.fault(Fault::always(on, act));
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert!(world.is_empty(), "a draft was left behind");
    assert!(failure.hint.iter().all(|hint| !hint.contains("docker") && !hint.contains("--")));
    failure
}

#[tokio::test]
async fn run_refuses_wrong_bytes() {
    let failure = run(Match::class(Endpoint::Blob), Act::Corrupt(20)).await;
    assert_eq!((failure.step, failure.class), (Step::Download, Class::Terminal));
    assert!(failure.message.contains("digest mismatch"), "{}", failure.message);
    let failure = run(Match::class(Endpoint::Blob), Act::ExtraBytes(5)).await;
    assert_eq!((failure.step, failure.class), (Step::Download, Class::Terminal));
    let failure = run(Match::class(Endpoint::Manifest).method("GET"), Act::Corrupt(20)).await;
    assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
}

#[tokio::test]
async fn run_of_a_blob_that_breaks_off_waits_for_better_times() {
    let failure = run(Match::class(Endpoint::Blob), Act::Truncate(10)).await;
    assert_eq!((failure.step, failure.class), (Step::Download, RETRY));
}

#[tokio::test]
async fn run_says_what_a_refusal_means() {
    for (code, class, hint) in [
        (401, Class::Denied, "spec.secretRef"),
        (403, Class::Denied, "spec.secretRef"),
        (404, RETRY, "spec.ref"),
        (500, RETRY, ""),
        (503, RETRY, ""),
        (410, Class::Terminal, ""),
    ] {
        for (on, step) in [
            (Match::class(Endpoint::Manifest).method("HEAD"), Step::Digest),
            (Match::class(Endpoint::Manifest).method("GET"), Step::Manifest),
            (Match::class(Endpoint::Blob), Step::Download),
        ] {
            let failure = run(on, Act::status(code)).await;
            assert_eq!((failure.step, failure.class), (step, class), "{code}: {}", failure.message);
            let said = if code == 401 { "access denied".to_owned() } else { code.to_string() };
            assert!(failure.message.contains(&said), "{}", failure.message);
            assert!(failure.hint.unwrap_or_default().contains(hint), "{code}");
        }
    }
}

#[tokio::test]
async fn run_hands_a_long_wait_to_whoever_schedules() {
    let failure = run(Match::class(Endpoint::Manifest), Act::too_many_requests("600")).await;
    assert_eq!(failure.class, Class::Retry { after: Some(Duration::from_mins(10)) });
    assert_eq!(failure.step, Step::Digest);
}

#[tokio::test]
async fn run_gives_a_silent_registry_up_after_the_timeout() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    registry.fault(Fault::always(Match::class(Endpoint::Manifest), Act::Stall));
    let spec = json!({ "ref": { "tag": "v1" }, "timeout": "200ms" });
    let failure = world.failed(&Case::new(&registry, spec.clone())).await;
    assert_eq!((failure.step, failure.class), (Step::Digest, RETRY));
    assert!(failure.hint.unwrap().contains("spec.timeout"));
    // So short a timeout must not shut the registry for others.
    registry.clear_faults();
    world.stored(&Case::new(&registry, spec)).await;
}

#[tokio::test]
async fn run_gives_a_download_up_that_stands_still() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", &"a".repeat(10_000))]);
    registry.fault(Fault::always(Match::class(Endpoint::Blob), Act::StallBody(10)));
    let spec = json!({ "ref": { "tag": "v1" }, "timeout": "200ms" });
    let failure = world.failed(&Case::new(&registry, spec)).await;
    assert_eq!((failure.step, failure.class), (Step::Download, RETRY));
    assert!(world.is_empty());
}

#[tokio::test]
async fn runs_leave_a_dead_registry_alone() {
    let (host, connections) = closing();
    let world = World::with(|options| options.registry.attempts = 1);
    let mut messages = Vec::new();
    for number in 0..20 {
        let case =
            Case::at(&format!("oci://{host}/{NAME}"), json!({ "ref": { "tag": format!("v{number}") } }));
        let failure = world.failed(&case).await;
        assert_eq!(failure.step, Step::Digest);
        assert_eq!(matches!(failure.class, Class::Retry { after: Some(_) }), number > 0);
        messages.push(failure.message.replace(&format!(":v{number}:"), ":v0:"));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
    // Whether it speaks TLS, and the request.
    assert!(connections.load(Ordering::SeqCst) <= 2, "{connections:?}");
    let other = Registry::start();
    seed(&other, "v1", &[("a.yaml", "a")]);
    world.stored(&Case::new(&other, tag())).await;
}

#[tokio::test]
async fn run_of_a_closed_port_says_so() {
    let world = World::new();
    let host = net::refused();
    let failure = world.failed(&Case::at(&format!("oci://{host}/{NAME}"), tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Digest, RETRY));
    assert!(
        failure.message.starts_with(&format!("looking up {host}/{NAME}:v1: cannot connect")),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn run_refuses_a_layer_that_is_larger_than_allowed() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = registry.put_blob(NAME, b"small");
    let layer = Descriptor::new(FLUX_CONTENT, digest, 3 << 30);
    let manifest = Manifest::new(config_descriptor(), vec![layer], std::collections::BTreeMap::new());
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Download, Class::Terminal));
    assert!(failure.message.contains("2147483648"), "{}", failure.message);
    assert_eq!(asked(&registry), ["HEAD Manifest", "GET Manifest"]);
}

#[tokio::test]
async fn run_refuses_what_is_no_archive() {
    let (registry, world) = (Registry::start(), World::new());
    let bytes = manifest(&registry, &[(FLUX_CONTENT, b"neither gzip nor tar")], &[]);
    registry.put_manifest(NAME, "v1", OCI_MANIFEST, &bytes);
    let failure = world.failed(&Case::new(&registry, tag())).await;
    assert_eq!((failure.step, failure.class), (Step::Archive, Class::Terminal));
    assert!(world.is_empty());
}

#[tokio::test]
async fn run_that_is_dropped_leaves_no_files() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", &"a".repeat(10_000))]);
    registry.fault(Fault::always(Match::class(Endpoint::Blob), Act::StallBody(10)));
    let case = Case::new(&registry, tag());
    let begun = async {
        while world.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = tokio::select! {
        outcome = world.run(&case) => Some(outcome),
        () = begun => None,
    };
    assert!(ended.is_none(), "{ended:?}");
    assert!(world.is_empty());
}

#[tokio::test]
async fn run_that_fails_says_what_was_wanted() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[]);
    registry.fault(Fault::always(Match::class(Endpoint::Blob), Act::status(404)));
    let Outcome::Failed { resolved, .. } = world.run(&Case::new(&registry, tag())).await else { panic!() };
    assert_eq!(resolved.unwrap().revision.to_string(), format!("v1@{digest}"));
}
