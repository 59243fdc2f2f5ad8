//! Signatures by the referrers of an artifact.

use oci_artifact::{
    manifest::{Descriptor, Document, Manifest},
    name::Target,
};

use super::{
    Search, Wanted,
    candidates::{BUNDLES, Candidates, NOTATION},
    push, unreachable,
};
use crate::{BUNDLE_TYPE, Format, Found, Material, Reason, reason::excerpt};

/// The media types of Notation's envelopes.
const ENVELOPES: [&str; 2] = ["application/jose+json", "application/cose"];

impl Search<'_> {
    /// Looks at referrers, one after the other. Whether that was enough.
    pub(super) async fn by_referrers(&mut self, wanted: Wanted) -> bool {
        let mut candidates = Candidates::new(wanted);
        let listed = self.client.each_referrer(self.artifact, &mut |one| candidates.add(one)).await;
        if let Err(error) = listed {
            match wanted {
                Wanted::Cosign => self.found.bundles = unreachable(&error),
                Wanted::Notation => self.found.notation = unreachable(&error),
            }
            self.failed = Some(error);
            return false;
        }
        let (candidates, dropped) = candidates.finish();
        self.found.more = dropped;
        for candidate in candidates {
            if self.may_fetch() && self.referrer(&candidate, wanted).await {
                return true;
            }
        }
        false
    }

    async fn referrer(&mut self, candidate: &Descriptor, wanted: Wanted) -> bool {
        let target = Target::Digest(candidate.digest.clone());
        let manifest = match self.client.manifest(&target).await {
            Ok(fetched) => match fetched.document {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => return false,
            },
            Err(error) => return self.miss(&error).unwrap_or(false),
        };
        let format = Format::Bundle;
        let Some(layer) = layer(&manifest, wanted) else {
            if let Some(kind) = claims(candidate, &manifest, wanted) {
                self.refuse(format, &candidate.digest, Reason::MediaType(kind));
            }
            return false;
        };
        let subject = manifest.subject.as_ref().map(|subject| &subject.digest);
        if subject != Some(self.artifact) {
            let other = subject.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            self.refuse(format, &candidate.digest, Reason::Subject(other));
            return false;
        }
        let Some(blob) = self.layer(layer, format).await else { return false };
        let (all, one) = match wanted {
            Wanted::Cosign => {
                let one = Material { bundles: Found::Here(vec![blob.clone()]), ..Material::default() };
                (&mut self.found.bundles, one)
            }
            Wanted::Notation => {
                let one = Material { notation: Found::Here(vec![blob.clone()]), ..Material::default() };
                (&mut self.found.notation, one)
            }
        };
        push(all, blob);
        (self.enough)(&one)
    }
}

/// The layer that is a signature.
fn layer(manifest: &Manifest, wanted: Wanted) -> Option<&Descriptor> {
    manifest.layers.iter().find(|layer| match wanted {
        Wanted::Cosign => layer.media_type == BUNDLE_TYPE,
        Wanted::Notation => is_notation(manifest) && ENVELOPES.contains(&layer.media_type.as_str()),
    })
}

fn is_notation(manifest: &Manifest) -> bool {
    manifest.artifact_type.as_deref() == Some(NOTATION) || manifest.config.media_type == NOTATION
}

/// The media type of what says that it is a signature and has none; what is something else altogether is nothing.
fn claims(candidate: &Descriptor, manifest: &Manifest, wanted: Wanted) -> Option<String> {
    let kinds = [candidate.artifact_type.as_deref(), manifest.artifact_type.as_deref()];
    let claims = kinds.into_iter().flatten().any(|kind| match wanted {
        Wanted::Cosign => kind.starts_with(BUNDLES),
        Wanted::Notation => kind == NOTATION,
    });
    let kind = manifest.layers.first().map_or("", |layer| layer.media_type.as_str());
    claims.then(|| excerpt(kind))
}
