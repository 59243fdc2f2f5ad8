//! One large artifact: time beside `gzip -6` of the same archive, and memory.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use oci_bench::statistics::median;
use oci_testkit::registry::Registry;

use crate::{artifacts, controller::Controller, plane};

const PAIRS: usize = 5;

pub(crate) async fn run(program: &str) {
    let registry = Registry::start();
    let layer = artifacts::layer(1, &vec![8_192; 8_192]);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.tar");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(&layer[..]).read_to_end(&mut tar).unwrap();
    std::fs::write(&archive, &tar).unwrap();
    println!("{:.1} MB of archive, {:.1} MB compressed", tar.len() as f64 / 1e6, layer.len() as f64 / 1e6);
    drop(tar);
    artifacts::push(&registry, "large", "v1", &layer);
    let plane = plane::start().await;
    let namespace = plane.namespace().await;
    let client = plane.client();
    let controller = Controller::start(program, &plane, &namespace, 2, None);
    // The first one alone, so that what is set up once is not counted.
    once(&plane, &namespace, &registry, "warm").await;
    let rest = controller.memory().0;
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let mine = once(&plane, &namespace, &registry, &format!("app-{pair}")).await;
        let start = Instant::now();
        let file = std::fs::File::open(&archive).unwrap();
        let status = Command::new("gzip").args(["-6", "-c"]).stdin(file).stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
        let gzip = start.elapsed().as_secs_f64();
        ratios.push(mine / gzip);
        ours.push(mine);
        theirs.push(gzip);
    }
    println!(
        "from created to Ready {:.2} s, gzip -6 {:.2} s, ratio {:.2} (goal 0.6)",
        median(&mut ours),
        median(&mut theirs),
        median(&mut ratios)
    );
    let peak = controller.memory().1;
    println!(
        "memory: {rest:.1} MiB after the first, peak {peak:.1} MiB, {:.1} MiB for a pull (goal 16)",
        peak - rest
    );
    plane::clear(&client, &namespace).await;
}

/// Each with other ignore rules, so that nothing is found to be there already.
async fn once(
    plane: &oci_testkit::control_plane::ControlPlane,
    namespace: &str,
    registry: &Registry,
    name: &str,
) -> f64 {
    let client = plane.client();
    let mut spec = plane::spec(&registry.url("large"), "v1", "1h");
    spec.ignore = Some(format!("/{name}"));
    let before = ready(&client, namespace).await;
    let start = Instant::now();
    plane::create(&client, namespace, vec![(name.to_owned(), spec)]).await;
    plane::all_ready(&client, namespace, before + 1).await;
    let time = start.elapsed();
    tokio::time::sleep(Duration::from_millis(200)).await;
    time.as_secs_f64()
}

async fn ready(client: &kube::Client, namespace: &str) -> usize {
    let all = plane::objects(client, namespace).list(&kube::api::ListParams::default()).await.unwrap();
    all.items.iter().filter(|object| plane::is_ready(object)).count()
}
