//! A new pair of keys.

use std::fmt;

use super::{SigningError, SigningKey, private, sealed};
use crate::pem;

/// The two files of a new key, as `cosign generate-key-pair` writes them.
pub struct KeyPair {
    /// `cosign.key`, encrypted with the password.
    pub private_pem: String,
    /// `cosign.pub`
    pub public_pem: String,
}

impl KeyPair {
    /// A new key, ECDSA on P-256.
    pub fn generate(password: &[u8]) -> Result<Self, SigningError> {
        let (key, pkcs8) = SigningKey::generate()?;
        let envelope = sealed::seal(&pkcs8, password)?;
        Ok(Self { private_pem: pem::write(private::SEALED, &envelope), public_pem: key.public_pem() })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair")
    }
}
