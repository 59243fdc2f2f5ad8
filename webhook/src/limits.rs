//! Every bound of the server: bytes, counts and times. A bound is inclusive.

use std::time::Duration;

/// Bytes of an admission review. An object has at most 1.5 MiB in etcd; an update carries two.
pub const ADMISSION_BYTES: usize = 3 << 20;
/// Bytes of a conversion review. The API server sends a whole list at once; a refused list stops every watch, the
/// garbage collector and the deletion of namespaces.
pub const CONVERSION_BYTES: usize = 128 << 20;
/// Bytes up to which a conversion counts as small. Only one larger one is in work at a time.
pub const SMALL_CONVERSION_BYTES: usize = 4 << 20;
/// Bytes above which a review is worked on by a thread of its own, so that others are answered meanwhile.
pub const INLINE_BYTES: usize = 256 << 10;
/// Bytes that memory for a large conversion review has at least; what is not used of it stays virtual. An allocator
/// keeps what is freed for later, and would have room for several reviews after a while; glibc's gives back at once
/// what is larger than 32 MiB, whatever it has seen before.
pub const LARGE_CONVERSION_ROOM: usize = 33 << 20;
/// Bytes of a reply that are put together at once.
pub const REPLY_CHUNK_BYTES: usize = 64 << 10;
/// Causes told in one refusal. A list of identities can be wrong a hundred thousand times.
pub const CAUSES: usize = 100;
/// Characters of a foreign text in a log line or message: as many as a name may have.
pub const SHOWN: usize = 253;

/// The bounds of the reviews in work.
#[derive(Clone, Debug)]
pub struct Permits {
    /// KiB of admission reviews at once; each counts as its length, at least [`Permits::ADMISSION_LEAST`].
    pub admission_kib: u32,
    /// Small conversions at once.
    pub small_conversions: usize,
    /// From the head of an admission review to its answer, the body included. Below the 3 s of the configuration.
    pub admission_deadline: Duration,
    /// From the head of a conversion review to its answer. Below the 30 s that the API server waits.
    pub conversion_deadline: Duration,
    /// For the body of a conversion review alone.
    pub conversion_body: Duration,
}

impl Permits {
    /// KiB that the smallest admission review counts as.
    pub const ADMISSION_LEAST: u32 = 512;
}

impl Default for Permits {
    fn default() -> Self {
        Self {
            // 64 usual reviews at once, or ten of the largest.
            admission_kib: 64 * Self::ADMISSION_LEAST,
            small_conversions: 16,
            admission_deadline: Duration::from_millis(2_500),
            conversion_deadline: Duration::from_secs(25),
            conversion_body: Duration::from_secs(10),
        }
    }
}
