//! One thread inflates and checks, two others create the files.
//!
//! Creating a small file costs more than inflating it, mostly in the kernel. Members travel in batches of up to
//! [`BATCH`] bytes; a file that is larger spans several batches, which all go to the same thread. Batches are used
//! again, so memory stays at `WRITERS * (QUEUE + 1) + 1` of them.

use std::{
    fs::File,
    io::{Read, Write},
    ops::Range,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    thread,
};

use rustix::{
    fs::{Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use crate::archive::{Control, Error, Member, MemberKind, MemberPath, Summary, read};

/// Bytes of content in a batch.
const BATCH: usize = 256 << 10;
/// Members in a batch; folders and empty files have no bytes.
const BATCH_MEMBERS: usize = 256;
/// Threads that create files.
const WRITERS: usize = 2;
/// Batches that wait for a thread.
const QUEUE: usize = 2;

/// Writes all members below `root`; `shown` is the path for messages.
pub(super) fn write(
    layer: impl Read,
    layer_size: u64,
    root: BorrowedFd<'_>,
    shown: &Path,
    control: &Control,
) -> Result<Summary, Error> {
    thread::scope(|scope| {
        let (done, spare) = channel();
        let mut lanes = Vec::new();
        let mut threads = Vec::new();
        for _ in 0..WRITERS {
            let (lane, batches) = sync_channel(QUEUE);
            let writer = Writer { root, shown, open: Vec::new(), file: None, done: done.clone() };
            let thread = thread::Builder::new()
                .name("unpack".to_owned())
                .spawn_scoped(scope, move || writer.run(&batches))
                .map_err(|_| Error::Worker("could not be started"))?;
            lanes.push(lane);
            threads.push(thread);
        }
        let mut feeder = Feeder { lanes, next: 0, pinned: None, spare, batch: Batch::default() };
        let result = read(layer, layer_size, control, &mut |member| feeder.add(member))
            .and_then(|summary| feeder.send().map(|()| summary));
        // Without this the threads would wait for more.
        drop(feeder);
        for thread in threads {
            match thread.join() {
                // Says why the feeder could not go on.
                Ok(written) => written?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        result
    })
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    filled: usize,
    parts: Vec<Part>,
}

/// A member, or a piece of one.
struct Part {
    path: MemberPath,
    kind: MemberKind,
    range: Range<usize>,
    first: bool,
    last: bool,
}

/// The side that reads the archive.
struct Feeder {
    lanes: Vec<SyncSender<Batch>>,
    next: usize,
    /// The lane that has the beginning of an unfinished file.
    pinned: Option<usize>,
    spare: Receiver<Batch>,
    batch: Batch,
}

impl Feeder {
    fn add(&mut self, mut member: Member<'_>) -> Result<(), Error> {
        let mut left = match member.kind {
            MemberKind::Folder => 0,
            MemberKind::File { size, .. } => size,
        };
        let mut first = true;
        loop {
            if self.batch.filled == BATCH || self.batch.parts.len() == BATCH_MEMBERS {
                self.send()?;
            }
            self.batch.bytes.resize(BATCH, 0);
            let start = self.batch.filled;
            let end = usize::try_from(left).map_or(BATCH, |left| start.saturating_add(left).min(BATCH));
            let count = member.read(self.batch.bytes.get_mut(start..end).unwrap_or_default())?;
            left -= count as u64;
            self.batch.filled += count;
            let range = start..self.batch.filled;
            let (path, kind) = (member.path.clone(), member.kind);
            self.batch.parts.push(Part { path, kind, range, first, last: left == 0 });
            if left == 0 {
                return Ok(());
            }
            first = false;
        }
    }

    fn send(&mut self) -> Result<(), Error> {
        let next = self.spare.try_recv().unwrap_or_default();
        let mut batch = std::mem::replace(&mut self.batch, next);
        let unfinished = batch.parts.last().is_some_and(|part| !part.last);
        let lanes = self.lanes.len();
        let mut lane = self.pinned.unwrap_or(self.next);
        if self.pinned.is_none() {
            // Any lane with room, from the next one on; else wait for that one.
            for at in 0..lanes {
                let candidate = (self.next + at) % lanes.max(1);
                match self.lanes.get(candidate).map(|lane| lane.try_send(batch)) {
                    Some(Ok(())) => {
                        self.next = (candidate + 1) % lanes.max(1);
                        self.pinned = unfinished.then_some(candidate);
                        return Ok(());
                    }
                    Some(Err(TrySendError::Full(back))) => batch = back,
                    Some(Err(TrySendError::Disconnected(_))) | None => {
                        return Err(Error::Worker("ended early"));
                    }
                }
            }
            lane = self.next;
            self.next = (lane + 1) % lanes.max(1);
        }
        self.pinned = unfinished.then_some(lane);
        let sent = self.lanes.get(lane).map(|lane| lane.send(batch));
        if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(Error::Worker("ended early")) }
    }
}

/// The side that creates files and folders.
struct Writer<'a> {
    root: BorrowedFd<'a>,
    shown: &'a Path,
    /// The folders down to the last member's, with their names.
    open: Vec<(Box<str>, OwnedFd)>,
    /// The file whose next piece is to come.
    file: Option<File>,
    done: Sender<Batch>,
}

impl Writer<'_> {
    fn run(mut self, batches: &Receiver<Batch>) -> Result<(), Error> {
        while let Ok(mut batch) = batches.recv() {
            for part in &batch.parts {
                self.part(part, batch.bytes.get(part.range.clone()).unwrap_or_default())?;
            }
            batch.parts.clear();
            batch.filled = 0;
            // Nobody takes it once the archive has ended.
            let _ = self.done.send(batch);
        }
        Ok(())
    }

    fn part(&mut self, part: &Part, bytes: &[u8]) -> Result<(), Error> {
        let failed = |operation| move |error| (operation, error);
        let result = match part.kind {
            MemberKind::Folder => self.enter(part.path.as_str()).map_err(failed("create")),
            MemberKind::File { executable, .. } => self.piece(part, executable, bytes),
        };
        result.map_err(|(operation, error)| Error::io(operation, self.shown.join(part.path.as_str()), error))
    }

    fn piece(
        &mut self,
        part: &Part,
        executable: bool,
        bytes: &[u8],
    ) -> Result<(), (&'static str, std::io::Error)> {
        if part.first {
            self.enter(part.path.parent().unwrap_or_default()).map_err(|error| ("create", error))?;
            let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(self.top(), part.path.name(), flags, mode);
            self.file = Some(File::from(file.map_err(|error| ("create", error.into()))?));
        }
        if let Some(file) = &mut self.file {
            file.write_all(bytes).map_err(|error| ("write", error))?;
        }
        if part.last {
            self.file = None;
        }
        Ok(())
    }

    fn top(&self) -> BorrowedFd<'_> {
        self.open.last().map_or(self.root, |(_, folder)| folder.as_fd())
    }

    /// Makes `folder` the top of the open folders; whatever is missing on the way is created.
    fn enter(&mut self, folder: &str) -> Result<(), std::io::Error> {
        let mut depth = 0;
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            if self.open.get(depth).is_none_or(|(open, _)| **open != *name) {
                self.open.truncate(depth);
                match mkdirat(self.top(), name, Mode::from_raw_mode(0o755)) {
                    // The other thread may be in the same folder.
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let folder = openat(self.top(), name, flags, Mode::empty())?;
                self.open.push((name.into(), folder));
            }
            depth += 1;
        }
        self.open.truncate(depth);
        Ok(())
    }
}
