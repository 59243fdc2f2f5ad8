//! The authority that gives certificates, and the whole instance.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, OtherNameValue, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PublicKeyData as _, SanType, SerialNumber, SigningKey as _, date_time_ymd,
};
use serde_json::{Value, json};

use super::{BEFORE, ISSUER, Log, NOW, SUBJECT, Stamper, base64, der, pem, rfc3339};

/// A whole private Sigstore.
pub struct Instance {
    root: Vec<u8>,
    intermediate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    /// The log of certificates.
    pub certificates: Log,
    /// The log of signatures.
    pub signatures: Log,
    /// The authority that stamps.
    pub stamper: Stamper,
}

/// A name in a certificate.
#[derive(Clone, Debug)]
pub enum San {
    /// A workload's.
    Uri(String),
    /// A person's.
    Email(String),
    /// A host's.
    Dns(String),
    /// Somebody else's.
    Other(String),
}

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom it names.
    pub san: San,
    /// Who vouches, in the extension of today.
    pub issuer: Option<String>,
    /// Who vouches, in the extension of former days.
    pub old_issuer: Option<String>,
    /// When it begins.
    pub from: i64,
    /// When it ends.
    pub until: i64,
    /// Whether it is for code.
    pub code_signing: bool,
    /// Whether it is for signatures.
    pub digital_signature: bool,
    /// Whether it is in the log of certificates.
    pub logged: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            san: San::Uri(SUBJECT.to_owned()),
            issuer: Some(ISSUER.to_owned()),
            old_issuer: Some(ISSUER.to_owned()),
            from: NOW - 60,
            until: NOW + 540,
            code_signing: true,
            digital_signature: true,
            logged: true,
        }
    }
}

/// A certificate and its key.
pub struct Certified {
    key: KeyPair,
    /// The certificate.
    pub der: Vec<u8>,
    /// The authority's certificates, root last.
    pub chain: Vec<Vec<u8>>,
}

impl Certified {
    /// A signature with its key.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).unwrap()
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The authority's certificates as PEM.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect()
    }

    /// The public key as PEM.
    pub fn key_pem(&self) -> String {
        pem("PUBLIC KEY", &self.key.subject_public_key_info())
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self::new()
    }
}

impl Instance {
    /// New keys throughout.
    pub fn new() -> Self {
        let mut root = authority("sigstore root", BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let root_issuer = Issuer::new(root, root_key);
        let mut intermediate = authority("sigstore intermediate", BasicConstraints::Constrained(0));
        intermediate.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        intermediate.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let intermediate_der = intermediate.signed_by(&key, &root_issuer).unwrap().der().to_vec();
        Self {
            root: root_der,
            intermediate: intermediate_der,
            issuer: Issuer::new(intermediate, key),
            certificates: Log::new("ct.sigstore.example"),
            signatures: Log::new("rekor.sigstore.example"),
            stamper: Stamper::new(),
        }
    }

    /// All of it, as `trusted_root.json` has it.
    pub fn trusted_root(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.signatures.trusted()],
            "certificateAuthorities": [{
                "subject": { "organization": "sigstore.example", "commonName": "sigstore" },
                "uri": "https://fulcio.sigstore.example",
                "certChain": { "certificates": [
                    { "rawBytes": base64(&self.intermediate) },
                    { "rawBytes": base64(&self.root) },
                ]},
                "validFor": { "start": rfc3339(BEFORE) },
            }],
            "ctlogs": [self.certificates.trusted()],
            "timestampAuthorities": [self.stamper.trusted()],
        })
    }

    /// A certificate.
    pub fn certify(&self, request: &Request) -> Certified {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = request.params();
        let unlogged = params.signed_by(&key, &self.issuer).unwrap();
        let der = if request.logged {
            // The extension comes last, so that what is left without it are the bytes that were logged.
            let (certificate, _, _) = der::split(unlogged.der());
            let (_, tbs, _) = der::split(certificate);
            let spki = self.issuer.key().subject_public_key_info();
            let list = self.certificates.certificate_timestamps(&spki, tbs, request.from);
            let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
            params.custom_extensions.push(CustomExtension::from_oid_content(&oid, der::octets(&list)));
            params.signed_by(&key, &self.issuer).unwrap().der().to_vec()
        } else {
            unlogged.der().to_vec()
        };
        Certified { key, der, chain: vec![self.intermediate.clone(), self.root.clone()] }
    }
}

fn authority(name: &str, constraints: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(constraints);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    params
}

impl Request {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from(4711));
        let epoch = date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(u64::try_from(self.from).unwrap());
        params.not_after = epoch + Duration::from_secs(u64::try_from(self.until).unwrap());
        params.subject_alt_names = vec![match &self.san {
            San::Uri(name) => SanType::URI(name.as_str().try_into().unwrap()),
            San::Email(name) => SanType::Rfc822Name(name.as_str().try_into().unwrap()),
            San::Dns(name) => SanType::DnsName(name.as_str().try_into().unwrap()),
            San::Other(name) => {
                let value = OtherNameValue::Utf8String(name.clone());
                SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 57264, 1, 7], value))
            }
        }];
        params.key_usages = vec![if self.digital_signature {
            KeyUsagePurpose::DigitalSignature
        } else {
            KeyUsagePurpose::KeyAgreement
        }];
        params.extended_key_usages = vec![if self.code_signing {
            ExtendedKeyUsagePurpose::CodeSigning
        } else {
            ExtendedKeyUsagePurpose::EmailProtection
        }];
        let claim =
            |arc, content| CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, arc], content);
        let old = self.old_issuer.iter().map(|name| claim(1, name.as_bytes().to_vec()));
        let new = self.issuer.iter().map(|name| claim(8, der::tlv(0x0c, name.as_bytes())));
        params.custom_extensions = old.chain(new).collect();
        params
    }
}
