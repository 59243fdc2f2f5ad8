//! One run of a helper, bounded in time and bytes.

use std::{
    ffi::OsStr,
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures_util::future::try_join3;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

use super::{
    super::{
        Credential,
        docker_config::{basic_or_identity, has_breaks, shown},
    },
    HelperError,
    find::find,
};

/// Bytes that a helper may write to stdout.
const OUTPUT_BYTES: u64 = 64 << 10;
/// Bytes of a helper's stderr that are kept; the rest is read and dropped, so that the helper does not block.
const STDERR_BYTES: u64 = 8 << 10;
/// Bytes of a helper's words in an error.
const SAID_BYTES: usize = 1 << 10;
/// How every helper says that it has nothing (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";

#[derive(Deserialize)]
struct Reply {
    #[serde(rename = "Username")]
    username: Option<String>,
    #[serde(rename = "Secret")]
    secret: Option<String>,
}

/// Asks `docker-credential-<program>` for the credential of `server`; `path` is where it is looked for, in the form of
/// `$PATH`. `None` if the helper has nothing. After `deadline` it is killed.
pub async fn get(
    program: &str,
    server: &str,
    deadline: Duration,
    path: &OsStr,
) -> Result<Option<Credential>, HelperError> {
    let (run, said) = ask(program, "get", server, server.as_bytes(), deadline, path).await?;
    if said.status.success() { run.credential(&said.stdout) } else { run.failure(&said).map(|()| None) }
}

/// How a helper ended, and what it wrote.
pub(super) struct Said {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Starts `docker-credential-<program> <action>` for `server`, with `input` on its stdin, and waits for its end.
pub(super) async fn ask(
    program: &str,
    action: &str,
    server: &str,
    input: &[u8],
    deadline: Duration,
    path: &OsStr,
) -> Result<(Run, Said), HelperError> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if program.is_empty() || !program.bytes().all(valid) {
        return Err(HelperError::Name { name: shown(program) });
    }
    let run = Run { program: format!("docker-credential-{program}"), server: shown(server) };
    let file = find(&run.program, path)
        .ok_or_else(|| HelperError::Missing { program: run.program.clone(), server: run.server.clone() })?;
    let mut child = Command::new(file)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| run.io("starting it", source))?;
    let outcome = timeout(deadline, run.talk(&mut child, input)).await.unwrap_or_else(|_| {
        let (program, server) = (run.program.clone(), run.server.clone());
        Err(HelperError::Timeout { program, server, deadline })
    });
    if outcome.is_err() {
        // It may still be running; its end is not waited for, a dropped child is killed and reaped.
        let _ = child.start_kill();
    }
    let said = outcome?;
    Ok((run, said))
}

/// Names for messages.
pub(super) struct Run {
    program: String,
    server: String,
}

impl Run {
    async fn talk(&self, child: &mut Child, input: &[u8]) -> Result<Said, HelperError> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ask = async {
            let Some(mut stdin) = stdin else { return Ok(()) };
            let sent = match stdin.write_all(input).await {
                Ok(()) => stdin.shutdown().await,
                failed => failed,
            };
            // A helper that never reads may be right all the same; its answer decides.
            sent.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
        };
        let ask = async { ask.await.map_err(|source| self.io("asking it", source)) };
        let answer = async {
            let answer =
                read(stdout, OUTPUT_BYTES).await.map_err(|source| self.io("reading its answer", source))?;
            answer.ok_or_else(|| self.endless())
        };
        let words = async { Ok(start(stderr).await) };
        let ((), stdout, stderr) = try_join3(ask, answer, words).await?;
        let status = child.wait().await.map_err(|source| self.io("waiting for it", source))?;
        Ok(Said { status, stdout, stderr })
    }

    fn credential(&self, stdout: &[u8]) -> Result<Option<Credential>, HelperError> {
        let reply: Reply = serde_json::from_slice(stdout)
            .map_err(|_| self.unusable("it is not a JSON object with `Username` and `Secret`"))?;
        let (username, secret) = (reply.username.unwrap_or_default(), reply.secret.unwrap_or_default());
        if username.is_empty() && secret.is_empty() {
            return Ok(None);
        }
        if has_breaks(&username) || secret.contains('\0') {
            return Err(self.unusable("its user has a line break, or its secret a NUL character"));
        }
        let credential = basic_or_identity(username, secret)
            .map_err(|_| self.unusable("the identity token contains characters that no token has"))?;
        Ok(Some(credential))
    }

    /// What the failure of a helper means; `Ok` if it only says that it has nothing.
    pub(super) fn failure(&self, said: &Said) -> Result<(), HelperError> {
        let (stdout, stderr) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        if [&stdout, &stderr].iter().flat_map(|text| text.lines()).any(|line| line.trim() == NOT_FOUND) {
            return Ok(());
        }
        // Helpers report on stdout, as docker expects it. What looks like an answer may hold a secret.
        let (stdout, stderr) = (stdout.trim(), stderr.trim());
        let text = if stdout.is_empty() || stdout.contains('{') { stderr } else { stdout };
        Err(HelperError::Failed {
            program: self.program.clone(),
            server: self.server.clone(),
            status: said.status.to_string(),
            text: escaped(text),
        })
    }

    fn io(&self, doing: &'static str, source: io::Error) -> HelperError {
        HelperError::Io { program: self.program.clone(), server: self.server.clone(), doing, source }
    }

    fn endless(&self) -> HelperError {
        HelperError::Endless {
            program: self.program.clone(),
            server: self.server.clone(),
            limit: OUTPUT_BYTES,
        }
    }

    pub(super) fn unusable(&self, fault: &'static str) -> HelperError {
        HelperError::Answer { program: self.program.clone(), server: self.server.clone(), fault }
    }
}

/// Everything, or `None` if it is more than `limit`.
async fn read(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(limit + 1).read_to_end(&mut out).await?;
    }
    Ok((out.len() as u64 <= limit).then_some(out))
}

/// The first bytes of stderr; it is read to its end, and a broken pipe is one.
async fn start(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(STDERR_BYTES).read_to_end(&mut out).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    out
}

/// A helper's words on one line, without control characters, cut.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= SAID_BYTES {
            out.push('…');
            break;
        }
        match c {
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}
