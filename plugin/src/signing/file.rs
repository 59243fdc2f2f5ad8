//! Whose signature counts, as an object of a cluster says it.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use oci_crds::validate::Verification;
use oci_source::material::SecretData;
use oci_verify::{AnyPolicy, Identities, Keys, NotationPolicy, Policy, TrustRoot};

use super::policy::public_root;
use crate::{
    context::Context,
    dry_run::{self, Asked},
    error::Error,
    manifests::Source,
};

/// Where objects are that say no namespace.
const NAMESPACE: &str = "default";
/// The key of a trust root in its Secret.
const ROOT: &str = "trusted_root.json";

/// An object whose `spec.verify` is taken.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Whose signature")]
pub(crate) struct FilePolicy {
    /// A file with one OCIRepository: what its spec.verify says; the Secrets that it names may stand in the same file
    #[arg(long = "filename", short = 'f', value_name = "FILE|-")]
    file: Option<PathBuf>,
    /// A file with Secrets that the object names; can be repeated
    #[arg(long, value_name = "FILE", requires = "file")]
    secret: Vec<PathBuf>,
}

impl FilePolicy {
    /// The policy of the object, if a file is named.
    pub(crate) async fn policy(&self, context: &Context) -> Result<Option<AnyPolicy>, Error> {
        let Some(file) = self.file.clone() else { return Ok(None) };
        let namespace = context.flags.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned());
        let source = if file.as_os_str() == "-" { Source::Stdin } else { Source::File(file.clone()) };
        let (secrets, control) = (self.secret.clone(), context.control.clone());
        let reading =
            tokio::task::spawn_blocking(move || dry_run::read(&[source], &secrets, &namespace, &control));
        let input = reading.await.map_err(|_| Error::Stopped("reading"))??;
        let place = file.display().to_string();
        let asked = input.asked(&place)?;
        policy(&asked, &place).map(Some)
    }
}

fn policy(asked: &Asked<'_>, place: &str) -> Result<AnyPolicy, Error> {
    let wrong = |why: String, hint: Option<&str>| Error::Document {
        doing: "reading spec.verify of",
        place: place.to_owned(),
        why,
        hint: hint.map(str::to_owned),
    };
    let secret = |name: &str| {
        let hint = Some("put it into the same file, or name its file with `--secret`");
        asked.secret(name).ok_or_else(|| wrong(format!("the Secret `{name}` is not in the files"), hint))
    };
    match &asked.verification {
        Verification::CosignKeys { secret: name } => {
            Ok(Policy::Keys(Keys::read(entries(secret(name)?))).into())
        }
        Verification::CosignKeyless { identities, trusted_root } => {
            let root = match trusted_root {
                None => public_root()?,
                Some(name) => {
                    let bytes = secret(name)?.data.get(ROOT);
                    let bytes =
                        bytes.ok_or_else(|| wrong(format!("the Secret `{name}` has no `{ROOT}`"), None))?;
                    let root = TrustRoot::parse(bytes.expose());
                    root.map(Arc::new).map_err(|source| Error::TrustRoot { path: name.into(), source })?
                }
            };
            Ok(Policy::Keyless { identities: Identities::OneOf(identities.clone()), root }.into())
        }
        Verification::Notation { secret: name } => {
            let policy = NotationPolicy::read(entries(secret(name)?));
            let policy =
                policy.map_err(|source| Error::TrustPolicy { place: format!("Secret {name}"), source })?;
            Ok(policy.into())
        }
    }
}

fn entries(secret: &SecretData) -> impl Iterator<Item = (&str, &[u8])> {
    secret.data.iter().map(|(name, value)| (name.as_str(), value.expose().as_slice()))
}
