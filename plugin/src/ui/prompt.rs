//! Asking the person at the terminal.

use std::io::{self, Read};

use oci_artifact::limits::Budget;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::printer::to_stderr;
use crate::{context::Context, error::Error, stdin::Stdin};

/// Bytes of an answer; a terminal takes no longer line.
const ANSWER_BYTES: u64 = 4_096;

/// Asks for one line.
pub(crate) async fn ask(question: &str, context: &Context) -> Result<String, Error> {
    to_stderr(&format!("{question}: "));
    line(context).await
}

/// Asks for one line that is not shown while it is typed.
pub(crate) async fn ask_secretly(question: &str, context: &Context) -> Result<String, Error> {
    // Hidden before the question is asked: nobody types before.
    let hidden = Hidden::begin().map_err(|source| Error::file("hiding what is typed at", "-", source))?;
    to_stderr(&format!("{question}: "));
    let answer = line(context).await;
    drop(hidden);
    to_stderr("\n");
    answer
}

async fn line(context: &Context) -> Result<String, Error> {
    let stdin = Stdin::new(context.control.clone());
    let read = tokio::task::spawn_blocking(move || read_line(Budget::new(stdin, ANSWER_BYTES, "the answer")));
    let line = read.await.map_err(|_| Error::Stopped("asking"))?;
    line.map_err(|source| Error::file("reading the answer from", "-", source))
}

/// Byte by byte: what follows the line belongs to the next question.
fn read_line(mut source: impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while source.read(&mut byte)? > 0 && byte != *b"\n" {
        line.extend(byte);
    }
    let text = String::from_utf8(line).map_err(|_| io::Error::other("it is no UTF-8"))?;
    Ok(text.trim_end_matches('\r').to_owned())
}

/// A terminal that shows nothing of what is typed. It shows it again when this is dropped, which an interrupt and the
/// end of the command's time do too.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut after = before.clone();
        after.local_modes.remove(LocalModes::ECHO);
        after.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Now, &after)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that went away needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
