//! A public key and the ways in which it may have signed.

use std::{fmt, sync::Arc};

use sigstore_verify::{
    crypto::{SigningScheme, VerificationKey, validate_raw_public_key},
    types::{DerPublicKey, SignatureBytes},
};
use x509_cert::{
    der::{Decode as _, oid::ObjectIdentifier},
    spki::SubjectPublicKeyInfoRef,
};

use crate::{KeyError, rsa};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// Bits of an RSA key: fewer can be broken, more take too long.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Cosign 2 signs with SHA-256 whatever the key, Cosign 3 with the key's own hash.
const P256_SCHEMES: &[(SigningScheme, &str)] = &[
    (SigningScheme::EcdsaP256Sha256, "ECDSA P-256, SHA-256"),
    (SigningScheme::EcdsaP256Sha384, "ECDSA P-256, SHA-384"),
];
const P384_SCHEMES: &[(SigningScheme, &str)] = &[
    (SigningScheme::EcdsaP384Sha256, "ECDSA P-384, SHA-256"),
    (SigningScheme::EcdsaP384Sha384, "ECDSA P-384, SHA-384"),
];
const RSA_SCHEMES: &[(SigningScheme, &str)] = &[
    (SigningScheme::RsaPkcs1Sha256, "RSA PKCS#1, SHA-256"),
    (SigningScheme::RsaPkcs1Sha384, "RSA PKCS#1, SHA-384"),
    (SigningScheme::RsaPkcs1Sha512, "RSA PKCS#1, SHA-512"),
    (SigningScheme::RsaPssSha256, "RSA PSS, SHA-256"),
    (SigningScheme::RsaPssSha384, "RSA PSS, SHA-384"),
    (SigningScheme::RsaPssSha512, "RSA PSS, SHA-512"),
];
const ED25519_SCHEMES: &[(SigningScheme, &str)] = &[(SigningScheme::Ed25519, "Ed25519")];

/// A public key that can be used.
#[derive(Clone)]
pub(crate) struct PublicKey {
    kind: &'static str,
    schemes: Arc<[(VerificationKey, &'static str)]>,
}

impl PublicKey {
    /// Of a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|error| malformed(&error))?;
        let raw = spki.subject_public_key.raw_bytes();
        let (kind, schemes) = match spki.algorithm.oid {
            EC => curve(spki.algorithm.parameters_oid().ok())?,
            RSA => {
                check_rsa(raw)?;
                ("RSA", RSA_SCHEMES)
            }
            ED25519 => ("Ed25519", ED25519_SCHEMES),
            oid => return Err(KeyError::Kind(kind_of(oid))),
        };
        Self::new(kind, schemes, raw, &DerPublicKey::from_bytes(der))
    }

    /// Of a bare RSA key.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        check_rsa(der)?;
        Self::new("RSA", RSA_SCHEMES, der, &DerPublicKey::from_bytes(der))
    }

    fn new(
        kind: &'static str,
        schemes: &[(SigningScheme, &'static str)],
        raw: &[u8],
        der: &DerPublicKey,
    ) -> Result<Self, KeyError> {
        let scheme = |&(scheme, name): &(SigningScheme, &'static str)| {
            validate_raw_public_key(scheme, raw).map_err(|error| malformed(&error))?;
            let key = VerificationKey::from_der(der, scheme).map_err(|error| malformed(&error))?;
            Ok((key, name))
        };
        Ok(Self { kind, schemes: schemes.iter().map(scheme).collect::<Result<_, KeyError>>()? })
    }

    /// What kind of key it is, such as `ECDSA P-256`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// How the key made `signature` over `message`; `None` if it did not.
    pub(crate) fn made(&self, message: &[u8], signature: &[u8]) -> Option<&'static str> {
        let signature = SignatureBytes::from_bytes(signature);
        let made = self.schemes.iter().find(|(key, _)| key.verify(message, &signature).is_ok());
        made.map(|(_, name)| *name)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)
    }
}

fn malformed(error: &impl fmt::Display) -> KeyError {
    KeyError::Malformed(crate::reason::excerpt(&error.to_string()))
}

type Schemes = &'static [(SigningScheme, &'static str)];

fn curve(oid: Option<ObjectIdentifier>) -> Result<(&'static str, Schemes), KeyError> {
    match oid {
        Some(P256) => Ok(("ECDSA P-256", P256_SCHEMES)),
        Some(P384) => Ok(("ECDSA P-384", P384_SCHEMES)),
        Some(oid) => Err(KeyError::Curve(match oid.to_string().as_str() {
            "1.3.132.0.35" => "P-521".to_owned(),
            "1.3.132.0.33" => "P-224".to_owned(),
            "1.3.132.0.10" => "secp256k1".to_owned(),
            other => other.to_owned(),
        })),
        None => Err(KeyError::Curve("of explicit parameters".to_owned())),
    }
}

fn kind_of(oid: ObjectIdentifier) -> String {
    match oid.to_string().as_str() {
        "1.2.840.113549.1.1.10" => "RSA-PSS".to_owned(),
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.3.101.110" => "X25519".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44".to_owned(),
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65".to_owned(),
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87".to_owned(),
        other => other.to_owned(),
    }
}

/// Refuses an `RSAPublicKey` whose modulus is out of bounds, with its size.
fn check_rsa(pkcs1: &[u8]) -> Result<(), KeyError> {
    match rsa::bits(pkcs1) {
        Ok(bits) if RSA_BITS.contains(&bits) => Ok(()),
        Ok(bits) => Err(KeyError::RsaBits(bits)),
        Err(error) => Err(malformed(&error)),
    }
}
