//! A private key, and what it makes.

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer as _,
    error::KeyRejected,
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::SigningError;
use crate::{KeyError, pem, sigstore::PublicKey};

/// Curves that are told apart by name; those that are not verified are refused afterwards.
const CURVES: [&EcdsaSigningAlgorithm; 3] =
    [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING];

/// A key that can sign what is verified here.
pub struct SigningKey {
    private: Private,
    public: PublicKey,
    /// The public key as `SubjectPublicKeyInfo`.
    spki: Vec<u8>,
}

enum Private {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Of PKCS#8.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, SigningError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Self::new(Private::Ed25519(pair));
        }
        let ecdsa = |curve: &&'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(curve, der).ok();
        match CURVES.iter().find_map(ecdsa) {
            Some(pair) => Self::new(Private::Ecdsa(pair)),
            None => Self::rsa(RsaKeyPair::from_pkcs8(der)),
        }
    }

    /// Of SEC 1, as OpenSSL writes EC keys.
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, SigningError> {
        let ecdsa =
            |curve: &&'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_private_key_der(curve, der).ok();
        let pair =
            CURVES.iter().find_map(ecdsa).ok_or(SigningError::Malformed("no EC key of a known curve"))?;
        Self::new(Private::Ecdsa(pair))
    }

    /// Of PKCS#1, as OpenSSL writes RSA keys.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, SigningError> {
        Self::rsa(RsaKeyPair::from_der(der))
    }

    fn rsa(pair: Result<RsaKeyPair, KeyRejected>) -> Result<Self, SigningError> {
        let pair = pair.map_err(|rejected| match rejected.description_() {
            "TooSmall" => SigningError::Unsupported(KeyError::Kind("short RSA".to_owned())),
            _ => SigningError::Malformed("of no known kind"),
        })?;
        Self::new(Private::Rsa(pair))
    }

    /// A new one: ECDSA on P-256, as Cosign makes them; and its PKCS#8.
    pub(super) fn generate() -> Result<(Self, Vec<u8>), SigningError> {
        let failed = |_| SigningError::Failed("making a key");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec();
        Ok((Self::new(Private::Ecdsa(pair))?, pkcs8))
    }

    /// Only what is verified here is signed with.
    fn new(private: Private) -> Result<Self, SigningError> {
        let spki = private.spki()?;
        let public = PublicKey::from_spki(&spki).map_err(SigningError::Unsupported)?;
        Ok(Self { private, public, spki })
    }

    /// What kind of key it is, such as `ECDSA P-256`.
    pub fn kind(&self) -> &'static str {
        self.public.kind()
    }

    /// The public key as PEM.
    pub fn public_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.spki)
    }

    /// How Cosign tells keys apart: base64 of the SHA-256 of the public key.
    pub(super) fn hint(&self) -> String {
        STANDARD.encode(digest(&SHA256, &self.spki))
    }

    /// Whether this key made `signature` over `message`.
    pub(super) fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.made(message, signature).is_some()
    }

    /// A signature that was verified.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.private.sign(message)?;
        if self.made(message, &signature) {
            return Ok(signature);
        }
        Err(SigningError::Failed("verifying the new signature"))
    }
}

impl Private {
    fn spki(&self) -> Result<Vec<u8>, SigningError> {
        let der = match self {
            Self::Ecdsa(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
            Self::Rsa(pair) => pair.public_key().as_der(),
        };
        Ok(der.map_err(|_| SigningError::Failed("writing the public key"))?.as_ref().to_vec())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ecdsa(pair) => pair.sign(&random, message).map(|made| made.as_ref().to_vec()),
            Self::Ed25519(pair) => pair.try_sign(message).map(|made| made.as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut made).map(|()| made)
            }
        };
        signature.map_err(|_| SigningError::Failed("signing"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kind())
    }
}
