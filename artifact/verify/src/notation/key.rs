//! Keys of certificates, and what was signed with them.

use aws_lc_rs::{
    digest,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
        ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA512_ASN1,
        ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_FIXED,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use x509_cert::{
    der::{Reader as _, TagMode, TagNumber, asn1::ObjectIdentifier},
    spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned},
};

use super::NotationReason;
use crate::rsa;

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The hashes of Notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The algorithms of Notation's envelopes. A key has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa(usize),
    P256,
    P384,
    P521,
}

impl Hash {
    /// The hash of that number.
    pub(super) fn of(oid: ObjectIdentifier) -> Option<Self> {
        match oid.to_string().as_str() {
            "2.16.840.1.101.3.4.2.1" => Some(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn over(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }
}

impl Algorithm {
    /// The algorithm that a key is for.
    pub(super) fn due(key: &SubjectPublicKeyInfoOwned) -> Result<Self, NotationReason> {
        match kind(key)? {
            Kind::Rsa(2048) => Ok(Self::Ps256),
            Kind::Rsa(3072) => Ok(Self::Ps384),
            Kind::Rsa(4096) => Ok(Self::Ps512),
            Kind::Rsa(bits) => Err(NotationReason::Key(format!("RSA of {bits} bits"))),
            Kind::P256 => Ok(Self::Es256),
            Kind::P384 => Ok(Self::Es384),
            Kind::P521 => Ok(Self::Es512),
        }
    }

    /// As JOSE names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// Whether `key` made `signature` over `message`, in the form of envelopes.
    pub(super) fn made(self, key: &SubjectPublicKeyInfoOwned, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match self {
            Self::Ps256 => &RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &RSA_PSS_2048_8192_SHA512,
            Self::Es256 => &ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &ECDSA_P521_SHA512_FIXED,
        };
        verify(algorithm, key, message, signature)
    }
}

/// Whether `key` made `signature` over `message`, in the form of certificates and timestamps. `hash` counts where the
/// algorithm says none.
pub(super) fn made(
    algorithm: &AlgorithmIdentifierOwned,
    hash: Option<Hash>,
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, String> {
    let unsupported = || algorithm.oid.to_string();
    let kind = kind(key).map_err(|_| key.algorithm.oid.to_string())?;
    let oid = algorithm.oid.to_string();
    let (padded, hash) = match oid.as_str() {
        "1.2.840.113549.1.1.1" => (Some(false), hash),
        "1.2.840.113549.1.1.11" => (Some(false), Some(Hash::Sha256)),
        "1.2.840.113549.1.1.12" => (Some(false), Some(Hash::Sha384)),
        "1.2.840.113549.1.1.13" => (Some(false), Some(Hash::Sha512)),
        "1.2.840.113549.1.1.10" => (Some(true), pss_hash(algorithm)),
        "1.2.840.10045.4.3.2" => (None, Some(Hash::Sha256)),
        "1.2.840.10045.4.3.3" => (None, Some(Hash::Sha384)),
        "1.2.840.10045.4.3.4" => (None, Some(Hash::Sha512)),
        _ => return Err(unsupported()),
    };
    let hash = hash.ok_or_else(unsupported)?;
    let algorithm: &'static dyn VerificationAlgorithm = match (kind, padded, hash) {
        (Kind::Rsa(_), Some(false), Hash::Sha256) => &RSA_PKCS1_2048_8192_SHA256,
        (Kind::Rsa(_), Some(false), Hash::Sha384) => &RSA_PKCS1_2048_8192_SHA384,
        (Kind::Rsa(_), Some(false), Hash::Sha512) => &RSA_PKCS1_2048_8192_SHA512,
        (Kind::Rsa(_), Some(true), Hash::Sha256) => &RSA_PSS_2048_8192_SHA256,
        (Kind::Rsa(_), Some(true), Hash::Sha384) => &RSA_PSS_2048_8192_SHA384,
        (Kind::Rsa(_), Some(true), Hash::Sha512) => &RSA_PSS_2048_8192_SHA512,
        (Kind::P256, None, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (Kind::P256, None, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (Kind::P256, None, Hash::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (Kind::P384, None, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (Kind::P384, None, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (Kind::P384, None, Hash::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (Kind::P521, None, Hash::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (Kind::P521, None, Hash::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (Kind::P521, None, Hash::Sha512) => &ECDSA_P521_SHA512_ASN1,
        // A signature of RSA by a key of ECDSA, or the reverse.
        (Kind::Rsa(_), None, _) | (_, Some(_), _) => return Ok(false),
    };
    Ok(verify(algorithm, key, message, signature))
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes()).verify(message, signature).is_ok()
}

fn kind(key: &SubjectPublicKeyInfoOwned) -> Result<Kind, NotationReason> {
    let unknown = |what: String| NotationReason::Key(what);
    match key.algorithm.oid {
        RSA => {
            let bits = rsa::bits(key.subject_public_key.raw_bytes());
            bits.map(Kind::Rsa).map_err(|_| unknown("RSA that cannot be read".to_owned()))
        }
        EC => {
            let curve = key.algorithm.parameters.as_ref();
            match curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok()) {
                Some(P256) => Ok(Kind::P256),
                Some(P384) => Ok(Kind::P384),
                Some(P521) => Ok(Kind::P521),
                Some(other) => Err(unknown(format!("ECDSA on {other}"))),
                None => Err(unknown("ECDSA on explicit parameters".to_owned())),
            }
        }
        RSA_PSS => Err(unknown("RSA-PSS".to_owned())),
        other => Err(unknown(other.to_string())),
    }
}

/// The hash in the parameters of RSASSA-PSS (RFC 4055). Whatever else they say, other salts and masks than the usual ones
/// do not verify.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Option<Hash> {
    let parameters = algorithm.parameters.as_ref()?;
    let hash = parameters.sequence(|reader| {
        let hash = reader.context_specific::<AlgorithmIdentifierRef<'_>>(TagNumber::N0, TagMode::Explicit)?;
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok(hash.map(|hash| hash.oid))
    });
    hash.ok().flatten().and_then(Hash::of)
}
