//! Ninety objects beside ten on a registry that accepts and never answers.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use oci_bench::statistics::percentile;
use oci_testkit::{control_plane::ControlPlane, registry::Registry};

use crate::{artifacts, controller::Controller, plane};

const HEALTHY: usize = 90;
const DEAD: usize = 10;
const WATCHED: Duration = Duration::from_mins(1);

pub(crate) async fn run(program: &str) {
    let registry = Registry::start();
    for index in 0..HEALTHY {
        artifacts::push(&registry, &format!("app-{index}"), "v1", &artifacts::layer(index as u64, &[2_000]));
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    // Accepted and kept open without a word.
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept() {
            kept.push(stream);
        }
    });
    let plane = plane::start().await;
    let (ready, gaps) = measure(program, &plane, &registry, None).await;
    println!(
        "without: all Ready after {ready:.2} s, p99 between two polls {gaps:.2} s of an interval of 5 s"
    );
    let (with_ready, with_gaps) = measure(program, &plane, &registry, Some(&address.to_string())).await;
    println!(
        "with {DEAD} dead: all {HEALTHY} healthy Ready after {with_ready:.2} s, p99 between two polls {with_gaps:.2} s"
    );
    println!("ratio: {:.2} until Ready, {:.2} between polls (goal 2)", with_ready / ready, with_gaps / gaps);
}

/// Seconds until the healthy are Ready, and the 99th percentile of the time between polls of one of them.
async fn measure(program: &str, plane: &ControlPlane, registry: &Registry, dead: Option<&str>) -> (f64, f64) {
    let namespace = plane.namespace().await;
    let client = plane.client();
    let healthy = (0..HEALTHY).map(|index| {
        (format!("healthy-{index}"), plane::spec(&registry.url(&format!("app-{index}")), "v1", "5s"))
    });
    let ill = (0..DEAD).filter_map(|index| {
        Some((format!("dead-{index}"), plane::spec(&format!("oci://{}/app-{index}", dead?), "v1", "5s")))
    });
    plane::create(&client, &namespace, ill.chain(healthy).collect()).await;
    let start = Instant::now();
    let controller = Controller::start(program, plane, &namespace, 2, None);
    plane::all_ready(&client, &namespace, HEALTHY).await;
    let ready = start.elapsed().as_secs_f64();
    let mut last = vec![None; HEALTHY];
    let mut gaps = Vec::new();
    registry.reset();
    let mut seen = 0;
    let end = Instant::now() + WATCHED;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let requests = registry.requests();
        let now = Instant::now();
        for request in &requests[seen..] {
            let name = request.path.split('/').nth(2).unwrap_or_default();
            let Some(index) = name.strip_prefix("app-").and_then(|index| index.parse::<usize>().ok()) else {
                continue;
            };
            if let Some(before) = last[index].replace(now) {
                gaps.push((now - before).as_secs_f64());
            }
        }
        seen = requests.len();
    }
    drop(controller);
    plane::clear(&client, &namespace).await;
    (ready, percentile(&mut gaps, 0.99))
}
