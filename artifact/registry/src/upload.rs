//! Uploading blobs: look-up, mount, one POST and one streaming PUT.
//!
//! OCI distribution-spec 1.1, "Pushing blobs". Never in chunks: several registries truncate or refuse those, and
//! they are slower everywhere. The POST comes first so that a refusal arrives before the bytes are sent.

use std::sync::Arc;

use oci_artifact::{manifest::Descriptor, name::Repository};
use reqwest::{Method, header};
use url::Url;

use crate::{
    call::{Call, Payload},
    client::RepositoryClient,
    error::{Error, Fault},
    origin::Origin,
    redirect,
    source::BlobSource,
};

/// How a blob got where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// It was there before.
    Present,
    /// The registry took it over from another of its repositories.
    Mounted,
    /// Its bytes were sent.
    Sent,
}

impl RepositoryClient {
    /// Sends a blob's bytes. The caller has looked it up before, if it wanted to.
    pub async fn upload(&self, blob: &Descriptor, source: Arc<dyn BlobSource>) -> Result<Uploaded, Error> {
        let action = format!("uploading blob {} to {}", blob.digest, self.repository());
        let (mut attempt, mut session) = (1, None);
        loop {
            let location = match session.take() {
                Some(location) => location,
                None => match self.open_upload(blob, None, &action).await? {
                    Some(location) => location,
                    None => return Ok(Uploaded::Mounted),
                },
            };
            let put = Call::new(Method::PUT, String::new(), &[200, 201, 202, 204], action.clone())
                .at(location.clone())
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .carrying(Payload::Blob(Arc::clone(&source)));
            let Err(fault) = self.transport.send_once(&self.session, &put).await else {
                return Ok(Uploaded::Sent);
            };
            let Some(pause) = self.transport.pause(&self.session, &fault, attempt) else {
                return Err(fault.during(action));
            };
            // A half-filled session cannot be filled again, so every try has its own; but a refusal for too many
            // requests took nothing, and opening another session would be one request more.
            session = (fault.status() == Some(429)).then_some(location);
            tracing::debug!(action, %fault, attempt, "uploading again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Takes a blob over from another repository of the same registry, or says that it has to be sent.
    pub async fn mount(&self, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        if from.host() != self.repository().host() || from == self.repository() {
            return Ok(false);
        }
        let action = format!("mounting blob {} from {from} to {}", blob.digest, self.repository());
        let both = self.clone().also_pulling(from);
        match both.open_upload(blob, Some(from), &action).await {
            Ok(location) => Ok(location.is_none()),
            // Not every registry knows mounts, and the source may not be readable for this login.
            Err(error) if matches!(error.fault.status(), Some(400..=405)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens an upload session; `None` if the registry took the blob over from `from`.
    async fn open_upload(
        &self,
        blob: &Descriptor,
        from: Option<&Repository>,
        action: &str,
    ) -> Result<Option<Url>, Error> {
        let query = match from {
            Some(from) => format!("?mount={}&from={}", blob.digest, from.path()),
            None => String::new(),
        };
        let path = self.path(&format!("blobs/uploads/{query}"));
        let expect: &[u16] = if from.is_some() { &[201, 202] } else { &[202] };
        let call = Call::new(Method::POST, path, expect, action.to_owned());
        let reply = self.transport.send(&self.session, &call).await?;
        if reply.response.status() == 201 {
            return Ok(None);
        }
        let location = reply.response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let local = self.session.endpoint.is_local(&self.transport.options).await;
        let place = location
            .ok_or_else(|| Fault::Protocol("an upload was opened without a usable Location".into()))
            .and_then(|location| Ok(redirect::follow(&reply.url, location, local)?));
        let mut place = place.map_err(|fault| fault.during(action))?;
        if Origin::of(&place) != Origin::of(&reply.url) {
            tracing::debug!(origin = ?Origin::of(&place), "the upload goes to another origin, without credentials");
        }
        place.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        Ok(Some(place))
    }
}
