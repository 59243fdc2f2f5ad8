//! Objects that ask for signatures: a run after the other, each from the status that the last one left.

use std::sync::OnceLock;

use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_decide::{Failure, Notice, Outcome, Stored, conclude};
use oci_registry::Secret;
use oci_source::material::{SecretData, Trust};
use oci_testkit::{
    registry::Registry,
    sigstore::{self, Instance, Kind, NOW, Owner, attach, bundle},
};
use serde_json::{Value, json};

use crate::support::{Case, NAME, World};

/// Two owners of keys, whose keys take a moment to make.
pub(crate) fn owners() -> &'static (Owner, Owner) {
    static OWNERS: OnceLock<(Owner, Owner)> = OnceLock::new();
    OWNERS.get_or_init(|| (Owner::new(Kind::P256), Owner::new(Kind::Ed25519)))
}

/// The owner whom most objects trust.
pub(crate) fn owner() -> &'static Owner {
    &owners().0
}

/// Somebody else.
pub(crate) fn other() -> &'static Owner {
    &owners().1
}

/// A Sigstore of one's own.
pub(crate) fn private() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(Instance::new)
}

/// The Secret `team/NAME`.
pub(crate) fn secret(name: &str, data: &[(&str, &str)]) -> SecretData {
    let data = data.iter().map(|(key, text)| ((*key).to_owned(), Secret::new(text.as_bytes().to_vec())));
    SecretData { origin: format!("team/{name}"), kind: "Opaque".to_owned(), data: data.collect() }
}

/// Signs with a key, as a bundle.
pub(crate) fn sign(registry: &Registry, owner: &Owner, digest: &Digest) {
    attach::bundle(registry, NAME, digest, &bundle::sign_with(owner, &digest.to_string()));
}

/// What is asked for by the tag `v1` and one of the keys.
pub(crate) fn by_key(registry: &Registry, keys: &[(&str, &str)]) -> Case {
    let verify = json!({ "provider": "cosign", "secretRef": { "name": "keys" } });
    let mut case = Case::new(registry, json!({ "ref": { "tag": "v1" }, "verify": verify }));
    case.materials.trust = Trust { secret: Some(secret("keys", keys)), root: None };
    at_the_time(case)
}

/// What is asked for by the tag `v1` and the usual key.
pub(crate) fn usual(registry: &Registry) -> Case {
    by_key(registry, &[("cosign.pub", &owner().pem())])
}

/// What is asked for by the tag `v1` and an identity of the private Sigstore.
pub(crate) fn by_identity(registry: &Registry, issuer: &str, subject: &str) -> Case {
    let verify = json!({
        "provider": "cosign",
        "matchOIDCIdentity": [{ "issuer": issuer, "subject": subject }],
        "trustedRootSecretRef": { "name": "root" },
    });
    let mut case = Case::new(registry, json!({ "ref": { "tag": "v1" }, "verify": verify }));
    let root = private().trusted_root().to_string();
    case.materials.trust.root = Some(secret("root", &[("trusted_root.json", &root)]));
    at_the_time(case)
}

/// The identity of the usual signer, as patterns.
pub(crate) fn signer() -> (String, String) {
    let whole = |text: &str| format!("^{}$", text.replace('.', "\\."));
    (whole(sigstore::ISSUER), whole(sigstore::SUBJECT))
}

/// At a time at which the signatures of tests count.
pub(crate) fn at_the_time(mut case: Case) -> Case {
    case.observed.now = Timestamp::from_second(NOW + 3_600).unwrap();
    case
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) notices: Vec<Notice>,
    /// Requests, as `METHOD path`, without the repository.
    pub(crate) asked: Vec<String>,
}

impl World {
    /// One run, whose status the next one begins with.
    pub(crate) async fn step(&self, registry: &Registry, case: &mut Case) -> Run {
        registry.reset();
        let outcome = self.run(case).await;
        let conclusion = conclude(&case.observed, &outcome);
        let observed = &mut case.observed;
        observed.status = conclusion.status;
        observed.failures = conclusion.failures;
        observed.stored = if observed.status.artifact.is_some() { Stored::Whole } else { Stored::Nothing };
        let requests = registry.requests();
        let line = |path: &str| path.replace(&format!("/v2/{NAME}/"), "");
        let asked = requests.iter().map(|request| format!("{} {}", request.method, line(&request.path)));
        Run { outcome, notices: conclusion.notices, asked: asked.collect() }
    }

    /// One run that must be refused because of the signature.
    #[track_caller]
    pub(crate) fn refuses<'a>(
        &'a self,
        registry: &'a Registry,
        case: &'a mut Case,
    ) -> impl Future<Output = Failure> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let run = self.step(registry, case).await;
            let Outcome::Failed { failure, .. } = run.outcome else { panic!("{place}: {:?}", run.outcome) };
            assert_eq!(failure.step, oci_decide::Step::Signature, "{place}: {failure:?}");
            assert_eq!(case.condition("SourceVerified").0, "False VerificationError", "{place}");
            assert_eq!(case.condition("Ready").0, "False VerificationError", "{place}");
            failure
        }
    }
}

impl Case {
    /// Status and reason of a condition, and its message; nothing if it is not there.
    pub(crate) fn condition(&self, kind: &str) -> (String, String) {
        let mut conditions = self.observed.status.conditions.iter().flatten();
        let told = conditions.find(|condition| condition.type_ == kind);
        told.map(|told| (format!("{} {}", told.status, told.reason), told.message.clone()))
            .unwrap_or_default()
    }

    /// The revision in the status.
    pub(crate) fn revision(&self) -> Option<&str> {
        self.observed.status.artifact.as_ref().map(|artifact| artifact.revision.as_str())
    }

    /// Another spec, as a new generation.
    pub(crate) fn respecify(&mut self, verify: &Value) {
        self.observed.spec.verify = serde_json::from_value(verify.clone()).unwrap();
        self.observed.report = oci_crds::validate::check(&self.observed.spec);
        self.observed.generation += 1;
    }
}
