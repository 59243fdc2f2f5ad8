//! Signatures of Notation on the real API server: what is strict, and what is let pass.

use oci_artifact::name::Digest;
use oci_testkit::sigstore::notation::{Envelope, Signer, sign, trust_policy};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::{Tenant, condition},
    verify::{refused, secret, verified},
};

const NAME: &str = "org/app";

/// A spec that asks for the trust policy of the Secret `notation`.
fn by_policy() -> Value {
    let verify = json!({ "provider": "notation", "secretRef": { "name": "notation" } });
    json!({ "ref": { "tag": "v1" }, "verify": verify })
}

/// Installs the Secret with a trust policy and the certificate of a signer.
async fn trust(tenant: &Tenant<'_>, policy: &str, signer: &Signer) {
    let entries = [("trustpolicy.json", policy), ("root.crt", &*signer.root_pem())];
    tenant.install(&secret("notation", &entries)).await;
}

fn push(tenant: &Tenant<'_>, text: &str) -> Digest {
    Image::saying(text).push(&tenant.registry, NAME, "v1")
}

#[tokio::test]
async fn controller_serves_what_notation_signed() {
    let (tenant, signer) = (Tenant::new().await, Signer::new());
    trust(&tenant, &trust_policy("strict"), &signer).await;
    for (text, kind) in [("one", Envelope::Jws), ("two", Envelope::Cose)] {
        let digest = push(&tenant, text);
        sign(&tenant.registry, NAME, &digest, &signer, kind);
        tenant.apply("app", &by_policy()).await;
        tenant.run("app", text).await;
        let object = verified(&tenant, &digest).await;
        assert_eq!(tenant.files(&object).await["app.yaml"], text);
    }
    tenant.registry.reset();
    tenant.run("app", "unchanged").await;
    assert_eq!(tenant.registry.requests().len(), 1);
}

#[tokio::test]
async fn controller_refuses_what_notation_s_policy_does_not_let_count() {
    let (tenant, signer, other) = (Tenant::new().await, Signer::new(), Signer::revocable());
    let digest = push(&tenant, "one");
    tenant.apply("app", &by_policy()).await;
    let message = refused(&tenant, &format!("secret '{}/notation' not found", tenant.namespace)).await;
    assert!(message.starts_with("failed to verify the signature using provider 'notation': "), "{message}");
    // Each change of the Secret is followed at once: the object is polled every hour.
    trust(&tenant, "{}", &signer).await;
    refused(&tenant, "trust policy: version `` is not supported").await;
    tenant.install(&secret("notation", &[("trustpolicy.json", "")])).await;
    refused(&tenant, "the file cannot be read").await;
    trust(&tenant, &trust_policy("strict"), &signer).await;
    refused(&tenant, "no signature was found").await;
    sign(&tenant.registry, NAME, &digest, &other, Envelope::Jws);
    refused(&tenant, "none of its certificates is trusted").await;
    trust(&tenant, &trust_policy("strict"), &other).await;
    refused(&tenant, "CRL would say, which is not asked").await;
    let object = tenant.get("app").await;
    assert_eq!(object["status"]["artifact"], Value::Null, "nothing was stored");
    let event = tenant.event("app", "VerificationError").await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    // What `strict` refuses `permissive` lets pass, and it is told.
    trust(&tenant, &trust_policy("permissive"), &other).await;
    verified(&tenant, &digest).await;
    let event = tenant.event("app", "VerificationLenient").await;
    assert!(event.message.unwrap().contains("let pass: revocation: "));
}

#[tokio::test]
async fn controller_proceeds_unverified_where_the_policy_skips() {
    let (tenant, signer) = (Tenant::new().await, Signer::new());
    trust(&tenant, &trust_policy("skip"), &signer).await;
    let digest = push(&tenant, "one");
    tenant.apply("app", &by_policy()).await;
    let object = tenant.ready_at("app", &format!("v1@{digest}")).await;
    assert_eq!(condition(&object, "SourceVerified"), Value::Null);
    assert_eq!(object["status"]["sourceVerificationFingerprint"], Value::Null);
    let event = tenant.event("app", "VerificationLenient").await;
    assert_eq!(event.type_.as_deref(), Some("Normal"));
    assert!(event.message.unwrap().ends_with("skips verification"));
    // Strict from now on, and back.
    trust(&tenant, &trust_policy("strict"), &signer).await;
    refused(&tenant, "no signature was found").await;
    sign(&tenant.registry, NAME, &digest, &signer, Envelope::Jws);
    verified(&tenant, &digest).await;
    trust(&tenant, &trust_policy("skip"), &signer).await;
    tenant
        .until("app", "to be said no longer", |object| condition(object, "SourceVerified") == Value::Null)
        .await;
}
