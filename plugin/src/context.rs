//! The process's surroundings, read here and nowhere else: environment, clock, standard input.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{archive::Control, limits::Budget, name::Host};
use oci_registry::{Client, Options, Pem, Proxies, Secret, Tls, VariableError, auth::DockerEnvironment};
use tokio::time::Instant;

use crate::{
    args::{RegistryArgs, TrustArgs},
    cluster::{self, Access, Surroundings},
    error::Error,
    global::{ClusterFlags, Global},
    logins::Desk,
    ui::Printer,
};

/// Bytes of a certificate or key that is read.
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
    /// Where logins are looked for.
    pub(crate) desk: Desk,
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
            desk: Desk {
                docker: DockerEnvironment {
                    home: path("HOME"),
                    docker_config: path("DOCKER_CONFIG"),
                    registry_auth_file: path("REGISTRY_AUTH_FILE"),
                    xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
                    xdg_config_home: path("XDG_CONFIG_HOME"),
                    path: var("PATH"),
                },
                identity: oci_identity::Environment {
                    variables: std::env::vars_os()
                        .filter_map(|(name, value)| {
                            Some((name.into_string().ok()?, value.into_string().ok()?))
                        })
                        .filter(|(name, _)| oci_identity::Environment::wants(name))
                        .collect(),
                    home: path("HOME"),
                    path: var("PATH"),
                    desk: true,
                },
                clock: Timestamp::now,
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

    /// A variable that a flag or Cosign names; an empty one counts.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock and the environment")]
    #[expect(clippy::unused_self, reason = "surroundings are read through the context")]
    pub(crate) fn variable(&self, name: &str) -> Option<Secret<Vec<u8>>> {
        std::env::var_os(name).map(|value| Secret::new(value.into_encoded_bytes()))
    }

    /// The folders in which programs are looked for.
    pub(crate) fn path(&self) -> impl Iterator<Item = PathBuf> {
        let path = self.desk.docker.path.iter().flat_map(std::env::split_paths);
        path.filter(|folder| !folder.as_os_str().is_empty())
    }

    /// The folder that has this program by the name by which it was started, not by what a link leads to.
    pub(crate) fn folder_of_the_plugin(&self) -> Option<PathBuf> {
        // kubectl starts plugins by their whole path, a shell by what was typed.
        let started = std::env::args_os().next().map(PathBuf::from)?;
        let folder = started.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map(Path::to_owned).or_else(|| self.path().find(|folder| folder.join(&started).is_file()))
    }

    /// The cluster that the flags mean.
    pub(crate) async fn cluster(&self) -> Result<Access, Error> {
        Ok(cluster::connect(&self.flags, &self.surroundings, &self.proxies()?).await?)
    }

    /// A client for a registry, as the flags want it.
    pub(crate) async fn client(&self, args: &RegistryArgs, host: &Host) -> Result<Client, Error> {
        let credentials = self.credentials(args, host).await?;
        Ok(Client::new(Options { credentials, ..self.trusting(&args.trust)? }))
    }

    /// Settings of a client that trusts whom these flags name.
    pub(crate) fn trusting(&self, trust: &TrustArgs) -> Result<Options, Error> {
        let tls = Tls {
            ca: trust.ca_file.as_deref().map(read_pem).transpose()?,
            certificate: trust.cert_file.as_deref().map(read_pem).transpose()?,
            key: trust.key_file.as_deref().map(read_pem).transpose()?,
        };
        Ok(Options { tls, insecure: trust.insecure_registry, ..self.registry()? })
    }

    /// Settings of registry clients that no flag of a command changes.
    pub(crate) fn registry(&self) -> Result<Options, Error> {
        Ok(Options { proxies: self.proxies()?, deadline: self.deadline, ..Options::default() })
    }

    /// The environment's proxies. A wrong variable is told to those who would use it.
    fn proxies(&self) -> Result<Proxies, Error> {
        self.proxies.clone().map_err(|error| Error::usage(format!("the variable {error}")))
    }
}

fn read_pem(path: &Path) -> Result<Pem, Error> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| Budget::new(file, SMALL_FILE, "the PEM file").read_to_end(&mut text))
        .map_err(|source| Error::file("reading", path, source))?;
    Ok(Pem { origin: path.display().to_string(), text })
}
