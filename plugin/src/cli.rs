//! The command tree: `kubectl oci VERB artifact …`, as the Flux CLI has it, `kubectl oci VERB NAME` for objects in a
//! cluster, and what is done with manifests.

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    commands::{
        build, completion, convert, copy, create, diff, doctor, dry_run, explain, export, generate, get,
        inspect, install, lint, list, login, logout, pull, push, reconcile, sign, suspend, tag, uninstall,
        verify, version,
    },
    context::Context,
    error::Error,
    exit::Exit,
    global::Global,
};

/// Ship Kubernetes configuration as OCI artifacts.
///
/// Packs folders of manifests into OCI artifacts that Flux's `OCIRepository` understands, and pushes, pulls, lists,
/// compares, tags, copies, signs and verifies them. Works with any OCI registry and the logins of Docker or of a cloud. Checks manifests of that kind,
/// and makes, shows and steers the objects in a cluster.
#[derive(Debug, Parser)]
#[command(name = "kubectl-oci", version, max_term_width = 110, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Pack a folder and push it to a registry
    Push(Noun<push::Push>),
    /// Download an artifact and extract it
    Pull(Noun<pull::Pull>),
    /// Pack a folder into a local file
    Build(Noun<build::Build>),
    /// Give an artifact more tags
    Tag(Noun<tag::Retag>),
    /// List the artifacts of a repository
    List(Noun<list::List>),
    /// Compare an artifact with a folder or another artifact
    Diff(Noun<diff::Diff>),
    /// Show manifest, annotations, layers and referrers of an artifact
    Inspect(Noun<inspect::Inspect>),
    /// Copy an artifact between registries and OCI layout folders
    Copy(Noun<copy::Copy>),
    /// Sign an artifact with a key
    Sign(Noun<sign::Sign>),
    /// Check whose signature an artifact has
    Verify(Noun<verify::Verify>),
    /// Make a pair of keys to sign with
    Generate(generate::Generate),
    /// Log in to a registry
    Login(login::Login),
    /// Forget the login of a registry
    Logout(logout::Logout),
    /// Show where logins come from, and try them
    Auth(explain::Auth),
    /// Check OCIRepository manifests as the API server and the webhook would
    Lint(lint::Lint),
    /// Do the run of the controller for OCIRepository manifests, without a cluster
    DryRun(dry_run::DryRun),
    /// Move OCIRepository manifests to another version of the API
    Convert(convert::Convert),
    /// Create or update an OCIRepository in the cluster
    Create(create::Create),
    /// Show OCIRepository objects of the cluster
    Get(get::Get),
    /// Print OCIRepository objects of the cluster as manifests
    Export(export::Export),
    /// Let the controller look at the registry now
    Reconcile(reconcile::Reconcile),
    /// Let the controller leave objects alone
    Suspend(suspend::Suspend),
    /// Let the controller go on with objects
    Resume(suspend::Resume),
    /// Install controller and webhook
    Install(install::Install),
    /// Remove controller and webhook
    Uninstall(uninstall::Uninstall),
    /// Let kubectl and shells complete commands, flags and tags
    Completion(completion::Completion),
    /// Say what is wrong with the installation, or with the way to a repository
    Doctor(doctor::Doctor),
    /// Print the version
    Version(version::Version),
}

/// The word after the verb.
#[derive(Args, Debug)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
struct Noun<T: Args> {
    #[command(subcommand)]
    noun: Artifact<T>,
}

#[derive(Debug, Subcommand)]
enum Artifact<T: Args> {
    #[command(visible_alias = "artifacts")]
    Artifact(T),
}

impl<T: Args> Noun<T> {
    fn args(self) -> T {
        let Artifact::Artifact(args) = self.noun;
        args
    }
}

impl Cli {
    /// Runs the command.
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self.verb {
            Verb::Push(noun) => push::run(noun.args(), context).await,
            Verb::Pull(noun) => pull::run(noun.args(), context).await,
            Verb::Build(noun) => build::run(noun.args(), context).await,
            Verb::Tag(noun) => tag::run(noun.args(), context).await,
            Verb::List(noun) => list::run(noun.args(), context).await,
            Verb::Diff(noun) => diff::run(noun.args(), context).await,
            Verb::Inspect(noun) => inspect::run(noun.args(), context).await,
            Verb::Copy(noun) => copy::run(noun.args(), context).await,
            // On the heap: these futures are large, and rare.
            Verb::Sign(noun) => Box::pin(sign::run(noun.args(), context)).await,
            Verb::Verify(noun) => Box::pin(verify::run(noun.args(), context)).await,
            Verb::Generate(args) => generate::run(args, context).await,
            Verb::Login(args) => login::run(args, context).await,
            Verb::Logout(args) => logout::run(args, context).await,
            Verb::Auth(args) => explain::run(args, context).await,
            Verb::Lint(args) => lint::run(args, context).await,
            Verb::DryRun(args) => dry_run::run(args, context).await,
            Verb::Convert(args) => convert::run(args, context).await,
            Verb::Create(args) => create::run(args, context).await,
            Verb::Get(args) => get::run(args, context).await,
            Verb::Export(args) => export::run(args, context).await,
            Verb::Reconcile(args) => reconcile::run(args, context).await,
            Verb::Suspend(args) => suspend::suspend(args, context).await,
            Verb::Resume(args) => suspend::resume(args, context).await,
            Verb::Install(args) => Box::pin(install::run(args, context)).await,
            Verb::Uninstall(args) => Box::pin(uninstall::run(args, context)).await,
            Verb::Completion(args) => completion::run(&args, context),
            Verb::Doctor(args) => Box::pin(doctor::run(args, context)).await,
            Verb::Version(args) => version::run(&args, context),
        }
    }
}

/// Parses the process's arguments; help texts say `kubectl oci`, as it is typed.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    parse_from(std::env::args_os())
}

pub(crate) fn parse_from(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command().bin_name("kubectl oci");
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cli_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
