//! The `OCIRepository` API of Flux (`source.toolkit.fluxcd.io`): what an object may say, and what is wrong with it.
//!
//! ```text
//! [ bytes of an object ] -> [ Object<V> ] -> [ Spec ] -> validate::check -> [ Checked ] or [ Fault … ]
//!        convert              v1, v1beta2      v1          validate            used as it is by the controller
//! ```
//!
//! The types are tolerant: whatever an API server may have stored can be read, and nothing is judged while reading.
//! Judging is [`validate`]'s part, once, for admission, `kubectl oci lint` and the controller. There is no network, no
//! clock and no environment in this crate.
//!
//! Source: the API of source-controller 1.10.1.

pub mod conditions;
pub mod convert;
pub mod lint;
mod metav1;
mod object;
pub mod schema;
pub mod v1;
pub mod v1beta2;
pub mod validate;

pub use oci_artifact::duration;

pub use object::{Object, Version};

/// The API group.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
/// The kind.
pub const KIND: &str = "OCIRepository";
/// The name in URLs of the API server.
pub const PLURAL: &str = "ocirepositories";
/// The versions that are served: the stored one first.
pub const VERSIONS: [&str; 2] = [<v1::V1 as Version>::NAME, <v1beta2::V1Beta2 as Version>::NAME];
