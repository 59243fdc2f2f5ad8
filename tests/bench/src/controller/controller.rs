//! The controller under measurement, as a process of its own.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use oci_bench::process;
use oci_testkit::control_plane::ControlPlane;
use tempfile::TempDir;

/// What stays when one is started again: its storage, and its ports for artifacts, metrics and health.
struct Kept {
    folder: TempDir,
    ports: [u16; 3],
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        Self { folder, ports: [free_port(), free_port(), free_port()] }
    }
}

/// A running controller.
pub(crate) struct Controller {
    child: Child,
    kept: Arc<Kept>,
    pub(crate) artifacts: String,
    metrics: String,
    /// How long after its start it said that it was ready.
    pub(crate) ready: Duration,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Whether the readiness probe would pass.
fn is_ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
    asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.starts_with("HTTP/1.1 200")
}

impl Controller {
    /// Starts one that looks after one namespace. `pinned` is the processor that it runs on, if it is to be one.
    pub(crate) fn start(
        program: &str,
        plane: &ControlPlane,
        namespace: &str,
        concurrent: u32,
        pinned: Option<u32>,
    ) -> Self {
        Self::start_at(Arc::new(Kept::new()), program, plane, namespace, concurrent, pinned)
    }

    /// Kills it and starts another with what it has stored.
    pub(crate) fn again(self, program: &str, plane: &ControlPlane, namespace: &str, concurrent: u32) -> Self {
        let kept = Arc::clone(&self.kept);
        drop(self);
        Self::start_at(kept, program, plane, namespace, concurrent, None)
    }

    fn start_at(
        kept: Arc<Kept>,
        program: &str,
        plane: &ControlPlane,
        namespace: &str,
        concurrent: u32,
        pinned: Option<u32>,
    ) -> Self {
        let [artifacts, metrics, health] = kept.ports;
        let folder = &kept.folder;
        let mut command = match pinned {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.arg(format!("--storage-path={}", folder.path().join("data").display()));
        command.arg(format!("--storage-addr=127.0.0.1:{artifacts}"));
        command.arg(format!("--storage-adv-addr=127.0.0.1:{artifacts}"));
        command.arg(format!("--metrics-addr=127.0.0.1:{metrics}"));
        command.arg(format!("--health-addr=127.0.0.1:{health}"));
        command.arg(format!("--concurrent={concurrent}"));
        command.args(["--watch-all-namespaces=false", "--log-level=error", "--take-over"]);
        command.env("RUNTIME_NAMESPACE", namespace).env("KUBECONFIG", plane.kubeconfig());
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let start = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut controller = Self {
            child,
            ready: Duration::ZERO,
            artifacts: format!("http://127.0.0.1:{artifacts}"),
            metrics: format!("http://127.0.0.1:{metrics}/metrics"),
            kept,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_ready(health) {
            assert!(Instant::now() < deadline, "the controller does not start: {}", controller.log());
            std::thread::sleep(Duration::from_millis(2));
        }
        controller.ready = start.elapsed();
        controller
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.kept.folder.path().join("log")).unwrap_or_default()
    }

    /// Its storage.
    pub(crate) fn storage(&self) -> PathBuf {
        Path::join(self.kept.folder.path(), "data")
    }

    /// Resident memory in MiB: now, and at its highest.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let pid = self.child.id();
        (process::memory(pid, "VmRSS") / 1024.0, process::memory(pid, "VmHWM") / 1024.0)
    }

    /// Seconds of processor time so far.
    pub(crate) fn cpu(&self) -> f64 {
        process::cpu_seconds(self.child.id())
    }

    /// What it says about itself.
    pub(crate) async fn metrics(&self) -> String {
        reqwest::get(&self.metrics).await.unwrap().text().await.unwrap()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
