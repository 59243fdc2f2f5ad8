//! The archive in a layer: packing a folder, reading, unpacking and comparing.
//!
//! ```text
//! folder ──walk──► tar headers + content ──gzip──► layer ──read──► members ──unpack──► folder
//!          ignore       header              threads        limits     │      diff
//!                                                                     └──repack──► what source-controller stores
//! ```
//!
//! Writing is deterministic: the same tree gives the same bytes on every machine. Reading trusts nothing: every member
//! of an archive is checked before anyone sees it, and what two readers could understand differently is refused.
//!
//! Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax, GNU long names (read only), RFC 1952 gzip.

mod control;
mod diff;
mod error;
mod glob;
mod ignore;
mod pack;
mod path;
mod read;
mod unpack;

pub use control::Control;
pub use diff::{Changes, Content, FileEntry, Tree, compare, contents, unified};
pub use error::Error;
pub use ignore::{DEFAULT_IGNORE, IGNORE_FILE, Ignore};
pub use pack::{Input, PackOptions, Packed, RepackOptions, Repacked, Sink, pack, repack};
pub use path::{MemberPath, PathFault};
pub use read::{Member, MemberKind, Summary, read};
pub use unpack::unpack_into;
