//! Why an archive cannot be made, read or unpacked.

use std::{io, path::PathBuf};

use crate::{Class, Classify};

use super::PathFault;

/// Why an archive cannot be made, read or unpacked. Names in messages are cut and escaped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`Control::cancel`](super::Control::cancel) was called.
    #[error("the work on the archive was cancelled")]
    Cancelled,
    /// The operating system refused something.
    #[error("cannot {operation} `{}`", .path.display())]
    Io {
        /// What was tried, a verb: `open`, `create`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The layer's bytes could not be had from where they come from.
    #[error("cannot read the layer")]
    Layer(#[source] io::Error),
    /// The archive's bytes could not be written to where they go.
    #[error("cannot write the archive")]
    Sink(#[source] io::Error),
    /// A thread could not be started or ended early.
    #[error("a worker thread of the archive {0}")]
    Worker(&'static str),

    /// A source path that is neither a file nor a folder.
    #[error("`{}` is neither a file nor a folder", .0.display())]
    NotPackable(PathBuf),
    /// Nothing is left to pack.
    #[error("nothing to pack in `{}`", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// Entries that ignore patterns left out.
        ignored: u64,
        /// Links and special files that were left out.
        skipped: u64,
    },
    /// A file is not what it was when packing it began.
    #[error("`{}` {how} while it was being packed", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// `grew`, `shrank`, `changed` or `disappeared`.
        how: &'static str,
    },
    /// A symbolic link that points nowhere.
    #[error("the link `{}` points to `{}`, which does not exist", .link.display(), .target.display())]
    LinkBroken {
        /// The link.
        link: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// A symbolic link out of the folder that is packed.
    #[error("the link `{}` points to `{}`, outside of the folder", .link.display(), .target.display())]
    LinkOutside {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },

    /// A limit was passed.
    #[error("`{subject}` has more than {limit} {what}")]
    Limit {
        /// Of what: a path, `the layer` or `the archive`.
        subject: String,
        /// What is counted.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A name that is refused.
    #[error("member `{member}` is refused: {fault}")]
    Path {
        /// The name, cut and escaped.
        member: String,
        /// What is wrong with it.
        fault: PathFault,
    },

    /// Not one byte.
    #[error("the layer is empty")]
    EmptyLayer,
    /// Neither tar nor gzip.
    #[error("the layer is {0}: only tar and gzip-compressed tar are supported")]
    Format(&'static str),
    /// A tar archive as it is, where it has to be compressed.
    #[error("the layer is a tar archive without gzip compression")]
    NotGzip,
    /// The gzip data is damaged.
    #[error("the layer is damaged: its gzip data is not valid")]
    Gzip(#[source] io::Error),
    /// The layer has not the size that was declared.
    #[error("the layer has {how} than its {expected} bytes")]
    LayerSize {
        /// `less` or `more`.
        how: &'static str,
        /// The declared size.
        expected: u64,
    },
    /// The archive ends too early.
    #[error("the archive ends inside of {0}")]
    Truncated(String),
    /// The archive has no end marker.
    #[error("the archive has no end marker: it was cut off")]
    NoEnd,
    /// Something stands after the end marker.
    #[error("the archive has data after its end marker")]
    Trailing,
    /// A header is damaged.
    #[error("the header of member `{member}` is not valid: {fault}")]
    Header {
        /// The name, cut and escaped, or its number.
        member: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A link, a device or something else that is no file and no folder.
    #[error("member `{member}` is {kind}: only files and folders are accepted")]
    Kind {
        /// The name, cut and escaped.
        member: String,
        /// What it is.
        kind: &'static str,
    },
    /// A symbolic link that leaves the archive.
    #[error("member `{member}` is a symbolic link to `{target}`, outside of the archive")]
    MemberLink {
        /// The name, cut and escaped.
        member: String,
        /// Its target, cut and escaped.
        target: String,
    },
    /// Two members of one name.
    #[error("member `{0}` is in the archive more than once")]
    Duplicate(String),
    /// A file or link where another member needs a folder, or the reverse.
    #[error("member `{0}` is a folder and something else in the same archive")]
    Conflict(String),

    /// The destination is no folder.
    #[error("the destination `{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// What is at the destination cannot be replaced by what is in the archive.
    #[error("`{}` is {found}, but the archive has {wanted} there", .path.display())]
    Occupied {
        /// The path at the destination.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// `a file` or `a folder`.
        wanted: &'static str,
    },
}

impl Error {
    /// `subject` has more than `limit` of `what`.
    pub(super) fn limit(subject: impl Into<String>, what: &'static str, limit: u64) -> Self {
        Self::Limit { subject: subject.into(), what, limit }
    }

    /// An error of the operating system on `path`.
    pub(super) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self::Io { operation, path: path.into(), source: source.into() }
    }
}

impl Classify for Error {
    fn reason(&self) -> &'static str {
        match self {
            Self::Cancelled => "Cancelled",
            Self::Io { .. } | Self::Sink(_) if is_disk_full(self) => "DiskFull",
            Self::Io { .. } | Self::Sink(_) | Self::Worker(_) => "FileSystemFailed",
            Self::Layer(_) => "LayerUnreadable",
            Self::NotPackable(_)
            | Self::Empty { .. }
            | Self::LinkBroken { .. }
            | Self::LinkOutside { .. } => "SourceInvalid",
            Self::Changed { .. } => "SourceChanged",
            Self::Limit { .. } => "LimitExceeded",
            Self::Path { .. }
            | Self::Kind { .. }
            | Self::MemberLink { .. }
            | Self::Duplicate(_)
            | Self::Conflict(_) => "MemberRefused",
            Self::Format(_) | Self::NotGzip => "LayerUnsupported",
            Self::EmptyLayer
            | Self::Gzip(_)
            | Self::LayerSize { .. }
            | Self::Truncated(_)
            | Self::NoEnd
            | Self::Trailing
            | Self::Header { .. } => "ArchiveInvalid",
            Self::NotAFolder(_) | Self::Occupied { .. } => "DestinationInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            // Where the bytes come from decides whether to ask again; the disk and a changing source may recover.
            Self::Layer(_) | Self::Changed { .. } | Self::Worker(_) => Class::Retry { after: None },
            Self::Io { .. } | Self::Sink(_) if is_disk_full(self) => Class::Retry { after: None },
            Self::Cancelled
            | Self::Io { .. }
            | Self::Sink(_)
            | Self::NotPackable(_)
            | Self::Empty { .. }
            | Self::LinkBroken { .. }
            | Self::LinkOutside { .. }
            | Self::Limit { .. }
            | Self::Path { .. }
            | Self::EmptyLayer
            | Self::Format(_)
            | Self::NotGzip
            | Self::Gzip(_)
            | Self::LayerSize { .. }
            | Self::Truncated(_)
            | Self::NoEnd
            | Self::Trailing
            | Self::Header { .. }
            | Self::Kind { .. }
            | Self::MemberLink { .. }
            | Self::Duplicate(_)
            | Self::Conflict(_)
            | Self::NotAFolder(_)
            | Self::Occupied { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Sink(_) if is_disk_full(self) => {
                Some("free space on that disk, or choose a place on another one".to_owned())
            }
            Self::Empty { ignored, skipped, .. } => Some(match (ignored, skipped) {
                (0, 0) => "the folder is empty: check the path".to_owned(),
                _ => format!(
                    "{ignored} entries are ignored and {skipped} links or special files were left out: check the \
                     ignore patterns, or resolve links"
                ),
            }),
            Self::NotPackable(_) => {
                Some("give a file or a folder, or pipe the content to standard input".to_owned())
            }
            Self::Changed { .. } => Some("pack again once nothing writes there".to_owned()),
            Self::LinkBroken { .. } => Some("remove the link, ignore it, or do not resolve links".to_owned()),
            Self::LinkOutside { .. } => {
                Some("pack a folder that contains the target, or ignore the link".to_owned())
            }
            Self::Occupied { .. } => Some("remove it, or choose another destination".to_owned()),
            Self::NotAFolder(_) => Some("choose a folder, or a path that does not exist yet".to_owned()),
            Self::NotGzip => Some(
                "set `layerSelector.operation` to `copy` to store it as it is, or have it pushed with compression"
                    .to_owned(),
            ),
            Self::LayerSize { .. } | Self::Gzip(_) | Self::Truncated(_) | Self::NoEnd => {
                Some("the artifact was damaged when it was made: have it pushed again".to_owned())
            }
            _ => None,
        }
    }
}

fn is_disk_full(error: &Error) -> bool {
    let (Error::Io { source, .. } | Error::Sink(source)) = error else {
        return false;
    };
    matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_a_full_disk_says_what_to_do() {
        let error = Error::io("write", "/data/x", rustix::io::Errno::NOSPC);
        assert_eq!(error.reason(), "DiskFull");
        assert!(error.hint().unwrap().contains("free space"));
        assert_eq!(error.to_string(), "cannot write `/data/x`");
    }

    #[test]
    fn error_of_an_empty_folder_says_what_was_left_out() {
        let error = Error::Empty { path: "x".into(), ignored: 3, skipped: 1 };
        assert!(error.hint().unwrap().contains("3 entries"));
    }
}
