//! Where a registry may send us: redirects, upload locations, `Link` pages and token realms.
//!
//! The classes of CVE-2020-15157, CVE-2026-48978 and CVE-2026-50151: a registry's answer must not make us send a
//! secret, or a request, to a place of its choice. Names are checked again when they are resolved, see `tls.rs`.

use url::Url;

use crate::origin::{Origin, is_public, literal_address};

/// A place that we refuse to go to.
#[derive(Debug, thiserror::Error)]
pub enum RedirectFault {
    /// Not a URL, or not http(s).
    #[error("the registry sent us to `{0}`, which is no http or https URL")]
    NotHttp(String),
    /// From https to http.
    #[error("the registry sent us from https to plain http at {0}: refused")]
    Downgrade(String),
    /// A loopback, link-local or private address, from a registry that has none itself.
    #[error("the registry sent us to the local address {0}: refused")]
    Local(String),
    /// User and password in the URL.
    #[error("the registry sent us to a URL with credentials in it at {0}: refused")]
    UserInfo(String),
    /// A page of a listing at another origin.
    #[error("the registry continues a listing at {0}, another origin: refused")]
    OtherOrigin(String),
    /// Too many hops.
    #[error("more than {0} redirects")]
    TooMany(usize),
    /// Too many pages.
    #[error("the listing has more than {0} pages")]
    TooManyPages(usize),
    /// A page that was read already.
    #[error("the listing continues with a page that was read already")]
    Loop,
}

/// Resolves `location` against `base` and checks it for a hop away from a registry.
///
/// `local_allowed` says that the registry itself is at a local address, so that its storage may be too.
pub(crate) fn follow(base: &Url, location: &str, local_allowed: bool) -> Result<Url, RedirectFault> {
    let target = base.join(location.trim()).map_err(|_| RedirectFault::NotHttp(shown(location)))?;
    check(base.scheme(), &target, local_allowed)?;
    Ok(target)
}

/// Checks a URL that the registry named, whoever will ask it.
pub(crate) fn check(from_scheme: &str, target: &Url, local_allowed: bool) -> Result<(), RedirectFault> {
    let Some(origin) = Origin::of(target) else {
        return Err(RedirectFault::NotHttp(shown(target.as_str())));
    };
    if from_scheme == "https" && target.scheme() == "http" {
        return Err(RedirectFault::Downgrade(origin.to_string()));
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(RedirectFault::UserInfo(origin.to_string()));
    }
    if !local_allowed && literal_address(target).is_some_and(|address| !is_public(address)) {
        return Err(RedirectFault::Local(origin.to_string()));
    }
    Ok(())
}

/// At most 100 characters, query cut off, control characters escaped.
fn shown(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    bare.chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(from: &str, to: &str, local: bool) -> Result<String, RedirectFault> {
        follow(&from.parse().unwrap(), to, local).map(String::from)
    }

    #[test]
    fn follow_resolves_relative_locations() {
        let base = "https://r.example/v2/a/blobs/uploads/";
        assert_eq!(hop(base, "/x?y=z", false).unwrap(), "https://r.example/x?y=z");
        assert_eq!(hop(base, "x", false).unwrap(), "https://r.example/v2/a/blobs/uploads/x");
        assert_eq!(hop(base, "//cdn.example/p", false).unwrap(), "https://cdn.example/p");
    }

    #[test]
    fn follow_refuses_dangerous_places() {
        let base = "https://r.example/v2/";
        assert!(matches!(hop(base, "http://r.example/", false), Err(RedirectFault::Downgrade(_))));
        assert!(matches!(hop(base, "file:///etc/passwd", false), Err(RedirectFault::NotHttp(_))));
        assert!(matches!(hop(base, "https://u:p@x.example/", false), Err(RedirectFault::UserInfo(_))));
        for local in
            ["https://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "https://localhost/"]
        {
            assert!(matches!(hop(base, local, false), Err(RedirectFault::Local(_))), "{local}");
            assert!(hop(base, local, true).is_ok(), "{local}");
        }
        assert!(hop("http://r.example/v2/", "http://s.example/", false).is_ok());
    }
}
