//! The tables of the programs, and where each is.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use super::{Error, assets, cache, go_version, workspace};

/// The variable that names a folder with `kube-apiserver`, `etcd` and perhaps `kubectl`, as controller-runtime has it.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// A program that is built from a published Go module.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// The name of the program.
    pub name: &'static str,
    /// The Go package of its `main`.
    pub package: &'static str,
    /// Where the module that pins it is, below the workspace.
    folder: &'static str,
    /// The command that builds it.
    command: &'static str,
    /// The module whose version the program must be told at link time, or it does not know its own.
    stamp: Option<&'static str>,
}

/// Registries, clients and installers, each in a module of its own, because their dependencies contradict each other.
pub const TOOLS: [Tool; 9] = [
    foreign("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", "tests/compat/go/cosign"),
    foreign("crane", "github.com/google/go-containerregistry/cmd/crane", "tests/compat/go/crane"),
    foreign(
        "distribution",
        "github.com/distribution/distribution/v3/cmd/registry",
        "tests/compat/go/distribution",
    ),
    foreign("helm", "helm.sh/helm/v4/cmd/helm", "tests/compat/go/helm"),
    foreign("krew", "sigs.k8s.io/krew/cmd/krew", "tests/compat/go/krew"),
    foreign("notation", "github.com/notaryproject/notation/cmd/notation", "tests/compat/go/notation"),
    foreign("olareg", "github.com/olareg/olareg/cmd/olareg", "tests/compat/go/olareg"),
    foreign("oras", "oras.land/oras/cmd/oras", "tests/compat/go/oras"),
    foreign("validate-krew-manifest", "sigs.k8s.io/krew/cmd/validate-krew-manifest", "tests/compat/go/krew"),
];

/// The programs of a control plane, of one module and in one folder of the cache.
pub const CONTROL_PLANE: [Tool; 4] = [
    server("etcd", "go.etcd.io/etcd/server/v3", None),
    server("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", Some("k8s.io/kubernetes")),
    server(
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        Some("k8s.io/kubernetes"),
    ),
    server("kubectl", "k8s.io/kubernetes/cmd/kubectl", Some("k8s.io/kubernetes")),
];

const fn foreign(name: &'static str, package: &'static str, folder: &'static str) -> Tool {
    Tool { name, package, folder, command: "cargo xtask tools", stamp: None }
}

const fn server(name: &'static str, package: &'static str, stamp: Option<&'static str>) -> Tool {
    Tool { name, package, folder: "tests/control-plane", command: "cargo xtask control-plane", stamp }
}

impl Tool {
    /// The tool of that name.
    pub fn named(name: &str) -> Result<Self, Error> {
        let mut all = TOOLS.into_iter().chain(CONTROL_PLANE);
        all.find(|tool| tool.name == name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// The folder of its Go module.
    pub fn module(&self) -> PathBuf {
        workspace().join(self.folder)
    }

    /// Where it is or will be in the cache: the folder carries Go's version and a digest of the module's pins.
    pub fn place(&self) -> Result<PathBuf, Error> {
        let sums = self.module().join("go.sum");
        let pins = std::fs::read(&sums).map_err(|source| Error::Module(sums, source))?;
        let key = oci_artifact::name::Digest::of(&pins);
        let module = self.folder.rsplit('/').next().unwrap_or(self.folder);
        let folder = format!("{module}-{}-{}", go_version()?, key.short());
        Ok(cache()?.join("tools").join(folder).join(self.name))
    }

    /// What the linker is told.
    pub fn ldflags(&self) -> Result<String, Error> {
        let mut flags = "-s -w".to_owned();
        if let Some(module) = self.stamp {
            let version = self.version_of(module)?;
            let mut parts = version.trim_start_matches('v').split('.');
            let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            for (name, value) in [("gitVersion", version.as_str()), ("gitMajor", major), ("gitMinor", minor)]
            {
                // Writing into a string cannot fail.
                let _ = write!(flags, " -X k8s.io/component-base/version.{name}={value}");
            }
        }
        Ok(flags)
    }

    /// The version at which its `go.mod` requires `module`.
    pub(super) fn version_of(&self, module: &str) -> Result<String, Error> {
        let path = self.module().join("go.mod");
        let text = std::fs::read_to_string(&path).map_err(|source| Error::Module(path.clone(), source))?;
        let found = text.lines().find_map(|line| {
            let mut words = line.trim_start().trim_start_matches("require ").split(' ');
            (words.next() == Some(module)).then(|| words.next()).flatten()
        });
        let missing = || io::Error::other(format!("no version of `{module}`"));
        found.map(str::to_owned).ok_or_else(|| Error::Module(path, missing()))
    }

    /// The program: from the folder that [`ASSETS`] names if it belongs to a control plane, else from the cache.
    pub fn find(&self) -> Result<PathBuf, Error> {
        match assets().filter(|_| CONTROL_PLANE.iter().any(|tool| tool.name == self.name)) {
            Some(folder) => self.find_in(&folder),
            None => self.cached(),
        }
    }

    pub(super) fn find_in(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(self.name);
        if path.is_file() {
            return Ok(path);
        }
        // Such folders often hold the two servers only.
        if ["kubectl", "kube-controller-manager"].contains(&self.name) {
            return self.cached();
        }
        Err(Error::Assets { name: self.name, folder: folder.to_owned(), command: self.command })
    }

    fn cached(&self) -> Result<PathBuf, Error> {
        self.at(self.place()?)
    }

    pub(super) fn at(&self, path: PathBuf) -> Result<PathBuf, Error> {
        let (name, command) = (self.name, self.command);
        if path.is_file() { Ok(path) } else { Err(Error::Missing { name, path, command }) }
    }
}
