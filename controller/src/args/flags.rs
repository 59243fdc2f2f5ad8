//! Groups of flags.

use std::{convert::Infallible, time::Duration};

use oci_identity::cache::Limits;

use super::{
    Maybe,
    values::{
        Encoding, Level, at_least_one, boolean, duration, maybe, name, percent, period, platform, selector,
        whole,
    },
};

/// Reconciliation.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Reconciliation")]
pub struct ReconcileArgs {
    /// Most runs at once
    #[arg(long, value_name = "NUMBER", default_value = "2", value_parser = at_least_one)]
    pub concurrent: usize,

    /// Most percent by which the wait until the next run is longer or shorter, below 100
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    pub interval_jitter_percentage: u8,

    /// The wait after a failed run; doubled after each further one
    #[arg(long, value_name = "DURATION", default_value = "750ms", value_parser = period)]
    pub min_retry_delay: Duration,

    /// The longest wait after a failed run
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = period)]
    pub max_retry_delay: Duration,

    /// The ServiceAccount of objects that name none
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    #[arg(value_parser = maybe(name))]
    pub default_service_account: Maybe<String>,

    /// What is taken from an image index
    #[arg(long, value_name = "OS/ARCHITECTURE", default_value = "linux/amd64", value_parser = platform)]
    pub default_platform: String,
}

/// Tokens that identities were given.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Tokens of identities")]
pub struct TokenArgs {
    /// Most tokens that are kept; 0 or less keeps none
    #[arg(long, value_name = "NUMBER", default_value = "100", allow_negative_numbers = true)]
    #[arg(value_parser = whole)]
    pub token_cache_max_size: i64,

    /// Longest time that a token is kept, an hour at most; it is kept for four fifths of its life
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub token_cache_max_duration: Duration,
}

impl TokenArgs {
    /// How much is kept, and for how long.
    pub fn limits(&self) -> Limits {
        Limits {
            entries: usize::try_from(self.token_cache_max_size).unwrap_or_default(),
            longest: self.token_cache_max_duration,
        }
    }
}

/// What is watched.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Watches")]
pub struct WatchArgs {
    /// Whether objects of all namespaces are watched, or only those of RUNTIME_NAMESPACE
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = boolean)]
    pub watch_all_namespaces: bool,

    /// Only objects with these labels, for shards
    #[arg(long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    #[arg(value_parser = maybe(selector))]
    pub watch_label_selector: Maybe<String>,

    /// Whether Secrets and ServiceAccounts are watched, so that a change of credentials is used at once
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = boolean)]
    pub watch_credentials: bool,
}

/// Leader election.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Leader election")]
pub struct ElectionArgs {
    /// Whether only the holder of a Lease works; without, this process is the only one
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = boolean)]
    pub enable_leader_election: bool,

    /// Where the Lease is; RUNTIME_NAMESPACE if not given
    #[arg(id = "leader_election_namespace", long = "leader-election-namespace", value_name = "NAMESPACE")]
    #[arg(default_value = "", hide_default_value = true, value_parser = maybe(name))]
    pub namespace: Maybe<String>,

    /// Whether the Lease is given back at the end, so that another one leads at once
    #[arg(long = "leader-election-release-on-cancel", value_name = "BOOL", default_value = "true")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    pub release_on_cancel: bool,

    /// How long others wait for a holder that does not renew
    #[arg(long = "leader-election-lease-duration", value_name = "DURATION", default_value = "35s")]
    #[arg(value_parser = period)]
    pub lease_duration: Duration,

    /// After which time without a renewal the holder stops
    #[arg(long = "leader-election-renew-deadline", value_name = "DURATION", default_value = "30s")]
    #[arg(value_parser = period)]
    pub renew_deadline: Duration,

    /// The time between two tries
    #[arg(long = "leader-election-retry-period", value_name = "DURATION", default_value = "5s")]
    #[arg(value_parser = period)]
    pub retry_period: Duration,

    /// Start even where a source-controller seems to work on the same objects
    #[arg(long, value_name = "BOOL", default_value = "false", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = boolean)]
    pub take_over: bool,

    /// Where Flux is installed, to find a source-controller that works on the same objects
    #[arg(long, value_name = "NAMESPACE", default_value = "flux-system", value_parser = name)]
    pub flux_namespace: String,
}

/// Logs.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// What is logged
    #[arg(long = "log-level", value_name = "LEVEL", value_enum, default_value = "info")]
    pub level: Level,

    /// How a log line looks
    #[arg(long = "log-encoding", value_name = "ENCODING", value_enum, default_value = "json")]
    pub encoding: Encoding,
}

/// Flags of source-controller that are refused: whoever sets them relies on what they do.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Flags of source-controller that are not supported, and refused")]
pub struct RefusedArgs {
    /// The receiver of notifications is not authenticated by SPIFFE here
    #[arg(long, value_name = "ID", value_parser = event_server)]
    pub authorized_event_server_spiffe_id: Option<Infallible>,
}

fn event_server(_: &str) -> Result<Infallible, &'static str> {
    Err("SPIFFE is not supported: without it, notifications would be sent to whoever answers, unencrypted")
}
