//! `kubectl oci logout`: forget a login, where docker keeps it.

use std::path::PathBuf;

use clap::Args;
use oci_registry::auth::LoginPlace;

use crate::{context::Context, error::Error, exit::Exit};

const EXAMPLES: &str = "Examples:
  kubectl oci logout ghcr.io";

/// Forget the login of a registry, for this and every other program that reads Docker's logins
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Logout {
    #[arg(value_name = "REGISTRY", help = "Which: HOST[:PORT][/PATH], with or without oci://")]
    registry: String,
    /// Forget the login in this Docker file
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
}

/// To be logged out already is no failure.
pub(crate) async fn run(args: Logout, context: &Context) -> Result<Exit, Error> {
    let place = LoginPlace::parse(&args.registry)?;
    let store = context.desk.store(args.registry_config.as_ref())?;
    if store.forget(&place).await? {
        context.printer.data(&format!("Removing login credentials for {place}\n"))?;
    } else {
        context.printer.data(&format!("Not logged in to {place}\n"))?;
    }
    if args.registry_config.is_none()
        && let Ok(rest) = context.desk.files(None).credential(place.below()).await
        && let Some(found) = rest.found
    {
        context
            .printer
            .warning(format!("there is still a login for {place}: {:?}, {}", found.credential, found.origin));
    }
    Ok(Exit::Ok)
}
