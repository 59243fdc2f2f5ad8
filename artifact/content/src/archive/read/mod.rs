//! Reading the members of a layer as a stream, with every check in front of the reader's eyes.
//!
//! Only regular files and folders come out. Symbolic links that stay inside the archive are counted and left out, as
//! Flux does; everything else is refused, not skipped, because a reader that skips shows another archive than the one
//! that was signed. The `tar` crate parses the header block; its iterator is not used, because it would follow sizes
//! and names that are checked here first.

mod extension;
mod field;
mod nodes;
mod source;

use std::io::Read;

use tar::Header;

use crate::limits;

use self::{
    extension::Extensions,
    field::Fields,
    nodes::{Node, Nodes},
    source::Source,
};

use super::{Control, Error, MemberPath, path::shown};

const BLOCK: usize = 512;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Bytes of content.
        size: u64,
        /// Whether any of its execute bits is set; no other bit of the mode is kept.
        executable: bool,
    },
}

/// One member, while the stream stands at its content.
pub struct Member<'a> {
    /// Its path.
    pub path: &'a MemberPath,
    /// What it is.
    pub kind: MemberKind,
    content: &'a mut dyn FnMut(&mut [u8]) -> Result<usize, Error>,
}

impl Member<'_> {
    /// Fills `buffer` with the next bytes of content; fewer come only at the end. What is not read is skipped.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        (self.content)(buffer)
    }
}

/// What an archive held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Regular files.
    pub files: u64,
    /// Folders that are members themselves, without the root.
    pub folders: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Symbolic links that were left out.
    pub skipped_links: u64,
}

/// Calls `visit` for every member of the layer, in order, and reads the layer to its end.
///
/// `layer_size` is the declared size of the layer; any other size is an error.
///
/// # Errors
///
/// The archive is to be trusted only once this returned [`Ok`]: a fault may come after the last member.
pub fn read(
    layer: impl Read,
    layer_size: u64,
    control: &Control,
    visit: &mut dyn FnMut(Member<'_>) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let source = Source::open(layer, layer_size, control)?;
    let mut reader =
        Reader { source, nodes: Nodes::default(), members: 0, root: false, summary: Summary::default() };
    while let Some(entry) = reader.next_entry()? {
        reader.member(&entry, visit)?;
    }
    reader.source.drain()?;
    Ok(reader.summary)
}

struct Reader<R: Read> {
    source: Source<R>,
    nodes: Nodes,
    /// Headers of members, of whatever kind.
    members: u64,
    root: bool,
    summary: Summary,
}

/// A header with everything that its extensions said.
struct Entry {
    name: Vec<u8>,
    link: Vec<u8>,
    fields: Fields,
}

impl<R: Read> Reader<R> {
    /// The next header that is no extension; `None` at the end marker.
    fn next_entry(&mut self) -> Result<Option<Entry>, Error> {
        let mut extensions = Extensions::default();
        loop {
            let mut block = [0; BLOCK];
            let count = self.source.read(&mut block)?;
            if count == 0 && extensions.is_empty() {
                return Err(Error::NoEnd);
            }
            if count < BLOCK {
                return Err(Error::Truncated("a header".to_owned()));
            }
            if block.iter().all(|byte| *byte == 0) {
                return if extensions.is_empty() {
                    Ok(None)
                } else {
                    Err(Error::Truncated("the headers of a member".to_owned()))
                };
            }
            let header = Header::from_byte_slice(&block);
            let name = header.path_bytes();
            let fields = field::parse(&block)
                .map_err(|fault| Error::Header { member: self.subject(&name, fault), fault })?;
            if let flag @ (b'x' | b'g' | b'L' | b'K') = fields.flag {
                let content = self.extension(fields.size, &name)?;
                extensions.add(flag, &content)?;
                continue;
            }
            let name = extensions.name(&name)?;
            extensions.check_size(fields.size, &name)?;
            let link = extensions.link(&header.link_name_bytes().unwrap_or_default())?;
            return Ok(Some(Entry { name, link, fields }));
        }
    }

    /// A name is worthless if the checksum is wrong; then the position must do.
    fn subject(&self, name: &[u8], fault: &str) -> String {
        if fault == "wrong checksum" { format!("number {}", self.members + 1) } else { shown(name) }
    }

    fn extension(&mut self, size: u64, name: &[u8]) -> Result<Vec<u8>, Error> {
        if size > limits::EXTENSION_HEADER_BYTES {
            return Err(Error::limit(
                shown(name),
                "bytes of extension header",
                limits::EXTENSION_HEADER_BYTES,
            ));
        }
        let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
        if self.source.read(&mut content)? < content.len() {
            return Err(Error::Truncated("an extension header".to_owned()));
        }
        self.skip_padding(size, name)?;
        Ok(content)
    }

    fn member(
        &mut self,
        entry: &Entry,
        visit: &mut dyn FnMut(Member<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.members += 1;
        if self.members > limits::MEMBERS {
            return Err(Error::limit("the archive", "members", limits::MEMBERS));
        }
        let node = node_of(entry)?;
        if node != Node::File && entry.fields.size != 0 {
            // Some readers skip that many bytes, others do not.
            return Err(Error::Header { member: shown(&entry.name), fault: "a folder or link has content" });
        }
        let Some(path) = MemberPath::of_member(&entry.name, node == Node::Folder)? else {
            return self.root_folder(&entry.name);
        };
        self.nodes.add(&path, node)?;
        let kind = match node {
            Node::Link => {
                self.summary.skipped_links += 1;
                return check_link(&path, &entry.link);
            }
            Node::Folder => {
                self.summary.folders += 1;
                MemberKind::Folder
            }
            Node::File => self.file(entry.fields)?,
        };
        self.visit(entry, &path, kind, visit)
    }

    fn file(&mut self, fields: Fields) -> Result<MemberKind, Error> {
        self.summary.files += 1;
        self.summary.bytes = self.summary.bytes.saturating_add(fields.size);
        if self.summary.bytes > limits::EXTRACTED_BYTES {
            return Err(Error::limit("the archive", "bytes in files", limits::EXTRACTED_BYTES));
        }
        Ok(MemberKind::File { size: fields.size, executable: fields.executable })
    }

    /// Shows the member, and skips what was not read of it.
    fn visit(
        &mut self,
        entry: &Entry,
        path: &MemberPath,
        kind: MemberKind,
        visit: &mut dyn FnMut(Member<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut left = entry.fields.size;
        let source = &mut self.source;
        let mut content = |buffer: &mut [u8]| {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = source.read(buffer.get_mut(..wanted).unwrap_or_default())?;
            left -= count as u64;
            if count < wanted { Err(truncated(&entry.name)) } else { Ok(count) }
        };
        visit(Member { path, kind, content: &mut content })?;
        if source.skip(left)? < left {
            return Err(truncated(&entry.name));
        }
        self.skip_padding(entry.fields.size, &entry.name)
    }

    /// `.` may be there once, and says nothing.
    fn root_folder(&mut self, name: &[u8]) -> Result<(), Error> {
        if std::mem::replace(&mut self.root, true) {
            return Err(Error::Duplicate(shown(name)));
        }
        Ok(())
    }

    fn skip_padding(&mut self, size: u64, name: &[u8]) -> Result<(), Error> {
        let padding = size.next_multiple_of(BLOCK as u64) - size;
        if self.source.skip(padding)? < padding { Err(truncated(name)) } else { Ok(()) }
    }
}

fn truncated(name: &[u8]) -> Error {
    Error::Truncated(format!("member `{}`", shown(name)))
}

fn node_of(entry: &Entry) -> Result<Node, Error> {
    let kind = match entry.fields.flag {
        b'0' => return Ok(Node::File),
        // Before ustar a slash at the end was all that told a folder from a file.
        0 => {
            return Ok(if entry.name.ends_with(b"/") { Node::Folder } else { Node::File });
        }
        b'5' => return Ok(Node::Folder),
        b'2' => return Ok(Node::Link),
        b'1' => "a hard link",
        b'3' => "a character device",
        b'4' => "a block device",
        b'6' => "a named pipe",
        b'S' => "a sparse file",
        _ => "of an unknown type",
    };
    Err(Error::Kind { member: shown(&entry.name), kind })
}

/// A link is harmless if its target stays inside the archive, read as text.
fn check_link(path: &MemberPath, target: &[u8]) -> Result<(), Error> {
    let outside = || Error::MemberLink { member: shown(path.as_str().as_bytes()), target: shown(target) };
    if target.is_empty() || target.starts_with(b"/") || target.contains(&b'\\') || target.contains(&0) {
        return Err(outside());
    }
    let mut depth = path.components().count() - 1;
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => depth = depth.checked_sub(1).ok_or_else(outside)?,
            _ => depth += 1,
        }
    }
    Ok(())
}
