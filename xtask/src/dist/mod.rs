//! `cargo xtask dist`: what is released, in one folder.
//!
//! ```text
//! program + LICENSE ──► kubectl-oci_v…_OS_ARCH.tar.gz ──► oci.yaml ──► kubectl-oci_v…_checksums.txt ──► ….sigstore.json
//!                       kubectl-oci_v…_OS_ARCH.cdx.json ──────────────┘
//! controller + webhook + what they link ──► image/ (an OCI layout) ──► kubectl-oci_v…_image.txt ┘
//! ```
//!
//! One computer builds what its installed targets can; the release workflow brings the archives of several together and
//! calls this with `--collect`.

mod archive;
mod image;
mod krew;
mod platform;
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
    printer,
    run::{self, cargo, through},
};

/// The version of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the project lives.
const HOMEPAGE: &str = env!("CARGO_PKG_REPOSITORY");
/// The program that is packed.
const PLUGIN: &str = "kubectl-oci";
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
            make(&target, arguments, &out)?;
        }
    }
    collect(&out, arguments)
}

/// What is built: what was asked for, else for this computer.
fn targets(arguments: &cli::Dist) -> Result<Vec<String>> {
    if arguments.programs.is_some() && arguments.target.len() > 1 {
        return Err(Error::Wrong("--programs is for one target: name one --target, or none".to_owned()));
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

/// Everything for one target.
fn make(target: &str, arguments: &cli::Dist, out: &Path) -> Result<()> {
    let platform = Platform::of(target)?;
    let released = arguments.programs.is_none();
    let programs = |profile, packages: &[&str]| match &arguments.programs {
        Some(folder) => Ok(folder.clone()),
        None => build(target, profile, packages),
    };
    pack(target, platform, &programs("plugin", &[PLUGIN])?, out, released)?;
    if arguments.image {
        image::build(target, platform, &programs("release", &image::PROGRAMS)?, out, released)?;
    }
    Ok(())
}

/// The archive of the plugin, and the list of its parts. Programs that were given may be ones with debug information.
fn pack(target: &str, platform: Platform, programs: &Path, out: &Path, released: bool) -> Result<()> {
    let program = programs.join(PLUGIN);
    if target == host()? {
        quiet(Command::new(&program).arg("--version"))?;
    }
    let archive = out.join(platform.archive(VERSION));
    let size = archive::write(&program, &workspace().join("LICENSE"), &archive)?;
    printer::line(&format!("{}: {} KiB", archive.display(), size / 1024));
    if released {
        bounded(&archive.display().to_string(), size, ARCHIVE_MAX)?;
    }
    let parts = sbom::document(&[PLUGIN], target)?;
    archive::write_text(&out.join(parts_list(platform)), parts.as_bytes())
}

/// Nothing is released that is larger than what users are promised.
fn bounded(what: &str, size: u64, most: u64) -> Result<()> {
    if size > most {
        let message = format!("{what} has {size} bytes, more than {most}: look what grew with `cargo bloat`");
        return Err(Error::Wrong(message));
    }
    Ok(())
}

fn parts_list(platform: Platform) -> String {
    platform.archive(VERSION).replace(".tar.gz", ".cdx.json")
}

/// Builds release builds and returns the folder that they are in. One after the other: together they would have each
/// other's features.
fn build(target: &str, profile: &str, packages: &[&str]) -> Result<PathBuf> {
    for package in packages {
        let mut command =
            cargo(["build", "--locked", "--profile", profile, "--target", target, "-p", package]);
        through(command.env("CARGO_ENCODED_RUSTFLAGS", unnamed_paths()))?;
    }
    Ok(run::target()?.join(target).join(profile))
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
    if arguments.collect && missing > 0 {
        return Err(Error::Wrong(format!("{missing} archives of v{VERSION} are not in {}", out.display())));
    }
    let mut sums = Sums { folder: out, of: BTreeMap::new() };
    let mut archives = Vec::new();
    for platform in found {
        archives.push((platform, sums.add(platform.archive(VERSION))?));
        let [parts, provenance] = image::about(platform);
        for name in [parts_list(platform), parts, provenance] {
            if out.join(&name).is_file() {
                sums.add(name)?;
            }
        }
    }
    let base = arguments.base.clone().unwrap_or_else(|| base(VERSION));
    let manifest = krew::render(VERSION, &base, HOMEPAGE, &archives);
    sums.write(format!("{}.yaml", krew::NAME), &manifest)?;
    if let Some(digest) = image::collect(out)? {
        sums.write(format!("{PLUGIN}_v{VERSION}_image.txt"), &format!("{digest}\n"))?;
    }
    let file = out.join(format!("{PLUGIN}_v{VERSION}_checksums.txt"));
    archive::write_text(&file, sums.listing().as_bytes())?;
    if let Some(key) = &arguments.key {
        signature::sign(&file, key)?;
    }
    printer::line(&format!("{}: {} files", file.display(), sums.of.len()));
    Ok(())
}

/// Checksums of files in a folder, by their names.
struct Sums<'a> {
    folder: &'a Path,
    of: BTreeMap<String, String>,
}

impl Sums<'_> {
    fn add(&mut self, name: String) -> Result<String> {
        let path = self.folder.join(&name);
        let sum = Digest::of(&fs::read(&path).at(path)?).hex().to_owned();
        self.of.insert(name, sum.clone());
        Ok(sum)
    }

    fn write(&mut self, name: String, text: &str) -> Result<()> {
        archive::write_text(&self.folder.join(&name), text.as_bytes())?;
        self.add(name).map(drop)
    }

    /// As `sha256sum --check` reads it.
    fn listing(&self) -> String {
        let mut text = String::new();
        for (name, sum) in &self.of {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{sum}  {name}");
        }
        text
    }
}

/// Where the archives of a version are published.
fn base(version: &str) -> String {
    format!("{HOMEPAGE}/releases/download/v{version}")
}

/// `krew-manifest.yaml` as it should be, given what it is: released checksums stay.
pub(crate) fn manifest(known: &str) -> String {
    let notice = "# The manifest for krew, made by `cargo xtask generate`; a release has it as `oci.yaml`.\n";
    format!("{notice}{}", krew::renew(VERSION, &base(VERSION), HOMEPAGE, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_is_the_largest_size_that_is_released() {
        assert!(bounded("it", 8, 8).is_ok());
        let error = bounded("it", 9, 8).unwrap_err().to_string();
        assert!(error.contains("it has 9 bytes, more than 8"), "{error}");
    }
}
