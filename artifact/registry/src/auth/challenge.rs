//! `WWW-Authenticate`: how a registry wants to be told who we are.
//!
//! RFC 9110 §11 (challenges, several in one header), RFC 6750 and the distribution project's token specification.
//! Untrusted: lengths and counts are bounded, the realm is checked before it is used.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// Bytes of all challenges of a reply.
const HEADER_BYTES: usize = 16 << 10;
/// Parameters of all challenges of a reply.
const PARAMETERS: usize = 64;

/// A challenge that we can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password in every request.
    Basic,
    /// A token of a token server.
    Bearer {
        /// URL of the token server; relative to the registry if it has no scheme.
        realm: String,
        /// The registry's name at the token server.
        service: Option<String>,
        /// What the registry says that the request needs.
        scope: Option<String>,
    },
}

impl Challenge {
    /// The best challenge of a reply: Bearer before Basic; `None` if there is none that we can answer.
    pub(crate) fn best(headers: &HeaderMap) -> Option<Self> {
        let mut found = Vec::new();
        let mut left = HEADER_BYTES;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let Ok(text) = value.to_str() else { continue };
            let Some(rest) = left.checked_sub(text.len()) else {
                break;
            };
            left = rest;
            found.extend(parse(text));
        }
        let bearer = found.iter().find(|challenge| matches!(challenge, Self::Bearer { .. }));
        bearer.or(found.first()).cloned()
    }
}

/// The challenges of one header value; unknown schemes and broken ones are left out.
fn parse(text: &str) -> Vec<Challenge> {
    let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text;
    let mut parameters = 0;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() || parameters > PARAMETERS {
            break;
        }
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            break;
        }
        match after.trim_start().strip_prefix('=') {
            Some(value) if !challenges.is_empty() => {
                let Some((value, after)) = parse_value(value.trim_start()) else {
                    break;
                };
                parameters += 1;
                if let Some((_, list)) = challenges.last_mut() {
                    list.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            }
            Some(_) => break,
            None => {
                challenges.push((word.to_ascii_lowercase(), Vec::new()));
                parameters += 1;
                rest = after;
            }
        }
    }
    challenges.into_iter().filter_map(|(scheme, parameters)| interpret(&scheme, parameters)).collect()
}

fn interpret(scheme: &str, parameters: Vec<(String, String)>) -> Option<Challenge> {
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => {
            let (mut realm, mut service, mut scope) = (None, None, None);
            for (name, value) in parameters {
                match name.as_str() {
                    "realm" => realm = Some(value),
                    "service" => service = Some(value),
                    "scope" => scope = Some(value),
                    _ => {}
                }
            }
            Some(Challenge::Bearer { realm: realm?, service, scope })
        }
        _ => None,
    }
}

/// A token or a quoted string, and what follows it.
fn parse_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return Some((value.to_owned(), after));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return quoted.get(at + 1..).map(|after| (out, after)),
            '\\' => out.push(chars.next()?.1),
            other => out.push(other),
        }
    }
    None
}

/// RFC 9110 `tchar`, and the characters of RFC 7235's `token68` that real registries leave unquoted.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::best(&headers)
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with what is found, if anything is")]
    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) })
    }

    #[test]
    fn challenge_reads_what_registries_send() {
        assert_eq!(
            best(&[
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#
            ]),
            bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:a/b:pull,push")
            )
        );
        assert_eq!(best(&[r#"Basic realm="x""#]), Some(Challenge::Basic));
        assert_eq!(best(&["Basic"]), Some(Challenge::Basic));
        assert_eq!(
            best(&[r#"bearer realm="https://t.example/a?b=c", service=plain"#]),
            bearer("https://t.example/a?b=c", Some("plain"), None)
        );
        assert_eq!(best(&[r#"Bearer realm="a\"b""#]), bearer("a\"b", None, None));
    }

    #[test]
    fn challenge_prefers_bearer_among_several() {
        let expected = bearer("https://t.example", None, None);
        assert_eq!(best(&[r#"Negotiate, Basic realm="x", Bearer realm="https://t.example""#]), expected);
        assert_eq!(best(&[r#"Basic realm="x""#, r#"Bearer realm="https://t.example""#]), expected);
    }

    #[test]
    fn challenge_survives_garbage() {
        for text in [
            "",
            "Negotiate abc==",
            r#"Bearer realm="unbalanced"#,
            "=",
            ",,,",
            "Bearer service=x",
            "Bearer =x",
        ] {
            let found = best(&[text]);
            assert!(found.is_none(), "{text:?}: {found:?}");
        }
        let many = "Basic ".repeat(10_000);
        assert_eq!(best(&[&many]), None, "over the bound is not read");
        assert_eq!(best(&[&"Basic ,".repeat(1_000)]), Some(Challenge::Basic));
    }
}
