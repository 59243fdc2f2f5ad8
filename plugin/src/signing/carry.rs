//! Copying the signatures of an artifact that was copied.

use oci_artifact::{archive::Control, name::Digest};
use oci_registry::{Carried, Error, Place, Wanted};
use oci_verify::{is_signature, legacy_tag};

/// Copies bundles, the image of legacy signatures, and Notation's.
pub(crate) async fn carry(
    from: &Place,
    artifact: &Digest,
    to: &Place,
    concurrency: usize,
    control: &Control,
) -> Result<Carried, Error> {
    let tag = legacy_tag(artifact);
    let wanted = Wanted { kind: is_signature, tag: tag.as_ref() };
    oci_registry::carry(from, artifact, to, wanted, concurrency, control).await
}
