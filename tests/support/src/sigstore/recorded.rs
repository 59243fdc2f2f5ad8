//! Bundles of the real Sigstore, out of the package of the crate `sigstore-verify` (Apache-2.0), whose tests they are.

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

/// A file of `test_data`.
pub fn recorded(name: &str) -> String {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let path = FOLDER.get_or_init(folder).join(name);
    let text = fs::read_to_string(&path);
    assert!(text.is_ok(), "{}: {text:?}", path.display());
    text.unwrap()
}

/// Where cargo has the package.
fn folder() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "sigstore-verify");
    let manifest = package.unwrap()["manifest_path"].as_str();
    PathBuf::from(manifest.unwrap()).with_file_name("test_data")
}
