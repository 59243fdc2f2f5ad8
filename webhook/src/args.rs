//! The command line: data only. [`app`](crate::app) turns it into working parts.

#![expect(clippy::doc_markdown, reason = "these comments are what --help shows")]

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Parser};
use oci_crds::validate::{Code, is_name};
use rustls_pki_types::ServerName;

use crate::observe::logs::Format;

/// The heading of the flags behind those of certificates.
const PROCESS: &str = "Process";

/// The admission and conversion webhook of OCIRepository.
#[derive(Clone, Debug, Parser)]
#[command(name = "oci-webhook", version, max_term_width = 110)]
#[command(group = clap::ArgGroup::new("certificate").required(true).args(["tls_cert_file", "self_signed"]))]
pub struct Args {
    /// Where the API server is served, with TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:9443", env = "OCI_WEBHOOK_LISTEN")]
    #[arg(value_parser = address)]
    pub listen: SocketAddr,

    /// Where /metrics, /healthz and /readyz are served, without TLS
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "[::]:8080", env = "OCI_WEBHOOK_OPERATIONS")]
    #[arg(value_parser = address)]
    pub operations: SocketAddr,

    /// Rules that warn instead of refusing, by their codes (docs/reference/validation.md)
    #[arg(long, value_name = "CODE", value_delimiter = ',', env = "OCI_WEBHOOK_WARN_ONLY")]
    pub warn_only: Vec<Code>,

    /// Certificates from files
    #[command(flatten)]
    pub files: FileArgs,

    /// Certificates that the webhook issues itself
    #[command(flatten)]
    pub issue: IssueArgs,

    /// How often certificate files, or the Secret, are looked at
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period)]
    #[arg(help_heading = PROCESS)]
    pub tls_reload_interval: Duration,

    /// How long requests are still accepted after SIGTERM, while readiness fails
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    #[arg(help_heading = PROCESS)]
    pub drain: Duration,

    /// How long requests in work may take after that
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    #[arg(help_heading = PROCESS)]
    pub shutdown_timeout: Duration,

    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    #[arg(help_heading = PROCESS)]
    pub log_format: Format,

    /// What is logged: error, warn, info, debug or trace, also per part (`info,oci_webhook::server=debug`)
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "OCI_WEBHOOK_LOG")]
    #[arg(help_heading = PROCESS)]
    pub log_level: String,
}

/// Certificates from files.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Certificate from files")]
pub struct FileArgs {
    /// The certificate chain in PEM, such as tls.crt of a mounted Secret
    #[arg(long, value_name = "FILE", requires = "tls_key_file")]
    pub tls_cert_file: Option<PathBuf>,

    /// Its private key in PEM, such as tls.key of a mounted Secret
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    pub tls_key_file: Option<PathBuf>,
}

/// Certificates that the webhook issues itself.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Self-issued certificate")]
pub struct IssueArgs {
    /// Issue certificates from an authority of our own, kept in a Secret that all replicas share
    #[arg(long, action = ArgAction::SetTrue, requires_all = ["secret_name", "service_name"])]
    pub self_signed: bool,

    /// The Secret that holds authority, certificate and keys
    #[arg(long, value_name = "NAME", value_parser = subdomain)]
    pub secret_name: Option<String>,

    /// Where Secret and Service are; the namespace of the pod if not given
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", value_parser = label)]
    pub namespace: Option<String>,

    /// The Service that the API server calls
    #[arg(long, value_name = "NAME", value_parser = label)]
    pub service_name: Option<String>,

    /// One more name or address that the certificate is for; can be repeated
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub san: Vec<String>,

    /// How long a certificate holds; it is renewed after two thirds of that
    #[arg(long, value_name = "DURATION", default_value = "720h", value_parser = period)]
    pub certificate_lifetime: Duration,

    /// How long the authority holds; it is replaced after two thirds of that
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = period)]
    pub authority_lifetime: Duration,

    /// The ValidatingWebhookConfiguration whose caBundle is kept right
    #[arg(long, value_name = "NAME", value_parser = subdomain)]
    pub webhook_configuration: Option<String>,

    /// The CustomResourceDefinition whose caBundle for conversion is kept right
    #[arg(long, value_name = "NAME", value_parser = subdomain)]
    pub crd: Option<String>,
}

impl IssueArgs {
    /// What the certificate is for: the names by which a Service is called, and those that were given.
    pub fn names(&self, namespace: &str) -> Vec<String> {
        let service = self.service_name.as_deref().unwrap_or_default();
        let mut names =
            vec![format!("{service}.{namespace}.svc"), format!("{service}.{namespace}.svc.cluster.local")];
        names.extend(self.san.iter().cloned());
        names
    }
}

/// Where something listens.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "it is no address with a port such as [::]:9443 or 127.0.0.1:9443")
}

/// A name or an address that a certificate can be for.
fn name(text: &str) -> Result<String, String> {
    match ServerName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("it is neither a host name nor an address".to_owned()),
    }
}

/// A name of a Kubernetes object, which becomes part of a host name.
fn label(text: &str) -> Result<String, String> {
    if is_label(text) { Ok(text.to_owned()) } else { Err(NO_NAME.to_owned()) }
}

/// A name of a Kubernetes object that may have dots.
fn subdomain(text: &str) -> Result<String, String> {
    if text.len() <= 253 && text.split('.').all(is_label) {
        Ok(text.to_owned())
    } else {
        Err(NO_NAME.to_owned())
    }
}

const NO_NAME: &str = "it is no name of a Kubernetes object";

fn is_label(text: &str) -> bool {
    text.len() <= 63 && !text.contains('.') && is_name(text)
}

/// A duration as Go writes it.
fn duration(text: &str) -> Result<Duration, String> {
    oci_crds::duration::parse(text).map_err(|error| format!("{error}; it is written as 90s, 15m or 1h30m"))
}

/// A duration that something is repeated after.
fn period(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|every| if every.is_zero() { Err("it is zero".to_owned()) } else { Ok(every) })
}
