//! `proxy.py`: a forward proxy that wants a login.

use std::io;

use tempfile::TempDir;

use super::child::{Error, Ready, Running};
use crate::tools::Environment;

/// It serves in a child of its own, which outlives it when it is killed; in a group they go together.
const IN_A_GROUP: &str =
    "import os, runpy, sys; os.setsid(); runpy.run_module(sys.argv.pop(1), run_name='__main__')";

/// A running proxy.
#[derive(Debug)]
pub struct ProxyPy {
    running: Running,
    _folder: TempDir,
}

impl ProxyPy {
    /// Starts it for those who show this user and password by Basic, and waits until its port is open.
    pub fn start(user: &str, password: &str) -> Result<Self, Error> {
        let environment = Environment::named("proxy.py")?;
        let folder = tempfile::tempdir().map_err(|source| Error::Start("proxy.py", source))?;
        let python = environment.python()?;
        let running = Running::start("proxy.py", &python, folder.path(), Ready::Open, |address| {
            let (ip, port) = (address.ip().to_string(), address.port().to_string());
            let login = format!("{user}:{password}");
            let program = ["-c", IN_A_GROUP, environment.module, "--hostname", &ip, "--port", &port];
            let workers = ["--num-acceptors", "1", "--num-workers", "1", "--basic-auth", &login];
            io::Result::Ok(program.iter().chain(&workers).map(|word| (*word).to_owned()).collect())
        })?;
        Ok(Self { running, _folder: folder })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// What it passed on so far, in the words of its own log: `CONNECT 127.0.0.1:PORT`, `GET 127.0.0.1:PORT/path`. A line
    /// is written when its connection ends.
    pub fn seen(&self) -> Vec<String> {
        let log = self.running.log();
        let lines = log.lines().filter_map(|line| {
            let (_, access) = line.split_once("access_log:")?;
            access.split(" - ").nth(2).map(str::to_owned)
        });
        // Those that it turned away go to nobody.
        lines.filter(|line| !line.contains(" None:None")).collect()
    }

    /// The last lines that it wrote, for the message of a failed assertion.
    pub fn log(&self) -> String {
        self.running.said()
    }
}
