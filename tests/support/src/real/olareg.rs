//! `olareg`: has the referrers API, deletion and rate limits.

use std::io;

use tempfile::TempDir;

use super::child::{Error, Ready, Running};
use crate::tools;

/// What it is started with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Requests per second of one client before it answers 429; no limit if absent.
    pub rate_limit: Option<u32>,
}

/// A running registry with its data in memory.
#[derive(Debug)]
pub struct Olareg {
    running: Running,
    _folder: TempDir,
}

impl Olareg {
    /// Starts it and waits until it answers.
    pub fn start(options: Options) -> Result<Self, Error> {
        let folder = tempfile::tempdir().map_err(|source| Error::Start("olareg", source))?;
        // Looking for the answer counts against the limit, so with a limit an open port is enough.
        let ready = if options.rate_limit.is_some() { Ready::Open } else { Ready::Answers("/v2/") };
        let program = tools::path("olareg")?;
        let running = Running::start("olareg", &program, folder.path(), ready, |address| {
            let mut arguments = vec![
                "serve".to_owned(),
                "--store-type=mem".to_owned(),
                format!("--addr={}", address.ip()),
                format!("--port={}", address.port()),
                "--api-delete=true".to_owned(),
                "--api-blob-delete=true".to_owned(),
                "--api-referrer=true".to_owned(),
            ];
            arguments.extend(options.rate_limit.map(|limit| format!("--rate-limit={limit}")));
            io::Result::Ok(arguments)
        })?;
        Ok(Self { running, _folder: folder })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.running.address.to_string()
    }

    /// `oci://127.0.0.1:PORT/REPOSITORY`.
    pub fn url(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.running.address)
    }

    /// The last lines that it wrote, for the message of a failed assertion.
    pub fn log(&self) -> String {
        self.running.said()
    }
}
