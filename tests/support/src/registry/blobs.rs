//! `/v2/NAME/blobs/DIGEST`.

use hyper::{Method, http::request::Parts};
use oci_artifact::name::Digest;

use super::{
    answer::{self, Reply, With as _},
    payload::Payload,
    service::Shared,
};

pub(super) fn handle(shared: &Shared, parts: &Parts, name: &str, digest: &str) -> Reply {
    let Ok(digest) = Digest::parse(digest) else {
        return answer::error(400, "DIGEST_INVALID", "no digest");
    };
    let mut store = shared.store.lock().unwrap();
    let Some(content) = store.blob(name, &digest) else {
        return answer::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    match parts.method {
        Method::GET | Method::HEAD => {
            let length = content.length();
            let range = parts.headers.get("range").and_then(|value| value.to_str().ok());
            let whole = Payload::new(content);
            let reply = match range.map(|range| parse_range(range, length)) {
                None => answer::respond(200, whole),
                Some(Some((start, end))) => answer::respond(206, whole.slice(start, end))
                    .with("content-range", &format!("bytes {start}-{}/{length}", end - 1)),
                Some(None) => answer::error(416, "RANGE_INVALID", "range not satisfiable")
                    .with("content-range", &format!("bytes */{length}")),
            };
            reply
                .with("content-type", "application/octet-stream")
                .with("docker-content-digest", &digest.to_string())
                .with("accept-ranges", "bytes")
        }
        Method::DELETE if shared.options.deletes => {
            store.repository(name).blobs.remove(&digest);
            answer::empty(202)
        }
        _ => answer::error(405, "UNSUPPORTED", "method not allowed"),
    }
}

/// `bytes=A-B`, `bytes=A-` and `bytes=-N` as start and end (exclusive).
fn parse_range(range: &str, length: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (first, last) {
        ("", suffix) => (length.saturating_sub(suffix.parse().ok()?), length),
        (start, "") => (start.parse().ok()?, length),
        (start, last) => (start.parse().ok()?, last.parse::<u64>().ok()?.saturating_add(1).min(length)),
    };
    (start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_is_read_in_its_three_forms() {
        assert_eq!(parse_range("bytes=0-3", 10), Some((0, 4)));
        assert_eq!(parse_range("bytes=4-", 10), Some((4, 10)));
        assert_eq!(parse_range("bytes=-3", 10), Some((7, 10)));
        assert_eq!(parse_range("bytes=8-99", 10), Some((8, 10)));
        assert_eq!(parse_range("bytes=10-", 10), None);
        assert_eq!(parse_range("lines=1-2", 10), None);
    }
}
