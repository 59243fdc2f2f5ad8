//! Referrers: what is attached to a manifest, by the API or by the tag schema.
//!
//! OCI distribution-spec 1.1, "Listing Referrers" and "Referrers Tag Schema".

use std::collections::BTreeSet;

use oci_artifact::{
    limits,
    manifest::{Descriptor, Document, OCI_INDEX},
    name::{Digest, Tag, Target},
};
use reqwest::{Method, header};

use crate::{
    body,
    call::{Call, Place},
    client::RepositoryClient,
    error::{Error, Fault},
    link,
    redirect::RedirectFault,
    transport::Reply,
};

impl RepositoryClient {
    /// Descriptors of the manifests whose subject is `digest`; none is an empty list.
    ///
    /// A registry without the API (404) is asked for the tag `<algorithm>-<hex>` instead.
    pub async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let action = format!("listing the referrers of {}@{digest}", self.repository());
        let path = self.path(&format!("referrers/{digest}"));
        let mut call = Call::new(Method::GET, path, &[200, 404], action.clone());
        call = call.header(header::ACCEPT, OCI_INDEX);
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        for _ in 0..limits::PAGES {
            let reply = self.transport.send(&self.session, &call).await?;
            if reply.response.status() == 404 {
                return self.referrers_by_tag(digest).await;
            }
            let next = link::next_page(reply.response.headers(), &reply.url);
            let next = next.map_err(|fault| Fault::from(fault).during(&action))?;
            let read = self.transport.within_deadline(read_page(reply)).await;
            found.extend(read.map_err(|fault| fault.during(&action))?);
            let Some(next) = next else { return Ok(found) };
            if !seen.insert(next.clone()) {
                return Err(Fault::from(RedirectFault::Loop).during(action));
            }
            call.place = Place::Url(next);
        }
        Err(Fault::from(RedirectFault::TooManyPages(limits::PAGES)).during(action))
    }

    async fn referrers_by_tag(&self, digest: &Digest) -> Result<Vec<Descriptor>, Error> {
        let name = format!("{}-{}", digest.algorithm().name(), digest.hex());
        // The tag schema cuts at 64 hex digits, so that SHA-512 digests fit as well.
        let name: String = name.chars().take(digest.algorithm().name().len() + 1 + 64).collect();
        let Ok(tag) = Tag::parse(&name) else {
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

async fn read_page(reply: Reply) -> Result<Vec<Descriptor>, Fault> {
    let bytes =
        body::read_all(reply.response, &reply.url, limits::PAGE_BYTES, "the page of referrers").await?;
    match Document::parse(&bytes, None)? {
        Document::Index(index) => Ok(index.manifests),
        Document::Manifest(_) => Err(Fault::Protocol("the list of referrers is no index".into())),
    }
}
