//! A child process that is ready when its port answers, and killed when dropped.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    kept::{Kept, Start},
    tools,
};

/// How long a program gets to answer.
const START: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// Ports tried, since another process may take one between choice and use.
const PORTS: usize = 5;

/// Why a program does not run.
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

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ready {
    /// The port is open.
    Open,
    /// A GET of this path is answered with 200 or 401.
    Answers(&'static str),
}

/// A running program.
#[derive(Debug)]
pub(super) struct Running {
    kept: Kept,
    pub(super) address: SocketAddr,
}

impl Running {
    /// Starts `program` with the arguments that `prepare` makes for a free port, and waits until it is ready. `folder` is
    /// where it runs, and its home.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        folder: &Path,
        ready: Ready,
        prepare: impl Fn(SocketAddr) -> io::Result<Vec<String>>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Start(name, source);
        let home = folder.to_string_lossy().into_owned();
        let environment =
            &[("OTEL_TRACES_EXPORTER".to_owned(), "none".to_owned()), ("HOME".to_owned(), home)];
        let mut last = None;
        for _ in 0..PORTS {
            let address = free_port().map_err(failed)?;
            let arguments = &prepare(address).map_err(failed)?;
            let start = Start { program, arguments, environment, folder, log: "log", remove: None };
            let mut running = Self { kept: Kept::start(&start).map_err(failed)?, address };
            if running.wait(ready) {
                return Ok(running);
            }
            last = Some(Error::Silent { name, address, said: running.said() });
        }
        Err(last.unwrap_or_else(|| failed(io::Error::other("no free port"))))
    }

    /// All that the program wrote.
    pub(super) fn log(&self) -> String {
        self.kept.log()
    }

    /// The last lines that the program wrote.
    pub(super) fn said(&self) -> String {
        self.kept.said()
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        self.kept.runs()
    }

    fn wait(&mut self, ready: Ready) -> bool {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if !self.runs() {
                return false;
            }
            if answers(self.address, ready).unwrap_or(false) {
                return true;
            }
            thread::sleep(LOOK);
        }
        false
    }
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn answers(address: SocketAddr, ready: Ready) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    let Ready::Answers(path) = ready else { return Ok(true) };
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(matches!(&head, b"HTTP/1.1 200" | b"HTTP/1.1 401"))
}
