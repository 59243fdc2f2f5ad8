//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Formatting, lints, documentation and the rules about dependencies
    Check,
    /// Write the files that are made from the code: the CRD and the reference pages
    Generate,
    /// Build or install the foreign registries, clients and servers of the tests into the per-user cache
    Tools,
    /// Build etcd, kube-apiserver and kubectl into the per-user cache and print the folder
    ControlPlane,
    /// Everything that must pass: check, tools, the control plane, the plugin, every test
    Test(Test),
    /// Push, list, change, diff and pull a sample against a registry inside this process
    Demo,
    /// The whole system on this computer, until Ctrl-C: API server, registry, webhook and controller
    Cluster(Cluster),
    /// Time and memory next to peers, as ratios: the plugin beside tar, gzip, curl and oras, the webhook, the
    /// controller beside a bare loader, gzip and nginx, or the verifier beside cosign
    Bench(Bench),
    /// What is released: archives, lists of parts, the manifest for krew, checksums and their signature
    Dist(Dist),
}

/// What `test` runs.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Only tests whose names contain this
    pub(crate) filter: Option<String>,
    /// Leave the checks out
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// Where `cluster` puts what others read.
#[derive(Debug, Args)]
pub(crate) struct Cluster {
    /// The folder for `env` (shell assignments, written when all is ready), process ids and logs; a temporary one if
    /// not given
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Development builds
    #[arg(long)]
    pub(crate) debug: bool,
}

/// How much `bench` measures.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What is measured
    #[arg(value_enum, default_value_t)]
    pub(crate) what: Part,
    /// Interleaved pairs of each comparison
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) pairs: u32,
    /// Leave the 1 GiB layers out
    #[arg(long)]
    pub(crate) small: bool,
    /// Which parts of the controller's measurements: fleet, polls, start, pull, serving, dead,
    /// rest; all if not given
    pub(crate) parts: Vec<String>,
}

/// The programs that can be measured.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Part {
    /// `kubectl oci`
    #[default]
    Plugin,
    /// `oci-webhook`
    Webhook,
    /// `oci-controller`
    Controller,
    /// Signatures: the verifier alone, and `kubectl oci verify` beside cosign
    Verify,
}

/// What `dist` makes.
#[derive(Debug, Args)]
pub(crate) struct Dist {
    /// Where it goes; `dist` in the target folder if not given
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Build for this target of Rust; this computer's own if not given; can be repeated
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Vec<String>,
    /// Take the programs of this folder and build none
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// Make the image of controller and webhook too
    #[arg(long)]
    pub(crate) image: bool,
    /// Build and pack nothing: manifest, checksums and signature for the archives that are there, which must be all
    #[arg(long, conflicts_with_all = ["target", "programs", "image"])]
    pub(crate) collect: bool,
    /// Sign the checksums with this key; the variable `COSIGN_PASSWORD` opens it
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The address of the folder that the archives are published in
    #[arg(long, value_name = "URL")]
    pub(crate) base: Option<String>,
}
