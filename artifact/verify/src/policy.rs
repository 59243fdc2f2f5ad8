//! Whose signature counts.

use std::sync::Arc;

use oci_artifact::name::IdentityPattern;

use crate::{Keys, TrustRoot};

/// Whose signature counts.
#[derive(Clone, Debug)]
pub enum Policy {
    /// The owner of one of these keys. Logs and times are not asked for, as in Flux.
    Keys(Keys),
    /// Somebody to whom an authority of the trust root gave a certificate.
    Keyless {
        /// Who that must be.
        identities: Identities,
        /// Authorities and logs.
        root: Arc<TrustRoot>,
    },
}

/// Who must have signed.
#[derive(Clone, Debug)]
pub enum Identities {
    /// Whoever matches one of these. An empty list matches nobody.
    OneOf(Vec<IdentityPattern>),
    /// Anybody at all: Flux's meaning of an empty list, which is never assumed.
    Anybody,
}
