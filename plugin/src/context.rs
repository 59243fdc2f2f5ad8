//! The process's surroundings, read here and nowhere else: environment, clock, standard input.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{archive::Control, limits::Budget};
use oci_registry::{
    Client, Credential, Options, Pem, Proxies, Secret, Tls, VariableError,
    auth::{CredentialSource, DockerEnvironment, DockerFiles, Fixed},
};
use tokio::time::Instant;

use crate::{
    args::{Provider, RegistryArgs},
    cluster::{self, Access, Surroundings},
    error::Error,
    global::{ClusterFlags, Global},
    ui::Printer,
};

/// Bytes of a certificate, key or password that is read.
const SMALL_FILE: u64 = 1 << 20;
/// Longest time limit: a hundred years, so that adding it to the clock cannot overflow.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// What every command gets.
pub(crate) struct Context {
    /// Where output goes.
    pub(crate) printer: Printer,
    /// Counts bytes, and stops work on threads when the command is interrupted.
    pub(crate) control: Control,
    /// When the command must be done.
    pub(crate) deadline: Option<Instant>,
    /// When the command began.
    pub(crate) now: Timestamp,
    /// Which cluster is meant.
    pub(crate) flags: ClusterFlags,
    /// Where clusters are looked for.
    pub(crate) surroundings: Surroundings,
    source_date_epoch: Option<OsString>,
    proxies: Result<Proxies, VariableError>,
    docker: DockerEnvironment,
}

impl Context {
    /// Reads the surroundings.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock and the environment")]
    pub(crate) fn new(global: &Global) -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = |name| var(name).map(PathBuf::from);
        let text = |name: &str| var(name).map(|value| value.to_string_lossy().into_owned());
        let printer = Printer::new(global.quiet, global.verbose);
        let timeout = Some(global.timeout).filter(|timeout| !timeout.is_zero());
        Self {
            printer,
            control: Control::new(),
            deadline: timeout
                .map(|timeout| std::time::Instant::now() + timeout.min(LONGEST))
                .map(Instant::from_std),
            now: Timestamp::now(),
            flags: global.cluster.clone(),
            surroundings: Surroundings {
                kubeconfig: var("KUBECONFIG"),
                home: path("HOME"),
                in_cluster: cluster::is_pod(var("KUBERNETES_SERVICE_HOST").is_some()),
                interactive: io::stdin().is_terminal(),
            },
            source_date_epoch: var("SOURCE_DATE_EPOCH"),
            proxies: Proxies::environment(text),
            docker: DockerEnvironment {
                home: path("HOME"),
                docker_config: path("DOCKER_CONFIG"),
                registry_auth_file: path("REGISTRY_AUTH_FILE"),
                xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
                xdg_config_home: path("XDG_CONFIG_HOME"),
                path: var("PATH"),
            },
        }
    }

    /// The time for the `created` annotation: `SOURCE_DATE_EPOCH` (seconds since 1970) if set, else now.
    ///
    /// <https://reproducible-builds.org/specs/source-date-epoch/>
    pub(crate) fn created(&self, reproducible: bool) -> Result<Timestamp, Error> {
        if reproducible {
            return Ok(Timestamp::UNIX_EPOCH);
        }
        let Some(text) = &self.source_date_epoch else {
            return Ok(self.now);
        };
        let seconds = text.to_str().and_then(|text| text.parse().ok());
        seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(|| {
            let shown = text.to_string_lossy();
            Error::usage(format!("SOURCE_DATE_EPOCH `{}` is not a number of seconds", shown.escape_debug()))
        })
    }

    /// The cluster that the flags mean.
    pub(crate) async fn cluster(&self) -> Result<Access, Error> {
        Ok(cluster::connect(&self.flags, &self.surroundings, &self.proxies()?).await?)
    }

    /// A registry client as the flags want it.
    pub(crate) fn client(&self, args: &RegistryArgs) -> Result<Client, Error> {
        if args.provider != Provider::Generic {
            return Err(Error::Usage {
                message: "this release logs in with --provider generic only".into(),
                hint: Some(
                    "configure the cloud's Docker credential helper, such as docker-credential-ecr-login"
                        .into(),
                ),
            });
        }
        let tls = Tls {
            ca: args.trust.ca_file.as_deref().map(read_pem).transpose()?,
            certificate: args.trust.cert_file.as_deref().map(read_pem).transpose()?,
            key: args.trust.key_file.as_deref().map(read_pem).transpose()?,
        };
        Ok(Client::new(Options {
            tls,
            insecure: args.trust.insecure_registry,
            credentials: self.credentials(args)?,
            ..self.registry()?
        }))
    }

    /// The user's Docker logins.
    pub(crate) fn logins(&self) -> Arc<dyn CredentialSource> {
        Arc::new(DockerFiles::new(&self.docker))
    }

    /// Settings of registry clients that no flag of a command changes.
    pub(crate) fn registry(&self) -> Result<Options, Error> {
        Ok(Options { proxies: self.proxies()?, deadline: self.deadline, ..Options::default() })
    }

    /// The environment's proxies. A wrong variable is told to those who would use it.
    fn proxies(&self) -> Result<Proxies, Error> {
        self.proxies.clone().map_err(|error| Error::usage(format!("the variable {error}")))
    }

    fn credentials(&self, args: &RegistryArgs) -> Result<Arc<dyn CredentialSource>, Error> {
        let Some(creds) = &args.creds else {
            return Ok(self.logins());
        };
        let credential = match (creds.split_once(':'), args.password_stdin) {
            (Some(_), true) => {
                return Err(Error::usage(
                    "--creds already has a password: give only the user with --password-stdin",
                ));
            }
            (Some((user, password)), false) => {
                Credential::Basic { username: user.into(), password: Secret::new(password.into()) }
            }
            (None, true) => {
                Credential::Basic { username: creds.clone(), password: Secret::new(read_password()?) }
            }
            // As Flux: a value without a colon is a token for the registry itself.
            (None, false) => Credential::Bearer(Secret::new(creds.clone())),
        };
        Ok(Arc::new(Fixed::new(credential, "--creds")))
    }
}

fn read_password() -> Result<String, Error> {
    let mut text = String::new();
    Budget::new(io::stdin().lock(), SMALL_FILE, "the password")
        .read_to_string(&mut text)
        .map_err(|source| Error::file("reading the password from", "-", source))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::usage("--password-stdin: standard input is empty"));
    }
    Ok(password.to_owned())
}

fn read_pem(path: &Path) -> Result<Pem, Error> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| Budget::new(file, SMALL_FILE, "the PEM file").read_to_end(&mut text))
        .map_err(|source| Error::file("reading", path, source))?;
    Ok(Pem { origin: path.display().to_string(), text })
}
