//! How long a start takes, with a thousand stored artifacts and with none.

use std::time::Duration;

use oci_bench::statistics::median;

use crate::{
    controller::Controller,
    fleet::{self, CONCURRENT, OBJECTS},
    plane,
};

const PAIRS: usize = 5;

/// A killed controller is started again on what it stored, and a new one on nothing, in turns.
pub(crate) async fn run(program: &str) {
    let (registry, plane) = (fleet::registry(), plane::start().await);
    let namespace = fleet::filled(&plane, &registry, "1h").await;
    let empty = plane.namespace().await;
    let client = plane.client();
    let mut controller = Controller::start(program, &plane, &namespace, CONCURRENT, None);
    plane::all_ready(&client, &namespace, OBJECTS).await;
    // The events of the beginning are written behind the statuses.
    tokio::time::sleep(Duration::from_secs(15)).await;
    registry.reset();
    let writes = plane::writes(&client).await;
    let (mut full, mut none) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        controller = controller.again(program, &plane, &namespace, CONCURRENT);
        full.push(controller.ready.as_secs_f64() * 1_000.0);
        none.push(Controller::start(program, &plane, &empty, CONCURRENT, None).ready.as_secs_f64() * 1_000.0);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let downloads = registry.count(|request| request.path.contains("/blobs/"));
    println!(
        "ready after a start with {OBJECTS} stored artifacts: {:.0} ms (goal 1000), with none: {:.0} ms; \
         in {PAIRS} starts {downloads} downloads (goal 0) and {} API writes (goal 0)",
        median(&mut full),
        median(&mut none),
        plane::writes(&client).await - writes
    );
    drop(controller);
    plane::clear(&client, &namespace).await;
}
