//! A certificate of a chain or of a policy.

use oci_artifact::name::Digest;
use x509_cert::{
    der::{Decode as _, Reader as _, SliceReader, asn1::ObjectIdentifier, oid::AssociatedOid},
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
    name::Name,
    spki::SubjectPublicKeyInfoOwned,
};

use super::{NotationReason, key};
use crate::{Part, Reason, certificate::Window, reason::excerpt};

/// Extensions that are understood, or mean nothing for signatures. All others must not be critical (RFC 5280, 4.2).
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    BasicConstraints::OID,
    KeyUsage::OID,
    ExtendedKeyUsage::OID,
    // The names of a subject: trust policies compare its distinguished name.
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    // Policies under which it was issued.
    ObjectIdentifier::new_unwrap("2.5.29.32"),
];

/// A certificate.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    parsed: x509_cert::Certificate,
    window: Window,
}

impl Certificate {
    pub(super) fn parse(der: &[u8]) -> Result<Self, Reason> {
        let malformed =
            |error: &dyn std::fmt::Display| Reason::malformed(Part::Certificate, &error.to_string());
        let parsed = x509_cert::Certificate::from_der(der).map_err(|error| malformed(&error))?;
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            return Err(malformed(&"it names two algorithms"));
        }
        // What was signed are the bytes as they came, not as they would be written.
        let signed = SliceReader::new(der).and_then(|mut reader| {
            reader.sequence(|reader| {
                let signed = reader.tlv_bytes()?.to_vec();
                while !reader.is_finished() {
                    reader.tlv_bytes()?;
                }
                Ok(signed)
            })
        });
        let window = Window::of(&parsed)?;
        Ok(Self { der: der.to_vec(), signed: signed.map_err(|error| malformed(&error))?, parsed, window })
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.der)
    }

    pub(super) fn window(&self) -> Window {
        self.window
    }

    pub(super) fn key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.parsed.tbs_certificate.subject_public_key_info
    }

    pub(super) fn subject(&self) -> &Name {
        &self.parsed.tbs_certificate.subject
    }

    pub(super) fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    /// Whose it is, for people.
    pub(super) fn whose(&self) -> String {
        excerpt(&self.subject().to_string())
    }

    /// A fault of its use.
    pub(super) fn usage(&self, fault: &'static str) -> NotationReason {
        NotationReason::Usage { certificate: self.whose(), fault }
    }

    /// Whether `issuer` issued it: by name, and by signature.
    pub(super) fn is_issued_by(&self, issuer: &Self) -> bool {
        let made = || {
            let algorithm = &self.parsed.signature_algorithm;
            let signature = self.parsed.signature.raw_bytes();
            key::made(algorithm, None, issuer.key(), &self.signed, signature).unwrap_or(false)
        };
        self.parsed.tbs_certificate.issuer == *issuer.subject() && made()
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.is_issued_by(self)
    }

    /// An extension, and whether it is critical.
    pub(super) fn extension<'a, T: x509_cert::der::Decode<'a> + AssociatedOid>(
        &'a self,
    ) -> Result<Option<(bool, T)>, NotationReason> {
        let found = self.parsed.tbs_certificate.get::<T>();
        found.map_err(|_| self.usage("has an extension that cannot be read, or has it twice"))
    }

    /// Whether it has an extension of that number.
    pub(super) fn has(&self, oid: ObjectIdentifier) -> bool {
        self.extensions().any(|extension| extension.extn_id == oid)
    }

    /// Refuses what must be understood and is not.
    pub(super) fn check_extensions(&self) -> Result<(), NotationReason> {
        let unknown = self.extensions().find(|one| one.critical && !UNDERSTOOD.contains(&one.extn_id));
        match unknown {
            Some(extension) => Err(NotationReason::Extension {
                certificate: self.whose(),
                oid: extension.extn_id.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn extensions(&self) -> impl Iterator<Item = &x509_cert::ext::Extension> {
        self.parsed.tbs_certificate.extensions.iter().flatten()
    }
}
