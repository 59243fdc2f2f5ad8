//! Registries that move, withhold, replace or flood signatures: the list of attacks, T1 to T14. Those about changed
//! policies (T10, T19, T20) are in `signatures`.

use std::{sync::Arc, time::Duration};

use oci_artifact::{
    Class,
    archive::Control,
    limits::SIGNATURE_BYTES,
    manifest::{OCI_INDEX, OCI_MANIFEST},
    name::Digest,
};
use oci_decide::{Outcome, Resolved, Step};
use oci_source::Progress;
use oci_testkit::{
    registry::{Act, Class as Endpoint, Fault, Match, Registry},
    sigstore::{attach, bundle, legacy},
};
use serde_json::{Value, json};

use crate::{
    signed::{by_key, other, owner, sign, usual},
    support::{NAME, World, seed},
};

fn signed(registry: &Registry) -> Digest {
    let digest = seed(registry, "v1", &[("a.yaml", "a")]);
    sign(registry, owner(), &digest);
    digest
}

/// Moves the tag as soon as the signature was verified.
struct Mover(Arc<Registry>, Digest);

impl Progress for Mover {
    fn resolved(&self, _: &Resolved) {
        self.0.put_tag(NAME, "v1", &self.1);
    }
}

/// T1.
#[tokio::test]
async fn tag_that_moves_after_it_was_verified_brings_nothing_else() {
    let (registry, world) = (Arc::new(Registry::start()), World::new());
    let digest = signed(&registry);
    let evil = seed(&registry, "evil", &[("a.yaml", "evil")]);
    let case = usual(&registry);
    let mover = Mover(Arc::clone(&registry), evil.clone());
    let outcome = world.source.run(&case.observed, &case.materials, &mover, &Control::new()).await;
    let Outcome::Stored { resolved, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(registry.digest(NAME, "v1"), Some(evil.clone()), "it moved");
    assert_eq!(resolved.revision.digest, digest);
    assert_eq!(registry.count(|request| request.path.contains(evil.hex())), 0);
}

/// T2.
#[tokio::test]
async fn another_manifest_for_the_verified_digest_is_refused() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = signed(&registry);
    seed(&registry, "evil", &[("a.yaml", "evil")]);
    let evil = registry.manifest(NAME, "evil").unwrap();
    registry.put_manifest(NAME, &digest.to_string(), OCI_MANIFEST, &evil);
    let failure = world.failed(&usual(&registry)).await;
    assert_eq!(failure.step, Step::Manifest, "{failure:?}");
    assert!(failure.message.contains("digest mismatch"), "{failure:?}");
    assert!(world.is_empty());
}

/// T3.
#[tokio::test]
async fn list_that_is_refused_is_not_an_empty_one() {
    let sig = |digest: &Digest| attach::legacy_tag(digest);
    for code in [401, 403, 429, 500, 503] {
        for legacy in [false, true] {
            let (registry, world) = (Registry::start(), World::new());
            let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
            let on = if legacy {
                Match::class(Endpoint::Manifest).contains(&sig(&digest))
            } else {
                Match::class(Endpoint::Referrers)
            };
            registry.fault(Fault::always(on, Act::status(code)));
            let failure = world.refuses(&registry, &mut usual(&registry)).await;
            assert_eq!(failure.class, Class::Retry { after: None }, "{code} {failure:?}");
            assert!(failure.message.starts_with("signatures could not be looked up: "), "{code} {failure:?}");
            assert!(world.is_empty());
        }
    }
}

#[tokio::test]
async fn list_that_is_refused_says_how_long_to_wait() {
    let (registry, world) = (Registry::start(), World::new());
    signed(&registry);
    registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::too_many_requests("600")));
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert_eq!(failure.class, Class::Retry { after: Some(Duration::from_mins(10)) });
}

#[tokio::test]
async fn bundle_that_cannot_be_had_is_not_a_missing_one() {
    for (on, act) in [
        (Match::class(Endpoint::Blob), Act::status(500)),
        (Match::class(Endpoint::Blob), Act::Corrupt(20)),
        (Match::class(Endpoint::Blob), Act::Truncate(10)),
        (Match::class(Endpoint::Blob), Act::ExtraBytes(10)),
        (Match::class(Endpoint::Manifest).method("GET"), Act::Corrupt(20)),
        (Match::class(Endpoint::Manifest).method("GET"), Act::status(403)),
    ] {
        let (registry, world) = (Registry::start(), World::new());
        signed(&registry);
        registry.fault(Fault::always(on, act.clone()));
        let failure = world.refuses(&registry, &mut usual(&registry)).await;
        assert!(failure.message.starts_with("signatures could not be looked up: "), "{act:?} {failure:?}");
        assert!(world.is_empty());
    }
}

/// An index of referrers, and where its next page is.
fn page(digest: &Digest, manifests: &[Value], next: usize) -> Act {
    let body = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests }).to_string();
    Act::json(&body)
        .with_header("link", &format!("</v2/{NAME}/referrers/{digest}?page={next}>; rel=\"next\""))
}

fn junk(kind: &str, from: usize, count: usize) -> Vec<Value> {
    let one = |number: usize| {
        let digest = format!("sha256:{number:064x}");
        json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": 500, "artifactType": kind })
    };
    (from..from + count).map(one).collect()
}

/// T4.
#[tokio::test]
async fn signature_on_the_second_page_is_found() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = signed(&registry);
    registry.fault(Fault::once(Match::class(Endpoint::Referrers), page(&digest, &[], 2)));
    world.stored(&usual(&registry)).await;
}

/// T5.
#[tokio::test]
async fn hundred_thousand_referrers_hold_nobody_up() {
    const PAGES: usize = 10;
    for (kind, found) in [("application/vnd.example.sbom", true), (attach::BUNDLE, false)] {
        let (registry, world) = (Registry::start(), World::new());
        let digest = signed(&registry);
        for number in 0..PAGES {
            let junk = junk(kind, number * 10_000, 10_000);
            let act = page(&digest, &junk, number + 1);
            registry.fault(Fault::once(Match::class(Endpoint::Referrers), act));
        }
        let mut case = usual(&registry);
        if found {
            let run = world.step(&registry, &mut case).await;
            assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
            assert_eq!(run.asked.len(), 6 + PAGES);
        } else {
            let failure = world.refuses(&registry, &mut case).await;
            assert!(failure.message.contains("99937 more signatures were not looked at"), "{failure:?}");
            let manifests = registry.count(|request| request.class == Endpoint::Manifest);
            assert!(manifests <= 64 + 2, "{manifests}");
        }
    }
}

/// T5, as layers.
#[tokio::test]
async fn thousand_legacy_signatures_are_not_all_looked_at() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let signature = legacy::sign_with(other(), &digest.to_string());
    attach::legacy(&registry, NAME, &digest, &vec![signature; 1_000]);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains("936 more signatures were not looked at"), "{failure:?}");
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 64);
}

/// T6.
#[tokio::test]
async fn index_in_place_of_legacy_signatures_is_told() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }).to_string();
    registry.put_manifest(NAME, &attach::legacy_tag(&digest), OCI_INDEX, index.as_bytes());
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains("an index stands where"), "{failure:?}");
}

#[tokio::test]
async fn legacy_signature_with_too_many_annotations_is_not_looked_at() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut signed = legacy::sign_with(owner(), &digest.to_string());
    signed.annotations.insert("note".to_owned(), "a".repeat(SIGNATURE_BYTES));
    attach::legacy(&registry, NAME, &digest, &[signed]);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains(&format!("larger than the limit of {SIGNATURE_BYTES}")), "{failure:?}");
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 0);
}

#[tokio::test]
async fn legacy_layer_of_another_type_is_no_signature() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let signature = legacy::sign_with(owner(), &digest.to_string());
    attach::legacy(&registry, NAME, &digest, &[signature.clone(), signature]);
    world.step(&registry, &mut usual(&registry)).await;
    // The first one is enough.
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 2);
    let tag = attach::legacy_tag(&digest);
    let image = String::from_utf8(registry.manifest(NAME, &tag).unwrap()).unwrap();
    let image = image.replace("application/vnd.dev.cosign.simplesigning.v1+json", "text/plain");
    registry.put_manifest(NAME, &tag, OCI_MANIFEST, image.as_bytes());
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains("text/plain"), "{failure:?}");
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 0);
}

/// T5.
#[tokio::test]
async fn thousand_attestations_hide_no_signature() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = signed(&registry);
    let mut junk = junk(attach::BUNDLE, 0, 1_000);
    for entry in &mut junk {
        entry["annotations"] =
            json!({ "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1" });
    }
    registry.fault(Fault::once(Match::class(Endpoint::Referrers), page(&digest, &junk, 1)));
    let run = world.step(&registry, &mut usual(&registry)).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
}

/// T7.
#[tokio::test]
async fn bundle_attached_to_something_else_is_refused() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let foreign = seed(&registry, "other", &[("a.yaml", "b")]);
    let signed = bundle::sign_with(owner(), &digest.to_string());
    for subject in [json!(foreign), Value::Null] {
        let mut manifest = attach::bundle_manifest(&registry, NAME, &digest, &signed);
        if subject.is_null() {
            manifest.as_object_mut().unwrap().remove("subject");
        } else {
            manifest["subject"]["digest"] = subject.clone();
        }
        let attached = attach::put(&registry, NAME, &manifest);
        registry.clear_faults();
        let entry = json!({
            "mediaType": OCI_MANIFEST, "digest": attached, "size": manifest.to_string().len(),
            "artifactType": attach::BUNDLE,
        });
        let body = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry] });
        registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::json(&body.to_string())));
        let failure = world.refuses(&registry, &mut usual(&registry)).await;
        let to = subject.as_str().unwrap_or("nothing");
        assert!(failure.message.contains(&format!("it is attached to {to}")), "{failure:?}");
    }
}

/// T8.
#[tokio::test]
async fn signature_of_another_artifact_is_refused() {
    let (registry, world) = (Registry::start(), World::new());
    let foreign = seed(&registry, "other", &[("a.yaml", "b")]).to_string();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    attach::bundle(&registry, NAME, &digest, &bundle::sign_with(owner(), &foreign));
    attach::legacy(&registry, NAME, &digest, &[legacy::sign_with(owner(), &foreign)]);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert_eq!(failure.message.matches("made for another artifact").count(), 2, "{failure:?}");
}

/// T9.
#[tokio::test]
async fn signature_of_a_child_is_none_of_its_index_and_the_reverse() {
    let (registry, world) = (Registry::start(), World::new());
    let child = seed(&registry, "child", &[("a.yaml", "a")]);
    let size = registry.manifest(NAME, "child").unwrap().len();
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{
        "mediaType": OCI_MANIFEST, "digest": child, "size": size,
        "platform": { "os": "linux", "architecture": "amd64" },
    }] })
    .to_string();
    let parent = registry.put_manifest(NAME, "v1", OCI_INDEX, index.as_bytes());
    sign(&registry, owner(), &child);
    let mut case = usual(&registry);
    world.refuses(&registry, &mut case).await;
    sign(&registry, owner(), &parent);
    world.stored(&case).await;
    // The index is signed; who asks for its child asks for another signature.
    let (registry, world) = (Registry::start(), World::new());
    let child = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &parent);
    let manifest =
        attach::bundle_manifest(&registry, NAME, &child, &bundle::sign_with(owner(), &parent.to_string()));
    attach::put(&registry, NAME, &manifest);
    world.refuses(&registry, &mut usual(&registry)).await;
}

/// T14.
#[tokio::test]
async fn broken_key_stops_no_other() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = signed(&registry);
    let keys = [("a.pub", "no key at all"), ("b.pub", &*owner().pem())];
    let artifact = world.stored(&by_key(&registry, &keys)).await;
    assert_eq!(artifact.revision, format!("v1@{digest}"));
    // It is told where nothing else helps.
    let keys = [("a.pub", "no key at all"), ("b.pub", &*other().pem())];
    let failure = World::new().refuses(&registry, &mut by_key(&registry, &keys)).await;
    assert!(failure.message.contains("key `a.pub`"), "{failure:?}");
}

#[tokio::test]
async fn signature_in_the_list_behind_a_tag_is_found() {
    let (registry, world) = (Registry::builder().referrers(false).start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let signed = bundle::sign_with(owner(), &digest.to_string());
    let attached = attach::bundle(&registry, NAME, &digest, &signed);
    world.refuses(&registry, &mut usual(&registry)).await;
    attach::list(&registry, NAME, &digest, &[attached]);
    world.stored(&usual(&registry)).await;
}

#[tokio::test]
async fn bundle_that_fails_is_not_rescued_and_spoils_nothing() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, other(), &digest);
    attach::legacy(&registry, NAME, &digest, &[legacy::sign_with(other(), &digest.to_string())]);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains("bundle ") && failure.message.contains("signature "), "{failure:?}");
    attach::legacy(&registry, NAME, &digest, &[legacy::sign_with(owner(), &digest.to_string())]);
    world.stored(&usual(&registry)).await;
}
