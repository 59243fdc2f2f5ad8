//! The bytes of a reply, as pieces of the bytes of the request.

use bytes::Bytes;

use super::list::Cut;
use crate::limits::REPLY_CHUNK_BYTES;

/// The bytes of a reply: known to the last, but put together only when they are asked for.
#[derive(Clone, Debug)]
pub struct Body {
    head: String,
    request: Bytes,
    /// Where in the request the cuts are counted from.
    origin: usize,
    cuts: Vec<Cut>,
    /// What stands in every gap.
    version: String,
    end: &'static str,
}

/// How many pieces an object has: a comma, what stands before its version, the version, what stands behind it.
const PIECES: usize = 4;

impl Body {
    /// Text that has nothing of the request.
    pub(super) fn whole(text: String) -> Self {
        let (request, version) = (Bytes::new(), String::new());
        Self { head: text, request, origin: 0, cuts: Vec::new(), version, end: "" }
    }

    /// All objects of the request, with another version.
    pub(super) fn cut(head: String, request: Bytes, origin: usize, cuts: Vec<Cut>, version: String) -> Self {
        let end = r#"],"result":{"status":"Success"}}}"#;
        Self { head, request, origin, cuts, version, end }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        (0..).map_while(|number| self.piece(number)).map(<[u8]>::len).sum()
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes at once. Takes their memory a second time; servers send [`Body::chunks`].
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len());
        (0..).map_while(|number| self.piece(number)).for_each(|piece| out.extend_from_slice(piece));
        out
    }

    /// The bytes one chunk after the other.
    pub fn chunks(self) -> Chunks {
        Chunks { left: self.len(), body: self, number: 0, taken: 0 }
    }

    /// The pieces that the reply consists of, one after the other.
    fn piece(&self, number: usize) -> Option<&[u8]> {
        let Some(number) = number.checked_sub(1) else {
            return Some(self.head.as_bytes());
        };
        let index = number / PIECES;
        let Some(cut) = self.cuts.get(index) else {
            return (number == self.cuts.len() * PIECES).then_some(self.end.as_bytes());
        };
        Some(match number % PIECES {
            0 if index == 0 => &[],
            0 => b",",
            1 => self.part(cut.start, cut.version),
            2 => self.version.as_bytes(),
            _ => self.part(cut.after, cut.end),
        })
    }

    fn part(&self, start: u32, end: u32) -> &[u8] {
        // Never more than the request, which is in memory.
        let place = |offset: u32| self.origin.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX));
        self.request.get(place(start)..place(end)).unwrap_or_default()
    }
}

/// The bytes of a reply in chunks of [`REPLY_CHUNK_BYTES`], the last of which may be shorter.
#[derive(Clone, Debug)]
pub struct Chunks {
    body: Body,
    /// The piece that is next.
    number: usize,
    /// How much of it has gone.
    taken: usize,
    left: usize,
}

impl Chunks {
    /// How many bytes are still to come.
    pub fn left(&self) -> usize {
        self.left
    }
}

impl Iterator for Chunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let size = self.left.min(REPLY_CHUNK_BYTES);
        let mut chunk = Vec::with_capacity(size);
        while chunk.len() < size {
            let Some(piece) = self.body.piece(self.number) else {
                break;
            };
            let rest = piece.get(self.taken..).unwrap_or_default();
            let room = size - chunk.len();
            if let Some((fitting, _)) = rest.split_at_checked(room) {
                chunk.extend_from_slice(fitting);
                self.taken += room;
            } else {
                chunk.extend_from_slice(rest);
                (self.number, self.taken) = (self.number + 1, 0);
            }
        }
        self.left -= chunk.len();
        (!chunk.is_empty()).then_some(chunk)
    }
}
