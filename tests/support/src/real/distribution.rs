//! `distribution`, the reference implementation of the registry API.

use std::{fs, io, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::child::{Error, Ready, Running};
use crate::{planted, tls::Tls, token_server::TokenServer, tools};

/// The user of [`Mode::Htpasswd`].
pub const USER: &str = "tester";
/// The password of [`Mode::Htpasswd`].
pub const PASSWORD: &str = planted::PASSWORD;
/// `USER:bcrypt(PASSWORD)`, cost 5.
const HTPASSWD: &str = "tester:$2y$05$abcdefghijklmnopqrstuuV7fpPozvyqJfnY19y0802WTlXUm6Rjy\n";

/// Seconds that it takes tokens after their end (`registry/auth/token`, `Leeway`).
pub const LEEWAY: i64 = 60;

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
        let tls = matches!(mode, Mode::Tls | Mode::MutualTls).then(Tls::new);
        Self::run(tls, None, |folder| match mode {
            Mode::Plain => String::new(),
            Mode::Htpasswd => {
                format!("auth:\n  htpasswd:\n    realm: registry\n    path: {folder}/htpasswd\n")
            }
            Mode::Tls => encrypted(folder),
            Mode::MutualTls => format!("{}    clientcas:\n    - {folder}/ca.pem\n", encrypted(folder)),
        })
    }

    /// Starts it with http, for those who have a token of this server.
    pub fn with_tokens(tokens: &TokenServer) -> Result<Self, Error> {
        let (realm, service, issuer) = (tokens.realm(), tokens.service(), tokens.issuer());
        Self::run(None, Some(tokens.ca_pem()), |folder| {
            format!(
                "auth:\n  token:\n    realm: {realm}\n    service: {service}\n    issuer: {issuer}\n    \
                 rootcertbundle: {folder}/tokens.pem\n"
            )
        })
    }

    /// `more` is the end of the configuration, which begins below `http`; it gets the folder.
    fn run(tls: Option<Tls>, tokens: Option<&str>, more: impl Fn(&str) -> String) -> Result<Self, Error> {
        let failed = |source| Error::Start("distribution", source);
        let folder = tempfile::tempdir().map_err(failed)?;
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).map_err(failed);
        if let Some(tls) = &tls {
            write("ca.pem", &tls.ca_pem)?;
            write("cert.pem", &tls.server_cert_pem)?;
            write("key.pem", &tls.server_key_pem)?;
        }
        write("tokens.pem", tokens.unwrap_or_default())?;
        write("htpasswd", HTPASSWD)?;
        let ready = if tls.is_some() { Ready::Open } else { Ready::Answers("/v2/") };
        let program = tools::path("distribution")?;
        let running = Running::start("distribution", &program, folder.path(), ready, |address| {
            let config = folder.path().join("config.yml");
            let place = folder.path().to_string_lossy();
            fs::write(&config, base(&place, address) + &more(&place))?;
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

    /// `METHOD /path STATUS` of each request so far, as its own log has them. A line is written after its answer.
    pub fn requests(&self) -> Vec<String> {
        let log = self.running.log();
        let lines = log.lines().filter_map(|line| {
            let (request, rest) = line.split_once('"')?.1.split_once(" HTTP/1.1\" ")?;
            Some(format!("{request} {}", rest.split(' ').next()?))
        });
        lines.collect()
    }

    /// The last lines that it wrote, for the message of a failed assertion.
    pub fn log(&self) -> String {
        self.running.said()
    }
}

fn base(folder: &str, address: SocketAddr) -> String {
    format!(
        "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n  \
         delete:\n    enabled: true\nhttp:\n  addr: {address}\n"
    )
}

fn encrypted(folder: &str) -> String {
    format!("  tls:\n    certificate: {folder}/cert.pem\n    key: {folder}/key.pem\n")
}
