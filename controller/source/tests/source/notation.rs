//! Notation: what its signatures cost, what a level lets pass, and registries that move, withhold or replace them.

use std::sync::{Arc, OnceLock};

use oci_artifact::{
    Class,
    archive::Control,
    limits::SIGNATURE_BYTES,
    manifest::{OCI_INDEX, OCI_MANIFEST},
    name::Digest,
};
use oci_decide::{Outcome, Resolved};
use oci_source::{Progress, material::Trust};
use oci_testkit::{
    registry::{Act, Class as Endpoint, Fault, Match, Registry},
    sigstore::{
        attach,
        notation::{Envelope, NOTATION, Signer, manifest, sign, target, trust_policy},
    },
};
use serde_json::{Value, json};

use crate::{
    signed::{at_the_time, secret},
    support::{Case, NAME, World, seed},
};

const TERMINAL: Class = Class::Terminal;
const RETRY: Class = Class::Retry { after: None };

fn signers() -> &'static (Signer, Signer) {
    static SIGNERS: OnceLock<(Signer, Signer)> = OnceLock::new();
    SIGNERS.get_or_init(|| (Signer::new(), Signer::new()))
}

fn signer() -> &'static Signer {
    &signers().0
}

/// What is asked for by the tag `v1` and these entries of the Secret.
fn by(registry: &Registry, entries: &[(&str, &str)]) -> Case {
    let verify = json!({ "provider": "notation", "secretRef": { "name": "notation" } });
    let mut case = Case::new(registry, json!({ "ref": { "tag": "v1" }, "verify": verify }));
    case.materials.trust = Trust { secret: Some(secret("notation", entries)), root: None };
    at_the_time(case)
}

/// By a level and the certificate of somebody.
fn by_level(registry: &Registry, level: &str, signer: &Signer) -> Case {
    by(registry, &[("trustpolicy.json", &trust_policy(level)), ("root.crt", &signer.root_pem())])
}

/// By the level `strict` and the certificate of the usual signer.
fn usual(registry: &Registry) -> Case {
    by_level(registry, "strict", signer())
}

/// A registry with an artifact that the usual signer signed.
fn signed(kind: Envelope) -> (Registry, Digest) {
    let registry = Registry::start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, NAME, &digest, signer(), kind);
    (registry, digest)
}

#[tokio::test]
async fn notation_costs_three_requests_and_an_unchanged_artifact_none() {
    for kind in [Envelope::Jws, Envelope::Cose] {
        let (registry, digest) = signed(kind);
        let mut plain = Case::new(&registry, json!({ "ref": { "tag": "v1" } }));
        let without = World::new().step(&registry, &mut plain).await;
        let (world, mut case) = (World::new(), usual(&registry));
        let with = world.step(&registry, &mut case).await;
        assert!(matches!(with.outcome, Outcome::Stored { .. }), "{:?}", with.outcome);
        assert_eq!(with.asked.len(), without.asked.len() + 3, "{:#?}", with.asked);
        // The manifest, of which Notation signs media type and size, is fetched once for both.
        let own = format!("GET manifests/{digest}");
        assert_eq!(with.asked.iter().filter(|line| **line == own).count(), 1, "{:#?}", with.asked);
        let message = format!("verified signature of revision v1@{digest}");
        assert_eq!(case.condition("SourceVerified"), ("True Succeeded".to_owned(), message));
        assert_eq!(with.notices.len(), 1, "{:#?}", with.notices);
        let again = world.step(&registry, &mut case).await;
        assert!(matches!(again.outcome, Outcome::Kept(_)), "{:?}", again.outcome);
        assert_eq!(again.asked, ["HEAD manifests/v1"]);
    }
}

#[tokio::test]
async fn notation_refuses_each_for_its_reason() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut case = usual(&registry);
    let failure = world.refuses(&registry, &mut case).await;
    assert_eq!((failure.class, &*failure.message), (RETRY, "no signature was found"));
    let message = case.condition("Ready").1;
    let begin = "failed to verify the signature using provider 'notation': no signature was found; sign it, as with \
                 `notation sign`";
    assert!(message.starts_with(begin), "{message}");
    sign(&registry, NAME, &digest, &signers().1, Envelope::Cose);
    let failure = world.refuses(&registry, &mut case).await;
    assert_eq!(failure.class, RETRY);
    assert!(failure.message.contains("COSE signature "), "{failure:?}");
    assert!(failure.message.contains("none of its certificates is trusted"), "{failure:?}");
    let revocable = Signer::revocable();
    let registry = Registry::start();
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    sign(&registry, NAME, &digest, &revocable, Envelope::Jws);
    let failure = world.refuses(&registry, &mut by_level(&registry, "strict", &revocable)).await;
    assert!(failure.message.contains("CRL would say, which is not asked"), "{failure:?}");
    assert!(world.is_empty());
}

#[tokio::test]
async fn notation_s_policy_of_no_use_asks_nobody_for_signatures() {
    let (registry, _) = signed(Envelope::Jws);
    let world = World::new();
    let (policy, root) = (trust_policy("strict"), signer().root_pem());
    let elsewhere = policy.replace("\"*\"", "\"registry.example/other\"");
    let policy_and = |text: &'static str| ("trustpolicy.json", text);
    for (entries, part) in [
        (vec![("root.crt", &*root)], "the entry `trustpolicy.json` is missing"),
        (vec![policy_and("{}"), ("root.crt", &root)], "version `` is not supported"),
        (vec![policy_and(""), ("root.crt", &root)], "the file cannot be read"),
        (vec![policy_and("{\u{1}}"), ("root.crt", &root)], "the file cannot be read"),
        (vec![("trustpolicy.json", &*policy)], "no certificate"),
        (vec![("trustpolicy.json", &*policy), ("root.crt", "none")], "certificate `root.crt`"),
        (vec![("trustpolicy.json", &*elsewhere), ("root.crt", &root)], "no statement of the trust policy"),
    ] {
        let mut case = by(&registry, &entries);
        let failure = world.refuses(&registry, &mut case).await;
        assert_eq!(failure.class, TERMINAL, "{part}: {failure:?}");
        assert!(failure.message.contains(part), "{part}: {failure:?}");
        assert_eq!(registry.count(|request| request.class == Endpoint::Referrers), 0, "{part}");
        assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 0, "{part}");
    }
    assert!(world.is_empty());
}

#[tokio::test]
async fn skip_lets_the_artifact_pass_unverified_and_tells_it_once() {
    let (registry, digest) = signed(Envelope::Jws);
    let world = World::new();
    let mut plain = Case::new(&registry, json!({ "ref": { "tag": "v1" } }));
    let without = World::new().step(&registry, &mut plain).await;
    let mut case = by_level(&registry, "skip", signer());
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
    assert_eq!(run.asked, without.asked);
    assert_eq!(case.condition("SourceVerified").0, "");
    assert_eq!(case.observed.status.source_verification_fingerprint, None);
    assert_eq!(case.condition("Ready").0, "True Succeeded");
    let lenient = format!(
        "signature of revision v1@{digest} is not verified: the trust policy's statement `all` skips verification"
    );
    let told: Vec<_> = run.notices.iter().map(|notice| notice.reason.as_str()).collect();
    assert_eq!(told, ["NewArtifact", "VerificationLenient"]);
    assert_eq!(run.notices[1].message, lenient);
    let again = world.step(&registry, &mut case).await;
    assert_eq!((again.asked, again.notices.len()), (vec!["HEAD manifests/v1".to_owned()], 0));
}

#[tokio::test]
async fn policy_that_asks_for_nobody_any_more_takes_back_what_was_said() {
    let (registry, digest) = signed(Envelope::Jws);
    let world = World::new();
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
    // Of the audit's authority nobody signed.
    case.materials.trust = by_level(&registry, "audit", &signers().1).materials.trust;
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Kept(_)), "{:?}", run.outcome);
    assert_eq!(case.condition("SourceVerified").0, "");
    assert_eq!(case.observed.status.source_verification_fingerprint, None);
    assert_eq!(case.condition("Ready").0, "True Succeeded");
    let told: Vec<_> =
        run.notices.iter().map(|notice| (notice.reason.as_str(), notice.message.as_str())).collect();
    let [("VerificationLenient", message)] = told[..] else { panic!("{told:?}") };
    let begin = format!(
        "signature of revision v1@{digest} is not verified: the trust policy's statement `all` lets pass: "
    );
    assert!(message.starts_with(&begin), "{message}");
    assert_eq!(world.step(&registry, &mut case).await.notices.len(), 0);
    // Without any signature an audit fails, as in Flux.
    let (registry, world) = (Registry::start(), World::new());
    seed(&registry, "v1", &[("a.yaml", "a")]);
    world.refuses(&registry, &mut by_level(&registry, "audit", signer())).await;
    // And back.
    let (registry, _) = signed(Envelope::Jws);
    let mut case = by_level(&registry, "skip", signer());
    world.step(&registry, &mut case).await;
    case.materials.trust = usual(&registry).materials.trust;
    world.step(&registry, &mut case).await;
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
}

#[tokio::test]
async fn what_a_level_lets_pass_is_told_with_the_new_artifact() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let revocable = Signer::revocable();
    sign(&registry, NAME, &digest, &revocable, Envelope::Cose);
    let mut case = by_level(&registry, "permissive", &revocable);
    let run = world.step(&registry, &mut case).await;
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
    let told: Vec<_> = run.notices.iter().map(|notice| notice.reason.as_str()).collect();
    assert_eq!(told, ["NewArtifact", "VerificationLenient"]);
    let begin = format!("verified signature of revision v1@{digest}; let pass: revocation: ");
    assert!(run.notices[1].message.starts_with(&begin), "{}", run.notices[1].message);
    let again = world.step(&registry, &mut case).await;
    assert_eq!((again.asked, again.notices.len()), (vec!["HEAD manifests/v1".to_owned()], 0));
}

/// The list that a registry's API gives.
fn lists(registry: &Registry, entries: &[Value]) {
    let body = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::json(&body.to_string())));
}

#[tokio::test]
async fn signature_that_only_the_tag_lists_is_found() {
    for junk in [0, 1] {
        let (registry, world) = (Registry::start(), World::new());
        let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
        let signature = sign(&registry, NAME, &digest, signer(), Envelope::Jws);
        let other = sign(&registry, NAME, &digest, &signers().1, Envelope::Jws);
        attach::list(&registry, NAME, &digest, &[other.clone(), signature]);
        let entry =
            json!({ "mediaType": OCI_MANIFEST, "digest": other, "size": 9, "artifactType": NOTATION });
        lists(&registry, &vec![entry; junk]);
        let mut case = usual(&registry);
        let run = world.step(&registry, &mut case).await;
        assert!(matches!(run.outcome, Outcome::Stored { .. }), "{:?}", run.outcome);
        // No signature is looked at twice.
        let looked = run.asked.iter().filter(|line| line.contains(other.hex())).count();
        assert_eq!(looked, 1, "{:#?}", run.asked);
    }
    // In a registry without the API as well.
    let (registry, world) = (Registry::builder().referrers(false).start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let signature = sign(&registry, NAME, &digest, signer(), Envelope::Cose);
    world.refuses(&registry, &mut usual(&registry)).await;
    // An index among them is none.
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }).to_string();
    let index = registry.put_manifest(NAME, "index", OCI_INDEX, index.as_bytes());
    attach::list(&registry, NAME, &digest, &[index, signature]);
    world.stored(&usual(&registry)).await;
    // And in one whose API fails.
    let (registry, digest) = signed(Envelope::Cose);
    registry.fault(Fault::always(Match::class(Endpoint::Referrers), Act::status(500)));
    attach::list(&registry, NAME, &digest, &[sign(&registry, NAME, &digest, signer(), Envelope::Cose)]);
    world.stored(&usual(&registry)).await;
}

#[tokio::test]
async fn signature_of_notation_says_so_by_its_type_or_its_config() {
    let (empty, other) = ("application/vnd.oci.empty.v1+json", "application/vnd.example");
    for (kind, config, counts) in [
        (Some(NOTATION), empty, true),
        (None, NOTATION, true),
        (Some(other), NOTATION, true),
        (None, empty, false),
        (Some(other), empty, false),
    ] {
        let (registry, world) = (Registry::start(), World::new());
        let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
        let envelope = signer().sign(Envelope::Jws, &target(&registry, NAME, &digest));
        let mut manifest = manifest(&registry, NAME, &digest, Envelope::Jws, &envelope);
        match kind {
            Some(kind) => manifest["artifactType"] = json!(kind),
            None => drop(manifest.as_object_mut().unwrap().remove("artifactType")),
        }
        manifest["config"]["mediaType"] = json!(config);
        // Another layer before it says nothing.
        let layer = json!({ "mediaType": other, "digest": registry.put_blob(NAME, b"a"), "size": 1 });
        manifest["layers"].as_array_mut().unwrap().insert(0, layer);
        attach::list(&registry, NAME, &digest, &[attach::put(&registry, NAME, &manifest)]);
        if counts {
            world.stored(&usual(&registry)).await;
        } else {
            let failure = world.refuses(&registry, &mut usual(&registry)).await;
            assert_eq!(failure.message, "no signature was found", "{kind:?} {config}");
        }
    }
}

#[tokio::test]
async fn runs_ask_a_registry_that_is_gone_for_no_signature_of_notation() {
    for tag in [false, true] {
        let registry = Registry::builder().referrers(false).start();
        let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
        let gone = if tag { digest.to_string().replace(':', "-") } else { digest.to_string() };
        registry.fault(Fault::always(Match::class(Endpoint::Manifest).contains(&gone), Act::Close));
        let world = World::with(|options| options.registry.attempts = 1);
        let verify = json!({ "provider": "notation", "secretRef": { "name": "notation" } });
        let mut case = Case::new(&registry, json!({ "ref": { "digest": digest }, "verify": verify }));
        case.materials.trust = usual(&registry).materials.trust.clone();
        let mut case = at_the_time(case);
        world.refuses(&registry, &mut case).await;
        let failure = world.refuses(&registry, &mut case).await;
        assert!(failure.message.starts_with("looking for signatures of"), "{failure:?}");
        assert!(matches!(failure.class, Class::Retry { after: Some(_) }), "{failure:?}");
    }
}

/// T1.
#[tokio::test]
async fn tag_that_moves_after_notation_verified_it_brings_nothing_else() {
    struct Mover(Arc<Registry>, Digest);
    impl Progress for Mover {
        fn resolved(&self, _: &Resolved) {
            self.0.put_tag(NAME, "v1", &self.1);
        }
    }
    let (registry, digest) = signed(Envelope::Jws);
    let (registry, world) = (Arc::new(registry), World::new());
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
async fn another_manifest_for_the_digest_is_not_what_notation_signed() {
    let (registry, digest) = signed(Envelope::Jws);
    let world = World::new();
    seed(&registry, "evil", &[("a.yaml", "evil")]);
    let evil = registry.manifest(NAME, "evil").unwrap();
    registry.put_manifest(NAME, &digest.to_string(), OCI_MANIFEST, &evil);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains("digest mismatch"), "{failure:?}");
    assert!(world.is_empty());
}

/// T3.
#[tokio::test]
async fn list_of_notation_that_is_refused_is_not_an_empty_one() {
    for code in [401, 403, 429, 500, 503] {
        for by_tag in [false, true] {
            let (registry, world) = (Registry::start(), World::new());
            let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
            let on = if by_tag {
                Match::class(Endpoint::Manifest).contains(&digest.to_string().replace(':', "-"))
            } else {
                Match::class(Endpoint::Referrers)
            };
            registry.fault(Fault::always(on, Act::status(code)));
            let failure = world.refuses(&registry, &mut usual(&registry)).await;
            assert_eq!(failure.class, RETRY, "{code} {failure:?}");
            assert!(failure.message.starts_with("signatures could not be looked up: "), "{code} {failure:?}");
            // What does not count beside it does not make an answer of it.
            let other = sign(&registry, NAME, &digest, &signers().1, Envelope::Jws);
            attach::list(&registry, NAME, &digest, &[other]);
            let failure = world.refuses(&registry, &mut usual(&registry)).await;
            assert!(failure.message.starts_with("signatures could not be looked up: "), "{code} {failure:?}");
            assert!(world.is_empty());
        }
    }
}

#[tokio::test]
async fn envelope_that_cannot_be_had_is_not_a_missing_one() {
    for act in [Act::status(500), Act::status(403), Act::Corrupt(20), Act::Truncate(10), Act::ExtraBytes(10)]
    {
        let (registry, _) = signed(Envelope::Cose);
        let world = World::new();
        registry.fault(Fault::always(Match::class(Endpoint::Blob), act.clone()));
        let failure = world.refuses(&registry, &mut usual(&registry)).await;
        assert!(failure.message.starts_with("signatures could not be looked up: "), "{act:?} {failure:?}");
        assert!(world.is_empty());
    }
}

/// T5.
#[tokio::test]
async fn hundred_thousand_referrers_hide_no_signature_of_notation() {
    const JUNK: usize = 100_000;
    for (kind, found) in [("application/vnd.example.sbom", true), (attach::BUNDLE, true), (NOTATION, false)] {
        let (registry, digest) = signed(Envelope::Jws);
        let world = World::new();
        let signature = sign(&registry, NAME, &digest, signer(), Envelope::Jws);
        let entry = |digest: &str, kind: &str| json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": 500, "artifactType": kind });
        let junk = (0..JUNK).map(|number| entry(&format!("sha256:{number:064x}"), kind));
        // Some registries tell no type at all.
        let untold = (0..100).map(|number| entry(&format!("sha256:{:064x}", JUNK + number), ""));
        let last = entry(&signature.to_string(), NOTATION);
        let pages: Vec<Value> = junk.chain(untold).chain([last]).collect();
        let lists: Vec<&[Value]> = pages.chunks(10_000).collect();
        for (number, entries) in lists.iter().enumerate() {
            let body = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
            let act = Act::json(&body.to_string());
            let next = format!("</v2/{NAME}/referrers/{digest}?page={number}>; rel=\"next\"");
            let act = if number + 1 == lists.len() { act } else { act.with_header("link", &next) };
            registry.fault(Fault::once(Match::class(Endpoint::Referrers), act));
        }
        let mut case = usual(&registry);
        if found {
            let run = world.step(&registry, &mut case).await;
            assert!(matches!(run.outcome, Outcome::Stored { .. }), "{kind} {:?}", run.outcome);
            assert_eq!(run.asked.len(), 6 + lists.len() - 1, "{kind}");
        } else {
            let failure = world.refuses(&registry, &mut case).await;
            assert!(failure.message.contains("more signatures were not looked at"), "{failure:?}");
            let manifests = registry.count(|request| request.class == Endpoint::Manifest);
            assert!(manifests <= 64 + 3, "{manifests}");
        }
    }
}

/// T7.
#[tokio::test]
async fn envelope_attached_to_something_else_is_refused() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let foreign = seed(&registry, "other", &[("a.yaml", "b")]);
    let envelope = signer().sign(Envelope::Jws, &target(&registry, NAME, &digest));
    for subject in [json!(foreign), Value::Null] {
        let mut manifest = manifest(&registry, NAME, &digest, Envelope::Jws, &envelope);
        if subject.is_null() {
            manifest.as_object_mut().unwrap().remove("subject");
        } else {
            manifest["subject"]["digest"] = subject.clone();
        }
        let attached = attach::put(&registry, NAME, &manifest);
        attach::list(&registry, NAME, &digest, &[attached]);
        let failure = world.refuses(&registry, &mut usual(&registry)).await;
        let to = subject.as_str().unwrap_or("nothing");
        assert!(failure.message.contains(&format!("it is attached to {to}")), "{failure:?}");
        assert!(failure.message.contains("JWS signature "), "{failure:?}");
    }
}

/// T8: the envelope of another artifact, and one of this digest with another size or media type.
#[tokio::test]
async fn envelope_about_something_else_is_refused() {
    for kind in [Envelope::Jws, Envelope::Cose] {
        for (field, value) in
            [("digest", json!(Digest::of(b"other"))), ("size", json!(1)), ("mediaType", json!(OCI_INDEX))]
        {
            let (registry, world) = (Registry::start(), World::new());
            let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
            let mut about = target(&registry, NAME, &digest);
            about[field] = value;
            let envelope = signer().sign(kind, &about);
            attach::put(&registry, NAME, &manifest(&registry, NAME, &digest, kind, &envelope));
            let failure = world.refuses(&registry, &mut usual(&registry)).await;
            assert!(failure.message.contains("made for another artifact"), "{field}: {failure:?}");
            assert!(world.is_empty());
        }
    }
}

#[tokio::test]
async fn signature_of_notation_without_an_envelope_is_told() {
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut manifest = manifest(&registry, NAME, &digest, Envelope::Jws, b"{}");
    manifest["layers"][0]["mediaType"] = json!("text/plain");
    attach::put(&registry, NAME, &manifest);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    let told = failure.message.contains("Notation signature ") && failure.message.contains("text/plain");
    assert!(told, "{failure:?}");
    // One that is too large is not fetched.
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    let mut large = self::manifest(&registry, NAME, &digest, Envelope::Jws, b"{}");
    large["layers"][0]["size"] = json!(SIGNATURE_BYTES + 1);
    attach::put(&registry, NAME, &large);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert!(failure.message.contains(&format!("larger than the limit of {SIGNATURE_BYTES}")), "{failure:?}");
    assert!(failure.message.starts_with("no signature counts"), "{failure:?}");
    assert_eq!(registry.count(|request| request.class == Endpoint::Blob), 0);
    // A bundle of Cosign is none of Notation's.
    let (registry, world) = (Registry::start(), World::new());
    let digest = seed(&registry, "v1", &[("a.yaml", "a")]);
    crate::signed::sign(&registry, crate::signed::owner(), &digest);
    let failure = world.refuses(&registry, &mut usual(&registry)).await;
    assert_eq!(failure.message, "no signature was found");
}

#[tokio::test]
async fn changed_trust_policy_verifies_again() {
    let (registry, digest) = signed(Envelope::Jws);
    let world = World::new();
    let mut case = usual(&registry);
    world.step(&registry, &mut case).await;
    case.materials.trust = by_level(&registry, "strict", &signers().1).materials.trust;
    world.refuses(&registry, &mut case).await;
    assert_eq!(case.revision(), Some(&*format!("v1@{digest}")), "it stays served");
    case.materials.trust = by_level(&registry, "permissive", signer()).materials.trust;
    let run = world.step(&registry, &mut case).await;
    assert!(matches!(run.outcome, Outcome::Kept(_)), "{:?}", run.outcome);
    assert_eq!(case.condition("SourceVerified").0, "True Succeeded");
}
