//! Programs of the user's own that hand out secrets, run once: bounded in time and bytes.
//!
//! They run with the user's rights and environment, so nobody but the user may choose one: only names from the user's own
//! files and settings are ever looked for.

mod find;

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures_util::future::try_join3;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

pub use find::find;

/// Bytes that a program may write to stdout.
pub const OUTPUT_BYTES: u64 = 64 << 10;
/// Bytes of a program's stderr that are kept; the rest is read and dropped, so that the program does not block.
const STDERR_BYTES: u64 = 8 << 10;
/// Bytes of a program's words in an error.
const SAID_BYTES: usize = 1 << 10;

/// What a program left behind. Its stdout may be a secret.
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything that it wrote, at most [`OUTPUT_BYTES`].
    pub stdout: Vec<u8>,
    /// The first 8 KiB of its complaints.
    pub stderr: Vec<u8>,
}

/// Why a program left nothing that can be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ProgramFault {
    /// It did not start, or its pipes broke.
    #[error("{doing} failed: {source}")]
    Io {
        /// What was done with it.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It took too long, and was killed.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// It wrote more than [`OUTPUT_BYTES`], and was killed.
    #[error("more than {OUTPUT_BYTES} bytes of output")]
    Endless,
}

/// Starts `file` with these arguments, writes `input` to it, and waits for its end. After `deadline` it is killed.
pub async fn run(
    file: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    input: &[u8],
    deadline: Duration,
) -> Result<Outcome, ProgramFault> {
    let mut child = Command::new(file)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ProgramFault::Io { doing: "starting it", source })?;
    let talked = timeout(deadline, talk(&mut child, input)).await;
    let outcome = talked.unwrap_or(Err(ProgramFault::Timeout(deadline)));
    if outcome.is_err() {
        // It may still be running; its end is not waited for, a dropped child is killed and reaped.
        let _ = child.start_kill();
    }
    outcome
}

async fn talk(child: &mut Child, input: &[u8]) -> Result<Outcome, ProgramFault> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let failed = |doing| move |source| ProgramFault::Io { doing, source };
    let ask = async {
        let Some(mut stdin) = stdin else { return Ok(()) };
        let sent = match stdin.write_all(input).await {
            Ok(()) => stdin.shutdown().await,
            failed => failed,
        };
        // A program that never reads may be right all the same; its answer decides.
        sent.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
    };
    let ask = async { ask.await.map_err(failed("asking it")) };
    let answer = async {
        let answer = read(stdout, OUTPUT_BYTES).await.map_err(failed("reading its answer"))?;
        answer.ok_or(ProgramFault::Endless)
    };
    let words = async { Ok(start(stderr).await) };
    let ((), stdout, stderr) = try_join3(ask, answer, words).await?;
    let status = child.wait().await.map_err(failed("waiting for it"))?;
    Ok(Outcome { status, stdout, stderr })
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

/// A program's words on one line, without control characters, cut.
pub fn said(words: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(words).trim().chars() {
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
