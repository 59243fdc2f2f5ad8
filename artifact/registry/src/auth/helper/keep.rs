//! What a helper is told: to keep a credential, and to forget one.

use std::{ffi::OsStr, time::Duration};

use serde::Serialize;

use super::{super::Secret, HelperError, run::ask};
use crate::program::Outcome;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Kept<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

/// Gives `docker-credential-<program>` a credential to keep, in place of any that it has for `server`.
pub(in crate::auth) async fn store(
    program: &str,
    server: &str,
    username: &str,
    secret: &Secret<String>,
    deadline: Duration,
    path: &OsStr,
) -> Result<(), HelperError> {
    // Text always becomes JSON.
    let input = serde_json::to_vec(&Kept { server, username, secret: secret.expose() }).unwrap_or_default();
    let (run, outcome) = ask(program, "store", server, &input, deadline, path).await?;
    if outcome.status.success() {
        return Ok(());
    }
    // A helper may well repeat what it was told.
    let outcome = if repeats(&outcome, secret.expose()) {
        Outcome { status: outcome.status, stdout: Vec::new(), stderr: Vec::new() }
    } else {
        outcome
    };
    run.failure(&outcome)?;
    Err(run.unusable("it looked for the credential that it was to keep"))
}

/// Lets `docker-credential-<program>` forget what it has for `server`; it may have nothing.
pub(in crate::auth) async fn erase(
    program: &str,
    server: &str,
    deadline: Duration,
    path: &OsStr,
) -> Result<(), HelperError> {
    let (run, outcome) = ask(program, "erase", server, server.as_bytes(), deadline, path).await?;
    if outcome.status.success() { Ok(()) } else { run.failure(&outcome) }
}

/// Whether the words of a helper hold the secret, as it is or as JSON has it.
fn repeats(outcome: &Outcome, secret: &str) -> bool {
    let written = serde_json::to_string(secret).unwrap_or_default();
    let written = written.trim_matches('"');
    [&outcome.stdout, &outcome.stderr].into_iter().any(|text| {
        let text = String::from_utf8_lossy(text);
        text.contains(secret) || text.contains(written)
    })
}
