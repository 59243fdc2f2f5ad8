//! Authorities and logs, and the verification of what they say.

use std::{collections::HashSet, fmt};

use jiff::Timestamp;
use oci_artifact::{
    limits::{AUTHORITIES, LOG_ENTRIES},
    name::{Algorithm, Digest},
};
use sigstore_verify::{
    SubjectAltName, VerificationPolicy, VerificationResult, Verifier,
    trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot},
    types::{Artifact, ArtifactDigest, HashAlgorithm, KindVersion, TransparencyLogEntry, TsaAuthority},
};

use super::{Signed, faults};
use crate::{
    Part, Reason, TrustRootError,
    certificate::{self, Window},
    reason::excerpt,
};

/// Spellings of the versions of `trusted_root.json`.
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// A trust root, ready for use.
pub(crate) struct Root {
    verifier: Verifier,
    policy: VerificationPolicy,
    stampers: Vec<TsaAuthority>,
    logs: HashSet<Vec<u8>>,
    logs_certificates: bool,
}

/// What was proven about a signature.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// Who vouches for the signer.
    pub(crate) issuer: String,
    /// Who that is.
    pub(crate) subject: String,
    /// The earliest time that somebody trusted says.
    pub(crate) when: Timestamp,
    /// Whether a log has or promised to have it.
    pub(crate) logged: bool,
    /// Whether a log has the certificate.
    pub(crate) certificate_logged: bool,
    /// Whether an authority stamped it.
    pub(crate) timestamped: bool,
}

impl Root {
    /// The root of the public Sigstore, as it was when this program was built.
    pub(crate) fn public() -> &'static str {
        SIGSTORE_PRODUCTION_TRUSTED_ROOT
    }

    /// Reads a `trusted_root.json` whose size and keys were looked at.
    pub(crate) fn parse(text: &str) -> Result<Self, TrustRootError> {
        let unusable = |error: &dyn fmt::Display| TrustRootError::Unusable(excerpt(&error.to_string()));
        let root = TrustedRoot::from_json(text).map_err(|error| unusable(&error))?;
        if !MEDIA_TYPES.contains(&root.media_type.as_str()) {
            return Err(TrustRootError::MediaType(excerpt(&root.media_type)));
        }
        let sizes = [
            root.certificate_authorities.len(),
            root.tlogs.len(),
            root.ctlogs.len(),
            root.timestamp_authorities.len(),
        ];
        if sizes.iter().any(|size| *size > AUTHORITIES) {
            return Err(TrustRootError::TooMany);
        }
        if root.certificate_authorities.is_empty() {
            return Err(TrustRootError::NoAuthority);
        }
        if root.tlogs.is_empty() && root.timestamp_authorities.is_empty() {
            return Err(TrustRootError::NoTime);
        }
        let mut policy = VerificationPolicy::any_identity();
        let logs_certificates = !root.ctlogs.is_empty();
        if !logs_certificates {
            policy = policy.skip_sct();
        }
        // Without a log the time is an authority's: that there is one is asked for in any case.
        if root.tlogs.is_empty() {
            policy = policy.skip_tlog_unsafe();
        }
        let logs = root.tlogs.iter().map(|log| log.log_id.key_id.as_bytes().to_vec()).collect();
        let verifier = Verifier::new(&root).map_err(|error| unusable(&error))?;
        Ok(Self { verifier, policy, stampers: root.tsa_authorities(), logs, logs_certificates })
    }

    /// Whether it has a log of signatures.
    pub(crate) fn has_logs(&self) -> bool {
        !self.logs.is_empty()
    }

    /// Verifies a legacy signature over its payload.
    pub(crate) fn verify_payload(
        &self,
        signed: &Signed,
        payload: &[u8],
        now: Timestamp,
    ) -> Result<Evidence, Reason> {
        self.verify(signed, Artifact::from_blob(payload), now)
    }

    /// Verifies an envelope about an artifact.
    pub(crate) fn verify_statement(
        &self,
        signed: &Signed,
        artifact: &Digest,
        now: Timestamp,
    ) -> Result<Evidence, Reason> {
        for entry in signed.entries() {
            if entry.inclusion_proof.is_none() {
                return Err(Reason::NoLogProof);
            }
        }
        let algorithm = match artifact.algorithm() {
            Algorithm::Sha256 => HashAlgorithm::Sha2256,
            Algorithm::Sha512 => HashAlgorithm::Sha2512,
        };
        let unreadable = |error: &dyn fmt::Display| Reason::Unsupported(excerpt(&error.to_string()));
        let value = hex::decode(artifact.hex()).map_err(|error| unreadable(&error))?;
        let artifact = ArtifactDigest::new(algorithm, value).map_err(|error| unreadable(&error))?;
        self.verify(signed, Artifact::from_digest(artifact), now)
    }

    /// Everything but the identity: that is a claim of the evidence, for the policy to judge.
    fn verify(&self, signed: &Signed, artifact: Artifact<'_>, now: Timestamp) -> Result<Evidence, Reason> {
        let leaf = certificate::Leaf::parse(signed.certificate()?)?;
        leaf.check_usage()?;
        self.check_entries(signed, leaf.window(), now)?;
        let result = self
            .verifier
            .verify(artifact, &signed.0, &self.policy)
            .map_err(|error| self.explain(signed, faults::reason(&error), leaf.window(), now))?;
        self.conclude(signed, &result, leaf.window(), now)
    }

    /// What can be said of log entries before anything is verified. It only ever refuses, so claims will do.
    fn check_entries(&self, signed: &Signed, window: Window, now: Timestamp) -> Result<(), Reason> {
        let too_many = |part| Reason::TooLarge { part, limit: LOG_ENTRIES };
        let entries = signed.entries();
        if entries.len() > LOG_ENTRIES {
            return Err(too_many(Part::LogEntry));
        }
        if signed.timestamps() > LOG_ENTRIES {
            return Err(too_many(Part::Timestamp));
        }
        if entries.is_empty() && self.has_logs() {
            return Err(Reason::NoLogEntry);
        }
        for entry in entries {
            self.check_log(entry)?;
            if let Some(time) = entry.integrated_time {
                window.check(time, now)?;
            }
        }
        Ok(())
    }

    /// The first version names its log where the log signs it; the second by its checkpoint, which is verified.
    fn check_log(&self, entry: &TransparencyLogEntry) -> Result<(), Reason> {
        let log = entry.log_id.key_id.as_bytes();
        if entry.kind_version != KindVersion::HashedRekordV002 && !self.logs.contains(log) {
            return Err(Reason::UnknownLog(excerpt(&hex::encode(log))));
        }
        Ok(())
    }

    /// An untrusted chain may be one that did not hold at the time of a timestamp, which is known only when that was
    /// verified: then this is the reason.
    fn explain(&self, signed: &Signed, reason: Reason, window: Window, now: Timestamp) -> Reason {
        if !matches!(reason, Reason::Chain(_)) {
            return reason;
        }
        let times = signed.stamped(&self.stampers);
        times.into_iter().find_map(|time| window.check(time, now).err()).unwrap_or(reason)
    }

    fn conclude(
        &self,
        signed: &Signed,
        result: &VerificationResult,
        window: Window,
        now: Timestamp,
    ) -> Result<Evidence, Reason> {
        let times = result.verified_timestamps();
        for time in times {
            window.check(*time, now)?;
        }
        let when = times.iter().min().copied().ok_or(Reason::NoTime)?;
        let issuer = certificate::claim("issuer", result.issuer())?;
        let subject = result.identity().map(SubjectAltName::as_str);
        let subject = certificate::claim("subject that is an e-mail address or a URI", subject)?;
        Ok(Evidence {
            issuer,
            subject,
            when,
            logged: self.has_logs(),
            certificate_logged: self.logs_certificates && result.sct_verified(),
            timestamped: signed.timestamps() > 0,
        })
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({} logs)", self.logs.len())
    }
}
