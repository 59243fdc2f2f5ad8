//! What a failed check means: the levels of a trust policy.
//!
//! Specification: `trust-store-trust-policy.md` of the Notary Project, "Signature Verification details".

use std::fmt;

use serde::Deserialize;

/// A group of checks that a level treats alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// What was signed, and that it is unchanged.
    Integrity,
    /// Who signed it.
    Authenticity,
    /// When it was signed.
    AuthenticTimestamp,
    /// Until when the signer lets it be used.
    Expiry,
    /// Whether a certificate was taken back.
    Revocation,
}

/// What becomes of a signature that fails a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// It does not count.
    Enforce,
    /// It counts, and what failed is told.
    Log,
    /// The check is not made.
    Skip,
}

/// Which failed checks a statement lets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// As the statement names it, whatever it overrides.
    name: &'static str,
    authenticity: Action,
    timestamp: Action,
    expiry: Action,
    revocation: Action,
}

impl Level {
    /// The level of that name; `skip` is none, because nothing is looked at.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (name, authenticity, others) = match name {
            "strict" => ("strict", Action::Enforce, Action::Enforce),
            "permissive" => ("permissive", Action::Enforce, Action::Log),
            "audit" => ("audit", Action::Log, Action::Log),
            _ => return None,
        };
        Some(Self { name, authenticity, timestamp: others, expiry: others, revocation: others })
    }

    /// The level with another action for a check. Integrity is always enforced, and only revocation can be left out.
    pub(super) fn overridden(mut self, check: Check, action: Action) -> Result<Self, &'static str> {
        if action == Action::Skip && check != Check::Revocation {
            return Err("cannot be skipped");
        }
        match check {
            Check::Integrity => return Err("cannot be overridden"),
            Check::Authenticity => self.authenticity = action,
            Check::AuthenticTimestamp => self.timestamp = action,
            Check::Expiry => self.expiry = action,
            Check::Revocation => self.revocation = action,
        }
        Ok(self)
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    pub(super) fn action(self, check: Check) -> Action {
        match check {
            Check::Integrity => Action::Enforce,
            Check::Authenticity => self.authenticity,
            Check::AuthenticTimestamp => self.timestamp,
            Check::Expiry => self.expiry,
            Check::Revocation => self.revocation,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integrity => "integrity",
            Self::Authenticity => "authenticity",
            Self::AuthenticTimestamp => "authenticTimestamp",
            Self::Expiry => "expiry",
            Self::Revocation => "revocation",
        })
    }
}
