//! Keys as they are named: a file or a variable, and the password of an encrypted one.

use std::{fmt, fs::File, io::Read as _, path::PathBuf};

use clap::Args;
use oci_artifact::{
    limits::{Budget, PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES},
    manifest::Annotation,
};
use oci_registry::Secret;
use oci_verify::{
    Keys,
    sign::{Notes, PrivateKey, SigningKey},
};

use super::Format;
use crate::{context::Context, error::Error, ui};

/// The variable of a key's password, Cosign's own.
const PASSWORD: &str = "COSIGN_PASSWORD";
/// How a variable is named.
const VARIABLE: &str = "env://";

/// With what to sign, and how.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Signing")]
pub(crate) struct SignArgs {
    #[arg(
        long,
        value_name = "FILE|env://VAR",
        help = "Private key: a file, or a variable; the password of an encrypted one is read from COSIGN_PASSWORD"
    )]
    key: Option<String>,
    /// Sign in the format of Cosign 2, as the image behind the tag sha256-….sig
    #[arg(long, requires = "key")]
    legacy: bool,
}

impl SignArgs {
    /// What `--key` names.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(crate) fn format(&self) -> Format {
        if self.legacy { Format::Legacy } else { Format::Bundle }
    }
}

/// Annotations as the signer's notes.
pub(crate) fn notes(annotations: &[Annotation]) -> Notes {
    annotations.iter().map(|one| (one.key.clone(), one.value.clone())).collect()
}

/// Where a key is.
enum Place {
    File(PathBuf),
    Variable(String),
}

impl Place {
    fn parse(text: &str) -> Result<Self, Error> {
        if let Some(name) = text.strip_prefix(VARIABLE) {
            return Ok(Self::Variable(name.to_owned()));
        }
        if text.is_empty() {
            return Err(Error::usage("--key is empty, name a file or env://VARIABLE"));
        }
        match text.split_once("://") {
            Some((scheme, _)) => Err(Error::Usage {
                message: format!("keys at `{}://` are not supported", ui::clean(scheme)),
                hint: Some("name a file, or a variable as env://VARIABLE".into()),
            }),
            None => Ok(Self::File(text.into())),
        }
    }

    /// What is there, and at most `limit` bytes of it.
    fn read(&self, limit: usize, context: &Context) -> Result<Secret<Vec<u8>>, Error> {
        let path = match self {
            Self::File(path) => path,
            Self::Variable(name) => {
                let value = context.variable(name).filter(|value| !value.expose().is_empty());
                return value.ok_or_else(|| Error::usage(format!("the variable {name} of --key is not set")));
            }
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| Budget::new(file, limit as u64, "the key's file").read_to_end(&mut bytes))
            .map_err(|source| Error::file("reading the key", path, source))?;
        Ok(Secret::new(bytes))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "{VARIABLE}{name}"),
        }
    }
}

/// The private key that `--key` names.
pub(crate) async fn signing_key(text: &str, context: &Context) -> Result<SigningKey, Error> {
    let place = Place::parse(text)?;
    let bytes = place.read(PRIVATE_KEY_BYTES, context)?;
    let failed = |source| Error::PrivateKey { place: place.to_string(), source };
    match PrivateKey::read(bytes.expose()).map_err(failed)? {
        PrivateKey::Plain(key) => Ok(key),
        PrivateKey::Sealed(sealed) => {
            let password = password(&place, context).await?;
            // A tenth of a second of work, and an interrupt must be heard.
            let opening = tokio::task::spawn_blocking(move || sealed.open(password.expose()));
            opening.await.map_err(|_| Error::Stopped("opening the key"))?.map_err(failed)
        }
    }
}

async fn password(place: &Place, context: &Context) -> Result<Secret<Vec<u8>>, Error> {
    if let Some(password) = context.variable(PASSWORD) {
        return Ok(password);
    }
    if !context.surroundings.interactive {
        return Err(no_password(&format!("the private key `{place}` is encrypted")));
    }
    let typed = ui::ask_secretly(&format!("Password of {}", ui::clean(&place.to_string())), context).await?;
    Ok(Secret::new(typed.into_bytes()))
}

/// The password of a new key, typed twice. An empty one has to be said by the variable.
pub(crate) async fn new_password(context: &Context) -> Result<Secret<Vec<u8>>, Error> {
    if let Some(password) = context.variable(PASSWORD) {
        return Ok(password);
    }
    if !context.surroundings.interactive {
        return Err(no_password("a new key is encrypted"));
    }
    let typed = ui::ask_secretly("Password of the new key", context).await?;
    if typed.is_empty() {
        return Err(Error::usage(format!("the password is empty; for none set {PASSWORD} to nothing")));
    }
    if ui::ask_secretly("The same again", context).await? != typed {
        return Err(Error::usage("the two passwords differ"));
    }
    Ok(Secret::new(typed.into_bytes()))
}

fn no_password(why: &str) -> Error {
    Error::Usage {
        message: format!("{why}, and standard input is no terminal to ask for the password at"),
        hint: Some(format!("set {PASSWORD}")),
    }
}

/// The public keys that flags name: all of them can be used, or none is.
pub(super) fn public_keys(texts: &[String], context: &Context) -> Result<Keys, Error> {
    let mut read = Vec::new();
    for text in texts {
        let place = Place::parse(text)?;
        read.push((place.to_string(), place.read(PUBLIC_KEY_BYTES, context)?));
    }
    let keys = Keys::named(read.iter().map(|(name, bytes)| (name.as_str(), bytes.expose().as_slice())));
    match keys.faults().first() {
        Some(fault) => Err(fault.clone().into()),
        None => Ok(keys),
    }
}
