//! Who we are to a registry: the flags, the user's files and helpers, or an identity, as one chain.

use std::{io::Read as _, sync::Arc};

use jiff::Timestamp;
use oci_artifact::{
    limits::Budget,
    name::{Cloud, Host, Repository},
};
use oci_identity::{
    Identities, Plan,
    cache::{Limits, Nobody},
};
use oci_registry::{
    Credential, Secret,
    auth::{
        Chain, CredentialSource, DockerEnvironment, DockerFiles, DockerStore, Fixed, HELPER_DEADLINE,
        LeftOut, StoreError,
    },
    web::Web,
};

use crate::{
    args::{RegistryArgs, parse_url},
    context::Context,
    error::Error,
    stdin::Stdin,
};

/// Bytes of a password that is read; keys of service accounts have two thousand.
const PASSWORD_BYTES: u64 = 64 << 10;
/// The variable of a file that names Azure registries of an own domain.
const AZURE_ENVIRONMENT: &str = "AZURE_ENVIRONMENT_FILEPATH";
/// The flag of explicit credentials.
const CREDS: &str = "--creds";

/// Where a person's logins are looked for.
pub(crate) struct Desk {
    pub(crate) docker: DockerEnvironment,
    pub(crate) identity: oci_identity::Environment,
    pub(crate) clock: fn() -> Timestamp,
}

impl Desk {
    /// Where logins are kept: `--registry-config`, or what the environment says.
    pub(crate) fn store(&self, file: Option<&std::path::PathBuf>) -> Result<DockerStore, StoreError> {
        let docker = match file {
            Some(file) => DockerEnvironment { registry_auth_file: Some(file.clone()), ..self.docker.clone() },
            None => self.docker.clone(),
        };
        DockerStore::new(&docker, HELPER_DEADLINE)
    }

    /// The user's Docker logins.
    pub(crate) fn files(&self, file: Option<&std::path::PathBuf>) -> DockerFiles {
        match file {
            Some(file) => DockerFiles::only(&self.docker, file.clone(), "--registry-config"),
            None => DockerFiles::new(&self.docker),
        }
    }
}

impl Context {
    /// The user's Docker logins.
    pub(crate) fn logins(&self) -> Arc<dyn CredentialSource> {
        Arc::new(self.desk.files(None))
    }

    /// The sources of credentials for a registry, in the order in which they are asked. With a cloud, its identities are
    /// the only ones, and a registry that is not its own is refused.
    pub(crate) async fn credentials(
        &self,
        args: &RegistryArgs,
        host: &Host,
    ) -> Result<Arc<dyn CredentialSource>, Error> {
        let not_given: Arc<dyn CredentialSource> = Arc::new(LeftOut::new(CREDS, "not given"));
        match (args.provider.cloud(), &args.creds) {
            (Some(cloud), Some(_)) => Err(Error::Usage {
                message: format!("--creds and --provider {cloud} are two ways to log in"),
                hint: Some("leave one of them out".into()),
            }),
            (Some(cloud), None) => {
                self.check_provider(args, host)?;
                let left_out = LeftOut::new("Docker's logins", format!("not read with --provider {cloud}"));
                Ok(Arc::new(Chain::new(vec![not_given, Arc::new(left_out), self.identity(cloud)?])))
            }
            (None, Some(creds)) => {
                Ok(Arc::new(Fixed::new(self.explicit(creds, args.password_stdin).await?, CREDS)))
            }
            (None, None) => {
                let files = self.desk.files(args.registry_config.as_ref());
                Ok(Arc::new(Chain::new(vec![not_given, Arc::new(files)])))
            }
        }
    }

    /// Whether the flags may log in to a second registry too. Credentials of the command line are for one.
    pub(crate) fn check_other(
        &self,
        args: &RegistryArgs,
        first: &str,
        other: &Repository,
    ) -> Result<(), Error> {
        let one = args.creds.is_none() || parse_url(first)?.repository.host() == other.host();
        if !one {
            return Err(Error::Usage {
                message: format!("--creds is for one registry, and `{}` is another one", other.host()),
                hint: Some("log in to both with `kubectl oci login`".into()),
            });
        }
        self.check_provider(args, other.host())
    }

    /// Nothing is sent to a registry that the identities of `--provider` are not for.
    pub(crate) fn check_provider(&self, args: &RegistryArgs, host: &Host) -> Result<(), Error> {
        let Some(cloud) = args.provider.cloud() else { return Ok(()) };
        let custom = cloud == Cloud::Azure && self.desk.identity.variables.contains_key(AZURE_ENVIRONMENT);
        if cloud.owns(host) || custom {
            return Ok(());
        }
        let hint = match Cloud::of(host) {
            Some(other) => format!("it is one of {other}: pass `--provider {other}`"),
            None => "leave `--provider` out to use Docker's logins, or correct the URL".to_owned(),
        };
        Err(Error::Usage { message: format!("`{host}` is no registry of {cloud}"), hint: Some(hint) })
    }

    fn identity(&self, cloud: Cloud) -> Result<Arc<dyn CredentialSource>, Error> {
        let Desk { identity, clock, .. } = &self.desk;
        let identities = Identities::new(identity.clone(), Limits::default(), Arc::new(Nobody), *clock);
        let web = Arc::new(Web::new(&self.registry()?));
        Ok(Arc::new(identities.source(Plan::Process(cloud), web, None)))
    }

    async fn explicit(&self, creds: &str, password_stdin: bool) -> Result<Credential, Error> {
        Ok(match (creds.split_once(':'), password_stdin) {
            (Some(_), true) => {
                return Err(Error::usage(
                    "--creds already has a password: give only the user with --password-stdin",
                ));
            }
            (Some((user, password)), false) => {
                Credential::Basic { username: user.into(), password: Secret::new(password.into()) }
            }
            (None, true) => {
                Credential::Basic { username: creds.into(), password: self.piped_password().await? }
            }
            // As Flux: a value without a colon is a token for the registry itself.
            (None, false) => Credential::Bearer(Secret::new(creds.into())),
        })
    }

    /// The password of `--password-stdin`. Ends of lines after it are none of it.
    pub(crate) async fn piped_password(&self) -> Result<Secret<String>, Error> {
        let stdin = Stdin::new(self.control.clone());
        let read = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            Budget::new(stdin, PASSWORD_BYTES, "the password").read_to_string(&mut text).map(|_| text)
        });
        let text = read
            .await
            .map_err(|_| Error::Stopped("reading the password"))?
            .map_err(|source| Error::file("reading the password from", "-", source))?;
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(Error::usage("--password-stdin: standard input is empty"));
        }
        if password.contains('\0') {
            return Err(Error::usage("--password-stdin: the password has a NUL character"));
        }
        Ok(Secret::new(password.to_owned()))
    }
}
