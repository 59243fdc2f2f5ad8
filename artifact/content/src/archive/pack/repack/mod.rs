//! From a layer to the archive that source-controller stores, in one pass and without files in between.
//!
//! Members keep the layer's order. Those that are ignored are left out; folders that are needed and have no member, or
//! none yet, are added in front of what is in them. Owner and times are zero, modes are 0750, 0700 and 0600.
//!
//! A `.sourceignore` may come after members that it is about. Most layers have none, or have it first, so the one pass
//! hopes for that; where it hoped in vain the ignore files are collected in a pass of their own, and the archive is
//! begun anew with all of them known.

mod rules;

use std::{
    cell::Cell,
    collections::HashSet,
    fs::File,
    io::{self, Read, Seek, Write},
};

use sha2::{Digest as _, Sha256};

use crate::name::{Algorithm, Digest};

use super::{
    super::{Control, Error, IGNORE_FILE, Ignore, Member, MemberKind, read},
    archive::Archive,
    gzip::{self, Encoder},
    header::Modes,
};
use rules::IgnoreFiles;

/// The first bytes of every gzip file.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// How to write a layer's archive anew.
#[derive(Clone, Debug)]
pub struct RepackOptions {
    /// Lines of ignore patterns that come after those of the layer's `.sourceignore` files (`spec.ignore`).
    pub ignore: Option<String>,
    /// Threads that compress; 0 means one for each processor. The output does not depend on it.
    pub threads: usize,
    /// What the digest of the output is made with.
    pub algorithm: Algorithm,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repacked {
    /// Digest of the output.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Files in it.
    pub files: u64,
    /// Members of the layer that ignore patterns left out.
    pub ignored: u64,
    /// Symbolic links of the layer that were left out.
    pub skipped_links: u64,
}

/// Where an archive goes that may have to be begun anew.
pub trait Sink: Write {
    /// Forgets everything that was written.
    fn start_over(&mut self) -> io::Result<()>;
}

impl Sink for File {
    fn start_over(&mut self) -> io::Result<()> {
        self.rewind()?;
        self.set_len(0)
    }
}

impl Sink for Vec<u8> {
    fn start_over(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl<T: Sink + ?Sized> Sink for &mut T {
    fn start_over(&mut self) -> io::Result<()> {
        (**self).start_over()
    }
}

/// Writes the archive of a gzip-compressed layer to `sink` as source-controller stores it.
///
/// `layer` is read from its start, more than once if need be; `layer_size` is its declared size.
///
/// # Errors
///
/// Those of [`read`], and [`Error::NotGzip`]. On any error what was written to `sink` is worthless.
pub fn repack(
    mut layer: impl Read + Seek,
    layer_size: u64,
    options: &RepackOptions,
    control: &Control,
    mut sink: impl Sink,
) -> Result<Repacked, Error> {
    check_gzip(&mut layer, layer_size, control)?;
    let late = Cell::new(false);
    let hopeful = Pass { options, control, files: IgnoreFiles::default(), late: Some(&late) };
    match hopeful.run(&mut layer, layer_size, &mut sink) {
        // The error is our own, which only ended the pass.
        Err(_) if late.get() => {}
        done => return done,
    }
    layer.rewind().map_err(Error::Layer)?;
    let files = collect(&mut layer, layer_size, control)?;
    layer.rewind().map_err(Error::Layer)?;
    sink.start_over().map_err(Error::Sink)?;
    Pass { options, control, files, late: None }.run(&mut layer, layer_size, &mut sink)
}

/// Refuses a layer that [`read`] would take without compression; leaves it at its start.
fn check_gzip(layer: &mut (impl Read + Seek), layer_size: u64, control: &Control) -> Result<(), Error> {
    layer.rewind().map_err(Error::Layer)?;
    let mut head = Vec::with_capacity(GZIP.len());
    layer.take(GZIP.len() as u64).read_to_end(&mut head).map_err(Error::Layer)?;
    layer.rewind().map_err(Error::Layer)?;
    if head == GZIP {
        return Ok(());
    }
    // It knows best what else the layer is, if it is no tar archive.
    match read(layer, layer_size, control, &mut |_| Err(Error::NotGzip)) {
        Ok(_) => Err(Error::NotGzip),
        Err(error) => Err(error),
    }
}

/// All ignore files of the layer.
fn collect(layer: &mut impl Read, layer_size: u64, control: &Control) -> Result<IgnoreFiles, Error> {
    let mut files = IgnoreFiles::default();
    read(layer, layer_size, control, &mut |mut member| {
        if let Some(size) = ignore_file(&member) {
            files.add(member.path, &rules::content(&mut member, size)?)?;
        }
        Ok(())
    })?;
    Ok(files)
}

/// The size of the member, if it is an ignore file.
fn ignore_file(member: &Member<'_>) -> Option<u64> {
    match member.kind {
        MemberKind::File { size, .. } if member.path.name() == IGNORE_FILE => Some(size),
        _ => None,
    }
}

/// One pass over the layer that writes the archive.
struct Pass<'a> {
    options: &'a RepackOptions,
    control: &'a Control,
    /// The ignore files that are known before.
    files: IgnoreFiles,
    /// Set when an ignore file comes too late; `None` if all are known.
    late: Option<&'a Cell<bool>>,
}

impl Pass<'_> {
    fn run(
        mut self,
        layer: &mut impl Read,
        layer_size: u64,
        sink: &mut impl Write,
    ) -> Result<Repacked, Error> {
        let (options, control) = (self.options, self.control);
        let fill = |encoder: &mut Encoder<'_, _>| {
            let mut archive = Archive::new(encoder, Modes::PRIVATE, control);
            archive.folder(".")?;
            let ignore = self.files.rules(options.ignore.as_deref())?;
            let mut writer = Writer { archive, ignore, folders: HashSet::new(), members: 0, ignored: 0 };
            let summary = read(layer, layer_size, control, &mut |member| self.member(&mut writer, member))?;
            writer.archive.end()?;
            Ok((writer.archive.files, writer.ignored, summary.skipped_links))
        };
        let ((files, ignored, skipped_links), written) =
            gzip::compress(sink, options.threads, options.algorithm, fill)?;
        Ok(Repacked { digest: written.digest, size: written.size, files, ignored, skipped_links })
    }

    fn member<W: Write>(
        &mut self,
        writer: &mut Writer<'_, '_, W>,
        mut member: Member<'_>,
    ) -> Result<(), Error> {
        writer.members += 1;
        let Some((late, size)) = self.late.zip(ignore_file(&member)) else {
            return writer.member(&mut member, None);
        };
        let content = rules::content(&mut member, size)?;
        if !self.files.add(member.path, &content)? {
            return writer.member(&mut member, Some(&content));
        }
        if writer.members > 1 {
            late.set(true);
            return Err(Error::Cancelled);
        }
        writer.ignore = self.files.rules(self.options.ignore.as_deref())?;
        writer.member(&mut member, Some(&content))
    }
}

/// The archive that is written.
struct Writer<'a, 'e, W> {
    archive: Archive<'a, 'e, W>,
    ignore: Ignore,
    /// Folders that are in it, by 16 bytes of their SHA-256: long names would take much more.
    folders: HashSet<[u8; 16]>,
    /// Members that came, whatever became of them.
    members: u64,
    ignored: u64,
}

impl<W: Write> Writer<'_, '_, W> {
    /// Writes a member, or leaves it out; `content` is what was read of it already.
    fn member(&mut self, member: &mut Member<'_>, content: Option<&[u8]>) -> Result<(), Error> {
        let path = member.path;
        let components: Vec<&str> = path.components().collect();
        if self.ignore.is_ignored(&components, member.kind == MemberKind::Folder) {
            self.ignored += 1;
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            self.folders_down_to(parent)?;
        }
        match (member.kind, content) {
            (MemberKind::Folder, _) => self.folder(path.as_str()),
            (MemberKind::File { size, executable }, None) => {
                self.archive.begin(path, size, executable)?;
                self.archive.copy(size, |buffer| member.read(buffer))
            }
            (MemberKind::File { size, executable }, Some(mut content)) => {
                self.archive.begin(path, size, executable)?;
                self.archive.copy(size, |buffer| content.read(buffer).map_err(Error::Layer))
            }
        }
    }

    fn folders_down_to(&mut self, path: &str) -> Result<(), Error> {
        // Mostly the folder is there already, and with it those above.
        if self.folders.contains(&key(path)) {
            return Ok(());
        }
        for (end, _) in path.match_indices('/') {
            self.folder(path.get(..end).unwrap_or_default())?;
        }
        self.folder(path)
    }

    fn folder(&mut self, path: &str) -> Result<(), Error> {
        if self.folders.insert(key(path)) { self.archive.folder(path) } else { Ok(()) }
    }
}

fn key(path: &str) -> [u8; 16] {
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(Sha256::digest(path.as_bytes())) {
        *to = from;
    }
    key
}
