//! A policy of Notation: the entries of a Secret, read once.

use oci_artifact::limits::{CERTIFICATE_BYTES, TRUSTED_CERTIFICATES};
use x509_cert::der::{Reader as _, SliceReader};

use super::{
    certificate::Certificate,
    error::{CertificateError, CertificateFault, TrustPolicyError},
    trust_policy::TrustPolicy,
};
use crate::{pem, reason::excerpt};

/// The entry with the trust policy.
const TRUST_POLICY: &str = "trustpolicy.json";
/// What the names of entries with certificates end in.
const ENDINGS: [&str; 2] = [".crt", ".pem"];

/// Whose Notation signature counts, for which repository.
///
/// As in Flux the certificates of the Secret answer for every store that the trust policy names, whatever its type.
#[derive(Clone, Debug)]
pub struct NotationPolicy {
    pub(super) trust_policy: TrustPolicy,
    pub(super) certificates: Vec<Certificate>,
    faults: Vec<CertificateFault>,
}

impl NotationPolicy {
    /// Reads the entries of a Secret: `trustpolicy.json`, and the certificates in `*.crt` and `*.pem`.
    ///
    /// Entries with certificates are read in the order of their names; one that cannot be used is told and stops no
    /// other. As with Go's reader one without PEM is DER, and of several PEM blocks the first counts.
    pub fn read<'a>(
        entries: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, TrustPolicyError> {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_unstable();
        let document = entries.iter().find(|(name, _)| *name == TRUST_POLICY);
        let (_, document) = document.ok_or(TrustPolicyError::Missing)?;
        let certificates =
            entries.iter().filter(|(name, _)| ENDINGS.iter().any(|ending| name.ends_with(ending)));
        Self::new(document, certificates.copied())
    }

    /// Reads a trust policy, and certificates of these names.
    pub fn new<'a>(
        trust_policy: &[u8],
        certificates: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, TrustPolicyError> {
        let trust_policy = TrustPolicy::parse(trust_policy)?;
        let mut policy = Self { trust_policy, certificates: Vec::new(), faults: Vec::new() };
        for (name, bytes) in certificates {
            policy.add(name, bytes);
        }
        Ok(policy)
    }

    /// What could not be used, and why.
    pub fn faults(&self) -> &[CertificateFault] {
        &self.faults
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let mut fault = |error| self.faults.push(CertificateFault { name: excerpt(name), error });
        let (der, unread) = match unpack(bytes) {
            Ok(unpacked) => unpacked,
            Err(error) => return fault(error),
        };
        if unread > 0 {
            fault(CertificateError::Unread(unread));
        }
        match certificates(&der) {
            Ok(found) if self.certificates.len() + found.len() > TRUSTED_CERTIFICATES => {
                fault(CertificateError::TooMany);
            }
            Ok(found) => self.certificates.extend(found),
            Err(error) => fault(error),
        }
    }
}

/// The DER of an entry, and how many PEM blocks are behind it.
fn unpack(bytes: &[u8]) -> Result<(Vec<u8>, usize), CertificateError> {
    if bytes.len() > CERTIFICATE_BYTES {
        return Err(CertificateError::TooLarge);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok((bytes.to_vec(), 0)) };
    let mut blocks = pem::blocks(text);
    let Some(block) = blocks.next() else { return Ok((bytes.to_vec(), 0)) };
    if block.label != "CERTIFICATE" {
        return Err(CertificateError::Label(excerpt(block.label)));
    }
    let der = block.bytes.ok_or(CertificateError::Broken)?;
    Ok((der, blocks.count()))
}

/// The certificates that stand one behind the other.
fn certificates(der: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
    let malformed = |fault: &dyn std::fmt::Display| CertificateError::Malformed(excerpt(&fault.to_string()));
    let mut reader = SliceReader::new(der).map_err(|error| malformed(&error))?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        if found.len() == TRUSTED_CERTIFICATES {
            return Err(CertificateError::TooMany);
        }
        let one = reader.tlv_bytes().map_err(|error| malformed(&error))?;
        found.push(Certificate::parse(one).map_err(|error| malformed(&error))?);
    }
    if found.is_empty() { Err(malformed(&"it is empty")) } else { Ok(found) }
}
