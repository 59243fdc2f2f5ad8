//! Artifacts of several sizes, beside nginx with the same files, by `wrk`. The server on one processor, the load on the other.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use oci_bench::statistics::median;
use oci_testkit::registry::Registry;

use crate::{artifacts, controller::Controller, plane};

const PAIRS: usize = 5;
const SIZES: [(&str, usize, &str); 4] =
    [("4k", 4 << 10, "0.80"), ("64k", 64 << 10, "0.85"), ("1m", 1 << 20, "0.95"), ("19m", 19 << 20, "0.95")];
const CONNECTIONS: [u32; 2] = [16, 256];

pub(crate) async fn run(program: &str) {
    if ["nginx", "wrk", "taskset"].iter().any(|name| {
        Command::new("sh")
            .args(["-c", &format!("command -v {name}")])
            .output()
            .is_ok_and(|o| o.stdout.is_empty())
    }) {
        println!("left out: needs nginx, wrk and taskset");
        return;
    }
    let registry = Registry::start();
    let mut random = fastrand::Rng::with_seed(7);
    for (name, size, _) in SIZES {
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(size).collect();
        artifacts::push(&registry, name, "v1", &bytes);
    }
    let plane = plane::start().await;
    let client = plane.client();
    let namespace = plane.namespace().await;
    let specs = SIZES.map(|(name, _, _)| {
        let mut spec = plane::spec(&registry.url(name), "v1", "1h");
        spec.layer_selector =
            Some(oci_crds::v1::LayerSelector { media_type: None, operation: Some("copy".to_owned()) });
        (name.to_owned(), spec)
    });
    plane::create(&client, &namespace, specs.to_vec()).await;
    let controller = Controller::start(program, &plane, &namespace, 2, Some(0));
    plane::all_ready(&client, &namespace, SIZES.len()).await;
    let nginx = Nginx::start(&controller.storage());
    for (name, _, goal) in SIZES {
        let object = plane::objects(&client, &namespace).get(name).await.unwrap();
        let url = object.status.unwrap().artifact.unwrap().url;
        let path = url.strip_prefix(&controller.artifacts).unwrap();
        let peer = format!("http://127.0.0.1:{}{path}", nginx.port);
        for connections in CONNECTIONS {
            let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..PAIRS {
                let (mine, other) = (wrk(&url, connections), wrk(&peer, connections));
                ratios.push(mine / other);
                ours.push(mine);
                theirs.push(other);
            }
            println!(
                "{name} at {connections} connections: {:.0} MiB/s, nginx {:.0}, ratio {:.2} (goal {goal})",
                median(&mut ours),
                median(&mut theirs),
                median(&mut ratios)
            );
        }
    }
    println!("memory: {:?} MiB now and at its highest", controller.memory());
}

/// MiB in a second: where transfers are long, also those count that have not ended.
fn wrk(url: &str, connections: u32) -> f64 {
    let mut command = Command::new("taskset");
    command.args(["-c", "1", "wrk", "-t1", "-d2s"]).arg(format!("-c{connections}")).arg(url);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate =
        text.lines().find_map(|line| line.trim().strip_prefix("Transfer/sec:")).unwrap_or_default().trim();
    let units = [("KB", 1.0 / 1024.0), ("MB", 1.0), ("GB", 1024.0)];
    let known =
        |(unit, mebibytes): (&str, f64)| Some(rate.strip_suffix(unit)?.parse::<f64>().ok()? * mebibytes);
    units.into_iter().find_map(known).unwrap_or_default()
}

struct Nginx {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Nginx {
    fn start(root: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = folder.path().display();
        let config = format!(
            "daemon off; master_process off; worker_processes 1; error_log {place}/error.log; pid {place}/pid; user root;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=100;\n\
             client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u;\n\
             scgi_temp_path {place}/s; server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            root.display()
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("taskset");
        command
            .args(["-c", "0", "nginx", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        Self { child, port, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
