//! Signatures on the real API server: who signed it is told, and what nobody signed is not served.

use std::sync::OnceLock;

use oci_artifact::name::Digest;
use oci_testkit::sigstore::{ISSUER, Instance, Kind, Owner, Request, SUBJECT, attach, bundle, legacy};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, condition, is, is_ready},
};

const NAME: &str = "org/app";

/// Two owners of keys.
fn owners() -> &'static (Owner, Owner) {
    static OWNERS: OnceLock<(Owner, Owner)> = OnceLock::new();
    OWNERS.get_or_init(|| (Owner::new(Kind::P256), Owner::new(Kind::Ed25519)))
}

fn sigstore() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(Instance::new)
}

pub(crate) fn secret(name: &str, data: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<String, Value> =
        data.iter().map(|(key, text)| ((*key).to_owned(), json!(text))).collect();
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": data })
}

/// A spec that asks for the keys of the Secret `keys`.
fn by_key() -> Value {
    let verify = json!({ "provider": "cosign", "secretRef": { "name": "keys" } });
    json!({ "ref": { "tag": "v1" }, "verify": verify })
}

/// A spec that asks for an identity, by the root in the Secret `root`.
fn by_identity(subject: &str) -> Value {
    let issuer = format!("^{}$", ISSUER.replace('.', "\\."));
    let verify = json!({
        "provider": "cosign",
        "matchOIDCIdentity": [{ "issuer": issuer, "subject": subject }],
        "trustedRootSecretRef": { "name": "root" },
    });
    json!({ "ref": { "tag": "v1" }, "verify": verify })
}

fn sign(tenant: &Tenant<'_>, owner: &Owner, digest: &Digest) {
    let signed = bundle::sign_with(owner, &digest.to_string());
    attach::bundle(&tenant.registry, NAME, digest, &signed);
}

/// Waits until the signature is refused, and returns the message.
pub(super) async fn refused(tenant: &Tenant<'_>, part: &str) -> String {
    let object = tenant
        .until("app", part, |object| {
            let told = condition(object, "SourceVerified");
            let message = told["message"].as_str().unwrap_or_default();
            told["status"] == "False" && told["reason"] == "VerificationError" && message.contains(part)
        })
        .await;
    let (ready, told) = (condition(&object, "Ready"), condition(&object, "SourceVerified"));
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("VerificationError")));
    assert_eq!(ready["message"], told["message"]);
    assert!(is(&object, "Reconciling", "True"), "{object}");
    told["message"].as_str().unwrap().to_owned()
}

/// Waits until this revision is verified and ready.
pub(super) async fn verified(tenant: &Tenant<'_>, digest: &Digest) -> Value {
    let revision = format!("v1@{digest}");
    let message = format!("verified signature of revision {revision}");
    let object = tenant
        .until("app", "to be verified", |object| {
            is_ready(object)
                && object["status"]["artifact"]["revision"] == revision
                && condition(object, "SourceVerified")["message"] == message
        })
        .await;
    let told = condition(&object, "SourceVerified");
    assert_eq!((&told["status"], &told["reason"]), (&json!("True"), &json!("Succeeded")));
    assert_eq!(told["observedGeneration"], object["metadata"]["generation"]);
    assert!(object["status"]["sourceVerificationFingerprint"].as_str().unwrap().starts_with("sha256:"));
    object
}

#[tokio::test]
async fn controller_serves_what_the_key_s_owner_signed() {
    let tenant = Tenant::new().await;
    let owner = &owners().0;
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    let digest = Image::saying("one").push(&tenant.registry, NAME, "v1");
    sign(&tenant, owner, &digest);
    tenant.apply("app", &by_key()).await;
    let object = verified(&tenant, &digest).await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    // A legacy signature does as well, and an unchanged artifact costs one request.
    let digest = Image::saying("two").push(&tenant.registry, NAME, "v1");
    attach::legacy(&tenant.registry, NAME, &digest, &[legacy::sign_with(owner, &digest.to_string())]);
    tenant.run("app", "one").await;
    verified(&tenant, &digest).await;
    tenant.registry.reset();
    tenant.run("app", "two").await;
    assert_eq!(tenant.registry.requests().len(), 1);
}

#[tokio::test]
async fn controller_serves_what_an_identity_of_a_private_sigstore_signed() {
    let tenant = Tenant::new().await;
    let root = sigstore().trusted_root().to_string();
    tenant.install(&secret("root", &[("trusted_root.json", &root)])).await;
    let digest = Image::saying("one").push(&tenant.registry, NAME, "v1");
    let certified = sigstore().certify(&Request::default());
    let signed = bundle::sign(sigstore(), &certified, &digest.to_string());
    attach::bundle(&tenant.registry, NAME, &digest, &signed);
    let subject = format!("^{}$", SUBJECT.replace('.', "\\."));
    tenant.apply("app", &by_identity(&subject)).await;
    verified(&tenant, &digest).await;
    tenant.apply("app", &by_identity("^https://github\\.com/somebody/else/")).await;
    let message = refused(&tenant, SUBJECT).await;
    let begin = "failed to verify the signature using provider 'cosign keyless': no signature counts: ";
    assert!(message.starts_with(begin), "{message}");
}

#[tokio::test]
async fn controller_refuses_each_for_its_reason() {
    let tenant = Tenant::new().await;
    let (owner, other) = owners();
    let digest = Image::saying("one").push(&tenant.registry, NAME, "v1");
    tenant.apply("app", &by_key()).await;
    let message = refused(&tenant, &format!("secret '{}/keys' not found", tenant.namespace)).await;
    assert!(message.starts_with("failed to verify the signature using provider 'cosign': "), "{message}");
    tenant.install(&secret("keys", &[("readme.txt", "no key")])).await;
    refused(&tenant, "no public key can be used").await;
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    refused(&tenant, "no signature was found").await;
    sign(&tenant, other, &digest);
    refused(&tenant, "it was made by none of the keys `cosign.pub` (ECDSA P-256)").await;
    let object = tenant.get("app").await;
    assert_eq!(object["status"]["artifact"], Value::Null, "nothing was stored");
    let event = tenant.event("app", "VerificationError").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    // Nobody asks any more.
    tenant.apply("app", &json!({ "ref": { "tag": "v1" }, "verify": null })).await;
    tenant.patch("app", &json!({ "spec": { "verify": null } })).await;
    let object = tenant.ready("app").await;
    assert_eq!(condition(&object, "SourceVerified"), Value::Null);
    assert_eq!(object["status"]["sourceVerificationFingerprint"], Value::Null);
}

/// T10. The object is polled every hour: it is the changed Secret that is followed.
#[tokio::test]
async fn controller_verifies_again_when_the_keys_change() {
    let tenant = Tenant::new().await;
    let (owner, other) = owners();
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    let digest = Image::saying("one").push(&tenant.registry, NAME, "v1");
    sign(&tenant, owner, &digest);
    tenant.apply("app", &by_key()).await;
    let before = verified(&tenant, &digest).await;
    tenant.install(&secret("keys", &[("cosign.pub", &other.pem())])).await;
    let message = refused(&tenant, "it was made by none of the keys").await;
    assert!(message.ends_with(&format!("what is stored stays served: 'v1@{digest}'")), "{message}");
    let object = tenant.get("app").await;
    assert_eq!(object["status"]["artifact"], before["status"]["artifact"]);
    assert_eq!(tenant.files(&object).await["app.yaml"], "one", "it stays served");
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    verified(&tenant, &digest).await;
}

/// Likewise the root: missing, of another Sigstore, right, and of the other again.
#[tokio::test]
async fn controller_verifies_again_when_the_root_changes() {
    let tenant = Tenant::new().await;
    let root =
        |instance: &Instance| secret("root", &[("trusted_root.json", &instance.trusted_root().to_string())]);
    let (right, wrong) = (root(sigstore()), root(&Instance::new()));
    let digest = Image::saying("one").push(&tenant.registry, NAME, "v1");
    let certified = sigstore().certify(&Request::default());
    attach::bundle(
        &tenant.registry,
        NAME,
        &digest,
        &bundle::sign(sigstore(), &certified, &digest.to_string()),
    );
    tenant.apply("app", &by_identity(&format!("^{}$", SUBJECT.replace('.', "\\.")))).await;
    refused(&tenant, &format!("secret '{}/root' not found", tenant.namespace)).await;
    tenant.install(&wrong).await;
    refused(&tenant, "no signature counts").await;
    tenant.install(&right).await;
    verified(&tenant, &digest).await;
    tenant.install(&wrong).await;
    let message = refused(&tenant, "no signature counts").await;
    assert!(message.ends_with(&format!("what is stored stays served: 'v1@{digest}'")), "{message}");
}

#[tokio::test]
async fn controller_serves_the_last_verified_artifact_until_the_next_is_signed() {
    let tenant = Tenant::new().await;
    let owner = &owners().0;
    tenant.install(&secret("keys", &[("cosign.pub", &owner.pem())])).await;
    let first = Image::saying("one").push(&tenant.registry, NAME, "v1");
    sign(&tenant, owner, &first);
    tenant.apply("app", &by_key()).await;
    verified(&tenant, &first).await;
    let second = Image::saying("two").push(&tenant.registry, NAME, "v1");
    tenant.run("app", "now").await;
    refused(&tenant, "no signature was found").await;
    let object = tenant.get("app").await;
    assert_eq!(object["status"]["artifact"]["revision"], format!("v1@{first}"));
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    assert!(is(&object, "ArtifactOutdated", "True"));
    // Nobody has to ask: it is looked at again.
    sign(&tenant, owner, &second);
    let object = verified(&tenant, &second).await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "two");
}
