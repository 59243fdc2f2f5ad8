//! Referrers: what is attached to a manifest, by the API or by the tag schema.
//!
//! OCI distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema".

use oci_artifact::{
    manifest::{Descriptor, Document, OCI_INDEX},
    name::{Digest, Tag, Target},
};
use reqwest::{Method, header};

use crate::{
    call::Call,
    client::RepositoryClient,
    error::{Error, Fault},
};

impl RepositoryClient {
    /// Descriptors of the manifests whose subject is `digest`; none is an empty list.
    ///
    /// A registry without the API (404) is asked for the tag `<algorithm>-<hex>` instead.
    pub async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let action = format!("listing the referrers of {}@{digest}", self.repository());
        let path = self.path(&format!("referrers/{digest}"));
        let call = Call::new(Method::GET, path, &[200, 404], action).header(header::ACCEPT, OCI_INDEX);
        let mut found = Vec::new();
        let mut take = |page: &[u8]| match Document::parse(page, None)? {
            Document::Index(index) => {
                found.extend(index.manifests);
                Ok(())
            }
            Document::Manifest(_) => Err(Fault::Protocol("the list of referrers is no index".into())),
        };
        if self.pages(call, "the page of referrers", &mut take).await? {
            return Ok(found);
        }
        self.referrers_by_tag(digest).await
    }

    async fn referrers_by_tag(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        // The tag schema cuts at 64 hex digits, so that SHA-512 digests fit as well.
        let hex = digest.hex().get(..64).unwrap_or_default();
        let Ok(tag) = Tag::parse(&format!("{}-{hex}", digest.algorithm().name())) else {
            return Ok(Vec::new());
        };
        match self.manifest(&Target::Tag(tag)).await {
            Ok(fetched) => match fetched.document {
                Document::Index(index) => Ok(index.manifests),
                Document::Manifest(_) => Ok(Vec::new()),
            },
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
