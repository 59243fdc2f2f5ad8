//! Programs of clouds at a person's desk: `az`, `gcloud`.

use std::time::Duration;

use oci_registry::{Secret, program};

use crate::{environment::Environment, error::IdentityError, place::Miss};

/// Time for an answer: these programs start an interpreter, and talk to their cloud.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `name` writes when it is run with these arguments. That it is not there, or says that it has nothing, is no
/// error; that it hangs or floods is one.
pub(crate) async fn ask(
    environment: &Environment,
    name: &str,
    arguments: &[&str],
    log_in: &str,
) -> Result<Secret<Vec<u8>>, Miss> {
    ask_within(environment, name, arguments, log_in, PATIENCE).await
}

async fn ask_within(
    environment: &Environment,
    name: &str,
    arguments: &[&str],
    log_in: &str,
    patience: Duration,
) -> Result<Secret<Vec<u8>>, Miss> {
    let path = environment.path.as_deref().unwrap_or_default();
    let Some(file) = program::find(name, path) else {
        return Err(Miss::nothing("it is not installed"));
    };
    let outcome = program::run(&file, arguments, b"", patience).await.map_err(|fault| {
        IdentityError::Setting { place: format!("`{name}`"), detail: fault.to_string(), hint: None }
    })?;
    if outcome.status.success() {
        return Ok(Secret::new(outcome.stdout));
    }
    let said = program::said(&outcome.stderr);
    let said = if said.is_empty() { outcome.status.to_string() } else { said };
    Err(Miss::nothing(format!("it gave no token: {said} (`{log_in}` logs in)")))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    /// What a script in place of the program comes to.
    async fn run(script: &str, patience: Duration) -> Result<Vec<u8>, Miss> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), script);
        let environment = Environment { path: Some(folder.path().into()), ..Environment::default() };
        let asked = ask_within(&environment, "cloudy", &["--token"], "cloudy login", patience).await;
        asked.map(|out| out.expose().clone())
    }

    /// By another process: a file that is open for writing here would be busy in a process that another test forks.
    fn write(folder: &Path, script: &str) {
        let (source, file) = (folder.join("source"), folder.join("cloudy"));
        fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
        assert!(
            Command::new("install").args(["-m", "755"]).args([&source, &file]).status().unwrap().success()
        );
    }

    async fn missed(script: &str) -> Miss {
        run(script, PATIENCE).await.map(drop).unwrap_err()
    }

    #[tokio::test]
    async fn program_is_asked_with_its_arguments() {
        assert_eq!(run(r#"echo "got $1""#, PATIENCE).await.unwrap(), b"got --token\n");
    }

    #[tokio::test]
    async fn program_that_has_nothing_says_why() {
        let Miss::Nothing(why) = missed("echo 'not logged in' >&2; exit 1").await else { panic!("failed") };
        assert_eq!(why, "it gave no token: not logged in (`cloudy login` logs in)");
        let Miss::Nothing(why) = missed("exit 3").await else { panic!("failed") };
        assert_eq!(why, "it gave no token: exit status: 3 (`cloudy login` logs in)");
        let nobody = ask(&Environment::default(), "cloudy", &[], "cloudy login").await;
        let Err(Miss::Nothing(why)) = nobody else { panic!("found") };
        assert_eq!(why, "it is not installed");
    }

    #[tokio::test]
    async fn program_that_hangs_or_floods_is_an_error() {
        let Miss::Failed(error) = missed("head -c 1073741824 /dev/zero").await else { panic!("passed") };
        assert_eq!(error.to_string(), "`cloudy`: more than 65536 bytes of output");
        let hung = run("exec sleep 600", Duration::from_millis(50)).await;
        let Err(Miss::Failed(error)) = hung else { panic!("passed") };
        assert_eq!(error.to_string(), "`cloudy`: no answer within 0.05 s");
    }
}
