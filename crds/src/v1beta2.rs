//! Version `v1beta2`: the same fields as [`v1`](crate::v1), deprecated.
//!
//! Flux served it until 1.7.4 and dropped it in 1.8.0. Its spec was that of `v1` field for field. Its status had two
//! fields more, `contentConfigChecksum` and, in the oldest releases, `artifact.checksum`; `v1` had some that it lacked.
//! Here both versions have the union, so a conversion changes `apiVersion` and nothing else, and no round trip loses a
//! byte. There are no defaults for `provider` and `timeout`, unlike in Flux's `v1beta2`: reading an object through it
//! and writing it back must not add anything.

use crate::{Object, Version};

/// The version's name.
#[derive(Clone, Copy, Debug)]
pub enum V1Beta2 {}

impl Version for V1Beta2 {
    const NAME: &'static str = "v1beta2";
}

/// An `OCIRepository` as `v1beta2` shows it.
pub type OciRepository = Object<V1Beta2>;
