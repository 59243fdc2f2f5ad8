//! What is wrong with an account.

use oci_artifact::{Class, Classify};

/// What is wrong with an account, which only an edit of it mends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    /// One of the two annotations that opt in, without the other.
    #[error("annotation {has} without {lacks}: both are needed, or none")]
    Half {
        /// The annotation that is there.
        has: &'static str,
        /// The annotation that is not.
        lacks: &'static str,
    },
    /// Two ways to log in at once.
    #[error(
        "annotation {annotation} beside {other}: an account logs in by its own token or by Secrets, not both"
    )]
    Beside {
        /// The annotation that opts in.
        annotation: &'static str,
        /// What stands beside it.
        other: &'static str,
    },
    /// A value that means nothing.
    #[error("annotation {annotation}: {detail}")]
    Value {
        /// The annotation.
        annotation: &'static str,
        /// What is wrong with its value.
        detail: String,
    },
    /// An annotation that the cloud's identity needs.
    #[error("annotation {annotation} is missing: it says {what}")]
    Missing {
        /// The annotation.
        annotation: &'static str,
        /// What it says.
        what: &'static str,
    },
    /// Something of Flux that is not here yet.
    #[error("{what} is not supported yet")]
    Unsupported {
        /// Such as `the credential provider spiffe`.
        what: &'static str,
    },
}

impl Classify for AccountFault {
    fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "Unsupported",
            _ => "ServiceAccountInvalid",
        }
    }

    fn class(&self) -> Class {
        Class::Terminal
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } => {
                Some("use credential provider `kubernetes` with type `jwt`, or a Secret".to_owned())
            }
            Self::Beside { .. } => Some("remove one of them".to_owned()),
            _ => None,
        }
    }
}
