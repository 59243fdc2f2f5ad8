//! One run of a helper.

use std::{ffi::OsStr, time::Duration};

use serde::Deserialize;

use super::{
    super::{
        Credential,
        docker_config::{basic_or_identity, has_breaks, shown},
    },
    HelperError,
};
use crate::program::{self, OUTPUT_BYTES, Outcome, ProgramFault, find, said};

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
    let (run, outcome) = ask(program, "get", server, server.as_bytes(), deadline, path).await?;
    if outcome.status.success() {
        run.credential(&outcome.stdout)
    } else {
        run.failure(&outcome).map(|()| None)
    }
}

/// Starts `docker-credential-<program> <action>` for `server`, with `input` on its stdin, and waits for its end.
pub(super) async fn ask(
    program: &str,
    action: &str,
    server: &str,
    input: &[u8],
    deadline: Duration,
    path: &OsStr,
) -> Result<(Run, Outcome), HelperError> {
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if program.is_empty() || !program.bytes().all(valid) {
        return Err(HelperError::Name { name: shown(program) });
    }
    let run = Run { program: format!("docker-credential-{program}"), server: shown(server) };
    let file = find(&run.program, path)
        .ok_or_else(|| HelperError::Missing { program: run.program.clone(), server: run.server.clone() })?;
    let ran = program::run(&file, [action], input, deadline).await;
    let outcome = ran.map_err(|fault| run.fault(fault))?;
    Ok((run, outcome))
}

/// Names for messages.
pub(super) struct Run {
    program: String,
    server: String,
}

impl Run {
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
    pub(super) fn failure(&self, outcome: &Outcome) -> Result<(), HelperError> {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&outcome.stdout), String::from_utf8_lossy(&outcome.stderr));
        if [&stdout, &stderr].iter().flat_map(|text| text.lines()).any(|line| line.trim() == NOT_FOUND) {
            return Ok(());
        }
        // Helpers report on stdout, as docker expects it. What looks like an answer may hold a secret.
        let (stdout, stderr) = (stdout.trim(), stderr.trim());
        let text = if stdout.is_empty() || stdout.contains('{') { stderr } else { stdout };
        Err(HelperError::Failed {
            program: self.program.clone(),
            server: self.server.clone(),
            status: outcome.status.to_string(),
            text: said(text.as_bytes()),
        })
    }

    fn fault(&self, fault: ProgramFault) -> HelperError {
        let (program, server) = (self.program.clone(), self.server.clone());
        match fault {
            ProgramFault::Io { doing, source } => HelperError::Io { program, server, doing, source },
            ProgramFault::Timeout(deadline) => HelperError::Timeout { program, server, deadline },
            ProgramFault::Endless => HelperError::Endless { program, server, limit: OUTPUT_BYTES },
        }
    }

    pub(super) fn unusable(&self, fault: &'static str) -> HelperError {
        HelperError::Answer { program: self.program.clone(), server: self.server.clone(), fault }
    }
}
