//! Signing an artifact of a registry.

use oci_artifact::{
    manifest::{Descriptor, Document, EMPTY, EMPTY_BYTES, OCI_MANIFEST},
    name::{Digest, Target},
};
use oci_registry::{Referrer, RepositoryClient};
use oci_verify::{
    legacy_tag,
    sign::{Attachment, Image, Notes, Payload, SigningError, SigningKey},
};
use serde::Serialize;

use crate::{
    context::Context,
    error::{Doing as _, Error},
};

/// Times the image of the old format is written, when others write it at the same moment.
const TRIES: u32 = 4;

/// The format of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A bundle that refers to the artifact.
    Bundle,
    /// A layer of the image behind a tag.
    Legacy,
}

/// A signature that is in the registry.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signed {
    /// What was signed.
    pub(crate) artifact: String,
    digest: Digest,
    format: Format,
    /// Where the signature is.
    pub(crate) signature: String,
    /// What kind of key made it.
    pub(crate) key: &'static str,
    /// Whether anything was pushed: the same key may have signed before.
    pub(crate) pushed: bool,
}

impl Signed {
    /// For a person.
    pub(crate) fn tell(&self, context: &Context) {
        if self.pushed {
            context.printer.success(format!("signed {} with {}", self.artifact, self.key));
            context.printer.success(format!("signature {}", self.signature));
        } else {
            context
                .printer
                .success(format!("{} has this key's signature already, nothing pushed", self.artifact));
        }
    }
}

/// Signs an artifact by its digest, and pushes the signature beside it.
pub(crate) async fn attach(
    repository: &RepositoryClient,
    artifact: &Descriptor,
    key: &SigningKey,
    format: Format,
    notes: &Notes,
    context: &Context,
) -> Result<Signed, Error> {
    let name = format!("{}@{}", repository.repository(), artifact.digest);
    let signer = Signer { repository, artifact, key, notes, name: &name };
    let (signature, pushed) = match format {
        Format::Bundle => (signer.bundle(context).await?, true),
        Format::Legacy => signer.legacy().await?,
    };
    let digest = artifact.digest.clone();
    Ok(Signed { artifact: name, digest, format, signature, key: key.kind(), pushed })
}

struct Signer<'a> {
    repository: &'a RepositoryClient,
    artifact: &'a Descriptor,
    key: &'a SigningKey,
    notes: &'a Notes,
    name: &'a str,
}

impl Signer<'_> {
    fn doing(&self) -> String {
        format!("signing {}", self.name)
    }

    fn failed(&self, source: SigningError) -> Error {
        Error::Signing { doing: self.doing(), source }
    }

    async fn bundle(&self, context: &Context) -> Result<String, Error> {
        let signed = Attachment::sign(self.key, self.artifact, self.notes, context.now);
        let Attachment { layer, bundle, descriptor, manifest } =
            signed.map_err(|error| self.failed(error))?;
        let config = Descriptor::new(EMPTY, Digest::of(EMPTY_BYTES), EMPTY_BYTES.len() as u64);
        let place = format!("{}@{}", self.repository.repository(), descriptor.digest);
        let blobs = vec![(layer, bundle.into()), (config, EMPTY_BYTES.to_vec().into())];
        let referrer = Referrer { descriptor, manifest: manifest.into(), blobs };
        let listed = self.repository.attach(&self.artifact.digest, &referrer).await.doing(|| self.doing())?;
        tracing::debug!(?listed, "attached");
        Ok(place)
    }

    /// Nothing locks the image behind the tag, so it is read again after it was written.
    async fn legacy(&self) -> Result<(String, bool), Error> {
        let digest = &self.artifact.digest;
        let tag = legacy_tag(digest).ok_or_else(|| {
            Error::usage(format!("{digest} is too long for the old format; leave --legacy out"))
        })?;
        let place = format!("{}:{tag}", self.repository.repository());
        let target = Target::Tag(tag.clone());
        let payload = Payload::sign(self.key, self.repository.repository(), digest, self.notes)
            .map_err(|error| self.failed(error))?;
        for tries in 0..=TRIES {
            let existing = self.image(&target).await?;
            let image = payload.added_to(self.key, existing.as_ref(), &tag);
            let Some(image) = image.map_err(|error| self.failed(error))? else {
                return Ok((place, tries > 0));
            };
            self.put(&payload, image, &target).await.doing(|| self.doing())?;
        }
        let why = "others write it at the same time".to_owned();
        Err(self.failed(SigningError::Occupied { place, why }))
    }

    async fn image(&self, target: &Target) -> Result<Option<Document>, Error> {
        match self.repository.manifest(target).await {
            Ok(fetched) => Ok(Some(fetched.document)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error).doing(|| self.doing()),
        }
    }

    async fn put(&self, payload: &Payload, image: Image, target: &Target) -> Result<(), oci_registry::Error> {
        self.repository.upload_small(&payload.layer, &payload.bytes.clone().into()).await?;
        self.repository.upload_small(&image.config, &image.config_bytes.into()).await?;
        self.repository.put_manifest(target, OCI_MANIFEST, image.manifest.into()).await.map(drop)
    }
}
