//! `verify-bench`: what judging one artifact costs, next to the one signature check that nobody can do without.
//!
//! `cargo xtask bench verify` builds it and runs it. The signatures are seeds of the fuzz targets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot be made stops at the place of the fault, and its output is for the terminal"
)]

mod cases;

use std::{hint::black_box, process, time::Instant};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
    },
};
use oci_bench::{process::cpu_seconds, statistics::median};

const PAIRS: usize = 21;
/// Runs of a batch.
const BATCH: u32 = 100;
/// Runs of which the processor time is taken, which the kernel counts in hundredths of a second.
const LONG: u32 = 3_000;

/// Microseconds of one run, by the clock.
fn time(work: &dyn Fn()) -> f64 {
    let start = Instant::now();
    (0..BATCH).for_each(|_| work());
    start.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH)
}

/// Microseconds of one run, by the processor.
fn processor(work: &dyn Fn()) -> f64 {
    let before = cpu_seconds(process::id());
    (0..LONG).for_each(|_| work());
    (cpu_seconds(process::id()) - before) * 1e6 / f64::from(LONG)
}

/// One check of one signature of ECDSA on P-256.
fn bare() -> impl Fn() {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let message = [7; 400];
    let signature = key.sign(&random, &message).unwrap();
    let public = key.public_key().as_ref().to_vec();
    move || {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &public);
        key.verify(black_box(&message), signature.as_ref()).unwrap();
    }
}

fn main() {
    let bare = bare();
    println!(
        "one artifact, {PAIRS} interleaved pairs of {BATCH}; the peer is one bare check by aws-lc (ECDSA P-256)\n"
    );
    println!("{:<28} {:>10} {:>10} {:>16}", "what", "clock", "processor", "ratio to peer");
    for (name, work) in cases::all() {
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        // The first pair only warms up.
        for pair in 0..=PAIRS {
            let (mine, other) = (time(&*work), time(&bare));
            if pair > 0 {
                times.push(mine);
                ratios.push(mine / other);
            }
        }
        let (clock, ratio, cpu) = (median(&mut times), median(&mut ratios), processor(&*work));
        println!("{name:<28} {clock:>7.0} us {cpu:>7.0} us {ratio:>16.1}");
    }
    println!("{:<28} {:>7.0} us {:>7.0} us", "the peer", time(&bare), processor(&bare));
}
