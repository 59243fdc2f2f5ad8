//! A registry, a folder, and the binary with an environment of its own.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use oci_testkit::{planted, registry::Registry};

/// A registry and a folder; both are gone when this is dropped.
pub(crate) struct Sandbox {
    pub(crate) registry: Registry,
    folder: tempfile::TempDir,
}

/// What a person saw.
pub(crate) struct Screen {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    host: String,
    folder: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::with(Registry::start())
    }

    pub(crate) fn with(registry: Registry) -> Self {
        Self { registry, folder: tempfile::tempdir().unwrap() }
    }

    /// A sandbox with `app/` holding two manifests, pushed as `app:v1`.
    pub(crate) fn pushed() -> Self {
        let sandbox = Self::pushed_to(Registry::start(), &[]);
        sandbox.registry.reset();
        sandbox
    }

    /// The same in another registry, pushed with these flags.
    pub(crate) fn pushed_to(registry: Registry, flags: &[&str]) -> Self {
        let sandbox = Self::with(registry);
        sandbox.sample();
        let push = ["push", "artifact", "URL/app:v1", "-f", "app", "--source", "s", "--revision", "r"];
        sandbox.ok(&[&push[..], flags].concat());
        sandbox
    }

    /// Writes `app/` with two manifests.
    pub(crate) fn sample(&self) {
        self.write("app/deployment.yaml", "kind: Deployment\n");
        self.write("app/base/service.yaml", "kind: Service\n");
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Every path below the sandbox's folder, sorted; hidden ones too.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut todo = vec![self.root().to_path_buf()];
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path.clone());
                }
                found.push(path.strip_prefix(self.root()).unwrap().display().to_string());
            }
        }
        found.sort();
        found
    }

    /// The binary with these arguments; `URL` in them becomes `oci://HOST`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-oci"));
        command.args(args.iter().map(|arg| arg.replace("URL", &format!("oci://{}", self.registry.host()))));
        command.current_dir(self.root()).env_clear().stdin(Stdio::null());
        let path = format!("{}:{}", self.path("bin").display(), search_path());
        command.env("HOME", self.path("home")).env("PATH", path);
        command.env("TMPDIR", self.temporary());
        command
    }

    /// A folder for temporary files, so that a test can look whether one was left.
    pub(crate) fn temporary(&self) -> PathBuf {
        let path = self.path("tmp");
        fs::create_dir_all(&path).unwrap();
        path
    }

    pub(crate) fn run(&self, args: &[&str]) -> Screen {
        self.screen(self.command(args).output().unwrap())
    }

    /// Runs with these variables.
    pub(crate) fn run_in(&self, args: &[&str], variables: &[(&str, &str)]) -> Screen {
        self.screen(self.command(args).envs(variables.iter().copied()).output().unwrap())
    }

    /// Puts the credential helper `docker-credential-NAME`, a shell script, on the search path.
    ///
    /// Another process writes it: were it open for writing here, a process that another test forks at that moment would
    /// hold it open, and starting it would fail.
    pub(crate) fn helper(&self, name: &str, script: &str) {
        self.write(&format!("bin/{name}.source"), &format!("#!/bin/sh\n{script}\n"));
        let (source, file) =
            (self.path(&format!("bin/{name}.source")), self.path(&format!("bin/docker-credential-{name}")));
        assert!(Command::new("install").args(["-m", "755"]).args([source, file]).status().unwrap().success());
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Screen {
        let mut child = Self::spawn(self.command(args).stdin(Stdio::piped()));
        // It may end without reading everything.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.screen(child.wait_with_output().unwrap())
    }

    pub(crate) fn spawn(command: &mut Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs what has to succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> Screen {
        let screen = self.run(args);
        assert_eq!(screen.code, Some(0), "{}", screen.show());
        screen
    }

    /// Runs what has to fail with exit code 2 and one error on standard error.
    pub(crate) fn fails(&self, args: &[&str]) -> Screen {
        let screen = self.run(args);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert!(screen.stdout.is_empty(), "{}", screen.show());
        screen
    }

    /// What the output shows; the test fails if it shows a planted secret.
    pub(crate) fn screen(&self, output: Output) -> Screen {
        planted::assert_clean("standard output", &output.stdout);
        planted::assert_clean("standard error", &output.stderr);
        Screen {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            host: self.registry.host(),
            folder: self.root().display().to_string(),
        }
    }
}

impl Screen {
    /// Exit code, standard output and standard error, with the parts that change replaced.
    pub(crate) fn show(&self) -> String {
        let mut out =
            format!("exit {}\n", self.code.map_or("by a signal".to_owned(), |code| code.to_string()));
        for (name, text) in [("out", &self.stdout), ("err", &self.stderr)] {
            for line in text.lines() {
                out.push_str(format!("{name}: {}", self.filter(line)).trim_end());
                out.push('\n');
            }
        }
        out
    }

    fn filter(&self, line: &str) -> String {
        let line = line.replace(&self.host, "HOST").replace(&format!("{}/home", self.folder), "HOME");
        let line = line.replace(&self.folder, "FOLDER");
        let mut parts = line.split("sha256:");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
            out.push_str(if digits == 64 { "sha256:DIGEST" } else { "sha256:" });
            out.push_str(&part[if digits == 64 { 64 } else { 0 }..]);
        }
        out
    }
}

/// A screen with a table, whose columns are as wide as what was replaced in them: spaces between columns are made three.
pub(crate) fn shows_table(screen: &Screen, expected: &str) {
    let squeezed = |text: &str| {
        let lines = text.trim().lines().map(|line| {
            let parts = line.trim_start().split("   ").map(str::trim).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("   ")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(squeezed(&screen.show()), squeezed(expected));
}

/// The directories in which programs are looked for.
#[expect(clippy::disallowed_methods, reason = "the tests' own environment, handed on to the binary")]
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap()
}

/// Compares a screen with what it should show; the indentation of the literal does not count.
pub(crate) fn shows(screen: &Screen, expected: &str) {
    let mut wanted = String::new();
    for line in expected.trim().lines() {
        let _ = writeln!(wanted, "{}", line.trim_start());
    }
    let actual = screen.show();
    assert!(actual == wanted, "expected:\n{wanted}\ngot:\n{actual}");
}
