//! Whose a place in a bucket is. Whatever the leader does not know there it removes, so no two installations may have the
//! same place.

use std::sync::Arc;

use bytes::Bytes;
use oci_artifact::name::Digest;

use super::{
    Bucket, Inner,
    error::{BucketError, Cause},
};

/// The file that says so, below the prefix.
const OWNER: &str = "owner";
/// Bytes of it that are read.
const BYTES: u64 = 1 << 10;

/// The place is somebody else's.
#[derive(Debug, thiserror::Error)]
#[error(
    "{file} says that this place in the bucket is of {found}, and this is {ours}; give each a prefix of its own \
     (--storage-bucket), or, if the other one is gone for good, remove that file from the bucket"
)]
pub struct ClaimError {
    /// The file that says so.
    pub file: String,
    /// Whose it is.
    pub found: String,
    /// Who we are.
    pub ours: String,
}

impl Bucket {
    /// Notes that the place is ours, after [`Self::lead`] and before anything else; waits for the bucket if need be. Fails
    /// if it is somebody else's.
    pub async fn claim(&self, ours: &str) -> Result<(), ClaimError> {
        let found = self
            .patiently("not known whose place in the bucket it is, trying again", || self.0.claimed(ours));
        let found = found.await;
        if found == ours {
            return Ok(());
        }
        let file = format!("{}{OWNER}", self.0.options.place);
        Err(ClaimError { file, found, ours: ours.to_owned() })
    }
}

impl Inner {
    /// Who is noted; we are, if nobody was.
    async fn claimed(&self, ours: &str) -> Result<String, BucketError> {
        if let Some(found) = self.noted().await? {
            return Ok(found);
        }
        if !self.leads() {
            return Err(Cause::NotLeading.during(format!("storing {}{OWNER}", self.options.place)));
        }
        let (text, digest) = (Bytes::from(ours.to_owned()), Digest::of(ours.as_bytes()));
        self.client.put(OWNER, Arc::new(text), Some(digest.hex())).await?;
        // Of two that come at once, the last one counts for both.
        let found = self.noted().await?;
        found.ok_or_else(|| {
            Cause::Answer("what was stored is not there")
                .during(format!("reading {}{OWNER}", self.options.place))
        })
    }

    async fn noted(&self) -> Result<Option<String>, BucketError> {
        let Some(reply) = self.client.get(OWNER).await? else {
            return Ok(None);
        };
        let text = reply.all(BYTES, "the owner of a place in a bucket").await;
        let text = text.map_err(|fault| {
            Cause::Fault(Arc::new(fault)).during(format!("reading {}{OWNER}", self.options.place))
        })?;
        let text = String::from_utf8_lossy(&text);
        Ok(Some(text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()))
    }
}
