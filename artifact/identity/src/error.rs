//! Why an identity did not log in.

use std::time::Duration;

use oci_artifact::{Class, Classify, name::Host};
use oci_registry::{
    Fault, WireErrors,
    auth::{Passed, SourceError},
};

use crate::account::AccountFault;

/// Why an identity did not log in. Never contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// No place has an identity of this cloud.
    #[error("no identity of {cloud} was found: {}", listed(.passed))]
    Nothing {
        /// `aws`, `azure` or `gcp`.
        cloud: &'static str,
        /// Everything that was asked, and why it had none.
        passed: Vec<Passed>,
    },
    /// The registry is not one of this cloud's, so nothing of it is sent there.
    #[error("`{host}` is no registry of {cloud}: {expected}")]
    Host {
        /// `aws`, `azure` or `gcp`.
        cloud: &'static str,
        /// The registry.
        host: Host,
        /// What such registries are called.
        expected: &'static str,
    },
    /// A server said no.
    #[error("{doing}: {server} answered {status}{}", said(.errors))]
    Refused {
        /// What was attempted, as whom.
        doing: String,
        /// Its origin.
        server: String,
        /// The HTTP status.
        status: u16,
        /// Its own words.
        errors: WireErrors,
        /// What to do about it, where the words tell.
        hint: Option<&'static str>,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// A server's answer cannot be used.
    #[error("{doing}: {server} sent an unusable answer: {detail}")]
    Reply {
        /// What was attempted, as whom.
        doing: String,
        /// Its origin.
        server: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A server could not be asked.
    #[error("{doing}: {fault}")]
    Web {
        /// What was attempted, as whom.
        doing: String,
        /// Why it failed.
        fault: Box<Fault>,
    },
    /// A variable, a file or a program of this computer is not as it should be.
    #[error("{place}: {detail}")]
    Setting {
        /// The variable, the file or the program.
        place: String,
        /// What is wrong with it.
        detail: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// The account's annotations.
    #[error(transparent)]
    Account(#[from] AccountFault),
    /// The cluster did not give a token for the account.
    #[error("{0}")]
    Token(SourceError),
}

/// Codes that say that keys do not count any more, whatever their status.
const OVER: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"];

/// Codes of refusals that pass, whatever their status.
const PASSING: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "IDPCommunicationError",
];

impl IdentityError {
    /// Whether a service did not take what another gave: the next try begins with fresh access.
    pub(crate) fn is_about_access(&self) -> bool {
        match self {
            Self::Refused { status, errors, .. } => {
                *status == 401 || OVER.iter().any(|code| errors.has(code))
            }
            _ => false,
        }
    }
}

fn listed(passed: &[Passed]) -> String {
    passed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn said(errors: &WireErrors) -> String {
    if errors.is_empty() { String::new() } else { format!(": {errors}") }
}

impl Classify for IdentityError {
    fn reason(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "NoIdentity",
            Self::Host { .. } => "ForeignRegistry",
            Self::Refused { .. } => "AuthenticationFailed",
            Self::Reply { .. } => "TokenInvalid",
            Self::Web { fault, .. } => fault.reason(),
            Self::Setting { .. } => "SettingInvalid",
            Self::Account(fault) => fault.reason(),
            Self::Token(error) => error.reason(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Refused { status: 429 | 500.., retry_after, .. } => Class::Retry { after: *retry_after },
            // AWS says so with 400.
            Self::Refused { errors, retry_after, .. } if PASSING.iter().any(|code| errors.has(code)) => {
                Class::Retry { after: *retry_after }
            }
            Self::Nothing { .. } | Self::Refused { .. } => Class::Denied,
            Self::Host { .. } | Self::Reply { .. } | Self::Setting { .. } => Class::Terminal,
            Self::Web { fault, .. } => fault.class(),
            Self::Account(fault) => fault.class(),
            Self::Token(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } | Self::Setting { hint, .. } => hint.map(str::to_owned),
            Self::Host { .. } => {
                Some("correct the URL or the provider, or log in with a user and a password".to_owned())
            }
            Self::Web { fault, .. } => fault.hint(),
            Self::Account(fault) => fault.hint(),
            Self::Token(error) => error.hint(),
            Self::Nothing { .. } | Self::Reply { .. } => None,
        }
    }
}
