//! URLs for logs: without credentials and without query values that may be secrets.

use url::Url;

/// Query keys whose values are safe to show: names, digests and counters of the distribution specification.
const SHOWN: [&str; 8] = ["n", "last", "digest", "mount", "from", "service", "scope", "artifactType"];

/// The URL with user, password and unknown query values replaced by `REDACTED`.
pub(crate) fn url(url: &Url) -> String {
    let mut out = url.clone();
    // Both setters only fail for URLs that cannot have credentials.
    let _ = out.set_username("");
    let _ = out.set_password(None);
    out.set_fragment(None);
    if url.query().is_some() {
        let pairs = url.query_pairs().map(|(key, value)| {
            let value = if SHOWN.contains(&&*key) { value } else { "REDACTED".into() };
            format!("{key}={value}")
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        out.set_query(Some(&query));
    }
    out.to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn url_hides_what_may_be_secret() {
        let parsed =
            "https://u:p@s.example/b?X-Amz-Signature=abc&digest=sha256:1&_state=zzz#f".parse().unwrap();
        let shown = super::url(&parsed);
        assert_eq!(shown, "https://s.example/b?X-Amz-Signature=REDACTED&digest=sha256:1&_state=REDACTED");
    }
}
