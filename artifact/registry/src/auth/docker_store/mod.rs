//! Keeping logins where docker and podman keep them, and forgetting them.
//!
//! As `docker login` and `docker logout` do: if the file names a helper for the registry (`credHelpers`, else
//! `credsStore`), the helper has the secret and the file an empty entry that says so; otherwise the file has it, in
//! base64. Everything else in the file stays as it is, byte for byte, and the file is replaced as a whole. A file that
//! cannot be read is not written to.
//!
//! The file is the first one that a lookup asks ([`DockerFiles`](super::DockerFiles)) and that somebody named:
//! `$REGISTRY_AUTH_FILE`, else docker's own.

mod edit;
mod error;
mod file;
mod place;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

pub use self::{
    error::StoreError,
    place::{LoginPlace, PlaceFault},
};
use super::{DockerConfig, DockerEnvironment, HelperError, Secret, helper};

/// One file of logins and the helpers that it names.
#[derive(Clone, Debug)]
pub struct DockerStore {
    file: PathBuf,
    path: OsString,
    deadline: Duration,
}

/// Where a login was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the file, readable for whoever can read it.
    File {
        /// Its name.
        file: String,
    },
    /// By a helper.
    Helper {
        /// `docker-credential-<name>`.
        program: String,
        /// The file that names it.
        file: String,
    },
}

impl DockerStore {
    /// The store of this environment. Nothing is read yet.
    pub fn new(environment: &DockerEnvironment, deadline: Duration) -> Result<Self, StoreError> {
        let named = super::docker_files::given(environment.registry_auth_file.as_ref()).map(Path::to_owned);
        let file = named.or_else(|| environment.docker_file()).ok_or(StoreError::Nowhere)?;
        Ok(Self { file, path: environment.path.clone().unwrap_or_default(), deadline })
    }

    /// Whether a login could be kept: what is there can be read, and its helper keeps such places. To be asked before
    /// anybody types a password.
    pub async fn check(&self, place: &LoginPlace) -> Result<(), StoreError> {
        let config = self.config().await?;
        self.helper(&config, place).map(|_| ())
    }

    /// Keeps a login, in place of any for this place.
    pub async fn keep(
        &self,
        place: &LoginPlace,
        username: &str,
        password: &Secret<String>,
    ) -> Result<Kept, StoreError> {
        let config = self.config().await?;
        let helper = self.helper(&config, place)?;
        let auth = match &helper {
            Some(program) => {
                let server = place.server();
                let told = helper::store(program, &server, username, password, self.deadline, &self.path);
                told.await.map_err(|source| self.failed(source))?;
                None
            }
            None => Some(BASE64_STANDARD.encode(format!("{username}:{}", password.expose()))),
        };
        let key = place.key();
        self.update(move |text| edit::set(text, &key, auth.as_deref())).await?;
        let file = file::name(&self.file);
        Ok(match helper {
            Some(program) => Kept::Helper { program: format!("docker-credential-{program}"), file },
            None => Kept::File { file },
        })
    }

    /// Forgets the login of this place, however it is written; `false` if there was none.
    pub async fn forget(&self, place: &LoginPlace) -> Result<bool, StoreError> {
        let path = self.file.clone();
        let content = blocking(move || file::read(&path)).await?;
        let noted = edit::keys(file::body(&content.text)).iter().any(|key| place.is_named_by(key));
        let helper = if place.path().is_empty() { content.config.helper(place.host()) } else { None };
        let mut known = noted;
        if let Some(program) = helper {
            let server = place.server();
            let failed = |source| self.failed(source);
            if !noted {
                let found = helper::get(program, &server, self.deadline, &self.path).await.map_err(failed)?;
                known = found.is_some();
            }
            if known {
                helper::erase(program, &server, self.deadline, &self.path).await.map_err(failed)?;
            }
        }
        if noted {
            let place = place.clone();
            self.update(move |text| edit::remove(text, |key| place.is_named_by(key))).await?;
        }
        Ok(known)
    }

    async fn config(&self) -> Result<DockerConfig, StoreError> {
        let path = self.file.clone();
        blocking(move || file::read(&path)).await.map(|content| content.config)
    }

    async fn update(
        &self,
        change: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let path = self.file.clone();
        blocking(move || file::update(&path, change)).await
    }

    /// The helper that keeps logins of this place.
    fn helper(&self, config: &DockerConfig, place: &LoginPlace) -> Result<Option<String>, StoreError> {
        match config.helper(place.host()) {
            Some(program) if !place.path().is_empty() => Err(StoreError::Part {
                place: place.to_string(),
                host: place.host().to_string(),
                program: program.to_owned(),
                file: file::name(&self.file),
            }),
            program => Ok(program.map(str::to_owned)),
        }
    }

    fn failed(&self, source: HelperError) -> StoreError {
        StoreError::Helper { file: file::name(&self.file), source }
    }
}

/// Files are read and written on a thread of their own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|stopped| {
        let (file, doing) = ("of logins".to_owned(), "working on the file");
        Err(StoreError::File { file, doing, source: std::io::Error::other(stopped) })
    })
}

#[cfg(test)]
mod tests;
