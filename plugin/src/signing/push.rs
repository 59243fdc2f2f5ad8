//! Signing what was just pushed.

use clap::Args;
use oci_artifact::{
    manifest::Descriptor,
    name::{Digest, Target},
};
use oci_registry::RepositoryClient;
use oci_verify::{
    Artifact, Keys, Policy, Verdict,
    sign::{Notes, SigningKey},
};

use super::{Format, SignArgs, attach, judge, signing_key};
use crate::{
    context::Context,
    error::{Doing as _, Error},
};

/// Flags of `push`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Signing")]
pub(crate) struct PushSignArgs {
    /// Sign what is pushed, with --key
    #[arg(long, requires = "key", conflicts_with = "dry_run")]
    sign: bool,
    #[command(flatten)]
    with: SignArgs,
}

/// Who signs, if somebody does.
pub(crate) struct Signer(Option<(SigningKey, Format)>);

impl PushSignArgs {
    /// The key is opened before anything is packed.
    pub(crate) async fn open(&self, context: &Context) -> Result<Signer, Error> {
        match (self.sign, self.with.key()) {
            (true, Some(key)) => Ok(Signer(Some((signing_key(key, context).await?, self.with.format())))),
            (false, Some(_)) => Err(Error::usage("--key does nothing without --sign")),
            _ => Ok(Signer(None)),
        }
    }
}

impl Signer {
    /// Signs what was pushed.
    pub(crate) async fn sign(
        &self,
        repository: &RepositoryClient,
        artifact: &Descriptor,
        silent: bool,
        context: &Context,
    ) -> Result<(), Error> {
        let Some((key, format)) = &self.0 else { return Ok(()) };
        let signed = attach(repository, artifact, key, *format, &Notes::new(), context).await?;
        if !silent {
            signed.tell(context);
        }
        Ok(())
    }

    /// Signs what was there before, unless the same key did.
    pub(crate) async fn sign_if_unsigned(
        &self,
        repository: &RepositoryClient,
        artifact: &Digest,
        silent: bool,
        context: &Context,
    ) -> Result<(), Error> {
        let Some((key, _)) = &self.0 else { return Ok(()) };
        let public = key.public_pem();
        let policy = Policy::Keys(Keys::named([("--key", public.as_bytes())])).into();
        if let Verdict::Verified(_) =
            judge(repository, &policy, Artifact::new(artifact.clone()), context).await
        {
            return Ok(());
        }
        let doing = || format!("signing {}@{artifact}", repository.repository());
        let fetched = repository.manifest(&Target::Digest(artifact.clone())).await.doing(doing)?;
        self.sign(repository, &fetched.descriptor(), silent, context).await
    }
}
