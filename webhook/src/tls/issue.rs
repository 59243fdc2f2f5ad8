//! What to do next about self-issued certificates: a pure function of what is held, what is published and the time.
//!
//! All replicas run it at the same time. That needs no leader: every step but publishing writes the one Secret on the
//! condition that nobody else did, and publishing writes what the Secret says.
//!
//! The order when the authority changes is what keeps everybody served: first the new one stands beside the old one in
//! the bundle, then the bundle is published wherever it is trusted, and only then is a certificate issued from the new
//! one. An authority leaves the bundle when it has ended.

use std::time::Duration;

use jiff::Timestamp;

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Of a certificate.
    pub leaf: Duration,
    /// Of an authority.
    pub authority: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { leaf: Duration::from_hours(30 * 24), authority: Duration::from_hours(365 * 24) }
    }
}

impl Lifetimes {
    /// How long before they are made certificates hold already, for clients whose clocks are behind.
    pub fn backdate(&self) -> Duration {
        Duration::from_hours(1).min(self.leaf / 10)
    }

    /// How long after it was published API servers may still use the bundle before.
    pub fn settling(&self) -> Duration {
        Duration::from_mins(1).min(self.leaf / 30)
    }
}

/// From when until when something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub from: Timestamp,
    /// Until, exclusively.
    pub until: Timestamp,
}

impl Span {
    fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// Whether two thirds are over.
    fn is_due(&self, now: Timestamp) -> bool {
        let whole = self.until.as_second().saturating_sub(self.from.as_second());
        now.as_second() >= self.from.as_second().saturating_add(whole.saturating_mul(2) / 3)
    }
}

/// What is known about the certificate that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When it holds.
    pub span: Span,
    /// Which authority of the bundle signed it; `None` if none did.
    pub issuer: Option<usize>,
    /// Whether it is for all names that are wanted.
    pub names: bool,
}

/// What is known when a step is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The authorities of the bundle, the newest first.
    pub authorities: Vec<Span>,
    /// The one whose key is held.
    pub signer: Option<usize>,
    /// The certificate, if there is one that can be served.
    pub leaf: Option<Leaf>,
    /// Whether the bundle is published everywhere.
    pub published: bool,
}

/// Why a certificate is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is none, or none that can be used.
    Missing,
    /// It has ended.
    Ended,
    /// Two thirds of its time are over.
    Due,
    /// It lacks a name that is wanted.
    Names,
    /// It is signed by an authority that is being replaced.
    Authority,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make authority and certificate: nothing can be kept.
    Begin(Reason),
    /// Put a new authority in front of the bundle; the certificate stays.
    Extend(Reason),
    /// Issue a certificate.
    Renew(Reason),
    /// Take authorities that have ended out of the bundle.
    Trim,
    /// Write the bundle where it differs.
    Publish,
    /// Nothing.
    Wait,
}

/// The next step.
pub fn next(facts: &Facts, lifetimes: &Lifetimes, now: Timestamp) -> Step {
    let span = |index: usize| facts.authorities.get(index).copied();
    let issuer = facts.leaf.and_then(|leaf| leaf.issuer).and_then(span);
    let leaf = facts
        .leaf
        .filter(|leaf| !leaf.span.has_ended(now) && issuer.is_some_and(|issuer| !issuer.has_ended(now)));
    let signer = match facts.signer.and_then(span) {
        None => Err(Reason::Missing),
        Some(signer) if signer.has_ended(now) => Err(Reason::Ended),
        Some(signer) if signer.is_due(now) => Err(Reason::Due),
        Some(signer) => Ok(signer),
    };
    let (signer, leaf) = match (signer, leaf) {
        (Ok(signer), Some(leaf)) => (signer, leaf),
        (Err(reason), Some(_)) => return Step::Extend(reason),
        (Err(reason), None) => return Step::Begin(reason),
        (Ok(_), None) => {
            let ended = facts.leaf.is_some_and(|leaf| leaf.span.has_ended(now));
            return Step::Renew(if ended { Reason::Ended } else { Reason::Missing });
        }
    };
    if facts.authorities.iter().any(|authority| authority.has_ended(now)) {
        return Step::Trim;
    }
    let same = leaf.issuer == facts.signer;
    if same && leaf.span.is_due(now) {
        return Step::Renew(Reason::Due);
    }
    if same && !leaf.names {
        return Step::Renew(Reason::Names);
    }
    if !facts.published {
        return Step::Publish;
    }
    let wait = lifetimes.backdate() + lifetimes.settling();
    let settled = signer.from.checked_add(wait).is_ok_and(|settled| now >= settled);
    if !same && settled { Step::Renew(Reason::Authority) } else { Step::Wait }
}
