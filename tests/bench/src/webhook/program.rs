//! The servers under measurement, as processes of their own.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use oci_testkit::tls::Tls;
use rustls::ClientConfig;

use crate::client;

/// A running server.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) trust: Arc<ClientConfig>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn files(place: &Path) -> (PathBuf, PathBuf, Arc<ClientConfig>) {
    let tls = Tls::new();
    // The webhook looks at its files again and again: nobody else may write there.
    let place = tempfile::tempdir_in(place).unwrap().keep();
    let (certificate, key) = (place.join("tls.crt"), place.join("tls.key"));
    fs::write(&certificate, &tls.server_cert_pem).unwrap();
    fs::write(&key, &tls.server_key_pem).unwrap();
    (certificate, key, client::config(&tls.ca_pem))
}

impl Program {
    /// The webhook itself.
    pub(crate) fn webhook(program: &str, place: &Path) -> Self {
        let (certificate, key, trust) = files(place);
        let port = free_port();
        let mut command = Command::new(program);
        command.arg(format!("--listen=127.0.0.1:{port}")).arg("--operations=127.0.0.1:0");
        command.arg("--tls-cert-file").arg(certificate).arg("--tls-key-file").arg(key);
        command.arg("--log-level=error");
        Self::start(command, port, trust)
    }

    /// The peer.
    pub(crate) fn echo(place: &Path) -> Self {
        let (certificate, key, trust) = files(place);
        let port = free_port();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("echo").arg(port.to_string()).arg(certificate).arg(key);
        Self::start(command, port, trust)
    }

    fn start(mut command: Command, port: u16, trust: Arc<ClientConfig>) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let program = Self { child, address, trust };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{command:?} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        program
    }

    /// A line of `/proc/PID/status` in KiB: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, line: &str) -> f64 {
        oci_bench::process::memory(self.child.id(), line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
