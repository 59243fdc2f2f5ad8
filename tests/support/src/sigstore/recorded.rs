//! Bundles of the real Sigstore, out of the package of the crate `sigstore-verify` (Apache-2.0), whose tests they are.

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

use serde_json::Value;

/// A file of `test_data`.
pub fn recorded(name: &str) -> String {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let path = FOLDER.get_or_init(folder).join(name);
    let text = fs::read_to_string(&path);
    assert!(text.is_ok(), "{}: {text:?}", path.display());
    text.unwrap()
}

/// Where cargo has the package. It may lack packages of other platforms, which it then fetches as for any build.
fn folder() -> PathBuf {
    let metadata = metadata(&["--offline"]).or_else(|_| metadata(&[])).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "sigstore-verify");
    let manifest = package.unwrap()["manifest_path"].as_str();
    PathBuf::from(manifest.unwrap()).with_file_name("test_data")
}

fn metadata(flags: &[&str]) -> Result<Value, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(flags)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
