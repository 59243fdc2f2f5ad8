//! Signed tokens, RFC 7515 and RFC 7518 §3.4: ES256, with the certificate of the key in `x5c`.

use std::fmt;

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use rcgen::{KeyPair, SigningKey as _};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};

use crate::tls::Tls;

/// Bytes of each of the two numbers of a signature.
const HALF: usize = 32;

/// A key and its certificate.
pub(super) struct Signer {
    tls: Tls,
    key: KeyPair,
    /// The certificate as a header has it.
    x5c: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    pub(super) fn new() -> Self {
        let tls = Tls::new();
        let key = KeyPair::from_pem(&tls.server_key_pem).unwrap();
        let x5c =
            BASE64_STANDARD.encode(CertificateDer::from_pem_slice(tls.server_cert_pem.as_bytes()).unwrap());
        Self { tls, key, x5c }
    }

    pub(super) fn ca_pem(&self) -> &str {
        &self.tls.ca_pem
    }

    /// The compact form.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [self.x5c] });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = fixed(&self.key.sign(text.as_bytes()).unwrap()).unwrap();
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The two numbers of an ECDSA signature one after the other, from DER, where they are without leading zeros and with
/// one before a set high bit. `None` if it is no such signature.
fn fixed(der: &[u8]) -> Option<[u8; 2 * HALF]> {
    // Below 128 bytes a length is one byte.
    let [0x30, length, rest @ ..] = der else { return None };
    let mut rest = (rest.len() == usize::from(*length)).then_some(rest)?;
    let mut out = [0; 2 * HALF];
    for half in out.chunks_exact_mut(HALF) {
        let [0x02, length, tail @ ..] = rest else { return None };
        let (number, tail) = tail.split_at_checked(usize::from(*length))?;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        half.get_mut(HALF.checked_sub(number.len())?..)?.copy_from_slice(number);
        rest = tail;
    }
    rest.is_empty().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_signature_get_their_places() {
        let mut wanted = [0; 64];
        (wanted[31], wanted[62], wanted[63]) = (5, 0x80, 1);
        let der = [0x30, 8, 2, 1, 5, 2, 3, 0, 0x80, 1];
        assert_eq!(fixed(&der), Some(wanted));
    }

    #[test]
    fn broken_signatures_are_none() {
        for der in [
            &[][..],
            &[0x30, 0],
            &[0x30, 3, 2, 1, 5],
            &[0x30, 7, 2, 1, 5, 2, 1, 6, 9],
            &[0x30, 4, 2, 9, 1, 1],
        ] {
            assert_eq!(fixed(der), None, "{der:?}");
        }
        let long = [&[0x30, 38, 2, 33][..], &[1; 33], &[2, 1, 1]].concat();
        assert_eq!(fixed(&long), None);
    }
}
