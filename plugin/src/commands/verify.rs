//! `kubectl oci verify artifact`: whose signature an artifact has.

use clap::Args;
use oci_registry::Access;
use oci_verify::Verdict;

use crate::{
    args::{Output, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    signing::{self, FilePolicy, PolicyArgs, Report, Unverified},
    ui,
};

const EXAMPLES: &str = "Examples:
  # By a key
  kubectl oci verify artifact oci://ghcr.io/org/app:v1 --key cosign.pub

  # By who signed without one
  kubectl oci verify artifact oci://ghcr.io/org/app:v1 \\
    --certificate-identity \\
      https://github.com/org/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com

  # By Notation's trust policy
  kubectl oci verify artifact oci://ghcr.io/org/app:v1 \\
    --trust-policy trustpolicy.json --certificate root.crt

  # As the controller would for this object
  kubectl oci verify artifact oci://ghcr.io/org/app:v1 -f app.yaml

Logs are never asked, and with a key they are not looked at. Exit codes: 0 signed as it should be, 1 not, or the trust
policy skips verification, 2 it could not be found out.";

/// Check whose signature an artifact has
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    #[arg(value_name = "URL", help = "What: oci://HOST/REPOSITORY[:TAG|@DIGEST]")]
    url: String,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    file: FilePolicy,
    /// Print the result as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The tag is resolved once; what is verified is its digest, which is printed.
pub(crate) async fn run(args: Verify, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let policy = match args.file.policy(context).await? {
        Some(_) if !args.policy.is_empty() => {
            return Err(Error::usage("-f says whose signature counts: leave --key and the others out"));
        }
        Some(policy) => policy,
        None => args.policy.policy(context)?,
    };
    let client = context.client(&args.registry, reference.repository.host()).await?;
    let repository = client.repository(&reference.repository, Access::Pull);
    let doing = || format!("verifying {reference}");
    if args.output.is_none() {
        context.printer.action(doing());
    }
    // Not by HEAD: what is signed must be there.
    let fetched = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    let artifact = fetched.digest.clone();
    let verdict = signing::judge(&repository, &policy, fetched.into(), context).await;
    let name = format!("{}@{artifact}", reference.repository);
    match (args.output, &verdict) {
        (None, Verdict::Verified(verified)) => signing::tell(&name, verified, context),
        (Some(Output::Name), Verdict::Verified(_)) => context.printer.data(&format!("{name}\n"))?,
        (None | Some(Output::Name), _) => {}
        (Some(output), _) => {
            let report = Report::new(name.clone(), artifact, &verdict);
            context.printer.data(&ui::document(&report, output)?)?;
        }
    }
    match verdict {
        Verdict::Verified(_) => Ok(Exit::Ok),
        _ => Err(Unverified::new(name, verdict).into()),
    }
}
