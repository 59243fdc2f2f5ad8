//! An artifact in a registry as the commands look at it: which manifest, which layer, what is in it.

use std::{collections::BTreeMap, fs::File, io::{BufReader, Seek as _}};

use oci_artifact::{
    archive::{self, Tree},
    manifest::{Descriptor, Document, LayerSelector, Manifest, Platform},
    name::{Digest, Reference, Target},
};
use oci_registry::{Fetched, RepositoryClient};

use crate::{
    context::Context,
    error::{Doing as _, Error},
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
pub(crate) async fn find(repository: &RepositoryClient, target: &Target) -> Result<Option<Remote>, Error> {
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

/// What is in a layer's file, read on a thread. The file is read from its start.
pub(crate) async fn tree(file: File, layer: &Descriptor, context: &Context, what: &str) -> Result<Tree, Error> {
    let (size, control) = (layer.size, context.control.clone());
    let work = tokio::task::spawn_blocking(move || {
        let mut file = file;
        file.rewind().map_err(|source| Error::file("reading", "(temporary file)", source))?;
        Ok::<_, Error>(Tree::read(BufReader::new(file), size, &control))
    });
    let read = work.await.map_err(|_| Error::Stopped("reading an archive"))??;
    read.doing(|| format!("reading {what}"))
}

/// Whether two layers hold the same files, whatever compressed them.
pub(crate) async fn same_content(
    repository: &RepositoryClient,
    there: &Descriptor,
    here: &Descriptor,
    spool: &File,
    context: &Context,
) -> Result<bool, Error> {
    let doing = || format!("comparing with {}", repository.repository());
    let theirs = download(repository, there, context, &doing).await?;
    let ours = spool.try_clone().map_err(|source| Error::file("reading", "(temporary file)", source))?;
    // Something that is no archive we can read is not the same.
    let Ok(theirs) = tree(theirs, there, context, "the layer in the registry").await else { return Ok(false) };
    let ours = tree(ours, here, context, "the packed files").await?;
    Ok(archive::compare(&theirs, &ours).is_empty())
}
