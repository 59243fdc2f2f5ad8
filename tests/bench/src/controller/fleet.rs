//! A thousand objects at once, and what they cost once nothing changes.

use std::time::{Duration, Instant};

use oci_bench::statistics::median;
use oci_testkit::{control_plane::ControlPlane, registry::Registry};

use crate::{artifacts, controller::Controller, loader, plane};

pub(crate) const OBJECTS: usize = 1_000;
const ARTIFACTS: usize = 250;
pub(crate) const CONCURRENT: u32 = 10;
const PAIRS: usize = 3;
/// How long polls are counted.
const POLLING: Duration = Duration::from_secs(30);

/// A registry with the artifacts, of 40 kB before compression each.
pub(crate) fn registry() -> Registry {
    let registry = Registry::start();
    for index in 0..ARTIFACTS {
        let layer = artifacts::layer(index as u64, &[2_000; 20]);
        artifacts::push(&registry, &format!("app-{index}"), "v1", &layer);
    }
    registry
}

/// How long it takes until all are Ready.
pub(crate) async fn run(program: &str) {
    let registry = registry();
    let plane = plane::start().await;
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let loader = by_loader(&plane, &registry).await;
        let (controller, writes, peak) = by_controller(program, &plane, &registry).await;
        println!(
            "pair {pair}: controller {controller:.1} s, loader {loader:.1} s, ratio {:.2}; \
             {writes:.2} API writes an object, peak {peak:.1} MiB",
            controller / loader
        );
        ratios.push(controller / loader);
        ours.push(controller);
        theirs.push(loader);
    }
    println!(
        "{OBJECTS} objects until all are Ready: controller {:.1} s, loader {:.1} s, ratio {:.2} (goal 2)",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios)
    );
}

/// A namespace with all the objects.
pub(crate) async fn filled(plane: &ControlPlane, registry: &Registry, interval: &str) -> String {
    let namespace = plane.namespace().await;
    let specs = (0..OBJECTS).map(|index| {
        let url = registry.url(&format!("app-{}", index % ARTIFACTS));
        (format!("app-{index}"), plane::spec(&url, "v1", interval))
    });
    plane::create(&plane.client(), &namespace, specs.collect()).await;
    namespace
}

async fn by_loader(plane: &ControlPlane, registry: &Registry) -> f64 {
    let namespace = filled(plane, registry, "1h").await;
    let folder = tempfile::tempdir().unwrap();
    let client = plane.client();
    let start = Instant::now();
    loader::run(&client, &namespace, CONCURRENT as usize, folder.path()).await;
    let time = start.elapsed().as_secs_f64();
    plane::clear(&client, &namespace).await;
    time
}

/// Seconds, API writes an object, and the peak of memory in MiB.
async fn by_controller(program: &str, plane: &ControlPlane, registry: &Registry) -> (f64, f64, f64) {
    let namespace = filled(plane, registry, "1h").await;
    let client = plane.client();
    let before = plane::writes(&client).await;
    let start = Instant::now();
    let controller = Controller::start(program, plane, &namespace, CONCURRENT, None);
    plane::all_ready(&client, &namespace, OBJECTS).await;
    let time = start.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let writes = (plane::writes(&client).await - before) / OBJECTS as f64;
    let (_, peak) = controller.memory();
    drop(controller);
    plane::clear(&client, &namespace).await;
    (time, writes, peak)
}

/// What a poll costs that finds nothing new.
pub(crate) async fn polls(program: &str) {
    let (registry, plane) = (registry(), plane::start().await);
    let namespace = filled(&plane, &registry, "10s").await;
    let client = plane.client();
    let controller = Controller::start(program, &plane, &namespace, CONCURRENT, None);
    plane::all_ready(&client, &namespace, OBJECTS).await;
    // The events of the beginning are written behind the statuses.
    tokio::time::sleep(Duration::from_secs(15)).await;
    registry.reset();
    let (writes, cpu) = (plane::writes(&client).await, controller.cpu());
    tokio::time::sleep(POLLING).await;
    let heads = registry.count(|request| request.method == "HEAD");
    let requests = registry.requests().len();
    let (writes, cpu) = (plane::writes(&client).await - writes, controller.cpu() - cpu);
    println!(
        "{heads} polls: {:.3} requests each (goal 1.05), {writes} API writes (goal 0), {} TCP connections, \
         {:.2} ms of processor time each; {:.1} MiB",
        requests as f64 / heads as f64,
        registry.accepts(),
        cpu * 1_000.0 / heads as f64,
        controller.memory().0
    );
    drop(controller);
    plane::clear(&client, &namespace).await;
}
