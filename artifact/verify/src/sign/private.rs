//! Private keys as files hold them: encrypted by Cosign, or plain as OpenSSL writes them.

use oci_artifact::limits::PRIVATE_KEY_BYTES;

use super::{SigningError, SigningKey, sealed};
use crate::{pem, reason::excerpt};

/// The label that Cosign writes now.
pub(super) const SEALED: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The label that it wrote.
const SEALED_BEFORE: &str = "ENCRYPTED COSIGN PRIVATE KEY";
/// The header of a block that OpenSSL encrypted itself.
const OPENSSL: &str = "Proc-Type: 4,ENCRYPTED";

/// A private key that was read.
#[derive(Debug)]
pub enum PrivateKey {
    /// It can be used.
    Plain(SigningKey),
    /// It needs a password.
    Sealed(SealedKey),
}

/// An encrypted key.
#[derive(Debug)]
pub struct SealedKey(sealed::Envelope);

impl PrivateKey {
    /// Reads the first block that is a private key; others, such as OpenSSL's parameters, may stand before it.
    pub fn read(bytes: &[u8]) -> Result<Self, SigningError> {
        if bytes.len() > PRIVATE_KEY_BYTES {
            return Err(SigningError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SigningError::NoPem)?;
        let is_private = |block: &pem::Block<'_>| block.label.ends_with("PRIVATE KEY");
        let Some(block) = pem::blocks(text).find(is_private) else {
            let first = pem::blocks(text).next().ok_or(SigningError::NoPem)?;
            return Err(match first.label {
                label if label.ends_with("PUBLIC KEY") => SigningError::PublicKey,
                label => SigningError::Label(excerpt(label)),
            });
        };
        if text.contains(OPENSSL) {
            return Err(SigningError::Foreign);
        }
        let der = block.bytes.ok_or(SigningError::Base64)?;
        match block.label {
            SEALED | SEALED_BEFORE => Ok(Self::Sealed(SealedKey(sealed::Envelope::read(&der)?))),
            "PRIVATE KEY" => SigningKey::from_pkcs8(&der).map(Self::Plain),
            "EC PRIVATE KEY" => SigningKey::from_sec1(&der).map(Self::Plain),
            "RSA PRIVATE KEY" => SigningKey::from_pkcs1(&der).map(Self::Plain),
            "ENCRYPTED PRIVATE KEY" => Err(SigningError::Foreign),
            label => Err(SigningError::Label(excerpt(label))),
        }
    }
}

impl SealedKey {
    /// Takes a tenth of a second or three, on purpose.
    pub fn open(&self, password: &[u8]) -> Result<SigningKey, SigningError> {
        SigningKey::from_pkcs8(&self.0.open(password)?)
    }
}
