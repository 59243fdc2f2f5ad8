//! The size of an RSA key.

use x509_cert::der::{self, Decode as _, Reader as _, SliceReader, asn1::UintRef};

/// The bits of the modulus of an `RSAPublicKey` (RFC 8017).
pub(crate) fn bits(pkcs1: &[u8]) -> der::Result<usize> {
    let modulus = |reader: &mut SliceReader<'_>| {
        reader.sequence(|reader| {
            let modulus = UintRef::decode(reader)?;
            UintRef::decode(reader)?;
            let first = modulus.as_bytes().first().map_or(8, |byte| byte.leading_zeros() as usize);
            Ok(modulus.as_bytes().len() * 8 - first)
        })
    };
    let mut reader = SliceReader::new(pkcs1)?;
    let bits = modulus(&mut reader)?;
    reader.finish(bits)
}
