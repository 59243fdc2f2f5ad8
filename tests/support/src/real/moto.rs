//! `moto`: AWS's STS, IAM and ECR as others remember them.

use std::io;

use tempfile::TempDir;

use super::child::{Error, Ready, Running};
use crate::tools::Environment;

/// A running server with its accounts in memory. It checks no signatures and lets everybody in.
#[derive(Debug)]
pub struct Moto {
    running: Running,
    _folder: TempDir,
}

impl Moto {
    /// Starts it and waits until it answers.
    pub fn start() -> Result<Self, Error> {
        let environment = Environment::named("moto")?;
        let folder = tempfile::tempdir().map_err(|source| Error::Start("moto", source))?;
        let ready = Ready::Answers("/moto-api/data.json");
        let running = Running::start("moto", &environment.python()?, folder.path(), ready, |address| {
            let (ip, port) = (address.ip().to_string(), address.port().to_string());
            io::Result::Ok(["-m", environment.module, "-H", &ip, "-p", &port].map(str::to_owned).into())
        })?;
        Ok(Self { running, _folder: folder })
    }

    /// `http://127.0.0.1:PORT`, the endpoint of all services.
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// The last lines that it wrote, for the message of a failed assertion.
    pub fn log(&self) -> String {
        self.running.said()
    }
}
