//! The only importer of the Sigstore crates: what the rest of the crate needs of them, in the project's own words.
//!
//! They are pinned and change with each release, so nothing of theirs is in an interface of ours. What they check is
//! listed in `docs/design/decisions/0013-verifying-signatures.md`; what they do not check is done around them.

mod faults;
mod key;
mod root;
mod signed;
#[cfg(feature = "tuf")]
pub mod tuf;

pub(crate) use key::PublicKey;
pub(crate) use root::{Evidence, Root};
pub(crate) use signed::{Entry, LegacyParts, Signed, Signer};

#[cfg(test)]
mod tests;
