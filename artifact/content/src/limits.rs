//! Every bound on foreign input as a named constant, and [`Budget`], the reader that enforces one.
//!
//! A bound is inclusive: exactly the limit passes, one more fails. Over a limit is a terminal error, never a
//! truncation.

use std::io::{self, Read};

/// Bytes of a manifest, an index or a config blob.
pub const MANIFEST_BYTES: u64 = 4 << 20;
/// Bytes of a token server's reply.
pub const TOKEN_REPLY_BYTES: u64 = 64 << 10;
/// Bytes of a registry's error body; the rest is not read.
pub const ERROR_BODY_BYTES: u64 = 8 << 10;
/// Bytes of one page of tags or referrers.
pub const PAGE_BYTES: u64 = 16 << 20;
/// Pages of one tag or referrer listing.
pub const PAGES: usize = 100;
/// Redirects followed for one request.
pub const REDIRECTS: usize = 10;
/// Bytes of a layer as stored in a registry (compressed).
pub const LAYER_BYTES: u64 = 2 << 30;
/// Bytes of all members of an archive together, extracted. Also the most that one member may have.
pub const EXTRACTED_BYTES: u64 = 8 << 30;
/// Members of an archive.
pub const MEMBERS: u64 = 200_000;
/// Bytes of the uncompressed stream of an archive: the members, and 4 KiB for the headers and padding of each.
pub const STREAM_BYTES: u64 = EXTRACTED_BYTES + MEMBERS * 4_096;
/// Extension headers (pax, GNU) in front of one member.
pub const EXTENSION_HEADERS: usize = 8;
/// Bytes of one member whose text is compared line by line.
pub const TEXT_BYTES: u64 = 1 << 20;
/// Bytes of all members together whose text is compared line by line.
pub const TEXT_TOTAL_BYTES: u64 = 64 << 20;
/// Extracted bytes per compressed byte, once [`EXPANSION_FREE_BYTES`] are exceeded.
pub const EXPANSION_RATIO: u64 = 1_000;
/// Extracted bytes that are always allowed, so that a small archive of zeros passes.
pub const EXPANSION_FREE_BYTES: u64 = 64 << 20;
/// Bytes of one extension header (pax record block or GNU long name).
pub const EXTENSION_HEADER_BYTES: u64 = 1 << 20;
/// Bytes of a member's path.
pub const PATH_BYTES: usize = 1_024;
/// Components of a member's path.
pub const PATH_DEPTH: usize = 64;
/// Bytes of one ignore file.
pub const IGNORE_FILE_BYTES: u64 = 1 << 20;
/// Patterns of all ignore files of a tree together.
pub const IGNORE_PATTERNS: usize = 10_000;
/// Children of an image index.
pub const INDEX_MANIFESTS: usize = 10_000;
/// Layers of a manifest.
pub const MANIFEST_LAYERS: usize = 10_000;
/// Bytes of a version range such as `>=1.0.0 <2.0.0`.
pub const RANGE_BYTES: usize = 4_096;
/// Bytes of a regular expression.
pub const PATTERN_BYTES: usize = 4_096;
/// Levels of a regular expression: groups, repetitions, alternatives and sequences inside each other.
/// The `regex` crate recurses over them, on any thread's stack; it sees two levels at most for each.
pub const PATTERN_DEPTH: usize = 50;
/// Sets such as `\p{L}` in a regular expression: a thousand of them, in ignored case, take a quarter of a second to find
/// too large.
pub const PATTERN_PROPERTIES: usize = 64;
/// Bytes of memory of a compiled regular expression, and as many for its cache.
pub const PATTERN_MEMORY: usize = 1 << 20;
/// Signatures of one artifact that are looked at; how many there are beyond it is told.
pub const SIGNATURES: usize = 64;
/// Signatures of one artifact that are copied with it.
pub const REFERRERS: usize = 1_000;
/// Bytes of one signature: a bundle, or a payload with its annotations.
pub const SIGNATURE_BYTES: usize = 1 << 20;
/// Public keys of one policy.
pub const PUBLIC_KEYS: usize = 64;
/// Bytes of one public key as PEM.
pub const PUBLIC_KEY_BYTES: usize = 64 << 10;
/// Bytes of one private key as PEM.
pub const PRIVATE_KEY_BYTES: usize = 64 << 10;
/// Intermediate certificates that come with one signature.
pub const INTERMEDIATES: usize = 8;
/// Log entries of one signature, and as many timestamps.
pub const LOG_ENTRIES: usize = 8;
/// Bytes of a `trusted_root.json`.
pub const TRUSTED_ROOT_BYTES: usize = 1 << 20;
/// Authorities and logs of a trusted root, of each kind.
pub const AUTHORITIES: usize = 64;
/// Bytes of a `trustpolicy.json`.
pub const TRUST_POLICY_BYTES: usize = 1 << 20;
/// Statements of a trust policy; scopes, stores and identities of one statement, of each kind.
pub const TRUST_STATEMENTS: usize = 256;
/// Certificates that a Secret gives for Notation.
pub const TRUSTED_CERTIFICATES: usize = 64;
/// Bytes of one entry of a Secret with certificates.
pub const CERTIFICATE_BYTES: usize = 256 << 10;
/// Certificates of one chain, from the signer's to the root.
pub const CHAIN_CERTIFICATES: usize = 10;

/// A reader that fails once more than `limit` bytes come out of `inner`.
///
/// Reading exactly `limit` bytes and then the end of the stream is fine.
#[derive(Debug)]
pub struct Budget<R> {
    inner: R,
    left: u64,
    limit: u64,
    what: &'static str,
}

/// More came than is allowed. Carried inside the [`io::Error`] that [`Budget`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is larger than the limit of {limit} bytes")]
pub struct OverBudget {
    /// What was read, for people: `manifest`, `token reply`.
    pub what: &'static str,
    /// The bound that was passed, in bytes.
    pub limit: u64,
}

impl<R> Budget<R> {
    /// Bounds `inner` to `limit` bytes; `what` names it in the error.
    pub fn new(inner: R, limit: u64, what: &'static str) -> Self {
        Self { inner, left: limit, limit, what }
    }
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            return Err(io::Error::other(OverBudget { what: self.what, limit: self.limit }));
        };
        self.left = left;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_passes_exactly_the_limit() {
        let mut out = Vec::new();
        Budget::new(&b"12345"[..], 5, "input").read_to_end(&mut out).unwrap();
        assert_eq!(out, b"12345");
    }

    #[test]
    fn budget_refuses_one_more() {
        let error = Budget::new(&b"123456"[..], 5, "input").read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "input is larger than the limit of 5 bytes");
    }
}
