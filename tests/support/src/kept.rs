//! A server that dies with us, whichever way we go.
//!
//! Tests keep a control plane in a static, which is never dropped, and a test process can be killed. So each server is
//! the child of a small shell that holds the read end of a pipe from here: when the pipe closes, the server is killed.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Background jobs of a shell read from `/dev/null`, hence the copy of standard input. Signals to the shell are ignored,
/// because it has to clean up after the test process. A server that leads a group is killed with the group. `$1` is removed at the end
/// when it is not empty, `$2` gets the server's process; the rest is its command line.
const KEEPER: &str = r#"
folder=$1; identity=$2; shift 2
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
if [ -n "$identity" ]; then echo $server >"$identity"; fi
{ read -r _ <&3; kill -KILL -$server || kill -KILL $server; } 2>/dev/null & keeper=$!
wait $server; code=$?
kill -KILL $keeper 2>/dev/null
if [ -n "$folder" ]; then rm -rf "$folder"; fi
exit $code
"#;

/// How many lines of a log an error shows.
const SHOWN: usize = 40;

/// A server that is to be started.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    /// The program.
    pub(crate) program: &'a Path,
    /// Its arguments.
    pub(crate) arguments: &'a [String],
    /// Its whole environment, beside a `PATH`.
    pub(crate) environment: &'a [(String, String)],
    /// Where it runs.
    pub(crate) folder: &'a Path,
    /// The file in the folder that its output is added to.
    pub(crate) log: &'a str,
    /// What goes away with it.
    pub(crate) remove: Option<&'a Path>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Kept {
    shell: Child,
    log: PathBuf,
    identity: PathBuf,
}

impl Kept {
    /// Starts it.
    pub(crate) fn start(start: &Start<'_>) -> io::Result<Self> {
        let log = start.folder.join(start.log);
        let identity = log.with_extension("pid");
        let output = File::options().create(true).append(true).open(&log)?;
        let errors = output.try_clone()?;
        // What an earlier server of this name wrote.
        let _ = std::fs::remove_file(&identity);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(start.remove.unwrap_or(Path::new(""))).arg(&identity);
        command.arg(start.program).args(start.arguments).current_dir(start.folder);
        command.env_clear().env("PATH", "/usr/bin:/bin").envs(start.environment.iter().cloned());
        // Ctrl-C is for the test process: what it started then ends in its order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        // The pipe's other end is inherited by nobody: the standard library opens it close-on-exec.
        let shell = command.stdin(Stdio::piped()).stdout(output).stderr(errors).spawn()?;
        Ok(Self { shell, log, identity })
    }

    /// The server's process; `None` for the moment until it is started.
    pub(crate) fn process(&self) -> Option<i32> {
        std::fs::read_to_string(&self.identity).ok()?.strip_suffix('\n')?.parse().ok()
    }

    /// All that it wrote.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The exit code, once it has ended; 128 and the signal's number after a signal.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.shell.try_wait().ok().flatten().map(|status| status.code().unwrap_or(-1))
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// The last lines of its log.
    pub(crate) fn said(&self) -> String {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
