//! Admission: latency next to a handler that does nothing, and memory at rest.

use std::{path::Path, time::Instant};

use bytes::Bytes;
use oci_webhook::admit::{Rules, admit};

use crate::{client::Client, program::Program, reviews};
use oci_bench::statistics::{median, percentile};

/// Requests of one round, over all connections.
const REQUESTS: usize = 4_000;
const ROUNDS: usize = 5;

/// Rounds in turns at 1, 16 and 64 connections; half of the reviews are refused.
pub(crate) async fn compare(webhook: &str, place: &Path) {
    let (ours, echo) = (Program::webhook(webhook, place), Program::echo(place));
    let size = reviews::admission(true).len();
    println!(
        "\nadmission review of {size} bytes over TLS keep-alive, ours : echo, {ROUNDS} rounds of {REQUESTS}"
    );
    for connections in [1, 16, 64] {
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        let mut shown = (0.0, 0.0);
        // The first pair only warms up.
        for round in 0..=ROUNDS {
            let mut mine = load(&ours, connections).await;
            let mut other = load(&echo, connections).await;
            let pair = (percentile(&mut mine, 0.5), percentile(&mut mine, 0.99));
            if round > 0 {
                p50.push(pair.0 / percentile(&mut other, 0.5));
                p99.push(pair.1 / percentile(&mut other, 0.99));
                shown = pair;
            }
        }
        println!(
            "  {connections:>2} connections: p50 {:.2} ({:.2} ms), p99 {:.2} ({:.2} ms)",
            median(&mut p50),
            shown.0,
            median(&mut p99),
            shown.1
        );
    }
}

/// The function alone, for a good and a bad review, in microseconds.
pub(crate) fn in_process() {
    let rules = Rules::default();
    let mut medians = [true, false].map(|valid| {
        let body = reviews::admission(valid);
        let mut times: Vec<f64> = (0..REQUESTS)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(admit(std::hint::black_box(&body), &rules)).unwrap();
                start.elapsed().as_secs_f64() * 1_000_000.0
            })
            .collect();
        median(&mut times)
    });
    let [good, bad] = &mut medians;
    println!("admission alone: {good:.1} us if accepted, {bad:.1} us if refused");
}

/// Milliseconds of each request.
async fn load(program: &Program, connections: usize) -> Vec<f64> {
    let bodies = [Bytes::from(reviews::admission(true)), Bytes::from(reviews::admission(false))];
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let mut client = Client::connect(program.address, &program.trust).await;
        let bodies = bodies.clone();
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::with_capacity(REQUESTS / connections);
            for index in 0..REQUESTS / connections {
                let start = Instant::now();
                client.post("/validate", &bodies[index % 2]).await;
                times.push(start.elapsed().as_secs_f64() * 1_000.0);
            }
            times
        }));
    }
    let mut all = Vec::with_capacity(REQUESTS);
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

/// After it started and answered once.
pub(crate) async fn memory_at_rest(webhook: &str, place: &Path) {
    let program = Program::webhook(webhook, place);
    let mut client = Client::connect(program.address, &program.trust).await;
    client.post("/validate", &Bytes::from(reviews::admission(true))).await;
    println!("\nmemory at rest: {:.1} MiB", program.memory("VmRSS") / 1024.0);
}
