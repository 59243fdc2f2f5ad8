//! `cargo xtask demo`: a tour of the plugin against a registry inside this process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use oci_testkit::{registry::Registry, tools::workspace};
use tempfile::TempDir;

use crate::{
    error::{At as _, Error, Result},
    printer, run,
};

const SOURCE: &str = "--source=https://github.com/stefanprodan/podinfo";

/// With a tag where it does not belong, an interval that never comes round, and a signature of anybody.
const WRONG: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: app
spec:
  url: REPOSITORY:v2
  interval: 0s
  verify:
    provider: cosign
";

const RIGHT: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: app
spec:
  url: REPOSITORY
  ref:
    tag: v2
  interval: 5m
  verify:
    provider: cosign
    secretRef:
      name: public-keys
";

pub(crate) fn run() -> Result<()> {
    run::interruptible(|interrupted| {
        let plugin = run::plugin(false)?;
        let registry = Registry::start();
        let folder = tempfile::tempdir().at("a temporary folder")?;
        let tour = Tour { plugin, folder, interrupted };
        tour.prepare()?;
        tour.walk(&registry)
    })
}

/// The place of the tour; everything in it goes away with it.
struct Tour<'a> {
    plugin: PathBuf,
    folder: TempDir,
    interrupted: &'a AtomicBool,
}

impl Tour<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepare(&self) -> Result<()> {
        copy(&workspace().join("deploy/samples/podinfo-lite"), &self.path("app"))?;
        let home = self.path("home");
        fs::create_dir_all(&home).at(home)
    }

    fn walk(&self, registry: &Registry) -> Result<()> {
        let repository = registry.url("demo/app");
        let (v1, v2) = (format!("{repository}:v1"), format!("{repository}:v2"));
        printer::line(&format!("A registry listens on {}; the sample is in ./app.", registry.host()));

        printer::step("Push the folder");
        let revision = "--revision=main@sha1:b3b00fe35424a45d373bf4c7214178bc36fd7872";
        self.oci(0, &["push", "artifact", &v1, "--path", "./app", SOURCE, revision])?;
        Self::wrote(registry, &["v1"])?;
        self.oci(0, &["list", "artifacts", &repository])?;

        printer::step("Change a file and see the difference");
        self.edit("app/configmap.yaml", "Greetings", "Greetings from a demo")?;
        self.oci(1, &["diff", "artifact", &v1, "--path", "./app", "--show"])?;

        printer::step("Push the change, with one more tag");
        let revision = "--revision=main@sha1:e6d8a1f3c5b7092d4e6f8a1b3c5d7e9f0a2b4c6d";
        self.oci(0, &["push", "artifact", &v2, "--path", "./app", "--tag", "latest", SOURCE, revision])?;
        Self::wrote(registry, &["latest", "v1", "v2"])?;
        self.oci(0, &["list", "artifacts", &repository])?;

        printer::step("Pull it elsewhere");
        self.oci(0, &["pull", "artifact", &v2, "-o", "./pulled"])?;
        self.oci(0, &["diff", "artifact", &v2, "--path", "./pulled"])?;
        self.same("app", "pulled")?;
        self.oci(0, &["inspect", "artifact", &v2])?;

        printer::step("A mistake is refused with a reason");
        self.oci(2, &["pull", "artifact", &format!("{repository}:v3"), "-o", "./nothing"])?;

        printer::step("So is a wrong OCIRepository, before it reaches a cluster");
        self.write("repository.yaml", &WRONG.replace("REPOSITORY", &repository))?;
        self.oci(1, &["lint", "-f", "./repository.yaml"])?;
        self.write("repository.yaml", &RIGHT.replace("REPOSITORY", &repository))?;
        self.oci(0, &["lint", "-f", "./repository.yaml"])?;
        printer::line(&format!(
            "\nThe demo is complete: {} requests to the registry; nothing is left behind.",
            registry.requests().len()
        ));
        Ok(())
    }

    /// Runs the plugin as a person would see it and checks how it ends.
    fn oci(&self, wanted: i32, arguments: &[&str]) -> Result<()> {
        let text = format!("kubectl oci {}", arguments.join(" "));
        printer::line(&format!("\n$ {text}"));
        let mut command = Command::new(&self.plugin);
        command.args(arguments).current_dir(self.folder.path());
        // The demo must not meet the user's logins or proxies.
        command.env("HOME", self.path("home")).env("DOCKER_CONFIG", self.path("home"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(name);
        }
        // One stream keeps what a terminal shows in its order, also in a file.
        command.stderr(std::io::stdout());
        let status = command.status().map_err(|source| Error::Spawn { command: text.clone(), source })?;
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(Error::Interrupted);
        }
        match status.code() {
            Some(code) if code == wanted => {
                if wanted != 0 {
                    printer::line(&format!("(exit code {wanted}, as expected)"));
                }
                Ok(())
            }
            _ => Err(Error::Unexpected { command: text, got: status.to_string(), wanted }),
        }
    }

    fn wrote(registry: &Registry, tags: &[&str]) -> Result<()> {
        let found = registry.tags("demo/app");
        if found == tags {
            return Ok(());
        }
        Err(Error::Wrong(format!("the registry has the tags {found:?}, expected {tags:?}")))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        printer::line(&format!("\n$ cat {name}\n{}", text.trim_end()));
        fs::write(&path, text).at(path)
    }

    fn edit(&self, name: &str, from: &str, to: &str) -> Result<()> {
        let path = self.path(name);
        let text = fs::read_to_string(&path).at(&path)?;
        printer::line(&format!("\n$ sed -i 's/{from}/{to}/' {name}"));
        fs::write(&path, text.replace(from, to)).at(path)
    }

    fn same(&self, one: &str, two: &str) -> Result<()> {
        let names = |folder: &str| -> Result<Vec<PathBuf>> {
            let path = self.path(folder);
            let entries = fs::read_dir(&path).at(&path)?;
            let mut names: Vec<PathBuf> =
                entries.flatten().map(|entry| PathBuf::from(entry.file_name())).collect();
            names.sort();
            Ok(names)
        };
        let all = names(one)?;
        let mut equal = all == names(two)?;
        for name in all {
            let read = |folder: &str| fs::read(self.path(folder).join(&name)).at(&name);
            equal &= read(one)? == read(two)?;
        }
        if equal { Ok(()) } else { Err(Error::Wrong(format!("./{two} differs from ./{one}"))) }
    }
}

/// Copies the files of a flat folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).at(to)?;
    for entry in fs::read_dir(from).at(from)?.flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).at(entry.path())?;
    }
    Ok(())
}
