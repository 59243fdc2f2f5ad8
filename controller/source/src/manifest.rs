//! From a digest to the layer that is the content.

use std::collections::BTreeMap;

use oci_artifact::{
    Class,
    manifest::{self, Descriptor, Document, Manifest, Platform},
    name::{Digest, Target},
};
use oci_crds::{conditions::metadata, validate::Layer};
use oci_decide::{Failure, Step};

use crate::{access::Access, failure::manifest_hint};

/// Indexes inside each other.
const DEPTH: usize = 3;
/// Bytes of all annotations together: they become part of the object's status.
const ANNOTATIONS: usize = 256 << 10;

/// What is fetched, and what is said about it.
pub(crate) struct Wanted {
    pub(crate) layer: Descriptor,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Access<'_> {
    /// The layer of the artifact with this digest. An index leads to its manifest for `platform`.
    pub(crate) async fn layer(
        &mut self,
        digest: &Digest,
        platform: &Platform,
        wanted: &Layer,
    ) -> Result<Wanted, Failure> {
        let manifest = self.manifest(digest, platform).await?;
        let annotations = &manifest.annotations;
        let bytes: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > ANNOTATIONS {
            let message =
                format!("the annotations of the manifest have {bytes} bytes, more than {ANNOTATIONS}");
            return Err(terminal(Step::Manifest, message, None));
        }
        let layer = wanted.selector.select(&manifest).map_err(|error| Failure {
            step: Step::Layer,
            class: Class::Terminal,
            message: layer_message(&error),
            hint: manifest_hint(&error),
        })?;
        Ok(Wanted { layer: layer.clone(), annotations: manifest.annotations })
    }

    async fn manifest(&mut self, digest: &Digest, platform: &Platform) -> Result<Manifest, Failure> {
        let mut known = self.known.take().filter(|known| known.digest == *digest);
        let mut target = Target::Digest(digest.clone());
        for _ in 0..=DEPTH {
            let action = format!("fetching the manifest {}@{target}", self.repository());
            let fetched = match known.take() {
                Some(known) => known,
                None => self.ask(Step::Manifest, &action, self.bounded.manifest(&target)).await?,
            };
            let index = match fetched.document {
                Document::Manifest(manifest) => return Ok(manifest),
                Document::Index(index) => index,
            };
            let child = index.child(platform).map_err(|error| {
                terminal(Step::Manifest, format!("{action}: {error}"), manifest_hint(&error))
            })?;
            target = Target::Digest(child.digest.clone());
        }
        let message = format!("there are more than {DEPTH} indexes inside each other");
        Err(terminal(Step::Manifest, message, None))
    }
}

/// The sentences of Flux, which people search for.
fn layer_message(error: &manifest::Error) -> String {
    match error {
        manifest::Error::NoLayers => "no layers found in artifact".to_owned(),
        manifest::Error::LayerMediaType { wanted, .. } => {
            format!("failed to find layer with media type '{wanted}' in artifact")
        }
        other => other.to_string(),
    }
}

/// The platform that an object's annotation names.
pub(crate) fn platform(annotation: &str) -> Result<Platform, Failure> {
    Platform::parse(annotation).ok_or_else(|| {
        let shown: String = annotation.chars().take(80).flat_map(char::escape_debug).collect();
        let message = format!("the annotation {} is `{shown}`, which is no platform", metadata::PLATFORM);
        let hint = "write it like `linux/arm64` or `linux/arm/v7`".to_owned();
        terminal(Step::Manifest, message, Some(hint))
    })
}

fn terminal(step: Step, message: String, hint: Option<String>) -> Failure {
    Failure { step, class: Class::Terminal, message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_that_is_none_is_shown_without_harm() {
        assert_eq!(platform("linux/arm/v7").unwrap().to_string(), "linux/arm/v7");
        let failure = platform("linux\u{1b}[2J").unwrap_err();
        assert_eq!((failure.step, failure.class), (Step::Manifest, Class::Terminal));
        assert!(failure.message.contains(r"platform is `linux\u{1b}[2J`"), "{}", failure.message);
    }
}
