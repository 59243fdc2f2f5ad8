//! Conversion of long lists: time next to a pass that only skips the JSON, memory, and what others wait meanwhile.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use serde::de::IgnoredAny;

use crate::{client::Client, program::Program, reviews};
use oci_bench::statistics::{median, percentile};

const OBJECTS: usize = 10_000;
const PAIRS: usize = 15;
const LISTS: u32 = 5;

/// The function alone, in turns with the skipping pass.
pub(crate) fn in_process() {
    let body = Bytes::from(reviews::conversion(OBJECTS));
    let (mut ratios, mut times) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let start = Instant::now();
        let reply = oci_webhook::convert::convert(body.clone()).unwrap();
        let mine = start.elapsed().as_secs_f64();
        drop(reply);
        let start = Instant::now();
        let _: IgnoredAny = serde_json::from_slice(&body).unwrap();
        ratios.push(mine / start.elapsed().as_secs_f64());
        times.push(mine * 1_000.0);
    }
    println!(
        "conversion of {OBJECTS} objects, {} bytes: {:.2} of a pass that only skips the JSON ({:.0} ms)",
        body.len(),
        median(&mut ratios),
        median(&mut times)
    );
}

/// Over TLS: peak memory of the process, and small conversions while large ones are in work.
pub(crate) async fn served(webhook: &str, place: &Path) {
    let large = Bytes::from(reviews::conversion(OBJECTS));
    let small = Bytes::from(reviews::conversion(1));
    let program = Program::webhook(webhook, place);
    let rest = program.memory("VmHWM");
    let done = Arc::new(AtomicBool::new(false));
    let mut other = Client::connect(program.address, &program.trust).await;
    let meanwhile = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut times = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                other.post("/convert", &small).await;
                times.push(start.elapsed().as_secs_f64() * 1_000.0);
            }
            times
        }
    });
    let mut client = Client::connect(program.address, &program.trust).await;
    let start = Instant::now();
    // What the first takes is the program's need; what later ones add is memory that was not given back.
    let mut peaks = Vec::new();
    for _ in 0..LISTS {
        assert!(client.post("/convert", &large).await > large.len() / 2);
        peaks.push(program.memory("VmHWM"));
    }
    let each = start.elapsed().as_secs_f64() * 1_000.0 / f64::from(LISTS);
    done.store(true, Ordering::Relaxed);
    let mut times = meanwhile.await.unwrap();
    let body = f64::from(u32::try_from(large.len()).unwrap()) / 1024.0;
    let above =
        |peak: f64| format!("{:.1} MiB, {:.2} x body above rest", peak / 1024.0, (peak - rest) / body);
    println!(
        "\nserved: {each:.0} ms a list; peak memory after the first {}, after {LISTS} {}; {} small conversions \
         meanwhile, p99 {:.1} ms",
        above(peaks[0]),
        above(peaks[peaks.len() - 1]),
        times.len(),
        percentile(&mut times, 0.99)
    );
}
