//! One end of a copy as it is typed: a registry's artifact or an OCI layout folder's.

use std::path::PathBuf;

use clap::Args;
use oci_artifact::name::{Digest, Reference, Tag, Target};
use oci_registry::{Access, Place, layout::Layout};

use crate::{
    args::{Provider, RegistryArgs, TrustArgs, parse_url},
    context::Context,
    error::Error,
};

/// What the name of an OCI layout folder begins with.
const LAYOUT_SCHEME: &str = "oci-layout://";

/// How to reach both ends, and who to be there.
#[derive(Args, Debug)]
#[command(next_help_heading = "Registries")]
pub(crate) struct Sides {
    /// Log in to the source as `user[:password]`
    #[arg(long, value_name = "USER[:PASSWORD]")]
    from_creds: Option<String>,
    /// Read the password of --from-creds from standard input
    #[arg(long, requires = "from_creds")]
    from_password_stdin: bool,
    /// Log in to the destination as `user[:password]`
    #[arg(long, value_name = "USER[:PASSWORD]")]
    to_creds: Option<String>,
    /// Read the password of --to-creds from standard input
    #[arg(long, requires = "to_creds", conflicts_with = "from_password_stdin")]
    to_password_stdin: bool,
    /// Log in to the source by an identity in this cloud, in place of Docker's logins
    #[arg(long, value_enum, default_value_t = Provider::Generic, value_name = "CLOUD")]
    from_provider: Provider,
    /// Log in to the destination by an identity in this cloud, in place of Docker's logins
    #[arg(long, value_enum, default_value_t = Provider::Generic, value_name = "CLOUD")]
    to_provider: Provider,
    /// Read Docker's logins from this file alone
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

impl Sides {
    /// Each side has its own login, so that a credential is never shown to the other one.
    pub(crate) fn registries(&self) -> (RegistryArgs, RegistryArgs) {
        let (trust, registry_config) = (self.trust.clone(), self.registry_config.clone());
        let from = RegistryArgs {
            creds: self.from_creds.clone(),
            password_stdin: self.from_password_stdin,
            provider: self.from_provider,
            registry_config,
            trust,
        };
        let to = RegistryArgs {
            creds: self.to_creds.clone(),
            password_stdin: self.to_password_stdin,
            provider: self.to_provider,
            ..from.clone()
        };
        (from, to)
    }
}

/// One end of a copy.
pub(crate) enum End {
    /// In a registry.
    Registry(Reference),
    /// In a folder.
    Layout {
        /// The folder.
        root: PathBuf,
        /// Which artifact of it.
        target: Option<Target>,
    },
}

impl End {
    /// Parses `oci://…` or `oci-layout://…`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let Some(rest) = text.strip_prefix(LAYOUT_SCHEME) else {
            return parse_url(text).map(Self::Registry);
        };
        let (root, target) = match rest.rsplit_once('@') {
            Some((root, digest)) if !digest.contains('/') => {
                let digest =
                    Digest::parse(digest).map_err(|error| Error::usage(format!("`{text}`: {error}")))?;
                (root, Some(Target::Digest(digest)))
            }
            Some(_) | None => match rest.rsplit_once(':') {
                Some((root, tag)) if !tag.contains('/') => (root, Some(Target::Tag(Tag::parse(tag)?))),
                Some(_) | None => (rest, None),
            },
        };
        if root.is_empty() {
            return Err(Error::usage(format!("`{text}` names no folder: write oci-layout://FOLDER:TAG")));
        }
        Ok(Self::Layout { root: root.into(), target })
    }

    /// The tag or digest that was named.
    pub(crate) fn target(&self) -> Option<&Target> {
        match self {
            Self::Registry(reference) => reference.target.as_ref(),
            Self::Layout { target, .. } => target.as_ref(),
        }
    }

    /// What a copy takes from here: what was named, the only artifact of a folder, or `latest`.
    pub(crate) fn source(&self) -> Target {
        let only = || match self {
            Self::Registry(_) => None,
            Self::Layout { root, .. } => Layout::new(root).only().map(Target::Digest),
        };
        self.target().cloned().or_else(only).unwrap_or_else(|| Target::Tag(Tag::latest()))
    }

    /// Repository or folder, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Registry(reference) => reference.repository.to_string(),
            Self::Layout { root, .. } => root.display().to_string(),
        }
    }

    /// Makes the place usable.
    pub(crate) async fn open(
        &self,
        args: &RegistryArgs,
        access: Access,
        context: &Context,
    ) -> Result<Place, Error> {
        match self {
            Self::Layout { root, .. } => Ok(Place::Layout(Layout::new(root))),
            Self::Registry(reference) => {
                let client = context.client(args, reference.repository.host()).await?;
                Ok(Place::Registry(client.repository(&reference.repository, access)))
            }
        }
    }
}
