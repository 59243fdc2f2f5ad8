//! Many objects that nothing happens to: memory, and how late polls are.

use std::time::{Duration, Instant};

use oci_testkit::registry::Registry;

use crate::{artifacts, controller::Controller, plane};

const STEPS: [usize; 3] = [1_000, 10_000, 50_000];
const ARTIFACTS: usize = 250;
/// Five times the load of the goal, which has ten minutes.
const INTERVAL: &str = "2m";
/// How long polls are watched.
const WATCHED: Duration = Duration::from_secs(150);

pub(crate) async fn run(program: &str) {
    let registry = Registry::start();
    for index in 0..ARTIFACTS {
        artifacts::push(&registry, &format!("app-{index}"), "v1", &artifacts::layer(index as u64, &[2_000]));
    }
    let plane = plane::start().await;
    let client = plane.client();
    let namespace = plane.namespace().await;
    let controller = Controller::start(program, &plane, &namespace, 10, None);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let empty = controller.memory().0;
    println!("no objects: {empty:.1} MiB");
    let mut made = 0;
    for step in STEPS {
        let start = Instant::now();
        let specs = (made..step).map(|index| {
            let url = registry.url(&format!("app-{}", index % ARTIFACTS));
            (format!("app-{index}"), plane::spec(&url, "v1", INTERVAL))
        });
        plane::create(&client, &namespace, specs.collect()).await;
        plane::all_ready(&client, &namespace, step).await;
        made = step;
        println!("{step} objects created and Ready after {:.0} s", start.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_secs(20)).await;
        let (now, peak) = controller.memory();
        let each = (now - 20.0) * 1024.0 / step as f64;
        println!(
            "{step} objects at rest: {now:.1} MiB (peak {peak:.1}), 20 MiB + {each:.1} KiB an object (goal 6)"
        );
    }
    let (cpu, before) = (controller.cpu(), lateness(&controller).await);
    tokio::time::sleep(WATCHED).await;
    let polls: Vec<(String, u64)> = lateness(&controller)
        .await
        .into_iter()
        .zip(before)
        .map(|((bound, now), (_, before))| (bound, now - before))
        .collect();
    let all = polls.last().map_or(0, |(_, polls)| *polls);
    let late = polls.iter().find(|(_, polls)| *polls as f64 >= all as f64 * 0.99);
    println!(
        "{all} polls in {} s, at an interval of {INTERVAL}: {:.2} ms of processor time each, p99 of lateness ≤ {} s (goal 1)",
        WATCHED.as_secs(),
        (controller.cpu() - cpu) * 1_000.0 / all as f64,
        late.map_or("?", |(bound, _)| bound)
    );
}

/// How many runs were late by at most so many seconds, for growing bounds.
async fn lateness(controller: &Controller) -> Vec<(String, u64)> {
    const BUCKET: &str = "oci_controller_lateness_seconds_bucket{le=\"";
    let metrics = controller.metrics().await;
    let buckets = metrics.lines().filter_map(|line| line.strip_prefix(BUCKET)?.split_once("\"} "));
    buckets.map(|(bound, runs)| (bound.to_owned(), runs.parse().unwrap())).collect()
}
