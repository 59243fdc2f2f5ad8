//! Which proxy a request goes through: none, an object's own, or what the environment says, read as Go reads it.
//!
//! Followed is `golang.org/x/net/http/httpproxy`, with two differences. An address that makes no sense is an error, where
//! Go goes without a proxy or to one with an odd name. `HTTP_PROXY` does not count in a CGI program, where Go fails.

mod address;
mod exceptions;

use std::sync::Arc;

use url::Url;

pub use self::address::{Proxy, ProxyError};
use self::exceptions::{Destination, Exceptions};

/// The proxies of a client, cheap to clone. By default there are none: libraries do not read the environment.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Choice);

#[derive(Clone, Debug, Default)]
enum Choice {
    #[default]
    Nothing,
    Only(Arc<Proxy>),
    Environment(Arc<Environment>),
}

#[derive(Debug)]
struct Environment {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Exceptions,
}

impl Proxies {
    /// No proxy.
    pub fn none() -> Self {
        Self::default()
    }

    /// This proxy for everything. `NO_PROXY` is not asked, and nothing goes past it.
    pub fn only(proxy: Proxy) -> Self {
        Self(Choice::Only(Arc::new(proxy)))
    }

    /// What the environment says. `variable` reads it; an empty variable counts as none.
    ///
    /// `HTTP_PROXY` is for http URLs, `HTTPS_PROXY` for https URLs: `host`, `host:port` or a URL. `NO_PROXY` lists
    /// exceptions, separated by commas: `*`, addresses, networks, `.domain` and `*.domain` (what is below it), `domain`
    /// (that, too), all but networks with a `:port` if need be. Each counts in lower case where it is not set in upper
    /// case. There is no `ALL_PROXY`. Where `REQUEST_METHOD` is set, whoever asks a CGI program could have set
    /// `HTTP_PROXY`: it is not used.
    pub fn environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, VariableError> {
        let read = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let either = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| read(name).map(|value| (name, value)))
        };
        let proxy = |names| match either(names) {
            Some((variable, value)) => {
                Proxy::lenient(&value).map(Some).map_err(|source| VariableError { variable, source })
            }
            None => Ok(None),
        };
        let http = match read("REQUEST_METHOD") {
            Some(_) => None,
            None => proxy(["HTTP_PROXY", "http_proxy"])?,
        };
        let https = proxy(["HTTPS_PROXY", "https_proxy"])?;
        let exceptions = either(["NO_PROXY", "no_proxy"]).map(|(_, list)| Exceptions::parse(&list));
        let environment = Environment { http, https, exceptions: exceptions.unwrap_or_default() };
        Ok(Self(Choice::Environment(Arc::new(environment))))
    }

    /// The proxy for requests to this URL. Nobody's but an object's own is used for this very computer.
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        match &self.0 {
            Choice::Nothing => None,
            Choice::Only(proxy) => Some(proxy),
            Choice::Environment(environment) => environment.for_url(url),
        }
    }
}

impl Environment {
    fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref()?,
            "https" => self.https.as_ref()?,
            _ => return None,
        };
        let destination = Destination::of(url)?;
        let direct = destination.is_this_computer() || self.exceptions.have(&destination);
        (!direct).then_some(proxy)
    }
}

/// A variable that names no usable proxy. Never contains its value, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {source}")]
pub struct VariableError {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with it.
    pub source: ProxyError,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Proxies, VariableError> {
        Proxies::environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// What the proxy for a URL is shown as.
    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<String> {
        environment(variables).unwrap().for_url(&url.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn environment_is_chosen_by_the_scheme_of_the_request() {
        let both = [("HTTP_PROXY", "http://plain:1"), ("HTTPS_PROXY", "http://secure:2")];
        assert_eq!(chosen(&both, "http://r.example").as_deref(), Some("http://plain:1"));
        assert_eq!(chosen(&both, "https://r.example").as_deref(), Some("http://secure:2"));
        assert_eq!(chosen(&both[..1], "https://r.example"), None);
        assert_eq!(chosen(&both[1..], "http://r.example"), None);
        assert_eq!(chosen(&[("ALL_PROXY", "http://all:3")], "https://r.example"), None);
    }

    #[test]
    fn environment_reads_upper_case_first_and_skips_empty_variables() {
        let url = "https://r.example";
        let both = [("https_proxy", "lower:1"), ("HTTPS_PROXY", "upper:2")];
        assert_eq!(chosen(&both, url).as_deref(), Some("http://upper:2"));
        let emptied = [("https_proxy", "lower:1"), ("HTTPS_PROXY", "")];
        assert_eq!(chosen(&emptied, url).as_deref(), Some("http://lower:1"));
        let excepted = [("https_proxy", "lower:1"), ("NO_PROXY", ""), ("no_proxy", "r.example")];
        assert_eq!(chosen(&excepted, url), None);
    }

    #[test]
    fn environment_of_a_cgi_program_has_no_http_proxy() {
        let variables = [("HTTP_PROXY", "evil:1"), ("HTTPS_PROXY", "good:2"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen(&variables, "http://r.example"), None);
        assert_eq!(chosen(&variables, "https://r.example").as_deref(), Some("http://good:2"));
    }

    #[test]
    fn environment_names_the_variable_that_is_wrong_and_not_its_value() {
        for (variable, value, expected) in [
            ("HTTPS_PROXY", "http://user:hunter2@", ProxyError::Url),
            ("https_proxy", "http://user:hunter2@proxy:port", ProxyError::Url),
            ("HTTP_PROXY", "user:hunter2@proxy:99999", ProxyError::Url),
            ("http_proxy", "ftp://user:hunter2@proxy", ProxyError::Scheme),
            ("HTTP_PROXY", "http:proxy:3128", ProxyError::Url),
            ("HTTP_PROXY", " ", ProxyError::Url),
        ] {
            let error = environment(&[(variable, value)]).unwrap_err();
            assert_eq!(error, VariableError { variable, source: expected }, "{value}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(variable) && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn proxies_never_show_a_password() {
        let variables = [("HTTPS_PROXY", "user:hunter2@proxy:3128")];
        let all = [environment(&variables).unwrap(), Proxies::only(Proxy::lenient(variables[0].1).unwrap())];
        for proxies in all {
            let shown = format!("{proxies:?}");
            assert!(shown.contains("http://proxy:3128") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn only_has_no_exceptions() {
        let only = Proxies::only(Proxy::lenient("proxy").unwrap());
        for url in ["http://localhost:5000", "https://127.0.0.1", "https://[::1]", "https://r.example"] {
            assert!(only.for_url(&url.parse().unwrap()).is_some(), "{url}");
            assert!(Proxies::none().for_url(&url.parse().unwrap()).is_none(), "{url}");
        }
    }
}
