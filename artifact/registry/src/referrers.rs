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
        let mut found = Vec::new();
        self.each_referrer(digest, &mut |descriptor| found.push(descriptor)).await?;
        Ok(found)
    }

    /// The same one by one, page after page: for whoever keeps only some of what may be very many.
    pub async fn each_referrer(
        &self,
        digest: &Digest,
        each: &mut (dyn FnMut(Descriptor) + Send),
    ) -> Result<(), Error> {
        if !self.each_referrer_by_api(digest, each).await? {
            self.referrers_by_tag(digest).await?.into_iter().for_each(each);
        }
        Ok(())
    }

    /// What the API lists, and whether there is one.
    pub async fn each_referrer_by_api(
        &self,
        digest: &Digest,
        each: &mut (dyn FnMut(Descriptor) + Send),
    ) -> Result<bool, Error> {
        let action = format!("listing the referrers of {}@{digest}", self.repository());
        let path = self.path(&format!("referrers/{digest}"));
        let call = Call::new(Method::GET, path, &[200, 404], action).header(header::ACCEPT, OCI_INDEX);
        let mut take = |page: &[u8]| match Document::parse(page, None)? {
            Document::Index(index) => {
                index.manifests.into_iter().for_each(&mut *each);
                Ok(())
            }
            Document::Manifest(_) => Err(Fault::Protocol("the list of referrers is no index".into())),
        };
        self.pages(call, "the page of referrers", &mut take).await
    }

    /// What the tag `<algorithm>-<hex>` lists, whether or not the registry has the API; none is an empty list.
    ///
    /// For signatures of Notation, whose program writes that tag in any case.
    pub async fn referrers_by_tag(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let Some(tag) = tag_of(digest) else { return Ok(Vec::new()) };
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

/// The tag of a manifest's referrers.
pub(crate) fn tag_of(digest: &Digest) -> Option<Tag> {
    // The tag schema cuts at 64 hex digits, so that SHA-512 digests fit as well.
    let hex = digest.hex().get(..64)?;
    Tag::parse(&format!("{}-{hex}", digest.algorithm().name())).ok()
}
