//! Notation: signatures with certificates, verified by a trust policy.
//!
//! ```text
//! Secret ── trustpolicy.json, certificates ──► NotationPolicy ──┐
//! repository, descriptor of the artifact ───────────────────────┼──► verify_notation ──► Verdict
//! layers of the signatures, JWS or COSE; now ───────────────────┘
//! ```
//!
//! Specification: the Notary Project's `specs`, version 1.0. What is checked, what Flux does, and which test proves it:
//! `docs/design/decisions/0014-verifying-notation.md`. Nobody is asked whether a certificate was revoked.

mod certificate;
mod chain;
mod cose;
mod envelope;
mod error;
mod identity;
mod jws;
mod key;
mod level;
mod payload;
mod policy;
mod reason;
mod revocation;
mod stamp;
mod token;
mod trust_policy;
mod verify;

pub use error::{CertificateError, CertificateFault, StatementFault, TrustPolicyError};
pub use identity::SubjectError;
pub use level::Check;
pub use policy::NotationPolicy;
pub use reason::{NotationReason, TimestampFault};
pub use verify::{NOTATION_COSE_TYPE, NOTATION_JWS_TYPE, verify_notation};
