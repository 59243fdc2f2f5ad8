//! From a layer in a registry to a file in the storage.

use std::{
    error::Error as _,
    io::{self, Read as _, Seek as _},
    sync::Arc,
    time::Duration,
};

use oci_artifact::{
    Class, Classify as _,
    archive::{self, Control, RepackOptions, Repacked},
    manifest::Descriptor,
    name::{Algorithm, Digest, Hasher},
};
use oci_crds::validate::{Checked, Operation};
use oci_decide::{Failure, Step};
use tempfile::NamedTempFile;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use crate::{
    access::Access,
    store::{Store, StoreError},
};

/// Longest download.
const LONGEST: Duration = Duration::from_mins(30);
/// Longest work on a layer. Thousands of patterns on hundreds of thousands of files would take longer.
const LONGEST_WORK: Duration = Duration::from_mins(10);
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// It may go well another time.
const RETRY: Class = Class::Retry { after: None };

/// Moves bytes, never too many of them at once.
pub(crate) struct Transfer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) algorithm: Algorithm,
    transfers: Semaphore,
    cpus: Arc<Semaphore>,
}

/// A file that can be published.
pub(crate) struct Ready {
    pub(crate) file: NamedTempFile,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// What was packed, where it was.
    pub(crate) repacked: Option<Repacked>,
}

impl Transfer {
    pub(crate) fn new(store: Arc<dyn Store>, algorithm: Algorithm, transfers: usize, cpus: usize) -> Self {
        let bounded = |count: usize| count.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            store,
            algorithm,
            transfers: Semaphore::new(bounded(transfers)),
            cpus: Arc::new(Semaphore::new(bounded(cpus))),
        }
    }

    /// Downloads a layer, checks it and makes of it what the spec says.
    pub(crate) async fn fetch(
        &self,
        access: &Access<'_>,
        checked: &Checked,
        layer: &Descriptor,
        control: &Control,
    ) -> Result<Ready, Failure> {
        let file = self.download(access, checked.timeout, layer, control).await?;
        match checked.layer.operation {
            Operation::Extract => {
                let output = self.store.draft().map_err(|error| no_draft(&error))?;
                let (size, ignore) = (layer.size, checked.ignore.clone());
                let algorithm = self.algorithm;
                let work = move |threads, control: &Control| {
                    let options = RepackOptions { ignore, threads, algorithm };
                    repack(&file, size, &options, control, output)
                };
                self.on_a_thread(control, work).await
            }
            // The file's bytes are the layer's, and so is their digest.
            Operation::Copy if layer.digest.algorithm() == self.algorithm => {
                Ok(Ready { file, digest: layer.digest.clone(), size: layer.size, repacked: None })
            }
            Operation::Copy => {
                let (size, algorithm) = (layer.size, self.algorithm);
                let work = move |_, control: &Control| {
                    let digest = hash(&file, algorithm, control)?;
                    Ok(Ready { file, digest, size, repacked: None })
                };
                self.on_a_thread(control, work).await
            }
        }
    }

    async fn download(
        &self,
        access: &Access<'_>,
        patience: Duration,
        layer: &Descriptor,
        control: &Control,
    ) -> Result<NamedTempFile, Failure> {
        let _one_of_a_few = self.transfers.acquire().await;
        let (file, path) = self.store.draft().map_err(|error| no_draft(&error))?.into_parts();
        let client = access.client.clone().until(Some(Instant::now() + LONGEST)).stalling_after(patience);
        let file = client.blob_to_file(layer, file, control).await.map_err(|error| {
            let action = format!("downloading layer {} from {}", layer.digest, access.repository());
            access.failure(Step::Download, &action, &error)
        })?;
        Ok(NamedTempFile::from_parts(file, path))
    }

    /// Does work that takes a processor; it is stopped when nobody waits for it any longer. It gets all processors that
    /// are free, at least one.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        control: &Control,
        work: impl FnOnce(usize, &Control) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let one = Arc::clone(&self.cpus).acquire_owned().await;
        let free = self.cpus.available_permits();
        let more = Arc::clone(&self.cpus).try_acquire_many_owned(u32::try_from(free).unwrap_or(u32::MAX));
        let threads = if more.is_ok() { 1 + free } else { 1 };
        let work = move |control: &Control| {
            // Held until the work is really over, also where nobody waits for it any longer.
            let _held = (one, more);
            work(threads, control)
        };
        in_time(LONGEST_WORK, control, work).await
    }
}

/// Works on a thread of its own, and stops that after so long, or when nobody waits for it any longer.
async fn in_time<T: Send + 'static>(
    longest: Duration,
    control: &Control,
    work: impl FnOnce(&Control) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let mut stop = StopOnDrop(Some(control.clone()));
    let control = control.clone();
    let work = tokio::task::spawn_blocking(move || work(&control));
    let Ok(done) = timeout(longest, work).await else {
        return Err(too_long(longest));
    };
    stop.0 = None;
    done.unwrap_or_else(|_| Err(ended(Step::Archive, "the work on the layer ended unexpectedly")))
}

/// Stops work on another thread.
struct StopOnDrop(Option<Control>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            control.cancel();
        }
    }
}

/// The layer's archive without what is ignored, written anew.
fn repack(
    layer: &NamedTempFile,
    size: u64,
    options: &RepackOptions,
    control: &Control,
    mut output: NamedTempFile,
) -> Result<Ready, Failure> {
    let repacked = archive::repack(layer.as_file(), size, options, control, output.as_file_mut())
        .map_err(|error| archive_failure(&error))?;
    let (digest, size) = (repacked.digest.clone(), repacked.size);
    Ok(Ready { file: output, digest, size, repacked: Some(repacked) })
}

/// The digest of a file from its start.
fn hash(file: &NamedTempFile, algorithm: Algorithm, control: &Control) -> Result<Digest, Failure> {
    let failed = |error: io::Error| ended(Step::WorkFile, format!("reading the layer back failed: {error}"));
    let mut file = file.as_file();
    file.rewind().map_err(failed)?;
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; CHUNK];
    loop {
        if control.is_cancelled() {
            return Err(ended(Step::Archive, "the work on the layer was cancelled"));
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// A failure that may not happen again.
fn ended(step: Step, message: impl Into<String>) -> Failure {
    Failure { step, class: RETRY, message: message.into(), hint: None }
}

/// It would take as long the next time.
fn too_long(longest: Duration) -> Failure {
    Failure {
        step: Step::Archive,
        class: Class::Terminal,
        message: format!("writing the layer's archive anew took longer than {longest:?}"),
        hint: Some("ship fewer files, or fewer patterns in spec.ignore and .sourceignore".to_owned()),
    }
}

/// No file to work with.
fn no_draft(error: &StoreError) -> Failure {
    Failure::new(Step::WorkFile, error)
}

/// What is wrong with the layer, or with our disk.
fn archive_failure(error: &archive::Error) -> Failure {
    let mut message = error.to_string();
    if let Some(source) = error.source() {
        message = format!("{message}: {source}");
    }
    let (step, class) = match error {
        archive::Error::Sink(_) | archive::Error::Io { .. } => (Step::Store, RETRY),
        archive::Error::Layer(_) => (Step::WorkFile, RETRY),
        archive::Error::Cancelled | archive::Error::Worker(_) => (Step::Archive, RETRY),
        other => (Step::Archive, other.class()),
    };
    let hint = if step == Step::Store {
        Some("free space on the storage volume, or enlarge it".to_owned())
    } else {
        error.hint()
    };
    Failure { step, class, message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_stopped_when_it_takes_too_long() {
        let control = Control::default();
        let (told, stopped) = tokio::sync::oneshot::channel();
        let endless = move |control: &Control| {
            while !control.is_cancelled() {
                std::thread::yield_now();
            }
            let _ = told.send(());
            Ok(())
        };
        let failure = in_time(Duration::from_millis(10), &control, endless).await.unwrap_err();
        assert_eq!((failure.step, failure.class), (Step::Archive, Class::Terminal));
        stopped.await.unwrap();
        assert!(in_time(LONGEST_WORK, &Control::default(), |_| Ok(())).await.is_ok());
    }
}
