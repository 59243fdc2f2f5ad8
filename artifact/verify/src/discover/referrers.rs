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
use crate::{
    BUNDLE_TYPE, Format, Found, Material, NOTATION_COSE_TYPE, NOTATION_JWS_TYPE, Reason, reason::excerpt,
};

impl Search<'_> {
    /// Looks at referrers, one after the other. Whether that was enough.
    ///
    /// `notation` lists its signatures behind the tag even where the registry has the API, which then need not know them:
    /// Notation's are looked for in both places, by the tag where none that the API lists is enough.
    pub(super) async fn by_referrers(&mut self) -> bool {
        let mut candidates = Candidates::new(self.wanted);
        let mut add = |one| candidates.add(one);
        let by_tag = match (self.client.each_referrer_by_api(self.artifact, &mut add).await, self.wanted) {
            (Ok(has_api), wanted) => {
                if self.look_at(candidates).await {
                    return true;
                }
                !has_api || wanted == Wanted::Notation
            }
            (Err(error), Wanted::Cosign) => {
                // Whether the registry answers, the tag of legacy signatures will tell.
                self.found.bundles = unreachable(&error);
                false
            }
            (Err(error), Wanted::Notation) => {
                self.miss::<()>(&error);
                true
            }
        };
        if !by_tag {
            return false;
        }
        match self.client.referrers_by_tag(self.artifact).await {
            Ok(listed) => {
                let mut candidates = Candidates::new(self.wanted);
                listed
                    .into_iter()
                    .filter(|one| !self.seen.contains(&one.digest))
                    .for_each(|one| candidates.add(one));
                self.look_at(candidates).await
            }
            Err(error) => {
                self.miss::<()>(&error);
                self.failed = Some(error);
                false
            }
        }
    }

    async fn look_at(&mut self, candidates: Candidates) -> bool {
        let (candidates, dropped) = candidates.finish();
        self.found.more = self.found.more.saturating_add(dropped);
        for candidate in candidates {
            if self.may_fetch() && self.referrer(&candidate).await {
                return true;
            }
            self.seen.insert(candidate.digest);
        }
        false
    }

    async fn referrer(&mut self, candidate: &Descriptor) -> bool {
        let wanted = self.wanted;
        let target = Target::Digest(candidate.digest.clone());
        let manifest = match self.client.manifest(&target).await {
            Ok(fetched) => match fetched.document {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => return false,
            },
            Err(error) => return self.miss(&error).unwrap_or(false),
        };
        let format = |media_type: &str| match wanted {
            Wanted::Cosign => Format::Bundle,
            Wanted::Notation => Format::of_notation(media_type),
        };
        let Some(layer) = layer(&manifest, wanted) else {
            if let Some(kind) = claims(candidate, &manifest, wanted) {
                self.refuse(format(&kind), &candidate.digest, Reason::MediaType(kind));
            }
            return false;
        };
        let format = format(&layer.media_type);
        let subject = manifest.subject.as_ref().map(|subject| &subject.digest);
        if subject != Some(self.artifact) {
            let other = subject.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            self.refuse(format, &candidate.digest, Reason::Subject(other));
            return false;
        }
        let Some(blob) = self.layer(layer, format).await else { return false };
        let here = Found::Here(vec![blob.clone()]);
        let (all, one) = match wanted {
            Wanted::Cosign => (&mut self.found.bundles, Material { bundles: here, ..Material::default() }),
            Wanted::Notation => {
                (&mut self.found.notation, Material { notation: here, ..Material::default() })
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
        Wanted::Notation => {
            is_notation(manifest)
                && [NOTATION_JWS_TYPE, NOTATION_COSE_TYPE].contains(&layer.media_type.as_str())
        }
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
