//! One target under libFuzzer: the one of the program's name. Every other change is one of the project's own, which know
//! JSON and base64.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| oci_fuzz::run(env!("CARGO_BIN_NAME"), bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
    if seed % 2 == 0 {
        return fuzzer_mutate(data, size, most);
    }
    let mut random = fastrand::Rng::with_seed(seed.into());
    let changed = oci_fuzz::mutate(&data[..size], &data[..size], &mut random);
    let size = changed.len().min(most);
    data[..size].copy_from_slice(&changed[..size]);
    size
});
