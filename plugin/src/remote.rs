//! An artifact in a registry as the commands look at it: which manifest, which layer, what is in it.

use std::{collections::BTreeMap, fs::File};

use oci_artifact::{
    archive,
    manifest::{Descriptor, Document, LayerSelector, Manifest, Platform},
    name::{Digest, Reference, Tag, Target},
};
use oci_registry::{Fetched, RepositoryClient};

use crate::{
    context::Context,
    error::{Doing as _, Error},
    layer::LayerFile,
    pack,
    ui::Progress,
};

/// An artifact whose manifest was fetched.
pub(crate) struct Remote {
    /// Digest of what the name stands for: of the index, where it is one.
    pub(crate) digest: Digest,
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// The content layer.
    pub(crate) layer: Descriptor,
}

impl Remote {
    /// Annotations of the manifest.
    pub(crate) fn annotations(&self) -> &BTreeMap<String, String> {
        &self.manifest.annotations
    }
}

/// Fetches what `reference` names; of an index the child for linux/amd64, as Flux does.
pub(crate) async fn fetch(
    repository: &RepositoryClient,
    reference: &Reference,
    selector: &LayerSelector,
    doing: &dyn Fn() -> String,
) -> Result<Remote, Error> {
    let root = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    resolve(repository, root, selector, doing).await
}

/// The artifact at a target, or `None` if there is none that has a content layer.
async fn find(repository: &RepositoryClient, target: &Target) -> Result<Option<Remote>, Error> {
    let doing = || format!("looking up {}", repository.repository().with(target.clone()));
    match repository.manifest(target).await {
        Ok(root) => match resolve(repository, root, &LayerSelector::First, &doing).await {
            Ok(remote) => Ok(Some(remote)),
            Err(Error::Manifest { .. }) => Ok(None),
            Err(error) => Err(error),
        },
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error).doing(doing),
    }
}

async fn resolve(
    repository: &RepositoryClient,
    root: Fetched,
    selector: &LayerSelector,
    doing: &dyn Fn() -> String,
) -> Result<Remote, Error> {
    let digest = root.digest.clone();
    let manifest = match root.document {
        Document::Manifest(manifest) => manifest,
        Document::Index(index) => {
            let child = index.child(&Platform::linux_amd64()).doing(doing)?;
            let child = repository.manifest(&Target::Digest(child.digest.clone())).await.doing(doing)?;
            match child.document {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => {
                    return Err(Error::usage(format!("{} failed: an index inside an index", doing())));
                }
            }
        }
    };
    let layer = selector.select(&manifest).doing(doing)?.clone();
    Ok(Remote { digest, manifest, layer })
}

/// Downloads a layer into an anonymous temporary file, checked.
pub(crate) async fn download(
    repository: &RepositoryClient,
    layer: &Descriptor,
    context: &Context,
    doing: &dyn Fn() -> String,
) -> Result<File, Error> {
    let file = pack::temporary()?;
    let progress = Progress::watch(context.printer, &context.control, "downloading", Some(layer.size));
    let file = repository.blob_to_file(layer, file, &context.control).await.doing(doing)?;
    drop(progress);
    Ok(file)
}

/// Whether two layers hold the same files, whatever compressed them.
async fn same_content(
    repository: &RepositoryClient,
    there: &Descriptor,
    here: &LayerFile,
    context: &Context,
) -> Result<bool, Error> {
    let doing = || format!("comparing with {}", repository.repository());
    let file = download(repository, there, context, &doing).await?;
    // Something that is no archive we can read is not the same.
    let Ok(theirs) = LayerFile::new(&file, there)?.tree(context, "the layer in the registry").await else {
        return Ok(false);
    };
    let ours = here.tree(context, "the packed files").await?;
    Ok(archive::compare(&theirs, &ours).is_empty())
}

/// The digest that all tags have, if each has an artifact with the same content as `layer`, whose bytes are `spool`.
pub(crate) async fn unchanged(
    repository: &RepositoryClient,
    tags: &[Tag],
    layer: &Descriptor,
    spool: &File,
    context: &Context,
) -> Result<Option<Digest>, Error> {
    let here = LayerFile::new(spool, layer)?;
    let mut common: Option<Digest> = None;
    for tag in tags {
        let Some(there) = find(repository, &Target::Tag(tag.clone())).await? else {
            return Ok(None);
        };
        if common.as_ref().is_some_and(|digest| *digest != there.digest) {
            return Ok(None);
        }
        let known = common.is_some() || there.layer.digest == layer.digest;
        if !known && !same_content(repository, &there.layer, &here, context).await? {
            return Ok(None);
        }
        common = Some(there.digest);
    }
    Ok(common)
}
