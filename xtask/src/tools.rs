//! `cargo xtask tools` and `cargo xtask control-plane`: build the Go programs of the tests into the per-user cache, and
//! install the Python ones beside them.

use std::{fs, path::Path, process::Command, time::Instant};

use oci_testkit::tools::{
    ASSETS, CONTROL_PLANE, ENVIRONMENTS, Environment, TOOLS, Tool, assets, interpreter,
};

use crate::{
    error::{At as _, Error, Result},
    printer,
    run::through,
};

/// The registries, clients and servers that others wrote.
pub(crate) fn foreign() -> Result<()> {
    TOOLS.into_iter().try_for_each(ensure)?;
    ENVIRONMENTS.into_iter().try_for_each(ensure_environment)
}

/// One of them.
pub(crate) fn named(name: &str) -> Result<()> {
    ensure(Tool::named(name)?)
}

/// etcd, kube-apiserver and kubectl.
pub(crate) fn control_plane() -> Result<()> {
    if let Some(folder) = assets() {
        printer::line(&format!("{ASSETS} is {}", folder.display()));
        for tool in CONTROL_PLANE {
            // Only kubectl may be missing there; the cached one is used then.
            match tool.find() {
                Err(oci_testkit::tools::Error::Missing { .. }) => ensure(tool)?,
                found => printer::line(&format!("{}: {}", tool.name, found?.display())),
            }
        }
        return Ok(());
    }
    CONTROL_PLANE.into_iter().try_for_each(ensure)?;
    let place = CONTROL_PLANE[0].place()?;
    let folder = place.parent().unwrap_or(&place);
    printer::line(&format!("the control plane is in {}", folder.display()));
    Ok(())
}

/// Builds the tool unless the cache has it.
fn ensure(tool: Tool) -> Result<()> {
    let (name, place) = (tool.name, tool.place()?);
    if place.is_file() {
        printer::line(&format!("{name}: cached in {}", place.display()));
        return Ok(());
    }
    let start = Instant::now();
    build(tool)?;
    printer::line(&format!("{name}: built in {}", printer::seconds(start.elapsed())));
    Ok(())
}

/// Builds beside the final place and renames, so that an interrupted build leaves nothing that looks whole.
fn build(tool: Tool) -> Result<()> {
    let place = tool.place()?;
    let folder = place.parent().ok_or_else(|| Error::Wrong("the cache has no folder".to_owned()))?;
    fs::create_dir_all(folder).at(folder)?;
    let draft = folder.join(format!("{}.{}", tool.name, std::process::id()));
    let mut command = Command::new("go");
    command
        .current_dir(tool.module())
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .env("GOWORK", "off")
        .args(["build", "-trimpath", "-ldflags", &tool.ldflags()?, "-o"])
        .arg(&draft)
        .arg(tool.package);
    through(&mut command)?;
    fs::rename(&draft, &place).at(place)
}

/// Installs the environment unless the cache has it.
fn ensure_environment(environment: Environment) -> Result<()> {
    let (name, place) = (environment.name, environment.place()?);
    // Another run may be at it.
    let lock = place.with_file_name(format!("{name}.lock"));
    let folder = place.parent().unwrap_or(&place);
    fs::create_dir_all(folder).at(folder)?;
    let _held = fs::File::create(&lock).and_then(|file| file.lock().map(|()| file)).at(&lock)?;
    if environment.is_whole(&place) {
        printer::line(&format!("{name}: cached in {}", place.display()));
        return Ok(());
    }
    let start = Instant::now();
    install(environment, &place)?;
    printer::line(&format!("{name}: installed in {}", printer::seconds(start.elapsed())));
    Ok(())
}

/// Installs in the final place, since an environment names it everywhere, and stamps it at the end. What an interrupted
/// run left is removed first.
fn install(environment: Environment, place: &Path) -> Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).at(place)?;
    }
    through(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let mut command = Command::new(interpreter(place));
    // The file is the closure: whatever is not in it is not installed.
    command.args(["-m", "pip", "--disable-pip-version-check", "--require-virtualenv", "install", "--quiet"]);
    command.args(["--no-input", "--no-deps", "-r"]).arg(environment.requirements());
    through(&mut command)?;
    environment.stamp(place).at(place)
}
