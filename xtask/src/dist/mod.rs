//! `cargo xtask dist`: what is released, in one folder.
//!
//! ```text
//! program + LICENSE ──► kubectl-oci_v…_OS_ARCH.tar.gz ──► oci.yaml ──► kubectl-oci_v…_checksums.txt ──► ….sigstore.json
//!                       kubectl-oci_v…_OS_ARCH.cdx.json ──────────────┘
//! ```
//!
//! One computer builds what its installed targets can; the release workflow brings the archives of several together and
//! calls this with `--collect`.

pub(crate) mod archive;
pub(crate) mod krew;
pub(crate) mod platform;
mod sbom;
mod signature;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oci_artifact::name::Digest;
use oci_testkit::tools::workspace;

use self::platform::{PLATFORMS, Platform};
use crate::{
    cli,
    error::{At as _, Error, Result},
    measure::quiet,
    printer, run::{self, cargo, through},
};

/// The version of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the project lives.
const HOMEPAGE: &str = env!("CARGO_PKG_REPOSITORY");
/// The largest archive that is released.
const ARCHIVE_MAX: u64 = 8 << 20;

/// Builds, packs, and writes what says that all of it is right.
pub(crate) fn run(arguments: &cli::Dist) -> Result<()> {
    let out = match &arguments.out {
        Some(folder) => folder.clone(),
        None => run::target()?.join("dist"),
    };
    fs::create_dir_all(&out).at(&out)?;
    if !arguments.collect {
        for target in targets(arguments)? {
            pack(&target, arguments, &out)?;
        }
    }
    collect(&out, arguments)
}

/// What is built: what was asked for, else for this computer.
fn targets(arguments: &cli::Dist) -> Result<Vec<String>> {
    if arguments.program.is_some() && arguments.target.len() > 1 {
        return Err(Error::Wrong("--program is one program: name one --target, or none".to_owned()));
    }
    if arguments.target.is_empty() {
        return Ok(vec![host()?]);
    }
    Ok(arguments.target.clone())
}

/// What Rust calls this computer.
fn host() -> Result<String> {
    let found = run::output(Command::new("rustc").args(["--version", "--verbose"]))?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Error::Wrong("`rustc -vV` names no host".to_owned()))
}

/// The archive and the parts list of one target.
fn pack(target: &str, arguments: &cli::Dist, out: &Path) -> Result<()> {
    let platform = Platform::of(target)?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => build(target)?,
    };
    if target == host()? {
        quiet(Command::new(&program).arg("--version"))?;
    }
    let archive = out.join(platform.archive(VERSION));
    let size = archive::write(&program, &workspace().join("LICENSE"), &archive)?;
    printer::line(&format!("{}: {} KiB", archive.display(), size / 1024));
    // A program that was given may be one with debug information.
    if arguments.program.is_none() && size > ARCHIVE_MAX {
        return Err(Error::Wrong(format!(
            "{} has {size} bytes, more than {ARCHIVE_MAX}: look what grew with `cargo bloat`",
            archive.display()
        )));
    }
    let parts = sbom::document("kubectl-oci", target)?;
    archive::write_text(&out.join(parts_list(platform)), parts.as_bytes())
}

fn parts_list(platform: Platform) -> String {
    platform.archive(VERSION).replace(".tar.gz", ".cdx.json")
}

/// Builds the release build of the plugin.
fn build(target: &str) -> Result<PathBuf> {
    let mut command = cargo(["build", "--locked", "--release", "-p", "kubectl-oci", "--target", target]);
    through(command.env("CARGO_ENCODED_RUSTFLAGS", unnamed_paths()))?;
    Ok(run::target()?.join(target).join("release/kubectl-oci"))
}

/// Flags with which the paths of the building computer are no part of what it builds.
fn unnamed_paths() -> OsString {
    let home = || run::variable("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let cargo = run::variable("CARGO_HOME").map(PathBuf::from).or_else(home);
    let mut flags = OsString::new();
    for (path, name) in [(Some(workspace()), "kubectl-oci"), (cargo, "cargo")] {
        let Some(path) = path else { continue };
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push(format!("={name}"));
    }
    flags
}

/// The manifest for krew, the checksums of everything, and their signature.
fn collect(out: &Path, arguments: &cli::Dist) -> Result<()> {
    let found: Vec<Platform> =
        PLATFORMS.into_iter().filter(|platform| out.join(platform.archive(VERSION)).is_file()).collect();
    let missing = PLATFORMS.len() - found.len();
    if found.is_empty() || (arguments.collect && missing > 0) {
        return Err(Error::Wrong(format!("{missing} archives of v{VERSION} are not in {}", out.display())));
    }
    let mut sums = BTreeMap::new();
    let mut add = |name: String| -> Result<String> {
        let sum = sum(&out.join(&name))?;
        sums.insert(name, sum.clone());
        Ok(sum)
    };
    let mut archives = Vec::new();
    for platform in found {
        archives.push((platform, add(platform.archive(VERSION))?));
        if out.join(parts_list(platform)).is_file() {
            add(parts_list(platform))?;
        }
    }
    let base = arguments.base.clone().unwrap_or_else(|| base(VERSION));
    let manifest = format!("{}.yaml", krew::NAME);
    let text = krew::render(VERSION, &base, HOMEPAGE, &archives);
    archive::write_text(&out.join(&manifest), text.as_bytes())?;
    add(manifest)?;
    let file = out.join(format!("kubectl-oci_v{VERSION}_checksums.txt"));
    archive::write_text(&file, listing(&sums).as_bytes())?;
    if let Some(key) = &arguments.key {
        signature::sign(&file, key)?;
    }
    printer::line(&format!("{}: {} files", file.display(), sums.len()));
    Ok(())
}

/// Where the archives of a version are published.
fn base(version: &str) -> String {
    format!("{HOMEPAGE}/releases/download/v{version}")
}

/// As `sha256sum --check` reads it, sorted by name.
fn listing(sums: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, sum) in sums {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{sum}  {name}");
    }
    text
}

fn sum(path: &Path) -> Result<String> {
    Ok(Digest::of(&fs::read(path).at(path)?).hex().to_owned())
}

/// `krew-manifest.yaml` as it should be, given what it is: released checksums stay.
pub(crate) fn manifest(known: &str) -> String {
    let notice = "# The manifest for krew, made by `cargo xtask generate`; a release has it as `oci.yaml`.\n";
    format!("{notice}{}", krew::renew(VERSION, &base(VERSION), HOMEPAGE, known))
}
