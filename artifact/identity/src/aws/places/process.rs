//! A program of the user's that hands out keys: `credential_process` of a profile.
//!
//! Followed: "Process credential provider" of the SDK guide. The program is started without a shell, as the AWS CLI does.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use oci_registry::program::{self, said};

use super::{Ask, Found, command, expanded, hinted, setting};
use crate::{aws::keys::Written, environment::Environment, error::IdentityError};

/// How long the program may take, as in the SDK for Go; some ask for a second factor.
const DEADLINE: Duration = Duration::from_mins(1);

/// The keys that the program prints.
pub(super) async fn keys(ask: Ask<'_>, profile: &str, line: &str) -> Result<Found, IdentityError> {
    let place = format!("credential_process of profile `{profile}`");
    let words = command::split(line).ok_or_else(|| setting(place.as_str(), "a quote is not closed"))?;
    let (first, arguments) = words.split_first().ok_or_else(|| setting(place.as_str(), "it is empty"))?;
    let file = executable(ask.context.environment, first).ok_or_else(|| {
        let hint = "give an absolute path, or install the program where `PATH` finds it";
        hinted(place.as_str(), format!("there is no program `{first}`"), hint)
    })?;
    let ran = program::run(&file, arguments, &[], DEADLINE).await;
    let outcome = ran.map_err(|fault| setting(place.as_str(), format!("`{first}`: {fault}")))?;
    if !outcome.status.success() {
        let words = said(&outcome.stderr);
        return Err(setting(place, format!("`{first}` failed ({}): {words}", outcome.status)));
    }
    // What serde says may quote the keys.
    let unusable =
        |detail: &str| setting(place.as_str(), format!("the output of `{first}` is unusable: {detail}"));
    let written: Written =
        serde_json::from_slice(&outcome.stdout).map_err(|_| unusable("it is not the JSON expected"))?;
    if written.version != Some(1) {
        return Err(unusable("its Version is not 1"));
    }
    Ok(Found { keys: written.lease().map_err(unusable)?, origin: format!("{place} (`{first}`)") })
}

/// The program's file. Paths are absolute: whoever owns the folder in which a command is run must not choose the program.
fn executable(environment: &Environment, name: &str) -> Option<PathBuf> {
    let path = expanded(environment, name);
    if path.is_absolute() {
        return path.is_file().then_some(path);
    }
    let is_name = Path::new(name).components().count() == 1 && !name.contains(['/', '\\']);
    environment.path.as_deref().filter(|_| is_name).and_then(|path| program::find(name, path))
}
