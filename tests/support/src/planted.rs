//! The secrets that the suites plant, and the search for them in whatever a program wrote.
//!
//! Harnesses call [`assert_clean`] on every output and log, so that each test is also one about leaks. A test that plants
//! a secret takes one of these, or adds its own here.

#![expect(clippy::panic, reason = "a leak fails the test that it happens in")]

use std::{collections::BTreeSet, fmt};

use base64::{Engine as _, engine::general_purpose};

/// The password of the user who may push.
pub const PASSWORD: &str = "s3cret-pass";
/// A password that nobody has.
pub const WRONG_PASSWORD: &str = "hunter2";
/// Another one.
pub const GUESSED_PASSWORD: &str = "guessed";
/// The password of a second user.
pub const OTHER_PASSWORD: &str = "other-pass";
/// The password of the user who may only pull. URLs and forms must encode it.
pub const READER_PASSWORD: &str = "pull/only+pa55 word";
/// What a password is changed to.
pub const CHANGED_PASSWORD: &str = "ch4nged-pass";
/// The password of a proxy. URLs must encode it.
pub const PROXY_PASSWORD: &str = "pr0xy/pa55";
/// The refresh token that a token server knows.
pub const IDENTITY_TOKEN: &str = "1dentity-t0ken";
/// What a refresh token is changed to.
pub const CHANGED_IDENTITY_TOKEN: &str = "ch4nged-t0ken";
/// Part of the claims of every token that [`TokenServer`] issues, by which a leaked one is found.
///
/// [`TokenServer`]: crate::token_server::TokenServer
pub const TOKEN_MARK: &str = "t0ken-in-circulation";
/// How tokens of ServiceAccounts begin, and most other JWTs: `{"alg":`.
pub const JWT_MARK: &str = "eyJhbGciOi";
/// The password in the tokens of moto's ECR, for its own account.
pub const ECR_PASSWORD: &str = "123456789012-auth-token";
/// A secret access key of AWS, of the form that they have.
pub const AWS_SECRET_KEY: &str = "wJalr+UtnFEMI/K7MDENG/bPxRfiCYplanted";
/// A second one.
pub const OTHER_AWS_SECRET_KEY: &str = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbplanted";
/// The token of a session of AWS.
pub const AWS_SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjE-planted-session";
/// A token of an account for AWS's STS.
pub const AWS_WEB_IDENTITY_TOKEN: &str = "eyJ0eXAiOiJKV1QifQ.planted-web-identity.c2ln";
/// The token for the agent of EKS Pod Identity.
pub const POD_IDENTITY_TOKEN: &str = "planted-pod-identity-token";
/// The password in a token of ECR.
pub const ECR_TOKEN_PASSWORD: &str = "eyJwYXlsb2FkIjoi-planted-ecr-password";
/// The secret of an application of Azure, and of a user's login at Google.
pub const CLIENT_SECRET: &str = "cl1ent-s3cret~Q";
/// The password of a private key.
pub const KEY_PASSWORD: &str = "k3y-of-my-pa55w0rd";

/// All of them.
pub const SECRETS: [&str; 20] = [
    PASSWORD,
    WRONG_PASSWORD,
    GUESSED_PASSWORD,
    OTHER_PASSWORD,
    READER_PASSWORD,
    CHANGED_PASSWORD,
    PROXY_PASSWORD,
    IDENTITY_TOKEN,
    CHANGED_IDENTITY_TOKEN,
    TOKEN_MARK,
    JWT_MARK,
    ECR_PASSWORD,
    AWS_SECRET_KEY,
    OTHER_AWS_SECRET_KEY,
    AWS_SESSION_TOKEN,
    AWS_WEB_IDENTITY_TOKEN,
    POD_IDENTITY_TOKEN,
    ECR_TOKEN_PASSWORD,
    CLIENT_SECRET,
    KEY_PASSWORD,
];

/// A secret that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// One of [`SECRETS`].
    pub secret: &'static str,
    /// How it was written.
    pub form: Form,
}

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is.
    Raw,
    /// Inside base64 of either alphabet, wherever it begins; `Basic` headers and JWTs are such.
    Base64,
    /// As in a URL or a form.
    UrlEncoded,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({:?})", self.secret, self.form)
    }
}

/// The secrets in a text, each with the forms in which it is there.
pub fn leaks(text: &[u8]) -> Vec<Leak> {
    let text = String::from_utf8_lossy(text);
    let has = |wanted: &str| text.contains(wanted);
    let mut found = Vec::new();
    for secret in SECRETS {
        let forms = [
            (Form::Raw, BTreeSet::from([secret.to_owned()])),
            (Form::Base64, base64(secret)),
            (Form::UrlEncoded, url_encoded(secret)),
        ];
        let there = forms.into_iter().filter(|(_, texts)| texts.iter().any(|text| has(text)));
        found.extend(there.map(|(form, _)| Leak { secret, form }));
    }
    found
}

/// Fails if a secret is in `bytes`, which are `what`. A test that fails already is left alone.
#[track_caller]
pub fn assert_clean(what: &str, bytes: &[u8]) {
    let found = leaks(bytes);
    if found.is_empty() || std::thread::panicking() {
        return;
    }
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    panic!("{what} shows secrets: {}\n{}", list.join(", "), String::from_utf8_lossy(bytes));
}

/// The characters that do not depend on what stands around the secret, for each of the three places in a group.
fn base64(secret: &str) -> BTreeSet<String> {
    let engines = [&general_purpose::STANDARD_NO_PAD, &general_purpose::URL_SAFE_NO_PAD];
    let at = |before: usize| {
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        engines.map(|engine| engine.encode(&bytes)[first..end].to_owned())
    };
    (0..3).flat_map(at).collect()
}

/// As a form and as a URL have it, hexadecimal digits in either case; nothing if that is the secret itself.
fn url_encoded(secret: &str) -> BTreeSet<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let url = form.replace('+', "%20");
    let slashes = url.replace("%2F", "/");
    let lower = |text: &str| {
        let mut parts = text.split('%');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (digits, rest) = part.split_at(2);
            out.extend(["%", &digits.to_ascii_lowercase(), rest]);
        }
        out
    };
    let all = [form, url, slashes];
    all.iter().map(|text| lower(text)).chain(all.clone()).filter(|text| text != secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Vec<Leak> {
        leaks(format!("some words {text} and more").as_bytes())
    }

    #[test]
    fn secret_is_found_as_it_is() {
        for secret in SECRETS {
            assert_eq!(forms(secret), [Leak { secret, form: Form::Raw }]);
        }
    }

    #[test]
    fn secret_is_found_in_basic_headers_of_any_user() {
        for secret in SECRETS {
            for user in ["", "u", "me", "tester", "AWS", "00000000-0000-0000-0000-000000000000"] {
                let pair = format!("{user}:{secret}");
                for after in ["", "\n", "\",\"x\":\"y\""] {
                    let text = general_purpose::STANDARD.encode(format!("{pair}{after}"));
                    assert_eq!(forms(&text), [Leak { secret, form: Form::Base64 }], "{pair}");
                }
            }
        }
    }

    #[test]
    fn secret_is_found_in_urls() {
        for text in ["pull%2Fonly%2Bpa55+word", "pull%2Fonly%2Bpa55%20word", "pull%2fonly%2bpa55%20word"] {
            assert_eq!(forms(text), [Leak { secret: READER_PASSWORD, form: Form::UrlEncoded }], "{text}");
        }
        let url = format!("http://user:{}@proxy.example", PROXY_PASSWORD.replace('/', "%2F"));
        assert_eq!(forms(&url), [Leak { secret: PROXY_PASSWORD, form: Form::UrlEncoded }]);
    }

    #[test]
    fn clean_text_is_clean() {
        assert_clean("a text", b"level=info msg=\"login as tester\" secret=*** ZXhhbXBsZQ==");
        assert_clean("nothing", b"");
    }

    #[test]
    #[should_panic(expected = "standard error shows secrets: `hunter2` (Raw)\nwho is hunter2?")]
    fn leak_fails_the_test() {
        assert_clean("standard error", b"who is hunter2?");
    }
}
