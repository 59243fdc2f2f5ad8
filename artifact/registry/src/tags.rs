//! Listing tags, page by page.

use std::collections::BTreeSet;

use oci_artifact::{limits, name::Tag};
use reqwest::Method;
use serde::Deserialize;

use crate::{
    body,
    call::{Call, Place},
    client::RepositoryClient,
    error::{Error, Fault},
    link,
    redirect::RedirectFault,
};

/// Tags asked for in one page: the most that every large registry gives.
const PAGE: usize = 1_000;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RepositoryClient {
    /// All tags, in byte order. Names that are no tags are left out.
    ///
    /// Pages must stay at the registry's origin; there are at most [`limits::PAGES`] of at most
    /// [`limits::PAGE_BYTES`] each.
    pub async fn tags(&self) -> Result<Vec<Tag>, Error> {
        let action = format!("listing the tags of {}", self.repository());
        let path = self.path(&format!("tags/list?n={PAGE}"));
        let mut call = Call::new(Method::GET, path, &[200], action.clone());
        let mut tags = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for _ in 0..limits::PAGES {
            let reply = self.transport.send(&self.session, &call).await?;
            let next = link::next_page(reply.response.headers(), &reply.url);
            let next = next.map_err(|fault| Fault::from(fault).during(&action))?;
            let reading = body::read_all(reply.response, &reply.url, limits::PAGE_BYTES, "the page of tags");
            let body = self.transport.within_deadline(reading).await;
            let page: Page = body.and_then(|body| parse(&body)).map_err(|fault| fault.during(&action))?;
            tags.extend(page.tags.unwrap_or_default().iter().filter_map(|tag| Tag::parse(tag).ok()));
            let Some(next) = next else {
                return Ok(tags.into_iter().collect());
            };
            if !seen.insert(next.clone()) {
                return Err(Fault::from(RedirectFault::Loop).during(action));
            }
            call.place = Place::Url(next);
        }
        Err(Fault::from(RedirectFault::TooManyPages(limits::PAGES)).during(action))
    }
}

fn parse(body: &[u8]) -> Result<Page, Fault> {
    let broken = |detail: &str| Fault::Protocol(format!("the list of tags is not valid: {detail}"));
    // serde reads structs from arrays too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(broken("no JSON object"));
    }
    serde_json::from_slice(body).map_err(|error| broken(&error.to_string()))
}
