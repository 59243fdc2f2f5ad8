//! `kubectl oci auth explain`: who a command would be to a registry, and why.

use clap::{Args, Subcommand};
use oci_artifact::name::Cloud;
use oci_registry::{Access, Client, Options};

use crate::{
    args::{DataOutput, RegistryArgs, parse_url},
    context::Context,
    error::Error,
    exit::Exit,
    ui::{self, Walk},
};

const EXAMPLES: &str = "Examples:
  # Where a login for this repository comes from
  kubectl oci auth explain oci://ghcr.io/org/app

  # And whether the registry takes it
  kubectl oci auth explain oci://ghcr.io/org/app:v1 --test";

/// About logging in
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Auth {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show where the login for a repository comes from, and try it
    Explain(Explain),
}

/// Show where the login for a repository comes from, and try it
///
/// Asks the same sources in the same order as every other command with the same flags, and says of each why it had
/// nothing. Helpers are started and clouds asked for that; the registry is asked with --test only. Exit code 0 if there is
/// a login (with --test: if the registry lets us in), 1 if not, 2 if that could not be found out.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Explain {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    /// Ask the registry too, step by step
    #[arg(long, visible_alias = "check")]
    test: bool,
    /// Print as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<DataOutput>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The walk is printed also where a source fails; the failure follows it.
pub(crate) async fn run(args: Auth, context: &Context) -> Result<Exit, Error> {
    let What::Explain(args) = args.what;
    let reference = parse_url(&args.url)?;
    let (repository, host) = (&reference.repository, reference.repository.host());
    let source = context.credentials(&args.registry, host).await?;
    let (mut walk, failed) = match source.credential(repository).await {
        Ok(lookup) => (Walk::new(repository, &lookup), None),
        Err(cause) => {
            let walk = Walk::failed(repository, &cause);
            (walk, Some(Error::Credentials { repository: repository.to_string(), cause }))
        }
    };
    let failed = match failed {
        None if args.test => {
            let options = Options { credentials: source, ..context.trusting(&args.registry.trust)? };
            let client = Client::new(options).repository(repository, Access::Pull);
            let failure = walk.tried(client.try_steps(reference.target.as_ref()).await);
            let known = walk.is_known();
            failure.map(|source| Error::Tried { repository: repository.to_string(), source, known })
        }
        failed => failed,
    };
    context.printer.data(&match args.output {
        Some(output) => ui::document(&walk, output.into())?,
        None => walk.show(),
    })?;
    if let Some(failed) = failed {
        return Err(failed);
    }
    if walk.is_good() {
        return Ok(Exit::Ok);
    }
    if let Some(cloud) = Cloud::of(host) {
        let way = format!("`--provider {cloud}` logs in by an identity");
        context.printer.warning(format!("{host} is a registry of {cloud}: {way}"));
    }
    Ok(Exit::Different)
}
