//! A repository of TUF on a web server.

use oci_registry::web::{Web, WebRequest};
use oci_verify::tuf::{Mirror, MirrorFuture};
use reqwest::Url;

/// A repository below a URL.
pub(super) struct WebMirror {
    pub(super) web: Web,
    pub(super) base: Url,
}

impl WebMirror {
    async fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let mut url = self.base.clone();
        // As segments: whatever a file calls another one, it stays below the repository.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let said = |why: &dyn std::fmt::Display| format!("fetching `{path}` of {}: {why}", self.base);
        let request = WebRequest::get(url).at_most(limit);
        let reply = self.web.send(&request).await.map_err(|fault| said(&fault))?;
        match reply.status {
            200 => Ok(Some(reply.body.expose().clone())),
            // Object stores answer 403 for what is not there.
            403 | 404 => Ok(None),
            status => Err(said(&format!("it answered {status}"))),
        }
    }
}

impl Mirror for WebMirror {
    fn fetch<'a>(&'a self, path: &'a str, limit: u64) -> MirrorFuture<'a> {
        Box::pin(self.get(path, limit))
    }
}
