//! Targets for fuzzing: each gives bytes to parsers of hostile input and checks what must hold whatever they are.
//!
//! A target is used in two ways. Every `cargo test` runs it over its seeds (`seeds/<target>/`) and over changes of them,
//! the same each time. `cargo fuzz` (`libfuzzer/`) runs it for as long as one likes, led by coverage. What either finds
//! is mended and kept as a seed.
//!
//! No target reaches a network but a server of its own on the loopback interface.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a target that cannot do its part stops at the place of the fault"
)]

mod archives;
mod documents;
mod logins;
mod mutate;
mod names;
mod notation;
mod registry;
mod reviews;
mod signatures;
mod wire;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use mutate::mutate;

/// Something that takes any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the name of the folder with its seeds.
    pub name: &'static str,
    /// Panics where something does not hold.
    pub run: fn(&[u8]),
    /// How often it runs over changed seeds in every test: about half a second's worth.
    pub rounds: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), rounds: usize) -> Target {
    Target { name, run, rounds }
}

/// All targets.
pub const TARGETS: [Target; 22] = [
    target("names", names::names, 20_000),
    target("versions", names::versions, 8_000),
    target("patterns", names::patterns, 1_000),
    target("manifests", documents::manifests, 8_000),
    target("errors", documents::errors, 10_000),
    target("archives", archives::archives, 200),
    target("ignores", archives::ignores, 5_000),
    target("dockers", logins::dockers, 8_000),
    target("accounts", logins::accounts, 8_000),
    target("identities", logins::identities, 200),
    target("registry", registry::registry, 400),
    target("keys", signatures::keys, 3_000),
    target("certificates", signatures::certificates, 1_000),
    target("bundles", signatures::bundles, 1_000),
    target("legacy", signatures::legacy, 1_000),
    target("stamps", signatures::stamps, 300),
    target("trust_roots", signatures::trust_roots, 400),
    target("notation_policies", notation::policies, 5_000),
    target("notation_jws", notation::jws, 1_000),
    target("notation_cose", notation::cose, 1_000),
    target("reviews", reviews::reviews, 8_000),
    target("specs", reviews::specs, 2_000),
];

/// Runs the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap().run)(bytes);
}

impl Target {
    /// The folder with its seeds.
    pub fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(self.name)
    }

    /// Its seeds, in the order of their names.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<_> =
            fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
    }
}

/// A file of this crate.
fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Bytes of a message: half of what Kubernetes takes in a condition.
const MESSAGE: usize = 16 << 10;

/// That a message is one line of bounded length, with nothing that a terminal would obey.
fn is_line(text: &str) {
    let harmless = !text.is_empty() && text.len() <= MESSAGE && !text.chars().any(char::is_control);
    assert!(harmless, "no message for people: {text:?}");
}

/// The first line, and what is behind it.
fn first_line(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.split_once('\n').unwrap_or((text, "")))
}
