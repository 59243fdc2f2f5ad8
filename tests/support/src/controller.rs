//! `oci-controller` as a child process that is killed when dropped, and when the test process ends in any way.
//!
//! ```no_run
//! use oci_testkit::controller::{Controller, Options};
//!
//! let mut options = Options::new("/path/to/kubeconfig");
//! options.arguments.push("--watch-label-selector=sharding.fluxcd.io/key=one".to_owned());
//! let mut controller = Controller::start(options);
//! controller.wait_ready();
//! controller.kill();                                   // as `kill -9`
//! controller.restart();                                // same ports, same storage
//! assert_eq!(controller.terminate(), 0);
//! ```

#![expect(clippy::panic, reason = "a test that has no controller fails with the reason")]

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    kept::{Kept, Start},
    planted, tools,
};

/// How long it gets to be ready or to end; usually it takes a second.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// Ports tried, since another process may take one between choice and use.
const ATTEMPTS: usize = 5;

/// How it is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program; that of this project if `None`.
    pub program: Option<PathBuf>,
    /// Who it is.
    pub kubeconfig: PathBuf,
    /// `RUNTIME_NAMESPACE`.
    pub namespace: String,
    /// `HOSTNAME`, by which it is known in Leases.
    pub hostname: String,
    /// Arguments beside addresses and storage, or in place of them.
    pub arguments: Vec<String>,
    /// More of the environment.
    pub environment: Vec<(String, String)>,
}

impl Options {
    /// As in a cluster, without arguments.
    pub fn new(kubeconfig: impl Into<PathBuf>) -> Self {
        Self {
            program: None,
            kubeconfig: kubeconfig.into(),
            namespace: "oci-system".to_owned(),
            hostname: "oci-controller-0".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// With one more argument.
    #[must_use]
    pub fn with(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    storage: SocketAddr,
    metrics: SocketAddr,
    health: SocketAddr,
}

/// A running controller, or one that ended, with its storage in a temporary folder.
#[derive(Debug)]
pub struct Controller {
    // In the order in which they are to go.
    kept: Option<Kept>,
    _keeper: Kept,
    folder: TempDir,
    options: Options,
    addresses: Addresses,
}

impl Controller {
    /// Starts it on free ports; it need not become ready, since another one may be the leader.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("controller-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let keeper = keep(folder.path());
        let mut controller = Self { kept: None, _keeper: keeper, folder, options, addresses: free() };
        controller.restart();
        controller
    }

    /// The same as [`Self::restart`], with other arguments.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.options.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.restart();
    }

    /// Starts it again with the same addresses and storage; one that runs is killed first.
    pub fn restart(&mut self) {
        self.kill();
        let program = self.options.program.clone().map_or_else(|| tools::program("oci-controller"), Ok);
        let program = program.unwrap_or_else(|error| panic!("{error}"));
        let folder = self.folder.path();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut environment = vec![
            ("KUBECONFIG".to_owned(), text(&self.options.kubeconfig)),
            ("HOME".to_owned(), text(folder)),
            ("TMPDIR".to_owned(), text(&folder.join("tmp"))),
            ("RUNTIME_NAMESPACE".to_owned(), self.options.namespace.clone()),
            ("HOSTNAME".to_owned(), self.options.hostname.clone()),
        ];
        environment.extend(self.options.environment.iter().cloned());
        let Addresses { storage, metrics, health } = self.addresses;
        let mut arguments = vec![
            format!("--storage-path={}", text(&self.storage())),
            format!("--storage-addr={storage}"),
            format!("--storage-adv-addr={storage}"),
            format!("--metrics-addr={metrics}"),
            format!("--health-addr={health}"),
        ];
        let flag = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
        let given: Vec<String> = self.options.arguments.iter().map(|argument| flag(argument)).collect();
        arguments.retain(|argument| !given.contains(&flag(argument)));
        arguments.extend(self.options.arguments.iter().cloned());
        let (arguments, environment) = (&arguments, &environment);
        let log = "log";
        let start = Start { program: &program, arguments, environment, folder, log, remove: None };
        self.kept = Some(Kept::start(&start).unwrap());
    }

    /// Waits until it says that it is ready; with other ports if somebody took one before the first start was done.
    pub fn wait_ready(&mut self) {
        for _ in 0..ATTEMPTS {
            let deadline = Instant::now() + PATIENCE;
            while self.runs() {
                if self.is_ready() {
                    return;
                }
                assert!(Instant::now() < deadline, "the controller is not ready; it said:\n{}", self.log());
                thread::sleep(LOOK);
            }
            assert!(self.log().contains("in use"), "the controller ended; it said:\n{}", self.log());
            self.addresses = free();
            self.restart();
        }
        panic!("no free ports");
    }

    /// Whether `/readyz` says so.
    pub fn is_ready(&self) -> bool {
        get(self.addresses.health, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Whether the process is there.
    pub fn runs(&mut self) -> bool {
        self.kept.as_mut().is_some_and(Kept::runs)
    }

    /// Kills it as `kill -9` does. The storage stays.
    pub fn kill(&mut self) {
        if self.kept.take().is_some() {
            self.log();
        }
    }

    /// Asks it to end by SIGTERM, waits, and returns the exit code.
    pub fn terminate(&mut self) -> i32 {
        self.signal("TERM");
        self.wait_ended()
    }

    /// Waits until it ends by itself, and returns the exit code.
    pub fn wait_ended(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.kept.as_mut().and_then(Kept::ended);
            if let Some(code) = ended {
                self.log();
                return code;
            }
            assert!(Instant::now() < deadline, "the controller does not end; it said:\n{}", self.log());
            thread::sleep(LOOK);
        }
    }

    /// Sends a signal: `STOP`, `CONT`, `KILL`, …
    pub fn signal(&self, name: &str) {
        let process = self.process();
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap();
        assert!(sent.success(), "kill -{name} {process}");
    }

    /// The number of its process.
    pub fn process(&self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(process) = self.kept.as_ref().and_then(Kept::process) {
                return process;
            }
            assert!(Instant::now() < deadline, "the controller was not started");
            thread::sleep(LOOK);
        }
    }

    /// Where artifacts are: `http://127.0.0.1:PORT`.
    pub fn artifacts(&self) -> String {
        format!("http://{}", self.addresses.storage)
    }

    /// The storage.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The text of `/metrics`, which shows no secret.
    pub fn metrics(&self) -> String {
        let text = get(self.addresses.metrics, "/metrics").unwrap();
        planted::assert_clean("the controller's metrics", text.as_bytes());
        text
    }

    /// All that it wrote, over all its starts, which shows no secret.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        planted::assert_clean("the controller's log", &bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Removes the folder when this process ends without dropping anything, as with a controller in a static.
fn keep(folder: &Path) -> Kept {
    let (program, arguments) = (Path::new("/bin/sleep"), &["1000000".to_owned()]);
    let (environment, log, remove) = (&[], "keeper", Some(folder));
    Kept::start(&Start { program, arguments, environment, folder, log, remove }).unwrap()
}

fn free() -> Addresses {
    // All at once, or one port could be given twice.
    let listeners: [TcpListener; 3] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [storage, metrics, health] = listeners.map(|listener| listener.local_addr().unwrap());
    Addresses { storage, metrics, health }
}

/// The whole answer to a GET.
fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the controller's log shows secrets: `hunter2` (Raw)")]
    fn controller_that_writes_a_secret_fails_its_test() {
        let mut options = Options::new("kubeconfig").with("--password=hunter2");
        options.program = Some("/bin/echo".into());
        Controller::start(options).wait_ended();
    }
}
