//! Builders of clients and artifacts.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek as _},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use oci_artifact::{
    archive::Control,
    manifest::{CONFIG_BYTES, Descriptor, FLUX_CONTENT, OCI_MANIFEST, artifact_manifest},
    name::{Digest, Repository, Tag, Target},
};
use oci_registry::{
    Access, Artifact, Client, Credential, Error, Options, RepositoryClient, Secret, auth::Fixed,
};
use oci_testkit::registry::Registry;

pub(crate) const NAME: &str = "org/app";

/// Options that try again at once.
pub(crate) fn quick() -> Options {
    Options { backoff: Duration::from_millis(1), ..Options::default() }
}

pub(crate) fn as_user(user: &str, password: &str) -> Options {
    let password = Secret::new(password.to_owned());
    with_credential(Credential::Basic { username: user.to_owned(), password })
}

pub(crate) fn with_credential(credential: Credential) -> Options {
    Options { credentials: Arc::new(Fixed::new(credential, "the test")), ..quick() }
}

pub(crate) fn repository(registry: &Registry) -> Repository {
    Repository::parse(&format!("{}/{NAME}", registry.host())).unwrap()
}

/// A client for [`NAME`] with these options.
pub(crate) fn open(registry: &Registry, options: Options, access: Access) -> RepositoryClient {
    Client::new(options).repository(&repository(registry), access)
}

pub(crate) fn reader(registry: &Registry) -> RepositoryClient {
    open(registry, quick(), Access::Pull)
}

pub(crate) fn writer(registry: &Registry) -> RepositoryClient {
    open(registry, quick(), Access::Push)
}

pub(crate) fn tag(text: &str) -> Target {
    Target::Tag(Tag::parse(text).unwrap())
}

pub(crate) fn layer(content: &[u8]) -> Descriptor {
    Descriptor::new(FLUX_CONTENT, Digest::of(content), content.len() as u64)
}

pub(crate) fn artifact(content: &'static [u8]) -> Artifact {
    let layer = layer(content);
    let (_, manifest) = artifact_manifest(layer.clone(), BTreeMap::new());
    Artifact { layer, content: Arc::new(Bytes::from_static(content)), manifest: manifest.into() }
}

/// Puts an artifact into the registry without a request.
pub(crate) fn seed(registry: &Registry, name: &str, content: &[u8]) -> Descriptor {
    let layer = layer(content);
    registry.put_blob(NAME, content);
    registry.put_blob(NAME, CONFIG_BYTES);
    let (_, manifest) = artifact_manifest(layer.clone(), BTreeMap::new());
    registry.put_manifest(NAME, name, OCI_MANIFEST, &manifest);
    layer
}

/// Downloads into a temporary file and reads it back.
pub(crate) async fn download(client: &RepositoryClient, layer: &Descriptor) -> Result<Vec<u8>, Error> {
    let file = tempfile::tempfile().unwrap();
    let mut file: File = client.blob_to_file(layer, file, &Control::new()).await?;
    let mut out = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut out).unwrap();
    Ok(out)
}
