//! Reading blobs: checked to the last byte before the caller hears of success.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
};

use bytes::Bytes;
use futures_util::stream;
use oci_artifact::{
    archive::Control,
    limits::{self, OverBudget},
    manifest::Descriptor,
    name::{Digest, Hasher},
};
use reqwest::{Method, header};
use tokio::sync::mpsc;

use crate::{
    body::{self, Pace},
    call::Call,
    client::RepositoryClient,
    error::{Error, Fault},
    manifests::verify,
    source::ByteStream,
    transport::Reply,
};

/// Chunks between the network and the disk. Each may keep half a megabyte of the HTTP library alive.
const IN_FLIGHT: usize = 2;

/// Bytes of one answer after which the tries begin to count anew.
const PROGRESS: u64 = 64 << 10;

/// What the writing half is told.
enum Order {
    Append(Bytes),
    /// Begin again: the registry did not go on where the last answer broke off.
    Restart,
}

impl RepositoryClient {
    /// Whether a blob is there, and its size if the registry says it. A 403 counts as absent: GHCR answers so for
    /// workflow tokens, and the upload that follows has a body that explains.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        let path = self.path(&format!("blobs/{digest}"));
        let action = format!("looking up blob {digest} in {}", self.repository());
        let call = Call::new(Method::HEAD, path, &[200, 403, 404, 405], action);
        let reply = self.transport.send(&self.session, &call).await?;
        Ok(reply.response.status() == 200)
    }

    /// Downloads a blob to the start of `file` and returns the file, rewound.
    ///
    /// At most the descriptor's size is written. An answer that breaks off is continued where it ended. Success means
    /// that size and digest of all bytes are those of the descriptor; until then nobody should look at the file.
    /// `control` counts the bytes. To stop a download, drop its future.
    pub async fn blob_to_file(
        &self,
        layer: &Descriptor,
        file: File,
        control: &Control,
    ) -> Result<File, Error> {
        let action = format!("downloading layer {} from {}", layer.digest, self.repository());
        if layer.size > limits::LAYER_BYTES {
            let fault = OverBudget { what: "the layer", limit: limits::LAYER_BYTES };
            return Err(Fault::from(fault).during(action));
        }
        let (orders, inbox) = mpsc::channel(IN_FLIGHT);
        let (expected, counter) = (layer.digest.clone(), control.clone());
        let writer = tokio::task::spawn_blocking(move || write(inbox, file, &expected, &counter));
        let sent = self.receive(layer, &orders, &action).await;
        drop(orders);
        let written = writer.await;
        sent?;
        let (file, actual) = match written {
            Ok(written) => written.map_err(|fault| fault.during(&action))?,
            Err(stopped) => return Err(Fault::Setup(stopped.to_string()).during(action)),
        };
        if actual != layer.digest {
            return Err(Fault::Digest { expected: layer.digest.clone(), actual }.during(action));
        }
        Ok(file)
    }

    /// A small blob as a whole, checked. One that is larger than `limit` by its descriptor is not asked for.
    pub async fn blob(&self, blob: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        let action = format!("downloading blob {} from {}", blob.digest, self.repository());
        if blob.size > limit {
            return Err(Fault::from(OverBudget { what: "the blob", limit }).during(action));
        }
        let mut attempt = 1;
        loop {
            let reply = self.ask_blob(blob, 0, &action).await?;
            let fault = match self.session.in_time(whole(reply, blob)).await {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => fault,
            };
            let Some(pause) = self.transport.pause(&self.session, &fault, attempt) else {
                return Err(fault.during(action));
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// A blob as a stream that ends in an error if size or digest are not the descriptor's. For passing bytes on to
    /// something that checks them itself; whoever keeps them must wait for the end.
    pub async fn blob_stream(&self, blob: &Descriptor) -> Result<ByteStream, Error> {
        let action = format!("downloading blob {} from {}", blob.digest, self.repository());
        let reply = self.ask_blob(blob, 0, &action).await?;
        let state = Streamed {
            reply,
            pace: Pace::default(),
            hasher: Some(Hasher::new(blob.digest.algorithm())),
            done: 0,
            blob: blob.clone(),
            client: self.clone(),
            action,
        };
        Ok(Box::pin(stream::try_unfold(state, Streamed::next)))
    }

    /// The network half of a download.
    async fn receive(
        &self,
        layer: &Descriptor,
        orders: &mpsc::Sender<Order>,
        action: &str,
    ) -> Result<(), Error> {
        let mut done = 0_u64;
        let mut attempt = 1;
        loop {
            let reply = self.ask_blob(layer, done, action).await?;
            if reply.response.status() != 206 && done > 0 {
                done = 0;
                // A writer that is gone has failed; its own error is the one to show.
                let _ = orders.send(Order::Restart).await;
            }
            let before = done;
            let pumped = self.session.in_time(pump(reply, layer.size, &mut done, orders)).await;
            let fault = match pumped {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            };
            if done - before >= PROGRESS {
                attempt = 1;
            }
            let Some(pause) = self.transport.pause(&self.session, &fault, attempt) else {
                return Err(fault.during(action));
            };
            tracing::debug!(action, %fault, done, "continuing the download");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn ask_blob(&self, layer: &Descriptor, from: u64, action: &str) -> Result<Reply, Error> {
        let path = self.path(&format!("blobs/{}", layer.digest));
        let mut call = Call::new(Method::GET, path, &[200], action.to_owned());
        if from > 0 {
            call = call.header(header::RANGE, format!("bytes={from}-"));
            call.expect = &[200, 206];
        }
        let reply = self.transport.send(&self.session, &call).await?;
        if reply.response.status() == 206 && !continues_at(&reply, from) {
            let fault = Fault::Protocol("the answer to a range request has another Content-Range".into());
            return Err(fault.during(action));
        }
        Ok(reply)
    }
}

/// A blob under way to somebody else.
struct Streamed {
    reply: Reply,
    pace: Pace,
    /// Gone once the end was checked.
    hasher: Option<Hasher>,
    done: u64,
    blob: Descriptor,
    client: RepositoryClient,
    action: String,
}

impl Streamed {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        match self.step().await {
            Ok(Some(chunk)) => Ok(Some((chunk, self))),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault.during(self.action)),
        }
    }

    async fn step(&mut self) -> Result<Option<Bytes>, Fault> {
        let reading = body::next_paced(&mut self.reply, &mut self.pace);
        let chunk = self.client.session.in_time(reading).await?;
        let expected = self.blob.size;
        let Some(hasher) = &mut self.hasher else {
            return Ok(None);
        };
        if let Some(chunk) = chunk {
            self.done += chunk.len() as u64;
            if self.done > expected {
                return Err(Fault::Size { expected, actual: self.done });
            }
            hasher.update(&chunk);
            return Ok(Some(chunk));
        }
        if self.done != expected {
            return Err(Fault::Size { expected, actual: self.done });
        }
        match self.hasher.take().map(Hasher::finish) {
            Some(actual) if actual != self.blob.digest => {
                Err(Fault::Digest { expected: self.blob.digest.clone(), actual })
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// Reads a small blob: no byte more than it has, and none that is not its own.
async fn whole(reply: Reply, blob: &Descriptor) -> Result<Bytes, Fault> {
    let bytes = body::read_all(reply, blob.size, "the blob").await?;
    if bytes.len() as u64 != blob.size {
        return Err(Fault::Size { expected: blob.size, actual: bytes.len() as u64 });
    }
    verify(&bytes, &blob.digest)?;
    Ok(bytes)
}

fn continues_at(reply: &Reply, from: u64) -> bool {
    let range = reply.response.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|text| text.starts_with(&format!("bytes {from}-")))
}

/// Hands the body of one answer on, never more than `size` bytes in all.
async fn pump(
    mut reply: Reply,
    size: u64,
    done: &mut u64,
    orders: &mpsc::Sender<Order>,
) -> Result<(), Fault> {
    let mut pace = Pace::default();
    while let Some(chunk) = body::next_paced(&mut reply, &mut pace).await? {
        let total = *done + chunk.len() as u64;
        if total > size {
            return Err(Fault::Size { expected: size, actual: total });
        }
        if orders.send(Order::Append(chunk)).await.is_err() {
            return Ok(());
        }
        *done = total;
    }
    if *done == size { Ok(()) } else { Err(Fault::Size { expected: size, actual: *done }) }
}

/// The disk half of a download: hashes and writes.
fn write(
    mut inbox: mpsc::Receiver<Order>,
    mut file: File,
    expected: &Digest,
    control: &Control,
) -> Result<(File, Digest), Fault> {
    let failed =
        |source| Fault::File { what: "writing the download to", path: "a temporary file".into(), source };
    let mut hasher = Hasher::new(expected.algorithm());
    while let Some(order) = inbox.blocking_recv() {
        match order {
            Order::Append(chunk) => {
                hasher.update(&chunk);
                file.write_all(&chunk).map_err(failed)?;
                control.add(chunk.len() as u64);
            }
            Order::Restart => {
                hasher = Hasher::new(expected.algorithm());
                file.rewind().and_then(|()| file.set_len(0)).map_err(failed)?;
            }
        }
    }
    file.rewind().map_err(failed)?;
    Ok((file, hasher.finish()))
}
