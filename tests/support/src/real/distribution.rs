//! `distribution`, the reference implementation of the registry API.

use std::{fs, io, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::child::{Error, Running};
use crate::tls::Tls;

/// The user of [`Mode::Htpasswd`].
pub const USER: &str = "tester";
/// The password of [`Mode::Htpasswd`].
pub const PASSWORD: &str = "s3cret-pass";
/// `USER:bcrypt(PASSWORD)`, cost 5.
const HTPASSWD: &str = "tester:$2y$05$abcdefghijklmnopqrstuuV7fpPozvyqJfnY19y0802WTlXUm6Rjy\n";

/// How the registry is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// http, everyone.
    Plain,
    /// http, [`USER`] with [`PASSWORD`] by Basic.
    Htpasswd,
    /// https with [`Distribution::tls`].
    Tls,
    /// https, and a client certificate of the same authority.
    MutualTls,
}

/// A running registry with its data in a temporary folder.
#[derive(Debug)]
pub struct Distribution {
    running: Running,
    folder: TempDir,
    /// The certificates, in the modes that use them.
    pub tls: Option<Tls>,
}

impl Distribution {
    /// Starts it and waits until it answers.
    pub fn start(mode: Mode) -> Result<Self, Error> {
        let failed = |source| Error::Start("distribution", source);
        let folder = tempfile::tempdir().map_err(failed)?;
        let tls = matches!(mode, Mode::Tls | Mode::MutualTls).then(Tls::new);
        if let Some(tls) = &tls {
            fs::write(folder.path().join("ca.pem"), &tls.ca_pem).map_err(failed)?;
            fs::write(folder.path().join("cert.pem"), &tls.server_cert_pem).map_err(failed)?;
            fs::write(folder.path().join("key.pem"), &tls.server_key_pem).map_err(failed)?;
        }
        fs::write(folder.path().join("htpasswd"), HTPASSWD).map_err(failed)?;
        let running = Running::start("distribution", folder.path(), tls.is_none(), |address| {
            let config = folder.path().join("config.yml");
            fs::write(&config, configuration(mode, folder.path(), address))?;
            io::Result::Ok(vec!["serve".to_owned(), config.to_string_lossy().into_owned()])
        })?;
        Ok(Self { running, folder, tls })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.running.address.to_string()
    }

    /// `oci://127.0.0.1:PORT/REPOSITORY`.
    pub fn url(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.running.address)
    }

    /// Its temporary folder: `ca.pem` and `data` are in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.running.runs()
    }

    /// The last lines that it wrote, for the message of a failed assertion.
    pub fn log(&self) -> String {
        self.running.said()
    }
}

fn configuration(mode: Mode, folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    let base = format!(
        "version: 0.1\nlog:\n  level: warn\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    \
         rootdirectory: {folder}/data\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n"
    );
    let tls = format!("  tls:\n    certificate: {folder}/cert.pem\n    key: {folder}/key.pem\n");
    let clients = format!("    clientcas:\n    - {folder}/ca.pem\n");
    let login = format!("auth:\n  htpasswd:\n    realm: registry\n    path: {folder}/htpasswd\n");
    match mode {
        Mode::Plain => base,
        Mode::Htpasswd => base + &login,
        Mode::Tls => base + &tls,
        Mode::MutualTls => base + &tls + &clients,
    }
}
