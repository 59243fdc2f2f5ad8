//! The real binary as a child.

use std::{
    io::{BufRead as _, BufReader, Lines, Read as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

use oci_testkit::{planted, tls::Tls};
use serde_json::Value;
use tempfile::TempDir;
use tokio_rustls::TlsConnector;

use crate::client::connector;

/// A command of the binary, with nothing of the environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oci-webhook"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs it to its end: exit code and standard error.
pub(crate) fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command().args(arguments).output().unwrap();
    planted::assert_clean("standard error", &output.stderr);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Writes a pair into a folder.
pub(crate) fn write(tls: &Tls, folder: &Path) -> [String; 2] {
    let paths = ["tls.crt", "tls.key"].map(|name| folder.join(name));
    std::fs::write(&paths[0], &tls.server_cert_pem).unwrap();
    std::fs::write(&paths[1], &tls.server_key_pem).unwrap();
    paths.map(|path| path.to_str().unwrap().to_owned())
}

/// A running webhook; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) connector: TlsConnector,
    log: Lines<BufReader<ChildStderr>>,
    folder: TempDir,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(&Tls::new(), arguments)
    }

    /// With this certificate.
    pub(crate) fn start_with(tls: &Tls, arguments: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let [certificate, key] = write(tls, folder.path());
        let mut child = command()
            .args(["--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0"])
            .args(["--tls-cert-file", &certificate, "--tls-key-file", &key])
            .args(arguments)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let line: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["message"], "serving");
        let address = |field: &str| line[field].as_str().unwrap().parse().unwrap();
        Self {
            address: address("webhook"),
            operations: address("operations"),
            connector: connector(&tls.ca_pem),
            child,
            log,
            folder,
        }
    }

    /// The next line of the log.
    pub(crate) fn line(&mut self) -> Value {
        let line = self.log.next().expect("one more line").unwrap();
        planted::assert_clean("the webhook's log", line.as_bytes());
        serde_json::from_str(&line).unwrap()
    }

    /// Exchanges its certificate.
    pub(crate) fn exchange(&self, tls: &Tls) {
        write(tls, self.folder.path());
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// A body of the operations port, and its status line.
    pub(crate) fn operations(&self, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(self.operations).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        planted::assert_clean("the webhook's operations", text.as_bytes());
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for line in self.log.by_ref().map_while(Result::ok) {
            planted::assert_clean("the webhook's log", line.as_bytes());
        }
    }
}
