//! Signatures by the key of a storage account ("Authorize with Shared Key", Blob service, since version 2009-09-19).

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_registry::Secret;
use url::Url;

use crate::{environment::Environment, error::IdentityError};

const KEY: &str = "AZURE_STORAGE_KEY";

/// The key of an account.
pub(crate) struct SharedKey {
    account: String,
    key: Secret<Vec<u8>>,
}

impl SharedKey {
    /// The one in the environment, as `az storage` reads it, if there is one.
    pub(crate) fn of(environment: &Environment, account: &str) -> Result<Option<Self>, IdentityError> {
        let Some(text) = environment.variable(KEY) else { return Ok(None) };
        let key = BASE64_STANDARD.decode(text).map_err(|_| IdentityError::Setting {
            place: KEY.to_owned(),
            detail: "it is no key of a storage account, which is Base64".to_owned(),
            hint: None,
        })?;
        Ok(Some(Self { account: account.to_owned(), key: Secret::new(key) }))
    }

    /// The value of `Authorization`. `headers` are all that are sent and begin with `x-ms-`, and `content-…`; names in
    /// small letters.
    pub(crate) fn authorization(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        length: u64,
    ) -> String {
        let text = self.text(method, url, headers, length);
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.key.expose());
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()));
        format!("SharedKey {}:{signature}", self.account)
    }

    fn text(&self, method: &str, url: &Url, headers: &[(&str, &str)], length: u64) -> String {
        let header = |name| headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
        let length = if length == 0 { String::new() } else { length.to_string() };
        let (kind, range) = (header("content-type"), header("range"));
        // Encoding, language, length, MD5, type, date, four conditions, range.
        let mut text = format!("{method}\n\n\n{length}\n\n{kind}\n\n\n\n\n\n{range}\n");
        let own: BTreeMap<_, _> =
            headers.iter().filter(|(name, _)| name.starts_with("x-ms-")).copied().collect();
        for (name, value) in own {
            text.extend([name, ":", value, "\n"]);
        }
        text.extend(["/", &self.account, url.path()]);
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            query.entry(name.to_lowercase()).or_default().push(value.into_owned());
        }
        for (name, mut values) in query {
            values.sort_unstable();
            text.extend(["\n", &name, ":", &values.join(",")]);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `azure-storage-blob` 12.31.1 for Python makes of the same requests.
    #[test]
    fn signatures_are_those_of_the_sdk() {
        let variables = [(KEY.to_owned(), "cGxhbnRlZA==".to_owned())].into();
        let environment = Environment { variables, ..Environment::default() };
        let key = SharedKey::of(&environment, "flux").ok().flatten().unwrap();
        let dated = [("x-ms-date", "Tue, 14 Nov 2023 22:13:20 GMT"), ("x-ms-version", "2021-12-02")];
        let put = [&dated[..], &[("x-ms-blob-type", "BlockBlob")]].concat();
        for (method, url, headers, length, expected) in [
            (
                "GET",
                "https://flux.blob.core.windows.net/artifacts?comp=list&maxresults=1000&prefix=a%2Fb&restype=container&marker=m%2F",
                &dated[..],
                0,
                "SharedKey flux:rDNlZxrZLv6z31DwQKStAkJJMGR/psSYU08liUoYJ4U=",
            ),
            (
                "PUT",
                "https://flux.blob.core.windows.net/artifacts/a/sha256%3A0f.tar.gz",
                &put,
                4,
                "SharedKey flux:vkJ0LNYuZ/XTO32ljlbTHxUiSfh0yVXWye30e6RPb+g=",
            ),
            (
                "DELETE",
                "http://127.0.0.1:10000/flux/artifacts/a",
                &dated,
                0,
                "SharedKey flux:aKzeAUKBXcFTzKEBn/JYY2vqlREsBLiUuD61ck0NTqI=",
            ),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(key.authorization(method, &url, headers, length), expected, "{method} {url}");
        }
    }

    #[test]
    fn key_of_an_account_is_base64_or_none() {
        let key = |text: &str| {
            let variables = [(KEY.to_owned(), text.to_owned())].into();
            let key = SharedKey::of(&Environment { variables, ..Environment::default() }, "flux");
            key.map(|key| key.map(|key| key.key.expose().clone())).map_err(|error| error.to_string())
        };
        assert_eq!(key(""), Ok(None));
        assert_eq!(key("cGxhbnRlZA=="), Ok(Some(b"planted".to_vec())));
        assert_eq!(key("+/+/"), Ok(Some(vec![0xfb, 0xff, 0xbf])));
        // No other alphabet, nothing that is cut off, no key of another kind; and nothing of it is shown.
        for wrong in ["planted key", "-_-_", "cGxhbnRlZA", "cGxhbnRlZA=", "cGxhbnRlZB=="] {
            let told = "AZURE_STORAGE_KEY: it is no key of a storage account, which is Base64";
            assert_eq!(key(wrong), Err(told.to_owned()), "{wrong}");
        }
    }
}
