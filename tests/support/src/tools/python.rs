//! Programs of Python: each in a virtual environment of its own, made from a file that pins everything.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Error, cache, workspace};

/// The file that is written when an environment is whole. Environments cannot be moved, so a renamed draft is no way.
const STAMP: &str = "complete";

/// A virtual environment.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    /// The name of what it is for.
    pub name: &'static str,
    /// What `python -m` runs.
    pub module: &'static str,
    /// The pins, below the workspace.
    requirements: &'static str,
}

/// All of them.
pub const ENVIRONMENTS: [Environment; 2] = [
    Environment { name: "moto", module: "moto.server", requirements: "tests/python/moto.txt" },
    Environment { name: "proxy.py", module: "proxy", requirements: "tests/python/proxy.txt" },
];

impl Environment {
    /// The environment of that name.
    pub fn named(name: &str) -> Result<Self, Error> {
        let found = ENVIRONMENTS.into_iter().find(|environment| environment.name == name);
        found.ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// The file of its pins.
    pub fn requirements(&self) -> PathBuf {
        workspace().join(self.requirements)
    }

    /// Where it is or will be in the cache: the folder carries Python's version and a digest of the pins.
    pub fn place(&self) -> Result<PathBuf, Error> {
        let file = self.requirements();
        let pins = std::fs::read(&file).map_err(|source| Error::Module(file, source))?;
        let key = oci_artifact::name::Digest::of(&pins);
        let folder = format!("{}-python{}-{}", self.name, python_version()?, key.short());
        Ok(cache()?.join("tools").join(folder))
    }

    /// The interpreter, if the environment is whole.
    pub fn python(&self) -> Result<PathBuf, Error> {
        let place = self.place()?;
        if self.is_whole(&place) {
            return Ok(interpreter(&place));
        }
        Err(Error::Missing { name: self.name, path: place, command: "cargo xtask tools" })
    }

    /// Whether everything was installed in this folder.
    pub fn is_whole(&self, place: &Path) -> bool {
        place.join(STAMP).is_file()
    }

    /// Says that everything was installed in this folder.
    pub fn stamp(&self, place: &Path) -> io::Result<()> {
        std::fs::write(place.join(STAMP), "")
    }
}

/// The interpreter of an environment.
pub fn interpreter(place: &Path) -> PathBuf {
    place.join("bin/python")
}

/// `3.11.7`, as `python3` says.
fn python_version() -> Result<String, Error> {
    let script = "import platform; print(platform.python_version())";
    let output = Command::new("python3").args(["-c", script]).output().map_err(Error::Python)?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if text.starts_with("3.") { Ok(text) } else { Err(Error::Python(io::Error::other("no version"))) }
}
