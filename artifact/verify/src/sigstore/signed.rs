//! A signature with its evidence, in the shape that the verifier takes.

use jiff::Timestamp;
use sigstore_verify::{
    tsa::verify_timestamp_for_authority,
    types::{
        Bundle, CanonicalizedBody, DerCertificate, HashAlgorithm, InclusionPromise, KindVersion, LogId,
        LogIndex, LogKeyId, MediaType, MessageDigest, MessageSignature, Rfc3161Timestamp, SignatureBytes,
        SignatureContent, SignedTimestamp, TimestampToken, TimestampVerificationData, TransparencyLogEntry,
        TsaAuthority, VerificationMaterial, VerificationMaterialContent, X509Certificate,
    },
};

use crate::{Part, Reason, reason::excerpt};

/// A signature with its evidence. Nothing of it was verified.
#[derive(Debug)]
pub(crate) struct Signed(pub(super) Bundle);

/// What is said to have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer<'a> {
    /// The owner of this certificate.
    Certificate(&'a [u8]),
    /// Certificates, the first of which is the signer's.
    Chain,
    /// The owner of some key.
    Key,
}

/// What a log says, as a legacy signature has it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What was logged.
    pub(crate) body: Vec<u8>,
    /// Its kind, such as `hashedrekord`.
    pub(crate) kind: String,
    /// The version of the kind.
    pub(crate) version: String,
    /// When it was logged.
    pub(crate) time: Timestamp,
    /// Its place in the log.
    pub(crate) index: i64,
    /// The log.
    pub(crate) log: Vec<u8>,
    /// The log's signature over all this.
    pub(crate) promise: Vec<u8>,
}

/// A legacy signature of somebody with a certificate.
#[derive(Debug)]
pub(crate) struct LegacyParts {
    pub(crate) certificate: Vec<u8>,
    pub(crate) intermediates: Vec<Vec<u8>>,
    pub(crate) payload_sha256: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) entry: Option<Entry>,
    pub(crate) timestamp: Option<Vec<u8>>,
}

impl Signed {
    /// Reads a bundle. What the JSON must not have is refused before.
    pub(crate) fn from_json(text: &str) -> Result<Self, Reason> {
        Bundle::from_json(text).map(Self).map_err(|error| Reason::malformed(Part::Bundle, &error))
    }

    /// Rebuilds the bundle of version 0.1 that a legacy signature stands for. Without a promise of a log it would not be
    /// one; version 0.2 has a timestamp alone.
    pub(crate) fn from_legacy(parts: LegacyParts) -> Result<Self, Reason> {
        let media_type = if parts.entry.is_some() { MediaType::Bundle0_1 } else { MediaType::Bundle0_2 };
        let certificates = std::iter::once(parts.certificate).chain(parts.intermediates);
        let certificates = certificates.map(|der| X509Certificate::new(DerCertificate::new(der))).collect();
        let mut material =
            VerificationMaterial::new(VerificationMaterialContent::X509CertificateChain { certificates });
        if let Some(found) = parts.entry {
            material = material.with_tlog_entries(vec![entry(found)?]);
        }
        if let Some(token) = parts.timestamp {
            let token = Rfc3161Timestamp::new(TimestampToken::new(token));
            material = material.with_timestamp_verification_data(TimestampVerificationData::new(vec![token]));
        }
        let digest = MessageDigest::new(HashAlgorithm::Sha2256, parts.payload_sha256.into());
        let signature =
            MessageSignature::new(SignatureBytes::new(parts.signature)).with_message_digest(digest);
        Ok(Self(Bundle::new(media_type, material, SignatureContent::MessageSignature(signature))))
    }

    /// What is said to have signed.
    pub(crate) fn signer(&self) -> Result<Signer<'_>, Reason> {
        match &self.0.verification_material.content {
            VerificationMaterialContent::Certificate(certificate) => {
                Ok(Signer::Certificate(certificate.raw_bytes.as_bytes()))
            }
            VerificationMaterialContent::X509CertificateChain { .. } => Ok(Signer::Chain),
            VerificationMaterialContent::PublicKey(_) => Ok(Signer::Key),
            _ => Err(Reason::Unsupported("the kind of signer in the bundle".to_owned())),
        }
    }

    /// The envelope's payload type and payload.
    pub(crate) fn payload(&self) -> Result<(&str, &[u8]), Reason> {
        match &self.0.content {
            SignatureContent::DsseEnvelope(envelope) => {
                Ok((&envelope.payload_type, envelope.payload.as_bytes()))
            }
            _ => Err(Reason::MessageSignature),
        }
    }

    /// The bytes that an envelope's signature is over, and the signature.
    pub(crate) fn signature(&self) -> Result<(Vec<u8>, &[u8]), Reason> {
        match &self.0.content {
            SignatureContent::DsseEnvelope(envelope) => {
                Ok((envelope.pae(), envelope.signature.sig.as_bytes()))
            }
            _ => Err(Reason::MessageSignature),
        }
    }

    /// The signer's certificate.
    pub(super) fn certificate(&self) -> Result<&[u8], Reason> {
        let certificate = self.0.signing_certificate().ok_or(Reason::KeyForIdentities)?;
        Ok(certificate.as_bytes())
    }

    /// The log entries.
    pub(super) fn entries(&self) -> &[TransparencyLogEntry] {
        &self.0.verification_material.tlog_entries
    }

    /// How many timestamps there are.
    pub(super) fn timestamps(&self) -> usize {
        self.0.verification_material.timestamp_verification_data.rfc3161_timestamps.len()
    }

    /// The times that authorities put on the signature.
    pub(super) fn stamped(&self, authorities: &[TsaAuthority]) -> Vec<Timestamp> {
        let signature = match &self.0.content {
            SignatureContent::MessageSignature(message) => &message.signature,
            SignatureContent::DsseEnvelope(envelope) => &envelope.signature.sig,
            _ => return Vec::new(),
        };
        let tokens = &self.0.verification_material.timestamp_verification_data.rfc3161_timestamps;
        let time = |token: &Rfc3161Timestamp| {
            let verify =
                |authority| verify_timestamp_for_authority(&token.signed_timestamp, signature, authority);
            authorities.iter().find_map(|authority| verify(authority).ok())
        };
        tokens.iter().filter_map(time).collect()
    }
}

fn entry(found: Entry) -> Result<TransparencyLogEntry, Reason> {
    let kind = match (found.kind.as_str(), found.version.as_str()) {
        ("hashedrekord", "0.0.1") => KindVersion::HashedRekordV001,
        (kind, version) => {
            let name = excerpt(&format!("{kind} {version}"));
            return Err(Reason::Unsupported(format!("log entries of the kind {name}")));
        }
    };
    let index = LogIndex::try_from(found.index).map_err(|error| Reason::malformed(Part::LogEntry, &error))?;
    let log = LogId::new(LogKeyId::new(found.log));
    let entry = TransparencyLogEntry::new(index, log, kind, CanonicalizedBody::new(found.body));
    let promise = InclusionPromise::new(SignedTimestamp::new(found.promise));
    Ok(entry.with_integrated_time(found.time).with_inclusion_promise(promise))
}
