//! Names: digests, tags, repositories, references, versions and ranges, and what is said about names: which are wanted
//! ([`Pattern`], [`select`]), whose they are ([`Cloud`]), and who may sign what they name ([`IdentityPattern`]).
//!
//! A value of these types is valid or does not exist: each is made by parsing only, and serde goes through the same
//! door. Grammar: OCI distribution-spec 1.1, "Pulling manifests"; lengths as the reference implementation.

mod cloud;
mod digest;
mod host;
mod identity;
mod pattern;
mod range;
mod reference;
mod revision;
pub mod select;
mod tag;
mod version;

pub use cloud::{Cloud, Ecr};
pub(crate) use digest::excerpt;
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use host::{Host, HostError};
pub use identity::IdentityPattern;
pub use pattern::{Pattern, PatternError, PatternFault};
pub use range::{RANGE_TERMS, Range, RangeError};
pub use reference::{Reference, ReferenceError, Repository, Target, URL_SCHEME};
pub use revision::{Revision, RevisionError};
pub use tag::{Tag, TagError};
pub use version::{Version, VersionError};
