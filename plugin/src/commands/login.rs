//! `kubectl oci login`: check a user and password, and keep them where docker keeps them.

use std::path::PathBuf;

use clap::Args;
use oci_registry::{
    Client, Credential, Secret,
    auth::{Kept, LoginPlace},
};

use crate::{args::TrustArgs, context::Context, error::Error, exit::Exit, ui};

const EXAMPLES: &str = "Examples:
  # Asks for the password
  kubectl oci login ghcr.io --username me

  # In a script
  echo \"$TOKEN\" | kubectl oci login ghcr.io -u me --password-stdin

  # For the repositories below quay.io/org alone
  kubectl oci login quay.io/org -u robot --password-stdin < token";

/// Log in to a registry, for this and every other program that reads Docker's logins
///
/// The registry is asked first: a wrong password is not kept. The login goes to the helper that Docker's file names for
/// the registry (`credHelpers`, `credsStore`), or into the file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Login {
    #[arg(value_name = "REGISTRY", help = "Which: HOST[:PORT][/PATH], with or without oci://")]
    registry: String,
    /// User; asked for if absent
    #[arg(long, short = 'u', value_name = "USER")]
    username: Option<String>,
    /// Password or token; everybody on this computer can see it, better is --password-stdin
    #[arg(long, short = 'p', value_name = "PASSWORD", conflicts_with = "password_stdin")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Keep the login in this Docker file
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Nothing is kept that the registry does not take, and nothing is asked for that cannot be kept.
pub(crate) async fn run(args: Login, context: &Context) -> Result<Exit, Error> {
    let place = LoginPlace::parse(&args.registry)?;
    let store = context.desk.store(args.registry_config.as_ref())?;
    store.check(&place).await?;
    if args.password.is_some() {
        context
            .printer
            .warning("--password shows the password to everybody on this computer: use --password-stdin");
    }
    let client = Client::new(context.trusting(&args.trust)?);
    let username = username(&args, &place, context).await?;
    let password = password(&args, context).await?;
    let credential = Credential::Basic { username: username.clone(), password: password.clone() };
    context.printer.action(format!("logging in to {place} as {}", ui::clean(&username)));
    let asked = client.try_login(&place, credential).await;
    let asked = asked.map_err(|source| Error::Login { place: place.to_string(), source })?;
    if !asked {
        context.printer.warning(format!("{} lets everybody in: the password was not checked", place.host()));
    }
    match store.keep(&place, &username, &password).await? {
        Kept::Helper { program, .. } => context.printer.success(format!("the login is kept by {program}")),
        Kept::File { file } => {
            context.printer.success(format!("the login is kept in {file}"));
            context.printer.warning(
                "it is kept unencrypted: name a credential helper in `credsStore` or `credHelpers` of that file",
            );
        }
    }
    context.printer.data("Login Succeeded\n")?;
    Ok(Exit::Ok)
}

async fn username(args: &Login, place: &LoginPlace, context: &Context) -> Result<String, Error> {
    let username = if let Some(username) = &args.username {
        username.clone()
    } else {
        interactive(context, "--username")?;
        ui::ask(&format!("Username for {place}"), context).await?
    };
    if username.is_empty() || username.contains(|c: char| c == ':' || c.is_control()) {
        return Err(Error::usage("a user's name is not empty and has no colon and no control characters"));
    }
    Ok(username)
}

async fn password(args: &Login, context: &Context) -> Result<Secret<String>, Error> {
    let password = match &args.password {
        Some(password) => password.clone(),
        None if args.password_stdin => return context.piped_password().await,
        None => {
            interactive(context, "--password-stdin")?;
            ui::ask_secretly("Password", context).await?
        }
    };
    if password.is_empty() || password.contains('\0') {
        return Err(Error::usage("a password is not empty and has no NUL character"));
    }
    Ok(Secret::new(password))
}

/// Questions are for those who can answer them.
fn interactive(context: &Context, flag: &str) -> Result<(), Error> {
    if context.surroundings.interactive {
        return Ok(());
    }
    Err(Error::usage(format!("standard input is no terminal to ask at: pass {flag}")))
}
