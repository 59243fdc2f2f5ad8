//! Flags that every command takes.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{args::parse_duration, cluster::parse_name};

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
    pub(crate) cluster: ClusterFlags,
}

/// Flags of kubectl that say which cluster is meant, and as whom. The artifact commands need no cluster: accepted there
/// so that scripts keep working, and not looked at.
#[derive(Args, Clone, Debug, Default)]
#[command(
    next_help_heading = "Cluster (create, get, export, reconcile, suspend, resume, install, uninstall, doctor)"
)]
pub(crate) struct ClusterFlags {
    /// Namespace; the context's own if absent
    #[arg(long, short = 'n', global = true, hide_short_help = true, value_name = "NAME", value_parser = parse_name)]
    pub(crate) namespace: Option<String>,
    /// Kubeconfig file; $KUBECONFIG, then ~/.kube/config if absent
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Act as this user
    #[arg(long = "as", id = "as", global = true, hide_short_help = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Act as a member of this group; can be repeated
    #[arg(long = "as-group", id = "as-group", global = true, hide_short_help = true, value_name = "GROUP")]
    pub(crate) impersonate_groups: Vec<String>,
    /// Longest time of a single request; 0 for no limit but --timeout
    #[arg(long, global = true, hide_short_help = true, default_value = "0", value_name = "DURATION")]
    #[arg(value_parser = parse_duration)]
    pub(crate) request_timeout: Duration,
    #[arg(long, global = true, hide = true)]
    ns_follows_kube_context: bool,
}
