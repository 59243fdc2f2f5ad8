//! An authority that stamps: tokens of RFC 3161 as TSAs make them, and as they must not be.

use rcgen::{CertificateParams, CustomExtension, Issuer, KeyPair, SerialNumber, SigningKey as _};

use super::pki::{TIMESTAMPING, authority, extended_usage, leaf};
use oci_testkit::sigstore::{pem, sha256};

/// An authority that stamps.
pub(super) struct Stamper {
    key: KeyPair,
    pub(super) leaf: Vec<u8>,
    root: Vec<u8>,
    with_root: bool,
}

/// What a token says, to be changed.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) time: &'static str,
    /// The content of the accuracy.
    pub(super) accuracy: Option<Vec<u8>>,
    pub(super) policy: Vec<u8>,
    pub(super) version: u8,
    /// That of the message around it.
    pub(super) cms_version: u8,
    pub(super) content_type: Vec<u8>,
    /// The certificate that the signed attribute names; `None` for no such attribute.
    pub(super) names: Option<Vec<u8>>,
    pub(super) signing_time: Option<&'static str>,
    pub(super) serial: u8,
    /// How many certificates come along, of which the first is the signer's.
    pub(super) certificates: usize,
    /// How often the signer is there.
    pub(super) signers: usize,
    /// Whether what is said was signed.
    pub(super) changed_after: bool,
    pub(super) sha1: bool,
}

const TST_INFO: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
/// The policy of ETSI.
pub(super) const BASELINE: &[u8] = &[6, 6, 0x04, 0, 0x8f, 0x67, 1, 1];
/// Plain data.
pub(super) const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];

impl Token {
    /// At the moment at which everything is signed.
    pub(super) fn new(stamper: &Stamper) -> Self {
        Self {
            time: "20250615150640Z",
            accuracy: None,
            policy: vec![6, 3, 0x2a, 3, 4],
            version: 1,
            cms_version: 3,
            content_type: TST_INFO.to_vec(),
            names: Some(stamper.leaf.clone()),
            signing_time: None,
            serial: 7,
            certificates: 1,
            signers: 1,
            changed_after: false,
            sha1: false,
        }
    }
}

/// The certificate of an authority that stamps.
pub(super) fn stamping(params: &mut CertificateParams) {
    params.serial_number = Some(SerialNumber::from(7));
    params.custom_extensions = vec![extended_usage(&[TIMESTAMPING], true)];
}

impl Stamper {
    pub(super) fn new() -> Self {
        Self::with(|_| (), |_| ())
    }

    /// With changes of the certificate and of the root's.
    pub(super) fn with(
        change: impl FnOnce(&mut CertificateParams),
        change_root: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let (mut root, key) = (authority("stamping root"), KeyPair::generate().unwrap());
        change_root(&mut root);
        let root_der = root.self_signed(&key).unwrap().der().to_vec();
        let mut params = leaf();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "stamping");
        stamping(&mut params);
        change(&mut params);
        let issuer = Issuer::new(root, key);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        Self { key, leaf, root: root_der, with_root: false }
    }

    /// Tokens with all certificates.
    pub(super) fn with_root(mut self) -> Self {
        self.with_root = true;
        self
    }

    pub(super) fn root_pem(&self) -> String {
        pem("CERTIFICATE", &self.root)
    }

    /// A token about `message`.
    pub(super) fn stamp(&self, message: &[u8], token: &Token) -> Vec<u8> {
        let sha256_id: &[u8] = &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
        let sha1_id: &[u8] = &[0x30, 7, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a];
        let imprint_id = if token.sha1 { sha1_id } else { sha256_id };
        let info = |time: &str| {
            sequence(&[
                &[2, 1, token.version],
                &token.policy,
                &sequence(&[imprint_id, &tlv(4, &sha256(message))]),
                &[2, 1, 42],
                &tlv(0x18, time.as_bytes()),
                &token.accuracy.as_ref().map(|content| tlv(0x30, content)).unwrap_or_default(),
                // Ordered, and a number that was asked for.
                &[1, 1, 0xff, 2, 1, 9],
            ])
        };
        let (said, other) = (info(token.time), info("20250615150641Z"));
        let digested = if token.changed_after { &other } else { &said };
        let attribute = |last: &[u8], value: &[u8]| {
            let oid = tlv(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9], last].concat());
            sequence(&[&oid, &tlv(0x31, value)])
        };
        let mut attributes =
            vec![attribute(&[3], &token.content_type), attribute(&[4], &tlv(4, &sha256(digested)))];
        if let Some(time) = token.signing_time {
            attributes.push(attribute(&[5], &tlv(0x17, time.as_bytes())));
        }
        if let Some(certificate) = &token.names {
            let id = sequence(&[&sequence(&[&sequence(&[&tlv(4, &sha256(certificate))])])]);
            attributes.push(attribute(&[16, 2, 47], &id));
        }
        attributes.sort();
        let attributes = attributes.concat();
        let signature = self.key.sign(&tlv(0x31, &attributes)).unwrap();
        let signer = sequence(&[
            &[2, 1, 1],
            &sequence(&[&Self::issuer(), &[2, 1, token.serial]]),
            sha256_id,
            &tlv(0xa0, &attributes),
            &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
            &tlv(4, &signature),
        ]);
        let signers: Vec<u8> = (0..token.signers).flat_map(|number| different(&signer, number)).collect();
        let leaves: Vec<u8> =
            (0..token.certificates).flat_map(|number| different(&self.leaf, number)).collect();
        let root: &[u8] = if self.with_root { &self.root } else { &[] };
        let data = sequence(&[
            &[2, 1, token.cms_version],
            &tlv(0x31, sha256_id),
            &sequence(&[&token.content_type, &tlv(0xa0, &tlv(4, &said))]),
            &tlv(0xa0, &[&leaves, root].concat()),
            &tlv(0x31, &signers),
        ]);
        sequence(&[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2], &tlv(0xa0, &data)])
    }

    /// The name of the root.
    fn issuer() -> Vec<u8> {
        // One name of one attribute: `CN=stamping root`.
        let name = tlv(0x0c, b"stamping root");
        sequence(&[&tlv(0x31, &sequence(&[&[6, 3, 0x55, 4, 3], &name]))])
    }
}

/// A set has no element twice: the last byte of the signature differs.
fn different(signed: &[u8], number: usize) -> Vec<u8> {
    let mut signed = signed.to_vec();
    if let Some(last) = signed.last_mut() {
        *last = last.wrapping_add(u8::try_from(number).unwrap());
    }
    signed
}

/// An extension that names who would be asked about revocation.
pub(super) fn crl() -> CustomExtension {
    // A distribution point without anything.
    super::pki::extension(&[2, 5, 29, 31], vec![0x30, 2, 0x30, 0], false)
}

/// An element of DER.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        _ => vec![tag, 0x82, u8::try_from(length >> 8).unwrap(), u8::try_from(length & 0xff).unwrap()],
    };
    if out.len() == 4 && length < 0x100 {
        out = vec![tag, 0x81, u8::try_from(length).unwrap()];
    }
    out.extend(content);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}
