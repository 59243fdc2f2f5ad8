//! Whether an artifact was signed by who should have signed it.
//!
//! ```text
//! policy ── keys, or identities and a trust root ──┐
//! artifact ── the digest that is then fetched ─────┼──► verify ──► Verified | NotSigned | Rejected | Unavailable
//! material ── bundles, legacy signatures ──────────┤
//! now ─────────────────────────────────────────────┘
//! ```
//!
//! Verifying reaches no network, no clock and no environment: what a registry said is an argument. The module `discover`
//! alone asks a registry for that, and [`judge`] does the one after the other for every format. Reasons are values; text is made where a person reads it.
//!
//! Signing is in [`sign`]. Formats: Cosign's simple signing (`legacy`), Sigstore bundles v0.3 (`bundle`), and Notation, which
//! has a policy and a function of its own (`notation`). The Sigstore crates are imported by the module `sigstore` alone.
//! What is checked, and which test proves it: `docs/design/decisions/0013-verifying-signatures.md` and
//! `0014-verifying-notation.md`.

mod bundle;
mod certificate;
mod discover;
mod engine;
mod json;
mod keys;
mod legacy;
mod material;
mod notation;
mod part;
mod pem;
mod policy;
mod reason;
mod rsa;
pub mod sign;
mod sigstore;
mod trust_root;
mod verdict;

pub use discover::{AnyPolicy, Artifact, Asked, Wanted, ask, discover, is_signature, judge};
pub use engine::verify;
pub use keys::{KeyError, KeyFault, Keys};
pub use legacy::tag_of as legacy_tag;
pub use material::{BUNDLE_TYPE, Blob, Found, LEGACY_TYPE, Legacy, Material, Missed, annotation};
pub use notation::{
    CertificateError, CertificateFault, Check, NOTATION_COSE_TYPE, NOTATION_JWS_TYPE, NotationPolicy,
    NotationReason, StatementFault, SubjectError, TimestampFault, TrustPolicyError, verify_notation,
};
pub use part::Part;
pub use policy::{Identities, Policy};
pub use reason::Reason;
#[cfg(feature = "tuf")]
pub use sigstore::tuf;
pub use trust_root::{CommonRoot, TrustRoot, TrustRootError};
pub use verdict::{
    About, By, Format, How, Ignored, LetPass, Log, Refusal, Rejected, Unavailable, Verdict, Verified,
};
