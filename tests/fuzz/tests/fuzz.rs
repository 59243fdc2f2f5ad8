//! Every target over its seeds and over changes of them, the same each time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

use std::{
    fs,
    panic::catch_unwind,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use fastrand::Rng;
use oci_fuzz::{TARGETS, Target, mutate};

/// What a target falls over is kept in a file, which becomes a seed once it is mended.
fn survives(target: &Target, bytes: &[u8]) -> Result<(), String> {
    catch_unwind(|| (target.run)(bytes)).map_err(|_| {
        let place = std::env::temp_dir().join(format!("oci-fuzz-{}", target.name));
        fs::write(&place, bytes).unwrap();
        format!("`{}` does not survive {}: {}", target.name, place.display(), bytes.escape_ascii())
    })
}

fn run(target: &Target) -> Result<(), String> {
    let seeds = target.seeds();
    assert!(!seeds.is_empty(), "`{}` has no seeds", target.name);
    for seed in &seeds {
        survives(target, seed)?;
    }
    let mut random = Rng::with_seed(4);
    for round in 0..target.rounds {
        let other = random.usize(..seeds.len());
        survives(target, &mutate(&seeds[round % seeds.len()], &seeds[other], &mut random))?;
    }
    Ok(())
}

#[test]
fn targets_survive_their_seeds_and_changes_of_them() {
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = run(target).err();
                    faults.lock().unwrap().extend(fault);
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn targets_are_those_of_libfuzzer() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let (_, binaries) = text.split_once("[[bin]]").unwrap();
    let names: Vec<&str> = binaries.lines().filter_map(|line| line.strip_prefix("name = \"")).collect();
    let names: Vec<&str> = names.into_iter().map(|name| name.trim_end_matches('"')).collect();
    assert_eq!(names, TARGETS.map(|target| target.name));
}

#[test]
fn changes_are_the_same_each_time() {
    let seed = br#"{"a":"AAAAAAAAAAAAAAAA","b":[1,2]}"#;
    let changed = |number| mutate(seed, seed, &mut Rng::with_seed(number));
    let all: Vec<_> = (0..200).map(changed).collect();
    assert_eq!((0..200).map(changed).collect::<Vec<_>>(), all);
    let twice = |text: &[u8]| text.windows(4).filter(|part| part == b"\"a\":").count() > 1;
    assert!(all.iter().any(|text| twice(text)), "no member is there twice");
    assert!(all.iter().filter(|text| text.as_slice() != seed).count() > 150);
}
