//! What an OCI artifact is: its names, its manifest and the archive in its layer.
//!
//! ```text
//! [ oci://host/org/app:v1 ] -> [ manifest ] -> [ layer descriptor ] -> [ tar+gzip ] -> [ members ]
//!          name/                 manifest/         name/digest            archive/       archive/read
//! ```
//!
//! Everything here takes bytes (or a folder, for [`archive`]) and returns values. There is no network, no clock
//! and no environment in this crate, and no random number but in the name of a staging folder; time is an argument. Every read of foreign bytes is bounded by a
//! constant of [`limits`].
//!
//! Specifications followed: OCI image-spec 1.1 (manifest, descriptor, index), OCI distribution-spec 1.1 (names, tags,
//! digests), Flux RFC-0003 (media types, annotations, layout of the layer), POSIX.1-2001 ustar and pax.

pub mod archive;
pub mod class;
pub mod duration;
pub mod limits;
pub mod manifest;
pub mod name;

pub use class::{Class, Classify};
