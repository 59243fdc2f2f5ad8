//! The order of Notation's checks, and what becomes of those that fail.
//!
//! Specification: `trust-store-trust-policy.md` of the Notary Project, "Signature Evaluation".

use jiff::Timestamp;
use oci_artifact::{
    limits::{SIGNATURE_BYTES, SIGNATURES},
    manifest::Descriptor,
    name::Repository,
};

use super::{
    NotationPolicy, NotationReason,
    certificate::Certificate,
    chain::{self, Purpose},
    cose,
    envelope::{Envelope, Scheme},
    identity::Subject,
    jws,
    key::Algorithm,
    level::{Action, Check},
    payload, revocation, token,
    trust_policy::{Identities, Rules, Statement, StoreType},
};
use crate::{
    About, Blob, By, Format, How, Ignored, LetPass, Log, Material, Part, Reason, Refusal, Rejected, Verdict,
    Verified, engine::check_blob, material::Outages, reason::excerpt,
};

/// The media type of an envelope of JSON.
pub const NOTATION_JWS_TYPE: &str = "application/jose+json";
/// The media type of an envelope of CBOR.
pub const NOTATION_COSE_TYPE: &str = "application/cose";

/// Whether the policy has a Notation signature of the artifact in that repository: the first one that counts.
///
/// `artifact` is the descriptor of the manifest that is then fetched. Where the policy skips verification, or lets pass
/// that nobody trusted signed it, the verdict is [`Verdict::Ignored`]. Of the material only what is Notation's counts.
pub fn verify_notation(
    policy: &NotationPolicy,
    repository: &Repository,
    artifact: &Descriptor,
    material: &Material,
    now: Timestamp,
) -> Verdict {
    let (statement, rules) = match policy.rules(repository) {
        Ok(known) => known,
        Err(verdict) => return *verdict,
    };
    let mut refused = policy.refusals();
    let mut outages = Outages::default();
    let found = outages.here(&material.notation);
    outages.missed(&material.missed);
    let mut ignored = None;
    for blob in found.iter().take(SIGNATURES) {
        let judge = Judge { policy, statement, rules, now, let_pass: Vec::new() };
        match judge.verify(artifact, blob) {
            Ok(accepted) if accepted.authentic => {
                return Verdict::Verified(accepted.verified(rules.level.name(), refused));
            }
            Ok(accepted) => ignored = ignored.or(Some(accepted.let_pass)),
            Err(reason) => refused.push(Refusal { about: about(blob), reason }),
        }
    }
    refused.extend(material.refused.iter().cloned());
    if let Some(let_pass) = ignored {
        return Verdict::Ignored(Ignored { statement: statement.name.clone(), let_pass, refused });
    }
    let unseen = found.len().saturating_sub(SIGNATURES).saturating_add(material.more);
    let nothing = found.is_empty() && material.refused.is_empty() && unseen == 0;
    outages.verdict(nothing, Rejected { refused, unseen })
}

fn about(blob: &Blob) -> About {
    let format = Format::of_notation(&blob.media_type);
    About::Signature { format, digest: blob.digest.clone() }
}

impl Format {
    /// The format of an envelope.
    pub(crate) fn of_notation(media_type: &str) -> Self {
        match media_type {
            NOTATION_JWS_TYPE => Self::NotationJws,
            NOTATION_COSE_TYPE => Self::NotationCose,
            _ => Self::Notation,
        }
    }
}

impl NotationPolicy {
    /// What the policy alone comes to, whatever the signatures of the repository are: it skips verification, or cannot be
    /// fulfilled.
    pub(crate) fn without_signatures(&self, repository: &Repository) -> Option<Verdict> {
        self.rules(repository).err().map(|verdict| *verdict)
    }

    /// The statement about a repository, and its rules if there is something to verify.
    fn rules(&self, repository: &Repository) -> Result<(&Statement, &Rules), Box<Verdict>> {
        let mut refused = self.refusals();
        let mut refuse = |reason: NotationReason| {
            refused.push(Refusal { about: About::Policy, reason: reason.into() });
            let rejected = Rejected { refused: std::mem::take(&mut refused), unseen: 0 };
            Box::new(Verdict::Rejected(rejected))
        };
        let Some(statement) = self.trust_policy.about(repository) else {
            return Err(refuse(NotationReason::NoStatement(excerpt(&repository.to_string()))));
        };
        match &statement.rules {
            None => {
                let statement = statement.name.clone();
                let ignored = Ignored { statement, let_pass: Vec::new(), refused };
                Err(Box::new(Verdict::Ignored(ignored)))
            }
            Some(_) if self.certificates.is_empty() => Err(refuse(NotationReason::NoCertificates)),
            Some(rules) => Ok((statement, rules)),
        }
    }

    fn refusals(&self) -> Vec<Refusal> {
        let refusal = |fault: &super::CertificateFault| Refusal {
            about: About::Certificate(fault.name.clone()),
            reason: NotationReason::from(fault.error.clone()).into(),
        };
        self.faults().iter().map(refusal).collect()
    }
}

/// A signature that counts, or is let pass.
struct Accepted {
    by: By,
    when: Option<Timestamp>,
    how: How,
    /// Whether who signed it was proven, not let pass.
    authentic: bool,
    let_pass: Vec<LetPass>,
}

impl Accepted {
    fn verified(self, level: &'static str, refused: Vec<Refusal>) -> Verified {
        let Self { by, when, how, let_pass, .. } = self;
        Verified { by, when, how, refused, level: Some(level), let_pass }
    }
}

/// One signature under one statement.
struct Judge<'a> {
    policy: &'a NotationPolicy,
    statement: &'a Statement,
    rules: &'a Rules,
    now: Timestamp,
    let_pass: Vec<LetPass>,
}

/// A signature whose integrity was proven.
struct Whole {
    envelope: Envelope,
    chain: Vec<Certificate>,
    scheme: Scheme,
    format: Format,
}

impl Judge<'_> {
    fn verify(mut self, artifact: &Descriptor, blob: &Blob) -> Result<Accepted, Reason> {
        let whole = integrity(artifact, blob)?;
        let (leaf, chain, scheme) = (&whole.chain.first(), &whole.chain, whole.scheme);
        let leaf = leaf.ok_or(Reason::Missing(Part::Certificate))?;
        let trusted = self.trusted(chain, scheme).and_then(|()| self.identity(leaf));
        let authentic = trusted.is_ok();
        self.judge(Check::Authenticity, trusted)?;
        self.judge(Check::Expiry, self.expiry(&whole))?;
        let time = self.time(&whole);
        let stamp = time.as_ref().ok().copied().flatten();
        self.judge(Check::AuthenticTimestamp, time.map(drop))?;
        self.judge(Check::Revocation, revocation::check(chain).map_err(Reason::from))?;
        let by = By::Certificate { subject: leaf.whose(), digest: leaf.digest() };
        let timestamped = stamp.is_some() && scheme == Scheme::X509;
        let how = How { format: whole.format, log: Log::Unasked, certificate_logged: false, timestamped };
        Ok(Accepted { by, when: stamp, how, authentic, let_pass: self.let_pass })
    }

    /// What the level makes of a check.
    fn judge(&mut self, check: Check, result: Result<(), Reason>) -> Result<(), Reason> {
        match (result, self.rules.level.action(check)) {
            (Ok(()), _) | (Err(_), Action::Skip) => Ok(()),
            (Err(reason), Action::Enforce) => Err(reason),
            (Err(reason), Action::Log) => {
                self.let_pass.push(LetPass { check, reason });
                Ok(())
            }
        }
    }

    /// Some certificate of the chain is one of the policy's, byte for byte.
    fn trusted(&self, chain: &[Certificate], scheme: Scheme) -> Result<(), Reason> {
        let (store, kind) = match scheme {
            Scheme::X509 => (StoreType::Authority, "ca"),
            Scheme::SigningAuthority { .. } => (StoreType::SigningAuthority, "signingAuthority"),
        };
        if !self.rules.stores.contains(&store) {
            return Err(NotationReason::NoStore { statement: self.statement.name.clone(), kind }.into());
        }
        let certificates = &self.policy.certificates;
        let is_trusted = |one: &Certificate| certificates.iter().any(|trusted| trusted.der() == one.der());
        if chain.iter().any(is_trusted) {
            return Ok(());
        }
        let root = chain.last().map(Certificate::whose).unwrap_or_default();
        Err(NotationReason::Untrusted(root).into())
    }

    fn identity(&self, leaf: &Certificate) -> Result<(), Reason> {
        let Identities::OneOf(list) = &self.rules.identities else { return Ok(()) };
        let subject = Subject::of_certificate(leaf.subject()).map_err(NotationReason::from)?;
        if list.iter().any(|wanted| wanted.is_part_of(&subject)) {
            return Ok(());
        }
        Err(NotationReason::Identity(leaf.whose()).into())
    }

    fn expiry(&self, whole: &Whole) -> Result<(), Reason> {
        match whole.envelope.attributes.expiry {
            Some(expiry) if self.now >= expiry => Err(NotationReason::Expired(expiry).into()),
            _ => Ok(()),
        }
    }

    /// When it was signed, by somebody trusted. Without such a word the certificates must hold now.
    fn time(&self, whole: &Whole) -> Result<Option<Timestamp>, Reason> {
        let chain = &whole.chain;
        if let Scheme::SigningAuthority { at } = whole.scheme {
            if at > self.now {
                return Err(Reason::Future { at });
            }
            token::check_times(chain, at)?;
            return Ok(Some(at));
        }
        let expired = || chain.iter().any(|certificate| certificate.window().until() < self.now);
        let asked = self.rules.stores.contains(&StoreType::TimestampAuthority)
            && (!self.rules.timestamp_after_expiry || expired());
        if !asked {
            token::check_times(chain, self.now)?;
            return Ok(None);
        }
        let token = whole.envelope.timestamp.as_deref().ok_or(NotationReason::NoTimestamp)?;
        let stamp = token::verify(token, &whole.envelope.signature, &self.policy.certificates)?;
        if stamp.from() > self.now {
            return Err(Reason::Future { at: stamp.at });
        }
        token::check_times(chain, stamp.from())?;
        token::check_times(chain, stamp.until())?;
        Ok(Some(stamp.at))
    }
}

/// What no level lets pass: the signature is whole, made with the key of a sound chain, and about this artifact.
fn integrity(artifact: &Descriptor, blob: &Blob) -> Result<Whole, Reason> {
    if blob.bytes.len() > SIGNATURE_BYTES {
        return Err(Reason::TooLarge { part: Part::Signature, limit: SIGNATURE_BYTES });
    }
    check_blob(blob)?;
    let (envelope, format) = match blob.media_type.as_str() {
        NOTATION_JWS_TYPE => (jws::parse(&blob.bytes)?, Format::NotationJws),
        NOTATION_COSE_TYPE => (cose::parse(&blob.bytes)?, Format::NotationCose),
        other => return Err(Reason::MediaType(excerpt(other))),
    };
    let chain = envelope.chain.iter().map(|der| Certificate::parse(der)).collect::<Result<Vec<_>, _>>()?;
    let leaf = chain.first().ok_or(NotationReason::ChainLength(0))?;
    let algorithm = Algorithm::due(leaf.key())?;
    envelope.check_algorithm(algorithm)?;
    if !algorithm.made(leaf.key(), &envelope.signed, &envelope.signature) {
        return Err(Reason::Signature(algorithm.name().to_owned()));
    }
    let scheme = envelope.attributes.check()?;
    chain::check(&chain, Purpose::Artifacts)?;
    payload::check(&envelope.content_type, &envelope.payload, artifact)?;
    Ok(Whole { envelope, chain, scheme, format })
}
