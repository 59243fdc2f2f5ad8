//! From a path to what it names.

use hyper::Method;

/// What kind of endpoint a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `/v2/`.
    Ping,
    /// `/v2/NAME/manifests/…`.
    Manifest,
    /// `/v2/NAME/blobs/DIGEST`.
    Blob,
    /// `/v2/NAME/blobs/uploads/…`.
    Upload,
    /// `/v2/NAME/tags/list`.
    Tags,
    /// `/v2/NAME/referrers/DIGEST`.
    Referrers,
    /// `/token`.
    Token,
    /// Anything else.
    Other,
}

/// A parsed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Ping,
    Manifest {
        repository: String,
        target: String,
    },
    Blob {
        repository: String,
        digest: String,
    },
    /// `id` is empty for the endpoint that opens a session.
    Upload {
        repository: String,
        id: String,
    },
    Tags {
        repository: String,
    },
    Referrers {
        repository: String,
        digest: String,
    },
    Token,
    Other,
}

impl Route {
    /// Reads a path; repository names may have several components.
    pub(super) fn parse(path: &str) -> Self {
        if path == "/token" {
            return Self::Token;
        }
        let Some(rest) = path.strip_prefix("/v2") else {
            return Self::Other;
        };
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Self::Ping;
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Self::Tags { repository: name.to_owned() };
        }
        if let Some((name, id)) = rest.rsplit_once("/blobs/uploads/") {
            return Self::Upload { repository: name.to_owned(), id: id.to_owned() };
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return Self::Upload { repository: name.to_owned(), id: String::new() };
        }
        if let Some((name, digest)) = rest.rsplit_once("/blobs/") {
            return Self::Blob { repository: name.to_owned(), digest: digest.to_owned() };
        }
        if let Some((name, target)) = rest.rsplit_once("/manifests/") {
            return Self::Manifest { repository: name.to_owned(), target: target.to_owned() };
        }
        if let Some((name, digest)) = rest.rsplit_once("/referrers/") {
            return Self::Referrers { repository: name.to_owned(), digest: digest.to_owned() };
        }
        Self::Other
    }

    pub(super) fn class(&self) -> Class {
        match self {
            Self::Ping => Class::Ping,
            Self::Manifest { .. } => Class::Manifest,
            Self::Blob { .. } => Class::Blob,
            Self::Upload { .. } => Class::Upload,
            Self::Tags { .. } => Class::Tags,
            Self::Referrers { .. } => Class::Referrers,
            Self::Token => Class::Token,
            Self::Other => Class::Other,
        }
    }

    pub(super) fn repository(&self) -> Option<&str> {
        match self {
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Upload { repository, .. }
            | Self::Tags { repository }
            | Self::Referrers { repository, .. } => Some(repository),
            Self::Ping | Self::Token | Self::Other => None,
        }
    }

    /// The actions that a bearer token must hold for `method` here.
    pub(super) fn actions(method: &Method) -> &'static [&'static str] {
        match *method {
            Method::GET | Method::HEAD => &["pull"],
            Method::DELETE => &["delete"],
            _ => &["pull", "push"],
        }
    }
}

/// The decoded value of `key` in a query.
pub(super) fn query_value(query: Option<&str>, key: &str) -> Option<String> {
    query_values(query, key).into_iter().next()
}

/// All decoded values of `key` in a query.
pub(super) fn query_values(query: Option<&str>, key: &str) -> Vec<String> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_keeps_the_components_of_a_name() {
        let route = Route::parse("/v2/a/b/blobs/c/manifests/v1");
        assert_eq!(route.class(), Class::Blob, "the last keyword that fits wins only within its kind");
        let route = Route::parse("/v2/org/team/app/manifests/v1");
        assert_eq!(route, Route::Manifest { repository: "org/team/app".to_owned(), target: "v1".to_owned() });
        assert_eq!(Route::parse("/v2/"), Route::Ping);
        assert_eq!(Route::parse("/v2"), Route::Ping);
        assert_eq!(Route::parse("/v2/a/blobs/uploads/").class(), Class::Upload);
    }

    #[test]
    fn query_value_is_decoded() {
        assert_eq!(query_value(Some("a=1&digest=sha256%3Aab"), "digest").as_deref(), Some("sha256:ab"));
        assert_eq!(query_values(Some("scope=a&scope=b"), "scope"), ["a", "b"]);
    }
}
