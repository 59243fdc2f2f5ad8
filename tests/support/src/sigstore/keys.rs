//! Owners of keys of every kind.

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};

use super::{
    der::{bits, integer, oid, sequence, tlv},
    pem,
};

/// Kinds of keys, and what they sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA with SHA-256.
    P256,
    /// ECDSA with SHA-384.
    P384,
    /// ECDSA with SHA-512.
    P521,
    /// Ed25519 itself.
    Ed25519,
    /// PKCS#1 with SHA-256.
    Rsa,
    /// PKCS#1 with SHA-512.
    RsaSha512,
    /// PSS with SHA-256.
    RsaPss,
}

/// The owner of a key.
pub struct Owner {
    /// The public key as `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    private: Private,
}

enum Private {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

const EC: &[u64] = &[1, 2, 840, 10045, 2, 1];

impl Owner {
    /// A new key.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::P256 => Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, &[1, 2, 840, 10045, 3, 1, 7]),
            Kind::P384 => Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING, &[1, 3, 132, 0, 34]),
            Kind::P521 => Self::ecdsa(&ECDSA_P521_SHA512_ASN1_SIGNING, &[1, 3, 132, 0, 35]),
            Kind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let algorithm = sequence(&[&oid(&[1, 3, 101, 112])]);
                let spki = sequence(&[&algorithm, &bits(pair.public_key().as_ref())]);
                Self { spki, private: Private::Ed25519(pair) }
            }
            Kind::Rsa => Self::rsa(&RSA_PKCS1_SHA256),
            Kind::RsaSha512 => Self::rsa(&RSA_PKCS1_SHA512),
            Kind::RsaPss => Self::rsa(&RSA_PSS_SHA256),
        }
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, curve: &[u64]) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let spki = sequence(&[&sequence(&[&oid(EC), &oid(curve)]), &bits(pair.public_key().as_ref())]);
        Self { spki, private: Private::Ecdsa(pair) }
    }

    fn rsa(encoding: &'static dyn RsaEncoding) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki = rsa_spki(pair.public_key().as_ref());
        Self { spki, private: Private::Rsa(pair, encoding) }
    }

    /// A signature.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.private {
            Private::Ecdsa(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Private::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Private::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The public key as PEM.
    pub fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// An RSA key as PEM of PKCS#1.
    pub fn pkcs1_pem(&self) -> Option<String> {
        match &self.private {
            Private::Rsa(pair, _) => Some(pem("RSA PUBLIC KEY", pair.public_key().as_ref())),
            _ => None,
        }
    }

    /// The private key as PEM of PKCS#8.
    pub fn private_pem(&self) -> String {
        let pkcs8 = match &self.private {
            Private::Ecdsa(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Private::Ed25519(pair) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
            Private::Rsa(pair, _) => pair.as_der().unwrap().as_ref().to_vec(),
        };
        pem("PRIVATE KEY", &pkcs8)
    }

    /// An EC key as PEM of SEC 1, as OpenSSL writes it.
    pub fn sec1_pem(&self) -> Option<String> {
        match &self.private {
            Private::Ecdsa(pair) => {
                Some(pem("EC PRIVATE KEY", pair.private_key().as_der().unwrap().as_ref()))
            }
            _ => None,
        }
    }

    /// The public key as PEM of an RSA key of so many bits, which belongs to nobody.
    pub fn nobodys_rsa_pem(bits: usize) -> String {
        let mut modulus = vec![0x55; bits / 8];
        modulus[0] = 0xd5;
        pem("PUBLIC KEY", &rsa_spki(&sequence(&[&integer(&modulus), &integer(&[1, 0, 1])])))
    }

    /// A public key as PEM of an algorithm that is named by its number.
    pub fn nobodys_pem(algorithm: &[u64]) -> String {
        pem("PUBLIC KEY", &sequence(&[&sequence(&[&oid(algorithm)]), &bits(&[0; 32])]))
    }
}

fn rsa_spki(pkcs1: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 1]), &tlv(0x05, &[])]);
    sequence(&[&algorithm, &bits(pkcs1)])
}
