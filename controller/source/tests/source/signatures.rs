//! Signatures that are asked for: what is fetched, what is refused, what it costs, and when it is verified again.

use oci_artifact::Class;
use oci_decide::Outcome;
use oci_testkit::{
    registry::{Act, Class as Endpoint, Fault, Match, Registry},
    sigstore::{Request, attach, bundle, legacy},
};
use serde_json::{Value, json};

use crate::{
    signed::{by_identity, by_key, other, owner, private, secret, sign, signer, usual},
    support::{Case, NAME, World, seed},
};

const RETRY: Class = Class::Retry { after: None };

#[tokio::test]
async fn signed_artifact_is_fetched_by_the_digest_that_was_verified() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &digest);
    let mut case = usual(&registry);
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
    let revision = format!("v1@{digest}");
    let verified = ("True Succeeded".to_owned(), format!("verified signature of revision {revision}"));
    assert_eq!(case.condition("SourceVerified"), verified);
    let status = &case.observed.status;
    assert!(status.source_verification_fingerprint.as_ref().unwrap().starts_with("sha256:"));
    assert_eq!(case.condition("Ready").0, "True Succeeded");
    assert_eq!(case.revision(), Some(&*revision));
    // The tag is looked up once; all else is asked for by digest, and verified before it is fetched.
    let asked = run.asked;
    assert_eq!(asked.len(), 6, "{asked:#?}");
    assert_eq!(asked[0], "HEAD manifests/v1");
    assert_eq!(asked[1], format!("GET referrers/{digest}"));
    assert!(
        asked[2].starts_with("GET manifests/sha256:") && asked[3].starts_with("GET blobs/"),
        "{asked:#?}"
    );
    assert_eq!(asked[4], format!("GET manifests/{digest}"));
}

#[tokio::test]
async fn signed_artifact_costs_three_requests_and_an_unchanged_one_none() {
    let attach_legacy = |registry: &Registry, digest: &oci_artifact::name::Digest| {
        attach::legacy(registry, NAME, digest, &[legacy::sign_with(owner(), &digest.to_string())]);
    };
    for old in [false, true] {
        let (registry, world) = (Registry::start(), World::new());
        let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
        let without =
            world.step(&registry, &mut Case::new(&registry, json!({ "ref": { "tag": "v1" } }))).await;
        if old {
            attach_legacy(&registry, &digest);
        } else {
            sign(&registry, owner(), &digest);
        }
        let world = World::new();
        let mut case = usual(&registry);
        let with = world.step(&registry, &mut case).await;
        assert_eq!(with.asked.len(), without.asked.len() + 3, "{:#?}", with.asked);
        let again = world.step(&registry, &mut case).await;
        assert!(matches!(again.outcome, Outcome::Kept(_)), "{:?}", again.outcome);
        assert_eq!(again.asked, ["HEAD manifests/v1"]);
        assert_eq!(again.notices.len(), 0);
    }
}

#[tokio::test]
async fn signed_artifact_of_a_digest_asks_nobody_once_it_is_verified() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &digest);
    let mut case = usual(&registry);
    case.observed.spec.reference = serde_json::from_value(json!({ "digest": digest })).unwrap();
    case.observed.report = oci_crds::validate::check(&case.observed.spec);
    let first = world.step(&registry, &mut case).await;
    assert!(matches!(first.outcome, Outcome::Stored { .. }), "{:?}", first.outcome);
    assert_eq!(world.step(&registry, &mut case).await.asked, [""; 0]);
}

#[tokio::test]
async fn unsigned_artifact_is_not_fetched_until_it_is_signed() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut case = usual(&registry);
    let failure = world.refuses(&registry, &mut case).await;
    assert_eq!((failure.class, &*failure.message), (RETRY, "no signature was found"));
    let message = case.condition("Ready").1;
    let begin = "failed to verify the signature using provider 'cosign': no signature was found";
    assert!(message.starts_with(begin), "{message}");
    assert_eq!((case.revision(), world.is_empty()), (None, true));
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 0);
    // The same once more is no news.
    assert_eq!(world.step(&registry, &mut case).await.notices.len(), 0);
    sign(&registry, owner(), &digest);
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
}

#[tokio::test]
async fn artifact_signed_by_somebody_else_is_refused_and_the_last_one_stays() {
    let (registry, world) = (Registry::start(), World::new());
    let first = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &first);
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    let (served, fingerprint) = (world.bytes(), case.observed.status.source_verification_fingerprint.clone());
    let second = seed(&registry, "v1", &[("a.yaml", "evil")]);
    sign(&registry, other(), &second);
    let run = world.step(&registry, &mut case).await;
    let Outcome::Failed { failure, .. } = run.outcome else { panic!("{:?}", run.outcome) };
    assert!(failure.message.contains("none of the keys `cosign.pub`"), "{}", failure.message);
    let revision = format!("v1@{first}");
    assert_eq!(case.revision(), Some(&*revision));
    assert_eq!(world.bytes(), served);
    assert_eq!(case.observed.status.source_verification_fingerprint, fingerprint);
    let message = case.condition("SourceVerified").1;
    assert!(message.ends_with(&format!("what is stored stays served: '{revision}'")), "{message}");
    assert_eq!(case.condition("ArtifactOutdated").0, "True NewRevision");
    let told: Vec<_> =
        run.notices.iter().map(|notice| (notice.reason.as_str(), notice.message.clone())).collect();
    assert_eq!(told, [("VerificationError", message)]);
}

#[tokio::test]
async fn changed_keys_verify_again_and_never_share_a_result() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &digest);
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    let old = case.materials.trust.secret.clone();
    case.materials.trust.secret = Some(secret("keys", &[("cosign.pub", &other().pem())]));
    world.refuses(&registry, &mut case).await;
    assert_eq!(case.revision(), Some(&*format!("v1@{digest}")), "it stays served");
    // Another name and another Secret are the same key.
    case.materials.trust.secret = Some(secret("renamed", &[("new.pub", &owner().pem()), ("note", "x")]));
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Kept(_)), "{:?}", run.outcome);
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
    case.materials.trust.secret = old;
    assert_eq!(world.step(&registry, &mut case).await.asked, ["HEAD manifests/v1"]);
}

#[tokio::test]
async fn result_for_one_revision_is_none_for_another() {
    let (registry, world) = (Registry::start(), World::new());
    let first = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &first);
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    // New keys, by which the new revision is right; but it cannot be fetched.
    case.materials.trust.secret = Some(secret("keys", &[("cosign.pub", &other().pem())]));
    let second = seed(&registry, "v1", &[("a.yaml", "b")]);
    sign(&registry, other(), &second);
    registry.fault(Fault::always(
        Match::class(Endpoint::Manifest).contains(&second.to_string()),
        Act::status(500),
    ));
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Failed { .. }), "{:?}", run.outcome);
    assert_eq!(case.condition("SourceVerified").1, format!("verified signature of revision v1@{second}"));
    // Back to the old one, which is stored, and which the new keys do not know.
    registry.clear_faults();
    registry.put_tag(NAME, "v1", &first);
    world.refuses(&registry, &mut case).await;
}

#[tokio::test]
async fn changed_spec_verifies_again_without_fetching() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &digest);
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    case.observed.generation += 1;
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Kept(_)), "{:?}", run.outcome);
    assert_eq!(run.asked.len(), 4, "{:#?}", run.asked);
}

/// T19.
#[tokio::test]
async fn removed_verification_drops_what_was_said() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut case = usual(&registry);
    world.refuses(&registry, &mut case).await;
    case.respecify(&Value::Null);
    world.step(&registry, &mut case).await;
    assert_eq!(case.condition("SourceVerified").0, "");
    assert_eq!(case.condition("Ready").0, "True Succeeded");
    // … and what was stored meanwhile is not taken for verified.
    case.respecify(&json!({ "provider": "cosign", "secretRef": { "name": "keys" } }));
    world.refuses(&registry, &mut case).await;
}

/// T20.
#[tokio::test]
async fn restart_makes_nothing_verified() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, owner(), &digest);
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    let second = seed(&registry, "v1", &[("a.yaml", "b")]);
    world.refuses(&registry, &mut case).await;
    let restarted = World::new();
    restarted.refuses(&registry, &mut case).await;
    // Without its file the old one is verified by the status; it is fetched by its digest.
    registry.put_tag(NAME, "v1", &digest);
    case.observed.stored = oci_decide::Stored::Missing;
    let run = restarted.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
    assert!(run.asked.iter().all(|line| !line.contains(second.hex())), "{:#?}", run.asked);
}

#[tokio::test]
async fn empty_list_of_identities_means_anybody_as_with_flux() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut case = by_identity(&registry, "^$", "^$");
    case.respecify(&json!({ "provider": "cosign", "trustedRootSecretRef": { "name": "root" } }));
    world.refuses(&registry, &mut case).await;
    let certified = private().certify(&Request::default());
    attach::bundle(&registry, NAME, &digest, &bundle::sign(private(), &certified, &digest.to_string()));
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
}

#[tokio::test]
async fn layer_before_a_bundle_is_passed_over() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let signed = bundle::sign_with(owner(), &digest.to_string());
    let mut manifest = attach::bundle_manifest(&registry, NAME, &digest, &signed);
    let blob = registry.put_blob(NAME, b"a");
    let layer = json!({ "mediaType": "application/vnd.example", "digest": blob, "size": 1 });
    manifest["layers"].as_array_mut().unwrap().insert(0, layer);
    attach::put(&registry, NAME, &manifest);
    let run = world.step(&registry, &mut usual(&registry)).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
}

#[tokio::test]
async fn identity_of_a_private_sigstore_is_verified_by_its_root() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let certified = private().certify(&Request::default());
    let signed = bundle::sign(private(), &certified, &digest.to_string());
    attach::bundle(&registry, NAME, &digest, &signed);
    let (issuer, subject) = signer();
    let mut case = by_identity(&registry, &issuer, &subject);
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);

    let mut case = by_identity(&registry, &issuer, "^somebody@else\\.example$");
    let failure = world.refuses(&registry, &mut case).await;
    assert!(
        failure.message.contains("is not among the allowed") || failure.message.contains("not among"),
        "{failure:?}"
    );
    let message = case.condition("Ready").1;
    assert!(
        message.starts_with("failed to verify the signature using provider 'cosign keyless': "),
        "{message}"
    );

    let other_root = oci_testkit::sigstore::Instance::new().trusted_root().to_string();
    for (data, part) in [
        (vec![("trusted_root.json", "{")], "trusted root"),
        (vec![("root.json", "{}")], "secret 'team/root' has no key `trusted_root.json`"),
        (vec![("trusted_root.json", &*other_root)], "no signature counts"),
    ] {
        let mut case = by_identity(&registry, &issuer, &subject);
        case.materials.trust.root = Some(secret("root", &data));
        let failure = world.refuses(&registry, &mut case).await;
        assert!(failure.message.contains(part), "{part}: {failure:?}");
    }
}

#[tokio::test]
async fn keys_of_no_use_ask_nobody_for_signatures() {
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    for data in [vec![], vec![("cosign.txt", &*owner().pem())], vec![("cosign.pub", "no key")]] {
        let mut case = by_key(&registry, &data);
        let failure = world.refuses(&registry, &mut case).await;
        assert_eq!(failure.class, Class::Terminal, "{failure:?}");
        assert!(failure.message.contains("no public key can be used"), "{failure:?}");
        assert_eq!(registry.count(|request| request.class == Endpoint::Referrers), 0);
    }
}
