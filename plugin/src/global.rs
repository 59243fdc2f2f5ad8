//! Flags that every command takes.

use std::time::Duration;

use clap::Args;

use crate::args::parse_duration;

/// Flags of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Longest time that the command may take; 0 for no limit
    #[arg(long, global = true, default_value = "5m", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// Show every request on standard error, secrets redacted
    #[arg(long, short = 'v', global = true)]
    pub(crate) verbose: bool,
    /// Show nothing but data and errors
    #[arg(long, short = 'q', global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    #[command(flatten)]
    cluster: ClusterFlags,
}

/// Flags that the Flux CLI takes everywhere. The artifact commands need no cluster: accepted so that scripts keep
/// working, and not looked at.
#[derive(Args, Debug)]
struct ClusterFlags {
    #[arg(long, short = 'n', global = true, hide = true, value_name = "NAME")]
    namespace: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    kubeconfig: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "NAME")]
    context: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "NAME")]
    cluster: Option<String>,
    #[arg(long, global = true, hide = true)]
    ns_follows_kube_context: bool,
}
