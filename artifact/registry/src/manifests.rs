//! Manifests: GET and PUT.

use bytes::Bytes;
use oci_artifact::{
    limits,
    manifest::{Descriptor, Document, accept_manifests},
    name::{Algorithm, Digest, Hasher, Target},
};
use reqwest::{Method, Response, header};

use crate::{
    body,
    call::{Call, Payload},
    client::RepositoryClient,
    error::{Error, Fault},
};

/// A manifest or index as it was served, checked against its digest.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The exact bytes.
    pub bytes: Bytes,
    /// The type it was served as; send it on with this type.
    pub media_type: String,
    /// Digest of the bytes, of the algorithm it was asked by (SHA-256 for a tag).
    pub digest: Digest,
    /// The parsed form.
    pub document: Document,
}

/// What a registry said to a manifest that it stored.
pub(crate) struct Stored {
    /// Its digest.
    pub(crate) digest: Digest,
    /// The manifest that it now is a referrer of, if the registry knows such.
    pub(crate) subject: Option<Digest>,
}

impl Fetched {
    /// What points to it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(&self.media_type, self.digest.clone(), self.bytes.len() as u64)
    }

    /// Checks and parses the bytes of a manifest that was asked for as `target`.
    pub(crate) fn check(bytes: Bytes, served: Option<&str>, target: &Target) -> Result<Self, Fault> {
        let digest = match target {
            Target::Digest(expected) => verify(&bytes, expected)?,
            Target::Tag(_) => Digest::of(&bytes),
        };
        let document = Document::parse(&bytes, served)?;
        Ok(Self { media_type: document.media_type().to_owned(), bytes, digest, document })
    }
}

impl RepositoryClient {
    /// The digest that a tag has now, in one request where the registry tells it in answer to HEAD; else by GET, as the
    /// hash of a checked manifest, and then by GET at once for an hour. A digest is returned as it is.
    pub async fn resolve(&self, target: &Target) -> Result<Digest, Error> {
        if let Target::Digest(digest) = target {
            return Ok(digest.clone());
        }
        if !self.session.endpoint.heads_tell_digests() {
            return self.manifest(target).await.map(|fetched| fetched.digest);
        }
        let call = self.manifest_call(&Method::HEAD, target, &[200, 400, 405, 501], "looking up");
        let reply = self.transport.send(&self.session, &call).await?;
        let stated = header_text(&reply.response, "docker-content-digest");
        if reply.response.status() == 200
            && let Some(digest) = stated.and_then(|text| Digest::parse(&text).ok())
        {
            return Ok(digest);
        }
        let fetched = self.manifest(target).await?;
        self.session.endpoint.heads_tell_nothing();
        Ok(fetched.digest)
    }

    /// A manifest or index with its bytes, checked: bounded, of the digest asked for and of the one the registry
    /// states, and of one of the four known media types.
    pub async fn manifest(&self, target: &Target) -> Result<Fetched, Error> {
        let call = self.manifest_call(&Method::GET, target, &[200], "fetching");
        let mut attempt = 1;
        loop {
            let reply = self.transport.send(&self.session, &call).await?;
            let fault = match self.session.in_time(self.read_manifest(reply, target)).await {
                Ok(fetched) => return Ok(fetched),
                Err(fault) => fault,
            };
            let Some(pause) = self.transport.pause(&self.session, &fault, attempt) else {
                return Err(fault.during(call.action));
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn read_manifest(&self, reply: crate::transport::Reply, target: &Target) -> Result<Fetched, Fault> {
        let served = header_text(&reply.response, &header::CONTENT_TYPE);
        let stated = stated_digest(&reply.response)?;
        let bytes = body::read_all(reply, limits::MANIFEST_BYTES, "the manifest").await?;
        if let Some(stated) = stated {
            verify(&bytes, &stated)?;
        }
        Fetched::check(bytes, served.as_deref(), target)
    }

    /// Stores a manifest's exact bytes under a tag or its digest.
    ///
    /// A registry that lacks a blob of it answers with the code `MANIFEST_BLOB_UNKNOWN`, see
    /// [`Error::is_blob_unknown`].
    pub async fn put_manifest(
        &self,
        target: &Target,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, Error> {
        self.store_manifest(target, media_type, bytes).await.map(|stored| stored.digest)
    }

    pub(crate) async fn store_manifest(
        &self,
        target: &Target,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Stored, Error> {
        let digest = match target {
            Target::Digest(digest) => digest.clone(),
            Target::Tag(_) => Digest::of(&bytes),
        };
        let call = self
            .manifest_call(&Method::PUT, target, &[200, 201, 202], "storing")
            .header(header::CONTENT_TYPE, media_type)
            .carrying(Payload::Bytes(bytes));
        let reply = self.transport.send(&self.session, &call).await?;
        let subject = header_text(&reply.response, "oci-subject").and_then(|text| Digest::parse(&text).ok());
        match stated_digest(&reply.response).map_err(|fault| fault.during(&call.action))? {
            Some(stated) if stated.algorithm() == digest.algorithm() && stated != digest => {
                Err(Fault::Digest { expected: digest, actual: stated }.during(call.action))
            }
            Some(_) | None => Ok(Stored { digest, subject }),
        }
    }

    fn manifest_call(&self, method: &Method, target: &Target, expect: &'static [u16], verb: &str) -> Call {
        let path = self.path(&format!("manifests/{target}"));
        let action = match target {
            Target::Tag(tag) => format!("{verb} the manifest of {}:{tag}", self.repository()),
            Target::Digest(digest) => format!("{verb} the manifest {}@{digest}", self.repository()),
        };
        let call = Call::new(method.clone(), path, expect, action);
        if *method == Method::PUT { call } else { call.header(header::ACCEPT, accept_manifests()) }
    }
}

impl Error {
    /// Whether a manifest was refused because the registry lacks a blob that it names.
    pub fn is_blob_unknown(&self) -> bool {
        match &*self.fault {
            Fault::Status { status: 400 | 404 | 412, errors, .. } => {
                errors.has("MANIFEST_BLOB_UNKNOWN")
                    || errors.has("BLOB_UNKNOWN")
                    || errors.has("MANIFEST_INVALID")
            }
            _ => false,
        }
    }
}

/// The digest of the bytes, which must be this one.
pub(crate) fn verify(bytes: &[u8], expected: &Digest) -> Result<Digest, Fault> {
    let mut hasher = Hasher::new(expected.algorithm());
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == *expected { Ok(actual) } else { Err(Fault::Digest { expected: expected.clone(), actual }) }
}

/// `Docker-Content-Digest`; a value that is no digest counts as not sent, unless it is of a known algorithm.
fn stated_digest(response: &Response) -> Result<Option<Digest>, Fault> {
    let Some(text) = header_text(response, "docker-content-digest") else {
        return Ok(None);
    };
    let known = [Algorithm::Sha256, Algorithm::Sha512].iter().any(|known| text.starts_with(known.name()));
    match Digest::parse(&text) {
        Ok(digest) => Ok(Some(digest)),
        Err(_) if !known => Ok(None),
        Err(error) => Err(Fault::Protocol(format!("Docker-Content-Digest: {error}"))),
    }
}

fn header_text(response: &Response, name: impl header::AsHeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}
