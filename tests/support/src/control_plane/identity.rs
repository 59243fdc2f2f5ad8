//! Who a client is: certificates of the cluster's authority, and tokens.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use kube::config::AuthInfo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

/// Where a certificate's groups go. rcgen keeps one value per name, and the second is the same name by its number.
const GROUPS: [fn() -> DnType; 2] = [|| DnType::OrganizationName, || DnType::CustomDnType(vec![2, 5, 4, 10])];

/// The authority that signs the server's and the users' certificates.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) pem: String,
    pub(super) der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) cert: String,
    pub(super) key: String,
}

/// What a client shows.
#[derive(Clone, Debug)]
pub(super) enum Identity {
    Certificate(Pair),
    Token(String),
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "control plane authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().to_vec());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    pub(super) fn server(&self) -> Pair {
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A user as the API server reads it: the common name is the name, the organisations are the groups.
    pub(super) fn user(&self, name: &str, groups: &[&str]) -> Pair {
        assert!(groups.len() <= GROUPS.len(), "a certificate of this harness holds at most two groups");
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        for (group, place) in groups.iter().zip(GROUPS) {
            params.distinguished_name.push(place(), *group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { cert, key: key.serialize_pem() }
    }
}

impl Identity {
    pub(super) fn auth_info(&self) -> AuthInfo {
        match self {
            Self::Certificate(pair) => AuthInfo {
                client_certificate_data: Some(BASE64_STANDARD.encode(&pair.cert)),
                client_key_data: Some(BASE64_STANDARD.encode(&pair.key).into()),
                ..AuthInfo::default()
            },
            Self::Token(token) => AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() },
        }
    }

    /// A kubeconfig; JSON is YAML.
    pub(super) fn kubeconfig(&self, url: &str, ca_pem: &str) -> Value {
        let user = match self {
            Self::Certificate(pair) => json!({
                "client-certificate-data": BASE64_STANDARD.encode(&pair.cert),
                "client-key-data": BASE64_STANDARD.encode(&pair.key),
            }),
            Self::Token(token) => json!({ "token": token }),
        };
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": "test",
                "cluster": { "server": url, "certificate-authority-data": BASE64_STANDARD.encode(ca_pem) },
            }],
            "users": [{ "name": "test", "user": user }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
            "current-context": "test",
        })
    }
}
