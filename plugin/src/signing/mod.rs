//! Signatures at the desk: which key, whose signature, what is pushed, what is copied.
//!
//! ```text
//! --key ──► key ──► attach ──► a referrer, or the image of the tag sha256-….sig
//! --key, --certificate-…, -f ──► policy ──► judge ──► the digest, if it is signed as it should be
//! ```

mod attach;
mod carry;
mod file;
mod judge;
mod key;
mod policy;
mod push;
mod report;

pub(crate) use attach::{Format, attach};
pub(crate) use carry::carry;
pub(crate) use file::FilePolicy;
pub(crate) use judge::{Unverified, judge, tell, verified, verified_target};
pub(crate) use key::{SignArgs, new_password, notes, signing_key};
pub(crate) use policy::{PolicyArgs, VerifyArgs};
pub(crate) use push::PushSignArgs;
pub(crate) use report::Report;
