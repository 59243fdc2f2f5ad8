//! Listings that come in pages: every page at the registry's own origin, bounded in size and number, none twice.

use std::collections::BTreeSet;

use oci_artifact::limits;

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
    /// Sends `call` and follows its pages, each given to `take`. `false` if the answer is a 404 that the call expects.
    ///
    /// At most [`limits::PAGES`] pages of at most [`limits::PAGE_BYTES`] each.
    pub(crate) async fn pages(
        &self,
        mut call: Call,
        what: &'static str,
        take: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
    ) -> Result<bool, Error> {
        let mut seen = BTreeSet::new();
        for _ in 0..limits::PAGES {
            let reply = self.transport.send(&self.session, &call).await?;
            if reply.response.status() == 404 {
                return Ok(false);
            }
            let read = self.session.in_time(page(reply, what, take)).await;
            let Some(next) = read.map_err(|fault| fault.during(&call.action))? else { return Ok(true) };
            if !seen.insert(next.clone()) {
                return Err(Fault::from(RedirectFault::Loop).during(call.action));
            }
            call.place = Place::Url(next);
        }
        Err(Fault::from(RedirectFault::TooManyPages(limits::PAGES)).during(call.action))
    }
}

/// Reads one page; returns where the next one is.
async fn page(
    reply: Reply,
    what: &'static str,
    take: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
) -> Result<Option<url::Url>, Fault> {
    let next = link::next_page(reply.response.headers(), &reply.url)?;
    take(&body::read_all(reply, limits::PAGE_BYTES, what).await?)?;
    Ok(next)
}
