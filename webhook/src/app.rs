//! The process: everything that can be wrong is found out first, then it serves until it is told to end.
//!
//! The clock, the environment and signals are touched here and nowhere else.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Parser as _;
use jiff::Timestamp;
use oci_server::{
    Options, Running,
    limits::Limits,
    serve,
    tls::{
        Served,
        reload::Watch,
        server_config,
        source::{FileError, Files},
    },
};
use rustls::crypto::aws_lc_rs;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{
    admit::Rules,
    args::Args,
    http::{Health, Webhook},
    limits::Permits,
    observe::{Metrics, logs},
    tls::{
        issue::Lifetimes,
        keeper::Keeper,
        publish::{Cluster, Names},
    },
};

/// Where a pod finds the name of its namespace.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Why the process cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is taken, or not ours.
    #[error("--{flag} {address}: cannot listen there: {source}")]
    Listen {
        /// The flag without its dashes.
        flag: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate files are not right.
    #[error("--tls-cert-file, --tls-key-file: {0}")]
    Files(#[from] FileError),
    /// `--log-level` cannot be read.
    #[error("--log-level {level}: {why}")]
    LogLevel {
        /// What was given.
        level: String,
        /// Why.
        why: String,
    },
    /// Nobody says in which namespace the Secret is.
    #[error("--namespace is not given, and `{NAMESPACE}` cannot be read: {0}")]
    Namespace(io::Error),
    /// There is no way to the API server.
    #[error("--self-signed: no access to the API server: {0}")]
    Cluster(Box<kube::Error>),
    /// TLS cannot be set up at all.
    #[error("setting up TLS failed: {0}")]
    Tls(#[from] rustls::Error),
    /// The operating system refuses something.
    #[error("{doing} failed: {source}")]
    System {
        /// What was attempted.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// Reads the clock: the one place that does.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Runs the process.
pub fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(io::stderr(), "oci-webhook: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    // Two providers could be linked one day; a choice by features would then panic at the first handshake.
    let _ = aws_lc_rs::default_provider().install_default();
    let filter = EnvFilter::try_new(&args.log_level)
        .map_err(|error| Error::LogLevel { level: args.log_level.clone(), why: error.to_string() })?;
    let prepared = Prepared::new(args)?;
    logs::install(prepared.args.log_format, filter);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::System { doing: "starting the runtime", source })?;
    let ended = runtime.block_on(prepared.serve());
    // A review on a thread of its own may go on for as long as it likes; nobody waits for its answer any more.
    runtime.shutdown_background();
    ended
}

/// Everything that is needed to serve, checked.
struct Prepared {
    args: Args,
    listener: TcpListener,
    operations: TcpListener,
    served: Arc<Served>,
    health: Health,
    metrics: Arc<Metrics>,
    source: Source,
}

/// Where the certificate comes from.
enum Source {
    Files(Box<Watch>),
    /// Issued by ourselves, in this namespace.
    Issued(String),
}

impl Prepared {
    fn new(args: Args) -> Result<Self, Error> {
        let (served, metrics) = (Arc::new(Served::default()), Arc::new(Metrics::new()));
        let health = Health::new(Arc::clone(&served));
        let source = match (&args.files.tls_cert_file, &args.files.tls_key_file) {
            (Some(certificate), Some(key)) => {
                let files = Files { certificate: certificate.clone(), key: key.clone(), clients: None };
                let watch =
                    Watch::begin(files, Arc::clone(&served), metrics.certificates.served.clone(), now)?;
                Source::Files(Box::new(watch))
            }
            _ => Source::Issued(namespace(&args)?),
        };
        let listener = bind("listen", args.listen)?;
        let operations = bind("operations", args.operations)?;
        Ok(Self { args, listener, operations, served, health, metrics, source })
    }

    async fn serve(self) -> Result<(), Error> {
        let signals = Signals::install()?;
        let rules = Rules { warn_only: self.args.warn_only.clone() };
        let webhook = Webhook::new(rules, Permits::default(), self.health.clone(), Arc::clone(&self.metrics));
        let options = |listener, tls| Options {
            tls,
            limits: Limits::default(),
            connections: self.metrics.connections(listener),
        };
        let system = |source| Error::System { doing: "starting to serve", source };
        let tls = server_config(Arc::clone(&self.served))?;
        let main = serve(self.listener, webhook.router(), options("webhook", Some(tls))).map_err(system)?;
        let operations =
            serve(self.operations, webhook.operations(), options("operations", None)).map_err(system)?;
        tracing::info!(webhook = %main.address(), operations = %operations.address(), "serving");
        let every = self.args.tls_reload_interval;
        let renewal = match self.source {
            Source::Files(watch) => tokio::spawn(watch.run(every)),
            Source::Issued(namespace) => {
                let cluster = cluster(&self.args, namespace.clone()).await?;
                let keeper = Keeper::new(
                    cluster,
                    self.args.issue.names(&namespace),
                    Lifetimes {
                        leaf: self.args.issue.certificate_lifetime,
                        authority: self.args.issue.authority_lifetime,
                    },
                    self.served,
                    self.metrics.certificates.clone(),
                    now,
                );
                tokio::spawn(keeper.run(every))
            }
        };
        signals.wait().await;
        end(&self.args, &self.health, main, operations).await;
        renewal.abort();
        Ok(())
    }
}

/// The namespace of the Secret: the flag's, or the pod's own.
fn namespace(args: &Args) -> Result<String, Error> {
    if let Some(namespace) = &args.issue.namespace {
        return Ok(namespace.clone());
    }
    let read = std::fs::read_to_string(NAMESPACE).map_err(Error::Namespace)?;
    Ok(read.trim().to_owned())
}

async fn cluster(args: &Args, namespace: String) -> Result<Cluster, Error> {
    let client = kube::Client::try_default().await.map_err(|error| Error::Cluster(Box::new(error)))?;
    let names = Names {
        namespace,
        secret: args.issue.secret_name.clone().unwrap_or_default(),
        configuration: args.issue.webhook_configuration.clone(),
        crd: args.issue.crd.clone(),
    };
    Ok(Cluster::new(client, names))
}

/// Readiness fails first, so that no new client is sent here; those that come anyway are served for a while.
async fn end(args: &Args, health: &Health, main: Running, operations: Running) {
    health.draining();
    main.drain();
    tracing::info!(drain = ?args.drain, "shutting down");
    tokio::time::sleep(args.drain).await;
    if !main.stop(args.shutdown_timeout).await {
        tracing::warn!(timeout = ?args.shutdown_timeout, "some requests were not answered in time");
    }
    operations.stop(Duration::ZERO).await;
    tracing::info!("ended");
}

/// Listens. Where the computer has no IPv6, `[::]` means all addresses that it has.
fn bind(flag: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(address).or_else(|source| {
        if address.is_ipv6() && address.ip().is_unspecified() && source.kind() != io::ErrorKind::AddrInUse {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port()))
        } else {
            Err(source)
        }
    });
    bound.map_err(|source| Error::Listen { flag, address, source })
}

/// The signals that ask a process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> Result<Self, Error> {
        let system = |source| Error::System { doing: "waiting for signals", source };
        let terminate = signal(SignalKind::terminate()).map_err(system)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(system)?;
        Ok(Self { terminate, interrupt })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
