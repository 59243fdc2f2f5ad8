//! Many objects that nothing happens to: memory, and how late polls are.

use std::time::{Duration, Instant};

use oci_testkit::registry::Registry;

use crate::{artifacts, controller::Controller, plane};

const STEPS: [usize; 2] = [1_000, 10_000];
const ARTIFACTS: usize = 250;
/// How long polls are watched.
const WATCHED: Duration = Duration::from_secs(120);

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
            (format!("app-{index}"), plane::spec(&url, "v1", "10m"))
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
    let cpu = controller.cpu();
    tokio::time::sleep(WATCHED).await;
    println!(
        "processor time at rest: {:.1} ms/s",
        (controller.cpu() - cpu) * 1_000.0 / WATCHED.as_secs_f64()
    );
    let late: Vec<String> =
        controller.metrics().await.lines().filter(|line| line.contains("late")).map(str::to_owned).collect();
    println!("lateness of polls:\n{}", late.join("\n"));
}
