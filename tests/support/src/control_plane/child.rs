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

/// Background jobs of a shell read from `/dev/null`, hence the copy of standard input. Ctrl-C reaches the whole group:
/// the shell ignores it, because it has to clean up after the test process, which does not. `$1` is removed at the end
/// when it is not empty; the rest is the server's command line.
const KEEPER: &str = r#"
folder=$1; shift
trap '' HUP INT TERM
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
{ read -r _ <&3; kill -KILL $server; } 2>/dev/null & keeper=$!
wait $server; code=$?
kill -KILL $keeper 2>/dev/null
if [ -n "$folder" ]; then rm -rf "$folder"; fi
exit $code
"#;

/// How many lines of a log an error shows.
const SHOWN: usize = 40;

/// A running server.
#[derive(Debug)]
pub(super) struct Kept {
    shell: Child,
    log: PathBuf,
}

impl Kept {
    /// Starts `program` in `folder`, with its output in `log`; a folder that `remove` names goes away with it.
    pub(super) fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        log: &str,
        remove: Option<&Path>,
    ) -> io::Result<Self> {
        let log = folder.join(log);
        let output = File::options().create(true).append(true).open(&log)?;
        let errors = output.try_clone()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(remove.unwrap_or(Path::new(""))).arg(program);
        command.args(arguments).current_dir(folder).env_clear();
        // The pipe's other end is inherited by nobody: the standard library opens it close-on-exec.
        let shell = command
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()?;
        Ok(Self { shell, log })
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// The last lines of its log.
    pub(super) fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
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
