//! The real kubectl, and what it said.

use std::{
    fmt,
    io::Write as _,
    process::{Command, Stdio},
};

use super::ControlPlane;
use crate::{planted, tools};

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The command line.
    pub command: String,
    /// The exit code; -1 after a signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs the command to its end, away from the runtime: a webhook that the test serves must go on answering. The test
    /// fails if it shows a planted secret.
    pub async fn of(command: Command) -> Self {
        Self::with_input(command, "").await
    }

    /// The same with text on standard input.
    pub async fn with_input(mut command: Command, input: &str) -> Self {
        let input = input.to_owned();
        let work = move || {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let writer = std::thread::spawn(move || {
                // A program that does not read its input closes it.
                let _ = stdin.write_all(input.as_bytes());
            });
            let output = child.wait_with_output().unwrap();
            writer.join().unwrap();
            planted::assert_clean("standard output", &output.stdout);
            planted::assert_clean("standard error", &output.stderr);
            Self {
                command: shown(&command),
                code: output.status.code().unwrap_or(-1),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    /// Standard output, after a success; else the test fails with the whole screen.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.code == 0, "{self}");
        self.stdout
    }

    /// Standard error, after a failure; else the test fails with the whole screen.
    #[track_caller]
    pub fn failed(self) -> String {
        assert!(self.code != 0, "{self}");
        self.stderr
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}\nexit code {}", self.command, self.code)?;
        write!(f, "--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr)
    }
}

fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

impl ControlPlane {
    /// kubectl as the administrator, with a home of its own and no proxies.
    pub fn kubectl(&self) -> Command {
        let mut command = tools::command("kubectl").unwrap_or_else(|error| panic!("{error}"));
        command.current_dir(self.home()).env("HOME", self.home()).env("KUBECONFIG", self.kubeconfig());
        command.env_remove("KUBECTL_COMMAND_HEADERS");
        command
    }

    /// Runs kubectl as the administrator.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.kubectl();
        command.args(arguments);
        Ran::of(command).await
    }

    /// Applies documents of any kinds on the server's side, as the administrator; the test fails unless all are taken.
    pub async fn apply(&self, yaml: &str) -> String {
        self.try_apply(yaml).await.succeeded()
    }

    /// The same, for documents that may be refused.
    pub async fn try_apply(&self, yaml: &str) -> Ran {
        let mut command = self.kubectl();
        command.args(["apply", "--server-side", "--force-conflicts", "--filename=-"]);
        Ran::with_input(command, yaml).await
    }
}
