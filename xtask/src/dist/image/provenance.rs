//! How the image came to be: an in-toto statement with SLSA's predicate, without times, so that it can be made again. It is as
//! trustworthy as the signature over the checksums that it is part of.
//!
//! <https://slsa.dev/spec/v1.0/provenance>

use std::process::Command;

use oci_artifact::{manifest::Descriptor, name::Digest};
use oci_testkit::tools::workspace;
use serde_json::json;

use crate::{
    dist::{HOMEPAGE, VERSION},
    error::{At as _, Result},
    run::output,
};

/// The statement about one manifest.
pub(super) fn statement(manifest: &Descriptor, target: &str) -> Result<String> {
    let lock = workspace().join("Cargo.lock");
    let lock = Digest::of(&std::fs::read(&lock).at(lock)?);
    let mut sources = vec![json!({ "uri": "Cargo.lock", "digest": { "sha256": lock.hex() } })];
    // A tree without git has no commit to name.
    let commit = output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(workspace()))?;
    if commit.status.success() {
        let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
        sources.push(json!({ "uri": format!("git+{HOMEPAGE}"), "digest": { "gitCommit": commit } }));
    }
    let compiler = output(Command::new("rustc").arg("--version"))?;
    let compiler = String::from_utf8_lossy(&compiler.stdout).trim().to_owned();
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "image", "digest": { "sha256": manifest.digest.hex() } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": format!("{HOMEPAGE}/blob/v{VERSION}/docs/contributing/releasing.md"),
                "externalParameters": { "version": VERSION, "target": target },
                "internalParameters": { "compiler": compiler },
                "resolvedDependencies": sources,
            },
            "runDetails": { "builder": { "id": format!("{HOMEPAGE}/blob/v{VERSION}/xtask") } },
        },
    });
    Ok(format!("{statement:#}\n"))
}
