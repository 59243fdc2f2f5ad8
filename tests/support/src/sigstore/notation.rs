//! A signer of Notation: its certificates, envelopes of both kinds, and how they are attached.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use coset::{
    CoseSign1Builder, HeaderBuilder, Label, TaggedCborSerializable as _, cbor::value::Value as Cbor, iana,
};
use oci_artifact::{manifest::OCI_MANIFEST, name::Digest};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Value, json};

use super::{NOW, attach, pem};
use crate::registry::Registry;

/// The type of Notation's signatures.
pub const NOTATION: &str = "application/vnd.cncf.notary.signature";
/// The subject of the signer, as trust policies write it.
pub const SUBJECT: &str = "C=US, ST=WA, O=Example, CN=ci";
const SCHEME: &str = "io.cncf.notary.signingScheme";
const TIME: &str = "io.cncf.notary.signingTime";
const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";

/// The kinds of envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// JSON.
    Jws,
    /// CBOR.
    Cose,
}

impl Envelope {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jws => "application/jose+json",
            Self::Cose => "application/cose",
        }
    }
}

/// Somebody with a certificate of an authority of their own.
pub struct Signer {
    /// The signer's certificate, then the root's.
    chain: [Vec<u8>; 2],
    key: KeyPair,
}

impl Signer {
    /// Whose certificate says nothing of revocation.
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// Whose certificate names a list of revoked ones.
    pub fn revocable() -> Self {
        Self::with(|leaf| {
            let uris = vec!["http://crl.example/list".to_owned()];
            leaf.crl_distribution_points.push(CrlDistributionPoint { uris });
        })
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut root = certificate("Example", "root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let mut leaf = certificate("Example", "ci");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut leaf);
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let leaf_der = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap().der().to_vec();
        Self { chain: [leaf_der, root_der], key }
    }

    /// The root's certificate.
    pub fn root_pem(&self) -> String {
        pem("CERTIFICATE", &self.chain[1])
    }

    /// An envelope about what `target` points to.
    pub fn sign(&self, kind: Envelope, target: &Value) -> Vec<u8> {
        let payload = json!({ "targetArtifact": target }).to_string();
        match kind {
            Envelope::Jws => self.jws(&payload),
            Envelope::Cose => self.cose(&payload),
        }
    }

    fn jws(&self, payload: &str) -> Vec<u8> {
        let protected = json!({
            "alg": "ES256", "cty": PAYLOAD, "crit": [SCHEME], SCHEME: "notary.x509", TIME: "2025-06-15T15:06:40Z",
        });
        let (protected, payload) = (protected.to_string(), URL_SAFE_NO_PAD.encode(payload));
        let protected = URL_SAFE_NO_PAD.encode(protected);
        let signature = self.made(format!("{protected}.{payload}").as_bytes());
        let x5c: Vec<String> = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        let envelope = json!({ "payload": payload, "protected": protected, "header": { "x5c": x5c }, "signature": signature });
        envelope.to_string().into_bytes()
    }

    fn cose(&self, payload: &str) -> Vec<u8> {
        let mut protected = HeaderBuilder::new()
            .algorithm(iana::Algorithm::ES256)
            .content_type(PAYLOAD.to_owned())
            .text_value(SCHEME.to_owned(), Cbor::Text("notary.x509".to_owned()))
            .text_value(TIME.to_owned(), Cbor::Tag(1, Box::new(Cbor::from(NOW))))
            .build();
        protected.crit.push(coset::RegisteredLabelWithPrivate::Text(SCHEME.to_owned()));
        let chain = Cbor::Array(self.chain.iter().cloned().map(Cbor::Bytes).collect());
        let mut unprotected = HeaderBuilder::new().build();
        unprotected.rest.push((Label::Int(iana::HeaderParameter::X5Chain as i64), chain));
        CoseSign1Builder::new()
            .protected(protected)
            .unprotected(unprotected)
            .payload(payload.as_bytes().to_vec())
            .create_signature(&[], |message| self.made(message))
            .build()
            .to_tagged_vec()
            .unwrap()
    }

    fn made(&self, message: &[u8]) -> Vec<u8> {
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der()).unwrap();
        key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

impl Default for Signer {
    fn default() -> Self {
        Self::new()
    }
}

/// A certificate of an organization in Washington, from 2020 to 2045.
pub fn certificate(organization: &str, name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    let names = [
        (DnType::CountryName, "US"),
        (DnType::StateOrProvinceName, "WA"),
        (DnType::OrganizationName, organization),
        (DnType::CommonName, name),
    ];
    for (kind, value) in names {
        params.distinguished_name.push(kind, value);
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

/// A trust policy of one statement about everything.
pub fn trust_policy(level: &str) -> String {
    json!({ "version": "1.0", "trustPolicies": [{
        "name": "all",
        "registryScopes": ["*"],
        "signatureVerification": { "level": level },
        "trustStores": ["ca:some"],
        "trustedIdentities": [format!("x509.subject: {SUBJECT}")],
    }]})
    .to_string()
}

/// What points to a manifest that a registry has.
pub fn target(registry: &Registry, repository: &str, digest: &Digest) -> Value {
    let size = registry.manifest(repository, &digest.to_string()).unwrap().len();
    json!({ "mediaType": OCI_MANIFEST, "digest": digest, "size": size })
}

/// Signs what a registry has and attaches that. Returns the digest of the signature's manifest.
pub fn sign(
    registry: &Registry,
    repository: &str,
    digest: &Digest,
    signer: &Signer,
    kind: Envelope,
) -> Digest {
    let envelope = signer.sign(kind, &target(registry, repository, digest));
    attach::put(registry, repository, &manifest(registry, repository, digest, kind, &envelope))
}

/// The manifest of an envelope, whose blobs are stored; the manifest is not.
pub fn manifest(
    registry: &Registry,
    repository: &str,
    subject: &Digest,
    kind: Envelope,
    envelope: &[u8],
) -> Value {
    let (config, layer) = (registry.put_blob(repository, b"{}"), registry.put_blob(repository, envelope));
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": NOTATION,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": kind.media_type(), "digest": layer, "size": envelope.len() }],
        "subject": target(registry, repository, subject),
    })
}
