//! `cargo xtask tools`: builds the foreign programs of `tests/compat/go` into the per-user cache.

use std::{fs, process::Command, time::Instant};

use oci_testkit::tools::{TOOLS, module, place};

use crate::{
    error::{At as _, Error, Result},
    printer,
    run::through,
};

pub(crate) fn run() -> Result<()> {
    for (name, package) in TOOLS {
        let place = place(name)?;
        if place.is_file() {
            printer::line(&format!("{name}: cached in {}", place.display()));
            continue;
        }
        let start = Instant::now();
        build(name, package)?;
        printer::line(&format!("{name}: built in {}", printer::seconds(start.elapsed())));
    }
    Ok(())
}

/// Builds beside the final place and renames, so that an interrupted build leaves nothing that looks whole.
fn build(name: &str, package: &str) -> Result<()> {
    let place = place(name)?;
    let folder = place.parent().ok_or_else(|| Error::Wrong("the cache has no folder".to_owned()))?;
    fs::create_dir_all(folder).at(folder)?;
    let draft = folder.join(format!("{name}.{}", std::process::id()));
    let mut command = Command::new("go");
    command
        .current_dir(module(name))
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(&draft)
        .arg(package);
    through(&mut command)?;
    fs::rename(&draft, &place).at(place)
}
