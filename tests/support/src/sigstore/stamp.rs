//! The authority that stamps: tokens of RFC 3161 in CMS.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SerialNumber, SigningKey as _, date_time_ymd,
};
use serde_json::{Value, json};

use super::{
    BEFORE, base64,
    der::{integer, octets, oid, sequence, set, split, tlv},
    rfc3339, sha256,
};

/// An authority that says when.
pub struct Stamper {
    key: KeyPair,
    leaf: Vec<u8>,
    root: Vec<u8>,
}

/// What a token says besides the time, to be changed.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// When.
    pub time: i64,
    /// Whether the time has a fraction of a second.
    pub fraction: bool,
    /// Whether the signature is the authority's.
    pub signed: bool,
}

const SIGNED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 2];
const TST_INFO: &[u64] = &[1, 2, 840, 113_549, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u64] = &[1, 2, 840, 113_549, 1, 9, 3];
const MESSAGE_DIGEST: &[u64] = &[1, 2, 840, 113_549, 1, 9, 4];
const SHA256: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
const ECDSA_SHA256: &[u64] = &[1, 2, 840, 10045, 4, 3, 2];

impl Stamper {
    pub(super) fn new() -> Self {
        let params = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2045, 1, 1);
            params
        };
        let mut root = params("stamping root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        let mut leaf = params("stamping");
        leaf.serial_number = Some(SerialNumber::from(7));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap().der().to_vec();
        Self { key, leaf, root: root_der }
    }

    /// As a trust root has it.
    pub(super) fn trusted(&self) -> Value {
        json!({
            "subject": { "organization": "sigstore.example", "commonName": "stamping" },
            "certChain": { "certificates": [
                { "rawBytes": base64(&self.leaf) },
                { "rawBytes": base64(&self.root) },
            ]},
            "validFor": { "start": rfc3339(BEFORE) },
        })
    }

    /// That `bytes` were there at `time`.
    pub fn stamp(&self, bytes: &[u8], time: i64) -> Vec<u8> {
        self.token(bytes, Token { time, fraction: false, signed: true })
    }

    /// A response with a token.
    pub fn token(&self, bytes: &[u8], token: Token) -> Vec<u8> {
        let sha256_id = sequence(&[&oid(SHA256)]);
        let info = info(bytes, token, &sha256_id);
        let attributes = [
            sequence(&[&oid(CONTENT_TYPE), &set(&[&oid(TST_INFO)])]),
            sequence(&[&oid(MESSAGE_DIGEST), &set(&[&octets(&sha256(&info))])]),
        ];
        let attributes = attributes.concat();
        let mut signature = self.key.sign(&tlv(0x31, &attributes)).unwrap();
        if !token.signed {
            signature = self.key.sign(b"something else").unwrap();
        }
        let signer = sequence(&[
            &integer(&[1]),
            &sequence(&[&self.issuer(), &integer(&[7])]),
            &sha256_id,
            &tlv(0xa0, &attributes),
            &sequence(&[&oid(ECDSA_SHA256)]),
            &octets(&signature),
        ]);
        let data = sequence(&[
            &integer(&[3]),
            &set(&[&sha256_id]),
            &sequence(&[&oid(TST_INFO), &tlv(0xa0, &octets(&info))]),
            &set(&[&signer]),
        ]);
        let content = sequence(&[&oid(SIGNED_DATA), &tlv(0xa0, &data)]);
        sequence(&[&sequence(&[&integer(&[0])]), &content])
    }

    /// The name of the root, as the leaf has it: version, serial number, algorithm, issuer.
    fn issuer(&self) -> Vec<u8> {
        let (certificate, _, _) = split(&self.leaf);
        let (tbs, _, _) = split(certificate);
        let mut rest = tbs;
        for _ in 0..3 {
            (_, _, rest) = split(rest);
        }
        let (_, issuer, _) = split(rest);
        issuer.to_vec()
    }
}

fn info(bytes: &[u8], token: Token, sha256_id: &[u8]) -> Vec<u8> {
    let text: String =
        rfc3339(token.time).chars().filter(|c| c.is_ascii_alphanumeric() && *c != 'T').collect();
    let text = if token.fraction { text.replace('Z', ".5Z") } else { text };
    sequence(&[
        &integer(&[1]),
        &oid(&[1, 3, 6, 1, 4, 1, 57264, 2]),
        &sequence(&[sha256_id, &octets(&sha256(bytes))]),
        &integer(&[42]),
        &tlv(0x18, text.as_bytes()),
    ])
}
