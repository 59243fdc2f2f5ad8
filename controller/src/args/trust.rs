//! Flags about the trust root of signatures without keys.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;

use super::{
    Maybe,
    values::{maybe, period, url},
};

/// Where the trust root of objects that name none is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedRootFrom {
    /// This program.
    Embedded,
    /// A repository of TUF.
    Tuf,
    /// A `trusted_root.json`.
    File(PathBuf),
}

/// The trust root of signatures without keys.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Trust root of signatures without keys, where an object names none")]
pub struct TrustArgs {
    /// The public Sigstore's as it is built in (embedded), the same kept up to date (tuf), or that of a file, which is
    /// read again when it changes
    #[arg(long, value_name = "embedded|tuf|FILE", default_value = "embedded")]
    pub sigstore_trusted_root: TrustedRootFrom,

    /// Where tuf finds it, if not at the public Sigstore's
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true, value_parser = maybe(url))]
    pub sigstore_tuf_mirror: Maybe<Url>,

    /// The root.json that the mirror is trusted by, for a Sigstore of your own
    #[arg(long, value_name = "FILE")]
    pub sigstore_tuf_root: Option<PathBuf>,

    /// How often tuf looks for a newer one
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = period)]
    pub sigstore_refresh_interval: Duration,
}

impl TrustArgs {
    /// What the values say against each other.
    pub(super) fn contradiction(&self) -> Option<String> {
        let tuf = self.sigstore_trusted_root == TrustedRootFrom::Tuf;
        let flag = match (&self.sigstore_tuf_mirror, &self.sigstore_tuf_root) {
            (Some(_), _) => "mirror",
            (None, Some(_)) => "root",
            (None, None) => return None,
        };
        (!tuf).then(|| format!("--sigstore-tuf-{flag} does nothing without --sigstore-trusted-root=tuf"))
    }
}

impl From<&str> for TrustedRootFrom {
    fn from(text: &str) -> Self {
        match text {
            "" | "embedded" => Self::Embedded,
            "tuf" => Self::Tuf,
            path => Self::File(path.into()),
        }
    }
}
