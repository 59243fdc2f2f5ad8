//! A child process that is ready when its port answers, and killed when dropped.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::tools;

/// How long a registry gets to answer.
const START: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// Ports tried, since another process may take one between choice and use.
const PORTS: usize = 5;

/// Why a registry does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its program is not there.
    #[error(transparent)]
    Tool(#[from] tools::Error),
    /// A file or a process.
    #[error("starting `{0}`: {1}")]
    Start(&'static str, #[source] io::Error),
    /// It ended or did not answer in time.
    #[error("`{name}` does not answer on {address}; it said:\n{said}")]
    Silent {
        /// The program.
        name: &'static str,
        /// Where it should listen.
        address: SocketAddr,
        /// The end of its output.
        said: String,
    },
}

/// A running program.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    pub(super) address: SocketAddr,
    log: PathBuf,
}

impl Running {
    /// Starts `name` with the command that `prepare` makes for a free port, and waits until the port answers.
    /// With `http` the answer must be one to `GET /v2/`.
    pub(super) fn start(
        name: &'static str,
        folder: &Path,
        http: bool,
        prepare: impl Fn(&mut Command, SocketAddr) -> io::Result<()>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Start(name, source);
        let mut last = None;
        for _ in 0..PORTS {
            let address = free_port().map_err(failed)?;
            let mut command = tools::command(name)?;
            prepare(&mut command, address).map_err(failed)?;
            let log = folder.join("log");
            let output = File::create(&log).map_err(failed)?;
            let errors = output.try_clone().map_err(failed)?;
            let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(failed)?;
            let mut running = Self { child, address, log };
            if running.wait(http) {
                return Ok(running);
            }
            last = Some(Error::Silent { name, address, said: running.said() });
        }
        Err(last.unwrap_or_else(|| failed(io::Error::other("no free port"))))
    }

    /// What the program wrote so far.
    pub(super) fn said(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn wait(&mut self, http: bool) -> bool {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            if answers(self.address, http).unwrap_or(false) {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn answers(address: SocketAddr, http: bool) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    if !http {
        return Ok(true);
    }
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET /v2/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(matches!(&head, b"HTTP/1.1 200" | b"HTTP/1.1 401"))
}
