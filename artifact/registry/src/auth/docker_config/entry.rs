//! Values of `auths`: one credential each.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;

use super::super::{Credential, Secret};

/// Docker writes padding, some provisioning tools forget it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with an entry. Never contains its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Not an object of texts.
    #[error(
        "it must be an object with the texts `auth`, `username`, `password`, `identitytoken`, `registrytoken`"
    )]
    Shape,
    /// Not base64.
    #[error("`auth` is not base64")]
    Base64,
    /// Not UTF-8 after decoding.
    #[error("`auth` is not UTF-8 text after base64 decoding")]
    Utf8,
    /// Not a pair.
    #[error("`auth` has no colon between user and password after base64 decoding")]
    Colon,
    /// A line break or NUL, which would end the header that carries the value.
    #[error("`{0}` contains a line break or a NUL character")]
    Control(&'static str),
    /// A token that no header can carry.
    #[error("`{0}` contains characters that no token has")]
    Token(&'static str),
}

/// An entry with a secret.
#[derive(Clone, Debug)]
pub(in crate::auth) struct Entry {
    /// What it proves.
    pub(in crate::auth) credential: Credential,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity: Option<String>,
    #[serde(rename = "registrytoken")]
    registry: Option<String>,
}

impl Entry {
    /// Reads an entry; `None` if it holds no secret. Of several secrets the registry token wins, then the identity
    /// token, then `auth`, then the pair of fields.
    pub(in crate::auth) fn parse(value: &serde_json::Value) -> Result<Option<Self>, EntryFault> {
        if value.is_null() {
            return Ok(None);
        }
        let raw = Raw::deserialize(value).map_err(|_| EntryFault::Shape)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let pair = match given(raw.auth) {
            Some(auth) => decode(&auth)?,
            None => (given(raw.username).unwrap_or_default(), given(raw.password).unwrap_or_default()),
        };
        let credential = if let Some(token) = given(raw.registry) {
            Credential::Bearer(Secret::new(checked_token(token, "registrytoken")?))
        } else if let Some(token) = given(raw.identity) {
            Credential::Identity(Secret::new(checked_token(token, "identitytoken")?))
        } else {
            let (username, password) = pair;
            if username.is_empty() && password.is_empty() {
                return Ok(None);
            }
            // A password may have lines: Google's keys are such (`_json_key`). It only ever leaves in base64 or in a form.
            if has_breaks(&username) {
                return Err(EntryFault::Control("username"));
            }
            if password.contains('\0') {
                return Err(EntryFault::Control("password"));
            }
            basic_or_identity(username, password)?
        };
        Ok(Some(Self { credential }))
    }
}

/// Docker's convention in files and helpers: the user `<token>` says that the password is an identity token.
pub(in crate::auth) fn basic_or_identity(
    username: String,
    password: String,
) -> Result<Credential, EntryFault> {
    if username == "<token>" {
        return Ok(Credential::Identity(Secret::new(checked_token(password, "password")?)));
    }
    Ok(Credential::Basic { username, password: Secret::new(password) })
}

/// Whether a text could end a header's line.
pub(in crate::auth) fn has_breaks(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

fn decode(auth: &str) -> Result<(String, String), EntryFault> {
    let compact: String = auth.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(compact).map_err(|_| EntryFault::Base64)?;
    let text = String::from_utf8(bytes).map_err(|_| EntryFault::Utf8)?;
    let (username, password) = text.split_once(':').ok_or(EntryFault::Colon)?;
    // Old clients padded the password with NUL characters; docker trims them too.
    Ok((username.to_owned(), password.trim_matches('\0').to_owned()))
}

fn checked_token(token: String, name: &'static str) -> Result<String, EntryFault> {
    let fits = token.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(token) } else { Err(EntryFault::Token(name)) }
}
