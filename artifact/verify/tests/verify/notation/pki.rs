//! Chains of certificates, each made as it should not be, too.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
    },
};
use oci_testkit::sigstore::pem;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519,
    PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    P256,
    P384,
    P521,
    Rsa2048,
    Rsa3072,
    Rsa4096,
    Ed25519,
}

/// A chain, the signer's certificate first, and the signer's key.
pub(crate) struct Chain {
    pub(crate) der: Vec<Vec<u8>>,
    pub(crate) kind: Kind,
    pub(crate) key: KeyPair,
}

/// What certificates are to say: the signer's first.
pub(crate) type Plan = Vec<CertificateParams>;

/// Extended key usages.
pub(crate) const TIMESTAMPING: u8 = 8;

/// The subject of the usual signer.
pub(crate) const SIGNER: &str = "C=US, ST=WA, O=Example, CN=ci";

fn named(names: &[(DnType, &str)]) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    for (kind, name) in names {
        params.distinguished_name.push(kind.clone(), *name);
    }
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

/// A signer's certificate.
pub(crate) fn leaf() -> CertificateParams {
    let names = [
        (DnType::CountryName, "US"),
        (DnType::StateOrProvinceName, "WA"),
        (DnType::OrganizationName, "Example"),
        (DnType::CommonName, "ci"),
    ];
    let mut params = named(&names);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// An authority's certificate.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = named(&[(DnType::CommonName, name)]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// A signer, an intermediate authority, a root.
pub(crate) fn plan() -> Plan {
    vec![leaf(), authority("intermediate"), authority("root")]
}

/// The usual plan with a change of one certificate.
pub(crate) fn plan_with(index: usize, change: impl FnOnce(&mut CertificateParams)) -> Plan {
    let mut plan = plan();
    change(&mut plan[index]);
    plan
}

/// An extended key usage as an extension of its own: rcgen writes none that is critical.
pub(crate) fn extended_usage(usages: &[u8], critical: bool) -> CustomExtension {
    let oids: Vec<u8> = usages.iter().flat_map(|last| [6, 8, 0x2b, 6, 1, 5, 5, 7, 3, *last]).collect();
    let mut content = vec![0x30, u8::try_from(oids.len()).unwrap()];
    content.extend(oids);
    extension(&[2, 5, 29, 37], content, critical)
}

/// Any extension.
pub(crate) fn extension(oid: &[u64], content: Vec<u8>, critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(critical);
    extension
}

/// Certificates as planned, each issued by the next, the last by itself.
pub(crate) fn issue(plan: Plan, kind: Kind) -> Chain {
    let mut plan = plan.into_iter().rev();
    let root = plan.next().unwrap();
    let leaf_only = plan.len() == 0;
    let key = generate(if leaf_only { kind } else { Kind::P384 });
    let mut der = vec![root.self_signed(&key).unwrap().der().to_vec()];
    let mut last = (root, key);
    while let Some(params) = plan.next() {
        let key = generate(if plan.len() == 0 { kind } else { Kind::P256 });
        let issuer = Issuer::new(last.0, last.1);
        der.insert(0, params.signed_by(&key, &issuer).unwrap().der().to_vec());
        last = (params, key);
    }
    Chain { der, kind, key: last.1 }
}

fn generate(kind: Kind) -> KeyPair {
    let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).unwrap();
    match kind {
        Kind::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        Kind::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap(),
        Kind::P521 => KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap(),
        Kind::Ed25519 => KeyPair::generate_for(&PKCS_ED25519).unwrap(),
        Kind::Rsa2048 => rsa(RsaKeySize::_2048),
        Kind::Rsa3072 => rsa(RsaKeySize::_3072),
        Kind::Rsa4096 => rsa(RsaKeySize::_4096),
    }
}

impl Chain {
    /// The usual chain.
    pub(crate) fn usual() -> Self {
        issue(plan(), Kind::P256)
    }

    /// The root as PEM.
    pub(crate) fn root_pem(&self) -> String {
        pem("CERTIFICATE", self.der.last().unwrap())
    }

    /// Algorithm, number in COSE, and signature in the form of envelopes.
    pub(crate) fn sign(&self, message: &[u8]) -> (&'static str, i64, Vec<u8>) {
        let pkcs8 = self.key.serialize_der();
        let random = SystemRandom::new();
        let ecdsa = |algorithm| {
            let key = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).unwrap();
            key.sign(&random, message).unwrap().as_ref().to_vec()
        };
        let rsa = |encoding| {
            let key = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(encoding, &random, message, &mut signature).unwrap();
            signature
        };
        match self.kind {
            Kind::P256 => ("ES256", -7, ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            Kind::P384 => ("ES384", -35, ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            Kind::P521 => ("ES512", -36, ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)),
            Kind::Rsa2048 => ("PS256", -37, rsa(&RSA_PSS_SHA256)),
            Kind::Rsa3072 => ("PS384", -38, rsa(&RSA_PSS_SHA384)),
            Kind::Rsa4096 => ("PS512", -39, rsa(&RSA_PSS_SHA512)),
            Kind::Ed25519 => ("EdDSA", -8, vec![0; 64]),
        }
    }
}
