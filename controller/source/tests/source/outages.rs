//! Whatever verification depends on and is away, broken or wrong: nothing is verified, and nothing is fetched.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{Class, name::Digest};
use oci_decide::{Failure, Outcome, Step};
use oci_testkit::{
    registry::{Act, Class as Endpoint, Fault, Match, Registry},
    sigstore::{Instance, NOW, Request, attach, bundle, legacy},
};
use oci_verify::{CommonRoot, TrustRoot};
use serde_json::{Value, json};

use crate::{
    signed::{by_identity, owner, private, secret, sign, signer, usual},
    support::{Case, NAME, World, closing, seed},
};

/// A registry with an artifact that the usual signer of the private Sigstore signed.
fn signed() -> (Registry, Digest) {
    let registry = Registry::start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let certified = private().certify(&Request::default());
    attach::bundle(&registry, NAME, &digest, &bundle::sign(private(), &certified, &digest.to_string()));
    (registry, digest)
}

/// An object that asks for the usual signer.
fn asking(registry: &Registry) -> Case {
    let (issuer, subject) = signer();
    by_identity(registry, &issuer, &subject)
}

/// The same without a trusted root of its own.
fn asking_without_root(registry: &Registry) -> Case {
    let mut case = asking(registry);
    let (issuer, subject) = signer();
    let identity = json!([{ "issuer": issuer, "subject": subject }]);
    case.respecify(&json!({ "provider": "cosign", "matchOIDCIdentity": identity }));
    case.materials.trust.root = None;
    case
}

async fn stores(world: &World, registry: &Registry, case: &mut Case) {
    let run = world.step(registry, case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
}

#[tokio::test]
async fn registry_that_fails_verifies_nothing() {
    let statuses = [400, 401, 403, 404, 405, 410, 418, 429, 500, 501, 502, 503, 504];
    for on in [Endpoint::Referrers, Endpoint::Blob] {
        for status in statuses {
            let (registry, _) = signed();
            let world = World::with(|options| options.registry.longest_pause = Duration::from_millis(5));
            registry.fault(Fault::always(Match::class(on), Act::status(status)));
            let failure = world.refuses(&registry, &mut asking(&registry)).await;
            assert!(world.is_empty(), "{on:?} {status}");
            // A list that is not there is an answer: nobody signed. A signature that is listed and gone is as good.
            let absent = failure.message.starts_with("no signature");
            assert_eq!(absent, status == 404, "{on:?} {status}: {}", failure.message);
            registry.clear_faults();
            stores(&world, &registry, &mut asking(&registry)).await;
        }
    }
}

#[tokio::test]
async fn registry_that_is_silent_about_signatures_is_given_up() {
    let (registry, _) = signed();
    registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::Stall));
    let mut case = asking(&registry);
    case.observed.spec.timeout = Some("200ms".to_owned());
    case.observed.report = oci_crds::validate::check(&case.observed.spec);
    let failure = World::new().refuses(&registry, &mut case).await;
    assert!(failure.message.contains("time"), "{failure:?}");
}

#[tokio::test]
async fn secret_that_is_not_to_be_had_verifies_nothing() {
    let (registry, _) = signed();
    let message = "secret 'team/root' not found".to_owned();
    let lost = Failure { step: Step::Signature, class: Class::Retry { after: None }, message, hint: None };
    let mut case = asking(&registry);
    case.materials.lost = Some(lost.clone());
    assert_eq!(World::new().refuses(&registry, &mut case).await, lost);
    let mut case = usual(&registry);
    case.materials.trust.secret = None;
    let failure = World::new().refuses(&registry, &mut case).await;
    assert!(failure.message.contains("public keys was not read"), "{failure:?}");
}

#[tokio::test]
async fn clock_that_is_wrong_verifies_nothing() {
    // Before the signature was made, it is one of the future.
    for seconds in [0, NOW - 10 * 365 * 86_400, NOW - 3_600] {
        let (registry, _) = signed();
        let world = World::new();
        let mut case = asking(&registry);
        case.observed.now = Timestamp::from_second(seconds).unwrap();
        let failure = world.refuses(&registry, &mut case).await;
        assert!(failure.message.contains("in the future"), "{seconds}: {}", failure.message);
        assert!(failure.hint.unwrap().contains("compare the clocks"), "{seconds}");
    }
    // After the certificate was over, no clock makes up for it.
    let registry = Registry::start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let certified = private().certify(&Request::default());
    let payload = legacy::payload(&digest.to_string()).to_string();
    let late = legacy::sign_payload(private(), &certified, payload.as_bytes(), NOW + 86_400);
    attach::legacy(&registry, NAME, &digest, &[late]);
    for seconds in [NOW + 86_400, NOW + 10 * 365 * 86_400, 250_000_000_000] {
        let mut case = asking(&registry);
        case.observed.now = Timestamp::from_second(seconds).unwrap();
        let failure = World::new().refuses(&registry, &mut case).await;
        assert!(failure.message.contains("no signature counts"), "{seconds}: {}", failure.message);
    }
}

#[tokio::test]
async fn trust_root_that_is_no_good_verifies_nothing() {
    let mut nobody = private().trusted_root();
    nobody["certificateAuthorities"] = json!([]);
    let other = Instance::new().trusted_root();
    let texts = [String::new(), "{".to_owned(), "{}".to_owned(), nobody.to_string(), other.to_string()];
    for text in texts {
        let (registry, _) = signed();
        let mut case = asking(&registry);
        case.materials.trust.root = Some(secret("root", &[("trusted_root.json", &text)]));
        let failure = World::new().refuses(&registry, &mut case).await;
        assert_eq!(failure.message.contains("has no key"), text.is_empty(), "{failure:?}");
    }
    let (registry, _) = signed();
    let mut case = asking(&registry);
    case.materials.trust.root = None;
    let failure = World::new().refuses(&registry, &mut case).await;
    assert!(failure.message.contains("was not read"), "{failure:?}");
    // The built-in one does not know the signer; one that is still awaited knows nobody.
    World::new().refuses(&registry, &mut asking_without_root(&registry)).await;
    let world = World::with(|options| options.root = CommonRoot::awaited());
    let failure = world.refuses(&registry, &mut asking_without_root(&registry)).await;
    assert_eq!(failure.class, Class::Retry { after: None });
    assert!(failure.message.contains("not fetched yet"), "{failure:?}");
}

#[tokio::test]
async fn log_that_is_unknown_verifies_nothing() {
    let other = Instance::new().trusted_root();
    for log in ["tlogs", "ctlogs"] {
        for keys in [other[log].clone(), Value::Null, past(&private().trusted_root()[log])] {
            let (registry, _) = signed();
            let mut root = private().trusted_root();
            // Without a list of logs, none is asked for; an empty key is none.
            root[log] = if keys.is_null() { without_key(&root[log]) } else { keys };
            let mut case = asking(&registry);
            case.materials.trust.root = Some(secret("root", &[("trusted_root.json", &root.to_string())]));
            let failure = World::new().refuses(&registry, &mut case).await;
            assert!(!failure.message.starts_with("no signature was found"), "{log}: {failure:?}");
        }
    }
}

/// The logs, as they were years ago.
fn past(logs: &Value) -> Value {
    let mut logs = logs.clone();
    logs[0]["publicKey"]["validFor"] =
        json!({ "start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z" });
    logs
}

fn without_key(logs: &Value) -> Value {
    let mut logs = logs.clone();
    logs[0]["publicKey"]["rawBytes"] = json!("");
    logs
}

#[tokio::test]
async fn root_of_those_that_name_none_is_followed_as_it_changes() {
    let (registry, _) = signed();
    let common = CommonRoot::default();
    let world = World::with(|options| options.root = common.clone());
    let mut case = asking_without_root(&registry);
    world.refuses(&registry, &mut case).await;
    let replace = |root: Value| {
        let root = TrustRoot::parse(root.to_string().as_bytes()).unwrap();
        common.replace(Arc::new(root));
    };
    replace(private().trusted_root());
    stores(&world, &registry, &mut case).await;
    let fingerprint = case.observed.status.source_verification_fingerprint.clone();
    // An authority that is dropped vouches for nothing new; what was verified before stays, as with Flux.
    replace(Instance::new().trusted_root());
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Kept(_)), "{:?}", run.outcome);
    assert_eq!(case.observed.status.source_verification_fingerprint, fingerprint);
    world.refuses(&registry, &mut asking_without_root(&registry)).await;
    // Whoever names a root of its own has that one.
    stores(&World::new(), &registry, &mut asking(&registry)).await;
}

#[tokio::test]
async fn runs_look_for_no_signatures_at_a_dead_registry() {
    let (host, connections) = closing();
    let world = World::with(|options| options.registry.attempts = 1);
    let registry = Registry::start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let dead = || {
        let mut case = usual(&registry);
        let verify = json!({ "provider": "cosign", "secretRef": { "name": "keys" } });
        let trust = case.materials.trust.clone();
        case = Case::at(
            &format!("oci://{host}/{NAME}"),
            json!({ "ref": { "digest": digest }, "verify": verify }),
        );
        case.materials.trust = trust;
        case
    };
    let first = world.failed(&dead()).await;
    assert_eq!((first.step, first.class), (Step::Signature, Class::Retry { after: None }));
    let asked = connections.load(Ordering::SeqCst);
    assert!(asked > 0);
    for _ in 0..20 {
        let failure = world.failed(&dead()).await;
        assert_eq!(failure.step, Step::Signature);
        assert!(matches!(failure.class, Class::Retry { after: Some(_) }), "{failure:?}");
        assert!(failure.message.starts_with("looking for signatures of"), "{}", failure.message);
    }
    assert_eq!(connections.load(Ordering::SeqCst), asked);
    // Others are not held up, and a registry that answers is none that is dead.
    sign(&registry, owner(), &digest);
    stores(&world, &registry, &mut usual(&registry)).await;
    registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::status(500)));
    registry.fault(Fault::always(Match::path(".sig"), Act::status(500)));
    let second = seed(&registry, "v1", &[("a.yaml", "b")]);
    sign(&registry, owner(), &second);
    world.refuses(&registry, &mut usual(&registry)).await;
    registry.clear_faults();
    stores(&world, &registry, &mut usual(&registry)).await;
}

#[tokio::test]
async fn registry_that_answers_in_the_end_is_not_dead() {
    let registry = Registry::builder().referrers(false).start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let world = World::with(|options| options.registry.attempts = 1);
    let verify = json!({ "provider": "cosign", "secretRef": { "name": "keys" } });
    let mut case = Case::new(&registry, json!({ "ref": { "digest": digest }, "verify": verify }));
    case.materials.trust = usual(&registry).materials.trust.clone();
    // Of the list of referrers nothing is heard; where legacy signatures would be, nothing is.
    let list = Match::class(Endpoint::Manifest).contains(&digest.to_string().replace(':', "-"));
    registry.fault(Fault::once(list, Act::Close));
    let failure = world.refuses(&registry, &mut case).await;
    assert!(failure.message.starts_with("signatures could not be looked up"), "{failure:?}");
    let failure = world.refuses(&registry, &mut case).await;
    assert_eq!(failure.message, "no signature was found");
}
