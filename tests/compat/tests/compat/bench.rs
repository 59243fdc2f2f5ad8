//! A folder to work in, our binary and the foreign ones, and what they say.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use oci_testkit::{
    planted,
    real::{Distribution, Mode, Olareg, Options},
    samples, tools,
};
use serde_json::Value;

/// Where every pushed artifact says that it comes from.
pub(crate) const ORIGIN: [&str; 4] = ["--source", "https://git.test/app", "--revision", "main@sha1:0badc0de"];
/// The media type of Flux's config.
pub(crate) const FLUX_CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
/// The media type of Flux's layer.
pub(crate) const FLUX_CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";

/// `distribution` without protection.
pub(crate) fn distribution() -> Distribution {
    Distribution::start(Mode::Plain).unwrap()
}

/// `olareg` without a rate limit.
pub(crate) fn olareg() -> Olareg {
    Olareg::start(Options::default()).unwrap()
}

/// Paths below a folder: what a file holds and whether it may be executed; nothing for a folder.
pub(crate) type Tree = BTreeMap<String, Option<(Vec<u8>, bool)>>;

/// A folder that is gone when this is dropped, with `app/` in it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// What a person saw of our binary.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// `app/`: manifests, a script, an empty file and folder, names that are long or not ASCII.
    pub(crate) fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(bench.path("app/empty")).unwrap();
        samples::small(&bench.path("app")).unwrap();
        bench.write("app/hooks/run.sh", "#!/bin/sh\n");
        fs::set_permissions(bench.path("app/hooks/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        bench.write("app/nothing.yaml", "");
        bench.write("app/größe & <maß>.yaml", "a: 1\n");
        bench.write(&format!("app/{}/{}.yaml", "folder".repeat(15), "file".repeat(30)), "b: 2\n");
        bench
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs our binary; it sees nothing of the environment but this folder.
    pub(crate) fn run(&self, args: &[&str]) -> Seen {
        self.run_with(args, "")
    }

    /// The same with something on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Seen {
        let binary = tools::program("kubectl-oci").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(binary);
        command.args(args).env_clear();
        self.seen(&mut command, input.as_bytes())
    }

    fn seen(&self, command: &mut Command, input: &[u8]) -> Seen {
        let output = self.finish(command, input);
        planted::assert_clean("standard output", &output.stdout);
        planted::assert_clean("standard error", &output.stderr);
        Seen {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs our binary with the password of keys in the environment.
    pub(crate) fn signing(&self, args: &[&str]) -> Seen {
        let binary = tools::program("kubectl-oci").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(binary);
        command.args(args).env_clear().env("COSIGN_PASSWORD", planted::KEY_PASSWORD);
        self.seen(&mut command, b"")
    }

    /// Runs cosign, which keeps to itself; it sees the password of keys.
    pub(crate) fn cosign(&self, args: &[&str]) -> Seen {
        let mut command = tools::command("cosign").unwrap_or_else(|error| panic!("{error}"));
        command.args(args).env("COSIGN_PASSWORD", planted::KEY_PASSWORD);
        self.seen(&mut command, b"")
    }

    /// Runs what has to succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> Seen {
        let seen = self.run(args);
        assert_eq!(seen.code, Some(0), "{args:?}: {seen:#?}");
        seen
    }

    /// Runs what has to fail with exit code 2, one error and no data; its standard error.
    pub(crate) fn fails(&self, args: &[&str]) -> String {
        let seen = self.run(args);
        assert_eq!((seen.code, seen.stdout.as_str()), (Some(2), ""), "{args:?}: {seen:#?}");
        assert_eq!(seen.stderr.matches('✗').count(), 1, "{args:?}: {seen:#?}");
        seen.stderr
    }

    /// Pushes `app/` and returns the digest that we say.
    pub(crate) fn push(&self, url: &str, more: &[&str]) -> String {
        let args = [&["push", "artifact", url, "-f", "app", "-o", "json"], &ORIGIN[..], more].concat();
        text(&json(&self.ok(&args).stdout)["digest"])
    }

    /// `inspect` as data.
    pub(crate) fn inspect(&self, url: &str) -> Value {
        json(&self.ok(&["inspect", "artifact", url, "-o", "json"]).stdout)
    }

    /// The tags that `list` shows.
    pub(crate) fn tags(&self, url: &str) -> Vec<String> {
        let names = self.ok(&["list", "artifacts", url, "-o", "name"]).stdout;
        names.lines().map(|line| line.rsplit(':').next().unwrap().to_owned()).collect()
    }

    /// Pulls into a new folder and returns what is in it.
    pub(crate) fn pull(&self, url: &str) -> Tree {
        let place = tempfile::tempdir_in(self.folder.path()).unwrap();
        self.ok(&["pull", "artifact", url, "-o", place.path().to_str().unwrap()]);
        tree(place.path())
    }

    /// The exit code of `diff` with a folder.
    pub(crate) fn diff(&self, url: &str, folder: &str) -> Option<i32> {
        self.run(&["diff", "artifact", url, "--path", folder]).code
    }

    /// Runs oras, which has to succeed; its standard output.
    pub(crate) fn oras(&self, args: &[&str]) -> Vec<u8> {
        self.foreign(tools::command("oras").unwrap(), args)
    }

    /// Runs crane, which has to succeed; its standard output.
    pub(crate) fn crane(&self, args: &[&str]) -> Vec<u8> {
        self.foreign(tools::command("crane").unwrap(), args)
    }

    /// Runs notation with the configuration in `home/`, which has to succeed.
    pub(crate) fn notation(&self, args: &[&str]) -> Vec<u8> {
        let mut command = tools::command("notation").unwrap();
        command.env("XDG_CONFIG_HOME", self.path("home/.config"));
        self.foreign(command, args)
    }

    /// A digest or a name from crane, without the end of the line.
    pub(crate) fn crane_text(&self, args: &[&str]) -> String {
        String::from_utf8(self.crane(args)).unwrap().trim().to_owned()
    }

    /// Runs a program of the system, which has to succeed; its standard output.
    pub(crate) fn system(&self, name: &str, args: &[&str]) -> Vec<u8> {
        let mut command = Command::new(name);
        command.env("LC_ALL", "C.UTF-8");
        self.foreign(command, args)
    }

    /// Unpacks with the system's tar into a new folder and returns what is in it.
    pub(crate) fn untar(&self, archive: &str) -> Tree {
        let place = tempfile::tempdir_in(self.folder.path()).unwrap();
        self.system("tar", &["-xf", archive, "-C", place.path().to_str().unwrap()]);
        tree(place.path())
    }

    /// Packs `app/` with the system's tar: names begin with `./`, folders end with `/`.
    pub(crate) fn tar(&self, archive: &str) {
        self.system("tar", &["-caf", archive, "-C", "app", "."]);
    }

    /// `sha256:…` of the bytes, by the system's program.
    pub(crate) fn sha256(&self, bytes: &[u8]) -> String {
        let output = self.finish(&mut Command::new("sha256sum"), bytes);
        format!("sha256:{}", String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap())
    }

    fn foreign(&self, mut command: Command, args: &[&str]) -> Vec<u8> {
        let output = self.finish(command.args(args), b"");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} {args:?}: {errors}", command.get_program());
        output.stdout
    }

    fn finish(&self, command: &mut Command, input: &[u8]) -> Output {
        command.current_dir(self.folder.path()).env("HOME", self.path("home"));
        command.env("DOCKER_CONFIG", self.path("docker")).env("TMPDIR", self.folder.path());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // A program that does not read its input may have closed it.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }
}

/// Everything below a folder.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut todo = vec![root.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                todo.push(path);
                found.insert(name, None);
            } else {
                let executable = path.metadata().unwrap().permissions().mode() & 0o100 != 0;
                found.insert(name, Some((fs::read(path).unwrap(), executable)));
            }
        }
    }
    found
}

/// Data that somebody printed.
pub(crate) fn json(text: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(text.as_ref()).unwrap()
}

/// A string of it.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}
