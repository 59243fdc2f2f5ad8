//! The envelope around an encrypted key: scrypt makes a key of the password, secretbox closes the box with it.
//!
//! Specification: go-securesystemslib's `encrypted`, which Cosign uses, and `crypto_secretbox` of `NaCl`
//! (XSalsa20-Poly1305, the first 32 bytes of the stream are the authenticator's key).

use std::fmt;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    rand::{SecureRandom as _, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use poly1305::{Poly1305, universal_hash::KeyInit as _};
use salsa20::{
    XSalsa20,
    cipher::{KeyIvInit as _, StreamCipher as _},
};
use serde::{Deserialize, Serialize};

use super::SigningError;
use crate::{Part, json};

/// The logarithms of the costs that go-securesystemslib takes: 2^15 to 2^17. Others could keep us busy for days.
const COSTS: std::ops::RangeInclusive<u8> = 15..=17;
/// What it writes.
const COST: u8 = 16;
const BLOCK: u32 = 8;
const LANES: u32 = 1;
const KEY: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

#[derive(Deserialize, Serialize)]
struct Data {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize, Serialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize, Serialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// An envelope that can be opened.
pub(super) struct Envelope {
    cost: u8,
    salt: Vec<u8>,
    nonce: [u8; NONCE],
    sealed: Vec<u8>,
}

impl Envelope {
    /// Reads the JSON, and refuses what it would be dear or impossible to open.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SigningError> {
        let wrong = |why: &dyn fmt::Display| SigningError::Envelope(why.to_string());
        let data: Data = json::read(bytes, Part::Envelope).map_err(|reason| wrong(&reason))?;
        if data.kdf.name != "scrypt" || data.cipher.name != "nacl/secretbox" {
            return Err(wrong(&"it is not made of scrypt and nacl/secretbox"));
        }
        let Params { n, r, p } = data.kdf.params;
        let cost = COSTS.into_iter().find(|cost| n == 1_u64 << cost);
        let cost = cost.filter(|_| (r, p) == (BLOCK, LANES));
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| wrong(&"its base64 is broken"));
        Ok(Self {
            cost: cost.ok_or_else(|| wrong(&"its scrypt parameters are none that Cosign writes"))?,
            salt: bytes(&data.kdf.salt)?,
            nonce: bytes(&data.cipher.nonce)?
                .try_into()
                .map_err(|_| wrong(&"its nonce has another length"))?,
            sealed: bytes(&data.ciphertext)?,
        })
    }

    /// The content, if the password is the one it was closed with.
    pub(super) fn open(&self, password: &[u8]) -> Result<Vec<u8>, SigningError> {
        let (stream, authenticator) = cipher(&stretch(password, &self.salt, self.cost)?, &self.nonce);
        let Some((tag, content)) = self.sealed.split_at_checked(TAG) else {
            return Err(SigningError::Password);
        };
        let expected = authenticator.compute_unpadded(content);
        verify_slices_are_equal(&expected, tag).map_err(|_| SigningError::Password)?;
        let mut content = content.to_vec();
        apply(stream, &mut content)?;
        Ok(content)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Envelope")
    }
}

/// The JSON of an envelope around `content`.
pub(super) fn seal(content: &[u8], password: &[u8]) -> Result<Vec<u8>, SigningError> {
    let (mut salt, mut nonce) = ([0; KEY], [0; NONCE]);
    let random = SystemRandom::new();
    random
        .fill(&mut salt)
        .and_then(|()| random.fill(&mut nonce))
        .map_err(|_| SigningError::Failed("drawing random bytes"))?;
    let (stream, authenticator) = cipher(&stretch(password, &salt, COST)?, &nonce);
    let mut sealed = content.to_vec();
    apply(stream, &mut sealed)?;
    let tag = authenticator.compute_unpadded(&sealed);
    let data = Data {
        kdf: Kdf {
            name: "scrypt".to_owned(),
            params: Params { n: 1 << COST, r: BLOCK, p: LANES },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode([tag.as_slice(), &sealed].concat()),
    };
    serde_json::to_vec(&data).map_err(|_| SigningError::Failed("writing the envelope"))
}

fn stretch(password: &[u8], salt: &[u8], cost: u8) -> Result<[u8; KEY], SigningError> {
    const FAILED: SigningError = SigningError::Failed("stretching the password");
    let mut key = [0; KEY];
    let params = scrypt::Params::new(cost, BLOCK, LANES).map_err(|_| FAILED)?;
    scrypt::scrypt(password, salt, &params, &mut key).map_err(|_| FAILED)?;
    Ok(key)
}

/// The stream behind its first 32 bytes, and the authenticator that those are the key of.
fn cipher(key: &[u8; KEY], nonce: &[u8; NONCE]) -> (XSalsa20, Poly1305) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut first = [0; KEY];
    stream.apply_keystream(&mut first);
    (stream, Poly1305::new(&first.into()))
}

fn apply(mut stream: XSalsa20, content: &mut [u8]) -> Result<(), SigningError> {
    stream.try_apply_keystream(content).map_err(|_| SigningError::Failed("encrypting"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `NaCl` itself, `tests/secretbox.c`.
    #[test]
    fn box_is_that_of_nacl() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let key = hex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
        let nonce = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
        let (mut stream, authenticator) =
            cipher(&key.as_slice().try_into().unwrap(), &nonce.as_slice().try_into().unwrap());
        let mut content = hex(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        );
        stream.apply_keystream(&mut content);
        let tag = authenticator.compute_unpadded(&content);
        assert_eq!(hex::encode(tag), "f3ffc7703f9400e52a7dfb4b3d3305d9");
        assert_eq!(
            hex::encode(&content[..32]),
            "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a"
        );
    }
}
