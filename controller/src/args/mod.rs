//! The command line: data only. Every flag and variable of source-controller 1.10.1 is accepted, in the syntax of Go's
//! flags, so that its Deployment and the patches that people have for it work as they are.
//!
//! What has no meaning here is accepted and named in one log line ([`Ignored`], [`Gate`]); what would silently weaken
//! the installation if it were ignored is refused.

#![expect(clippy::doc_markdown, reason = "these comments are what --help shows")]

mod address;
mod bucket;
mod clients;
mod flags;
mod gates;
mod ignored;
mod selector;
mod trust;
mod values;

use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, error::ErrorKind};
use oci_artifact::name::Algorithm;
use reqwest::Url;
use sha2::{Digest as _, Sha256};

pub use address::Listen;
pub use bucket::{BucketArgs, BucketCloud, BucketPlace};
pub use clients::ClientArgs;
pub use flags::{ElectionArgs, LogArgs, ReconcileArgs, RefusedArgs, TokenArgs, WatchArgs};
pub use gates::{Gate, Gates};
pub use ignored::Ignored;
pub use selector::SelectorError;
pub use trust::{TrustArgs, TrustedRootFrom};
pub use values::{Encoding, Level};

use values::{algorithm, boolean, listen, maybe, operations, origin, period, url};

/// A flag for which an empty value means the same as none. Not written as `Option`, because clap would then refuse
/// the empty value.
pub type Maybe<T> = Option<T>;

/// The Lease of source-controller, and how its shards' begin.
pub const FLUX_LEASE: &str = "source-controller-leader-election";
/// Our Lease, and how our shards' begin.
pub const LEASE: &str = "oci-controller-leader-election";

/// Variables that stand for flags, as source-controller has them, and more.
const VARIABLES: [(&str, &str); 8] = [
    ("STORAGE_PATH", "storage-path"),
    ("STORAGE_ADDRESS", "storage-addr"),
    ("STORAGE_ADV_ADDR", "storage-adv-addr"),
    ("METRICS_ADDR", "metrics-addr"),
    ("EVENTS_ADDR", "events-addr"),
    // Ours, for a ConfigMap that may lack some of them.
    ("STORAGE_BUCKET", "storage-bucket"),
    ("STORAGE_BUCKET_ENDPOINT", "storage-bucket-endpoint"),
    ("STORAGE_BUCKET_REGION", "storage-bucket-region"),
];

/// The heading of the flags that are in no group.
const PROCESS: &str = "Process";

/// Reconciles OCIRepository objects, stores their artifacts and serves them.
#[derive(Clone, Debug, Parser)]
#[command(name = "oci-controller", version, max_term_width = 110, args_override_self = true)]
pub struct Args {
    /// Storage and serving
    #[command(flatten)]
    pub storage: StorageArgs,

    /// A bucket in the place of a volume
    #[command(flatten)]
    pub bucket: BucketArgs,

    /// Who may download artifacts
    #[command(flatten)]
    pub clients: ClientArgs,

    /// Reconciliation
    #[command(flatten)]
    pub reconcile: ReconcileArgs,

    /// Tokens of identities
    #[command(flatten)]
    pub tokens: TokenArgs,

    /// The trust root of signatures without keys
    #[command(flatten)]
    pub trust: TrustArgs,

    /// What is watched
    #[command(flatten)]
    pub watch: WatchArgs,

    /// Leader election
    #[command(flatten)]
    pub election: ElectionArgs,

    /// Logs
    #[command(flatten)]
    pub log: LogArgs,

    /// Where /metrics is served; 0 turns it off (variable METRICS_ADDR)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":8080", value_parser = operations)]
    #[arg(help_heading = PROCESS)]
    pub metrics_addr: Maybe<Listen>,

    /// Where /healthz and /readyz are served; 0 turns it off
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":9440", value_parser = operations)]
    #[arg(help_heading = PROCESS)]
    pub health_addr: Maybe<Listen>,

    /// Where notifications are posted (variable EVENTS_ADDR)
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true, value_parser = maybe(url))]
    #[arg(help_heading = PROCESS)]
    pub events_addr: Maybe<Url>,

    /// Whether every object has a histogram of its own in the metrics (gotk_reconcile_duration_seconds)
    #[arg(long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true", value_parser = boolean)]
    #[arg(help_heading = PROCESS)]
    pub object_metrics: bool,

    /// Feature gates of source-controller; none changes anything here
    #[arg(long, value_name = "GATE=BOOL,…", action = clap::ArgAction::Append)]
    #[arg(help_heading = PROCESS)]
    pub feature_gates: Vec<Gates>,

    /// How long requests and runs may still take after SIGTERM
    #[arg(long, value_name = "DURATION", default_value = "8s", value_parser = period)]
    #[arg(help_heading = PROCESS)]
    pub shutdown_timeout: std::time::Duration,

    /// Flags that are refused
    #[command(flatten)]
    pub refused: RefusedArgs,

    /// Flags that do nothing
    #[command(flatten)]
    pub ignored: Ignored,

    /// What the environment says about the pod
    #[arg(skip)]
    pub pod: Pod,
}

/// Storage and serving.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// Where artifacts are stored (variable STORAGE_PATH)
    #[arg(long, value_name = "FOLDER", default_value = "/data")]
    pub storage_path: PathBuf,

    /// Where artifacts are served (variable STORAGE_ADDRESS)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = ":9090", value_parser = listen)]
    pub storage_addr: Listen,

    /// Where other controllers find that, as HOST, HOST:PORT or URL; from --storage-addr and HOSTNAME if not given
    /// (variable STORAGE_ADV_ADDR)
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    #[arg(value_parser = maybe(origin))]
    pub storage_adv_addr: Maybe<String>,

    /// How long a superseded artifact is kept
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::duration)]
    pub artifact_retention_ttl: std::time::Duration,

    /// Most artifacts of an object that are kept, the current one included
    #[arg(long, value_name = "NUMBER", default_value = "2", value_parser = values::at_least_one)]
    pub artifact_retention_records: usize,

    /// What artifacts are hashed with: sha256 or sha512
    #[arg(long, value_name = "ALGORITHM", default_value = "sha256", value_parser = algorithm)]
    pub artifact_digest_algo: Algorithm,
}

/// What the environment says about the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// The namespace (variable `RUNTIME_NAMESPACE`).
    pub namespace: Option<String>,
    /// The name of the host, which is the pod's (variable `HOSTNAME`).
    pub host: Option<String>,
}

impl Args {
    /// Parses a command line, the program's name first. `variable` reads the environment; an empty variable counts as
    /// none, and a flag wins over its variable.
    ///
    /// Errors are clap's, `--help` and `--version` included: its `exit` prints them as they should be.
    pub fn read(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, clap::Error> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut arguments = arguments.into_iter();
        let program = arguments.next().unwrap_or_else(|| "oci-controller".to_owned());
        // A flag that is given again wins over the one before, so variables come first.
        let variables = VARIABLES
            .iter()
            .filter_map(|(name, flag)| variable(name).map(|value| format!("--{flag}={value}")));
        let all: Vec<String> = std::iter::once(program).chain(variables).chain(arguments).collect();
        let mut args = Self::from_arg_matches(&Self::command().try_get_matches_from(all)?)?;
        args.pod = Pod { namespace: variable("RUNTIME_NAMESPACE"), host: variable("HOSTNAME") };
        match args.contradiction() {
            Some(message) => Err(Self::command().error(ErrorKind::ArgumentConflict, message)),
            None => Ok(args),
        }
    }

    /// Logs what was accepted and does nothing.
    pub fn tell(&self) {
        if !self.ignored.given().is_empty() {
            let flags = self.ignored.given().join(", ");
            tracing::info!(flags, "these flags of source-controller do nothing here");
        }
        for (gate, value) in self.gates() {
            tracing::info!(gate = gate.name(), value, "{}", gate.note());
        }
    }

    /// What the values of several flags say against each other.
    fn contradiction(&self) -> Option<String> {
        let (reconcile, election) = (&self.reconcile, &self.election);
        let (lease, deadline, retry) =
            (election.lease_duration, election.renew_deadline, election.retry_period);
        if reconcile.min_retry_delay > reconcile.max_retry_delay {
            return Some("--min-retry-delay is longer than --max-retry-delay".to_owned());
        }
        if !self.watch.watch_all_namespaces && self.pod.namespace.is_none() {
            return Some("--watch-all-namespaces=false needs the variable RUNTIME_NAMESPACE".to_owned());
        }
        if election.enable_leader_election && lease <= deadline {
            // Another one may lead as soon as the Lease is over: this one must have stopped by then.
            return Some(
                "--leader-election-lease-duration is not longer than --leader-election-renew-deadline"
                    .to_owned(),
            );
        }
        // client-go has the same rule: between two tries up to 1.2 periods pass.
        if election.enable_leader_election && deadline <= retry.mul_f64(1.2) {
            return Some(
                "--leader-election-renew-deadline is not longer than 1.2 × --leader-election-retry-period"
                    .to_owned(),
            );
        }
        let advertised = self.storage.storage_adv_addr.is_some();
        let bucket = self.bucket.contradiction(advertised).map(str::to_owned);
        bucket.or_else(|| self.trust.contradiction()).or_else(|| self.clients.contradiction())
    }

    /// Where artifacts are, if that is in a bucket. Each shard has a folder of its own: whatever nobody knows in there is
    /// removed.
    pub fn bucket(&self) -> Option<BucketPlace> {
        let place = self.bucket.place.clone()?;
        let shard = lease_name("", self.watch.watch_label_selector.as_deref());
        Some(if shard.is_empty() { place } else { place.below(&format!("shard{shard}")) })
    }

    /// The one namespace that is watched; `None` means all.
    pub fn namespace(&self) -> Option<&str> {
        if self.watch.watch_all_namespaces { None } else { self.pod.namespace.as_deref() }
    }

    /// Where the Lease is: the flag's namespace, or the pod's.
    pub fn lease_namespace(&self) -> Option<&str> {
        self.election.namespace.as_deref().or(self.pod.namespace.as_deref())
    }

    /// The name of our Lease: one for each shard.
    pub fn lease_name(&self) -> String {
        lease_name(LEASE, self.watch.watch_label_selector.as_deref())
    }

    /// The name of the Lease of a source-controller that works on the same objects.
    pub fn flux_lease_name(&self) -> String {
        lease_name(FLUX_LEASE, self.watch.watch_label_selector.as_deref())
    }

    /// Where other controllers find artifacts: `http[s]://host[:port]`, without a slash at the end. `host` is the name of
    /// this computer, for when `--storage-addr` means all addresses.
    pub fn advertised(&self, host: &str) -> String {
        let scheme = if self.clients.is_told() { "https" } else { "http" };
        let StorageArgs { storage_adv_addr, storage_addr, .. } = &self.storage;
        address::advertised(scheme, storage_adv_addr.as_deref(), storage_addr, host)
    }

    /// The gates that were given, the last value of each.
    pub fn gates(&self) -> Vec<(Gate, bool)> {
        gates::last(&self.feature_gates)
    }
}

/// As source-controller names the Leases of its shards: with the first 8 hex digits of the selector's SHA-256.
fn lease_name(base: &str, selector: Option<&str>) -> String {
    match selector {
        None => base.to_owned(),
        Some(selector) => {
            let digest = hex::encode(Sha256::digest(selector.as_bytes()));
            format!("{base}-{}", digest.get(..8).unwrap_or_default())
        }
    }
}
