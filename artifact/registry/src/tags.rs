//! Listing tags.

use std::collections::BTreeSet;

use oci_artifact::name::Tag;
use reqwest::Method;
use serde::Deserialize;

use crate::{
    call::Call,
    client::RepositoryClient,
    error::{Error, Fault},
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
    pub async fn tags(&self) -> Result<Vec<Tag>, Error> {
        let action = format!("listing the tags of {}", self.repository());
        let path = self.path(&format!("tags/list?n={PAGE}"));
        let mut tags = BTreeSet::new();
        let mut take = |page: &[u8]| {
            let names = parse(page)?.tags.unwrap_or_default();
            tags.extend(names.iter().filter_map(|name| Tag::parse(name).ok()));
            Ok(())
        };
        self.pages(Call::new(Method::GET, path, &[200], action), "the page of tags", &mut take).await?;
        Ok(tags.into_iter().collect())
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
