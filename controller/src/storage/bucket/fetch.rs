//! From the bucket to a file that is served: whole, and with the digest that its name says.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Bytes, BytesMut};
use oci_artifact::name::{Digest, Hasher};
use oci_registry::web::Transferred;
use oci_source::store::StoreError;
use tempfile::NamedTempFile;
use tokio::sync::watch;

use super::{
    Bucket, Inner,
    cache::Opened,
    error::{BucketError, Cause},
};
use crate::storage::{Found, LATEST, error::Attempt as _, names};

/// Bytes that are hashed and written at once.
const PIECE: usize = 1 << 20;
/// Tries to open what was downloaded, should others need its room at once.
const TRIES: usize = 3;

/// Whether there is a file; it is in the cache then.
type Outcome = Result<bool, BucketError>;

/// Downloads that are under way, by their paths. Whoever wants the same file waits for the same download.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>);

impl Bucket {
    /// A file that is served: from the cache, or from the bucket.
    pub(in crate::storage) async fn find(&self, path: &str) -> Result<Option<Found>, BucketError> {
        let Some((key, name)) = path.rsplit_once('/') else {
            return Ok(None);
        };
        if names::owner(key).and_then(|owner| names::key(&owner).ok()).is_none() {
            return Ok(None);
        }
        let newest = if name == LATEST { self.0.newest(key).await? } else { Some(name.to_owned()) };
        let Some((name, digest)) = newest.and_then(|name| names::content(&name).map(|digest| (name, digest)))
        else {
            return Ok(None);
        };
        let path = format!("{key}/{name}");
        for _ in 0..TRIES {
            if let Some(opened) = self.0.cached(&path).await {
                if opened.seen.elapsed() > self.0.options.fresh && !self.0.is_still_there(&path).await {
                    return Ok(None);
                }
                let Opened { inode, file, .. } = opened;
                return Ok(Some(Found { inode, name: name.into(), file: Some(Arc::new(file)) }));
            }
            if !self.fetch(&path, &digest).await? {
                return Ok(None);
            }
        }
        Err(Cause::Answer("the cache of files is too small for all that is asked for")
            .during(format!("keeping {path}")))
    }

    /// Downloads a file into the cache. It goes on if whoever wanted it went away.
    async fn fetch(&self, path: &str, digest: &Digest) -> Outcome {
        let mut flight = self.flight(path, digest);
        let ended = flight.wait_for(Option::is_some).await;
        let outcome = ended.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            Err(Cause::Answer("the download was given up").during(format!("reading {path}")))
        })
    }

    fn flight(&self, path: &str, digest: &Digest) -> watch::Receiver<Option<Outcome>> {
        let mut flights = self.0.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(path).filter(|flight| flight.has_changed().is_ok()) {
            return flight.clone();
        }
        let (tell, flight) = watch::channel(None);
        flights.insert(path.to_owned(), flight.clone());
        let (inner, path, digest) = (Arc::clone(&self.0), path.to_owned(), digest.clone());
        tokio::spawn(async move {
            let outcome = inner.download(&path, &digest).await;
            inner.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&path);
            tell.send_replace(Some(outcome));
        });
        flight
    }
}

impl Inner {
    /// The name of the newest file of an owner.
    async fn newest(&self, key: &str) -> Result<Option<String>, BucketError> {
        if self.leads()
            && let Some(entry) = self.index().newest(key)
        {
            return Ok(Some(entry.name.to_string()));
        }
        let files = self.client.list(&Self::object(&format!("{key}/"))).await?;
        let ours = files.iter().filter_map(|listed| super::blob(listed));
        Ok(ours.max_by_key(|(_, name, blob)| (blob.modified, *name)).map(|(_, name, _)| name.to_owned()))
    }

    async fn cached(self: &Arc<Self>, path: &str) -> Option<Opened> {
        let (cache, path) = (Arc::clone(&self.cache), path.to_owned());
        tokio::task::spawn_blocking(move || cache.open(&path)).await.ok()?
    }

    /// A bucket that cannot be asked is no reason not to serve what it had.
    async fn is_still_there(&self, path: &str) -> bool {
        // One asks, whoever comes meanwhile need not.
        self.cache.saw(path);
        match self.client.size(&Self::object(path)).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.cache.forget(path);
                return false;
            }
            Err(error) => tracing::warn!(%error, "serving from the cache"),
        }
        true
    }

    async fn download(&self, path: &str, digest: &Digest) -> Outcome {
        let attempted = || format!("reading {}{}", self.options.place, Self::object(path));
        let Ok(_permit) = self.downloads.acquire().await else {
            return Ok(false);
        };
        let mut again = true;
        let cause = loop {
            let Some(reply) = self.client.get(&Self::object(path)).await? else {
                return Ok(false);
            };
            match self.receive(path, digest, reply).await {
                Ok(()) => return Ok(true),
                Err(Cause::Fault(_)) if again => again = false,
                Err(cause) => break cause,
            }
        };
        self.counters.refused.add();
        if let Cause::Damaged { .. } = cause {
            self.condemn(path, &cause).await;
        }
        Err(cause.during(attempted()))
    }

    async fn receive(&self, path: &str, digest: &Digest, mut reply: Transferred) -> Result<(), Cause> {
        let size = reply.length().ok_or(Cause::Answer("it has no length"))?;
        let room = self.cache.room(size).await?;
        let mut file = Receiving {
            draft: self.draft().map_err(|error| Cause::Scratch(Arc::new(error)))?,
            hasher: Hasher::new(digest.algorithm()),
        };
        let (mut piece, mut total) = (BytesMut::new(), 0);
        while let Some(chunk) = reply.next().await.map_err(|fault| Cause::Fault(Arc::new(fault)))? {
            total += chunk.len() as u64;
            if total > size {
                break;
            }
            piece.extend_from_slice(&chunk);
            if piece.len() >= PIECE {
                file = file.write(piece.split().freeze()).await?;
            }
        }
        let Receiving { draft, hasher } = file.write(piece.freeze()).await?;
        if total != size {
            return Err(Cause::Damaged { got: format!("{total} bytes of {size}") });
        }
        let got = hasher.finish();
        if got != *digest {
            return Err(Cause::digest(&got));
        }
        let (cache, path) = (Arc::clone(&self.cache), path.to_owned());
        let kept = tokio::task::spawn_blocking(move || cache.keep(&path, draft, &got, room)).await;
        let kept = kept.map_err(std::io::Error::other).and_then(|kept| kept);
        kept.attempt(|| "keeping a file of the bucket".to_owned())
            .map_err(|error| Cause::Scratch(Arc::new(error)))
    }

    /// A file that is not what its name says goes, if it is ours to remove; its owner is told.
    async fn condemn(&self, path: &str, cause: &Cause) {
        tracing::error!(file = path, fault = %cause, "a file in the bucket is damaged");
        self.counters.damaged.add();
        let Some((key, name)) = path.rsplit_once('/') else {
            return;
        };
        let _turn = self.turn(key).await;
        if !self.leads() {
            return;
        }
        self.index_mut().remove(key, name);
        if let Err(error) = self.client.delete(&Self::object(path)).await {
            tracing::warn!(%error, "a damaged file was not removed");
        }
        self.lost.add(key);
    }
}

/// A file that is being received.
struct Receiving {
    draft: NamedTempFile,
    hasher: Hasher,
}

impl Receiving {
    async fn write(mut self, piece: Bytes) -> Result<Self, Cause> {
        let written = tokio::task::spawn_blocking(move || {
            self.hasher.update(&piece);
            self.draft.write_all(&piece).map(|()| self)
        });
        let written = written.await.map_err(std::io::Error::other).and_then(|written| written);
        let written: Result<Self, StoreError> = written.attempt(|| "writing a file of the bucket".to_owned());
        written.map_err(|error| Cause::Scratch(Arc::new(error)))
    }
}
