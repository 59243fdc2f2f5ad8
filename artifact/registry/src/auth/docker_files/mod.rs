//! The credentials that docker and podman keep for a user.
//!
//! Files are asked in this order, each as [`DockerConfig`] describes, until one has something:
//!
//! 1. `$REGISTRY_AUTH_FILE` (must exist, because somebody named it);
//! 2. `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json` if that variable is not set;
//! 3. `$XDG_RUNTIME_DIR/containers/auth.json`;
//! 4. `$XDG_CONFIG_HOME/containers/auth.json`, or `~/.config/containers/auth.json`.
//!
//! A file that does not exist is passed over, a broken one is an error: going on would push as somebody else. A file
//! is read when its turn comes, once.

mod error;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use oci_artifact::{limits::OverBudget, name::Repository};
use tokio::{fs, io::AsyncReadExt as _, sync::OnceCell};

pub use self::error::FilesError;
use super::{
    ConfigError, CredentialSource, DockerConfig, Helpers, Lookup, Passed, SourceError, SourceFuture, Stored,
    docker_config::{CONFIG_BYTES, shown},
    helper::HELPER_DEADLINE,
};

/// The variables that name files and programs. Read from the process by whoever makes one; empty values count as not
/// set.
#[derive(Clone, Debug, Default)]
pub struct DockerEnvironment {
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// `$DOCKER_CONFIG`, a directory.
    pub docker_config: Option<PathBuf>,
    /// `$REGISTRY_AUTH_FILE`, a file.
    pub registry_auth_file: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `$PATH`, where helpers are looked for.
    pub path: Option<OsString>,
}

impl DockerEnvironment {
    /// Docker's own file.
    pub(super) fn docker_file(&self) -> Option<PathBuf> {
        match (given(self.docker_config.as_ref()), given(self.home.as_ref())) {
            (Some(directory), _) => Some(directory.join("config.json")),
            (None, Some(home)) => Some(home.join(".docker/config.json")),
            (None, None) => None,
        }
    }
}

/// The user's credentials: files and the helpers that they name.
#[derive(Debug)]
pub struct DockerFiles {
    files: Vec<Candidate>,
    helpers: Helpers,
}

#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    /// Who named it, so that it is an error if it does not exist.
    named: Option<&'static str>,
    /// `None` inside if there is no such file.
    config: OnceCell<Option<DockerConfig>>,
}

impl DockerFiles {
    /// Decides which files are asked; nothing is read yet.
    pub fn new(environment: &DockerEnvironment) -> Self {
        Self::with_deadline(environment, HELPER_DEADLINE)
    }

    /// As [`Self::new`], with another time limit for helpers.
    pub fn with_deadline(environment: &DockerEnvironment, deadline: Duration) -> Self {
        let home = given(environment.home.as_ref());
        let docker = environment.docker_file();
        // XDG: relative directories in these variables are to be ignored.
        let xdg = |directory: &Option<PathBuf>| {
            given(directory.as_ref()).filter(|directory| directory.is_absolute()).map(Path::to_owned)
        };
        let config_home = xdg(&environment.xdg_config_home).or_else(|| home.map(|home| home.join(".config")));
        let podman = [xdg(&environment.xdg_runtime_dir), config_home];
        let podman = podman.into_iter().flatten().map(|directory| directory.join("containers/auth.json"));
        let named = given(environment.registry_auth_file.as_ref());
        let named = named.map(|path| (path.to_owned(), Some("REGISTRY_AUTH_FILE")));
        let others = docker.into_iter().chain(podman).map(|path| (path, None));
        let files = named.into_iter().chain(others);
        let files = files.map(|(path, named)| Candidate { path, named, config: OnceCell::new() });
        Self { files: files.collect(), helpers: helpers(environment, deadline) }
    }

    /// Asks one file in place of all, which must exist; `named` says who named it, for messages.
    pub fn only(environment: &DockerEnvironment, path: PathBuf, named: &'static str) -> Self {
        let file = Candidate { path, named: Some(named), config: OnceCell::new() };
        Self { files: vec![file], helpers: helpers(environment, HELPER_DEADLINE) }
    }

    /// The credential for a repository, or what each file says instead.
    pub async fn credential(&self, repository: &Repository) -> Result<Lookup, FilesError> {
        let mut walk = Lookup::default();
        self.walk(repository, &mut walk).await?;
        Ok(walk)
    }

    /// As [`Self::credential`]; where it fails, `walk` says who was asked before.
    async fn walk(&self, repository: &Repository, walk: &mut Lookup) -> Result<(), FilesError> {
        for file in &self.files {
            let Some(config) = file.config.get_or_try_init(|| file.load()).await? else {
                walk.passed.push(Passed { source: file.name(), why: "there is no such file".to_owned() });
                continue;
            };
            let candidates = config.candidates(repository);
            if candidates.is_empty() {
                let why = format!("no entry for {}", repository.host());
                walk.passed.push(Passed { source: file.name(), why });
            }
            for stored in candidates {
                let lookup = self.resolve(config, stored).await?;
                walk.passed.extend(lookup.passed);
                if lookup.found.is_some() {
                    walk.found = lookup.found;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn resolve(&self, config: &DockerConfig, stored: Stored) -> Result<Lookup, FilesError> {
        let file = config.origin();
        match stored {
            Stored::Nothing => Ok(Lookup::default()),
            Stored::Credential(credential) => Ok(Lookup::kept(credential, file)),
            Stored::Helper { program, server } => {
                let answer = self.helpers.get(&program, &server).await;
                let answer = answer.map_err(|source| FilesError::Helper { file: file.to_owned(), source })?;
                let source = format!("docker-credential-{program}, named in {file}");
                Ok(match answer {
                    Some(credential) => Lookup::kept(credential, source),
                    None => Lookup::nothing(source, format!("nothing for {}", shown(&server))),
                })
            }
        }
    }
}

impl CredentialSource for DockerFiles {
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async {
            let mut walk = Lookup::default();
            match self.walk(repository, &mut walk).await {
                Ok(()) => Ok(walk),
                Err(error) => Err(SourceError::new(error).after(walk.passed)),
            }
        })
    }
}

impl Candidate {
    /// For messages.
    fn name(&self) -> String {
        shown(&self.path.to_string_lossy())
    }

    async fn load(&self) -> Result<Option<DockerConfig>, FilesError> {
        let name = self.name();
        let read = |source| FilesError::Read { file: name.clone(), source };
        let file = match fs::File::open(&self.path).await {
            Ok(file) => file,
            // Something that is no directory on the way means the same as an absent one.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return match self.named {
                    Some(by) => Err(FilesError::Missing { file: name, by }),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(read(error)),
        };
        let mut bytes = Vec::new();
        file.take(CONFIG_BYTES + 1).read_to_end(&mut bytes).await.map_err(read)?;
        if bytes.len() as u64 > CONFIG_BYTES {
            let source = OverBudget { what: "the file", limit: CONFIG_BYTES };
            return Err(ConfigError::Large { origin: name, source }.into());
        }
        Ok(Some(DockerConfig::parse(&bytes, &name)?))
    }
}

fn helpers(environment: &DockerEnvironment, deadline: Duration) -> Helpers {
    Helpers::new(environment.path.clone().unwrap_or_default(), deadline)
}

/// The path, unless it is empty.
pub(super) fn given(path: Option<&PathBuf>) -> Option<&Path> {
    path.map(PathBuf::as_path).filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests;
