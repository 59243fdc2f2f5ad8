//! The process: everything that can be wrong is found out first, then it works until it is told to end.
//!
//! The clock, the environment and signals are touched here (module `surroundings`) and nowhere else.

mod error;
mod health;
mod leading;
mod serving;
mod signals;
mod surroundings;

use std::{
    io::{self, Write as _},
    net::TcpListener,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use kube::Client;
use oci_decide::Settings;
use oci_registry::Proxies;
use oci_server::{Options, Running, limits::Limits, serve};
use rustls::crypto::aws_lc_rs;
use tokio::sync::watch;

pub use self::{error::Error, surroundings::now};
use self::{
    health::Health,
    leading::{Leading, Needs},
    serving::Serving,
    signals::Signals,
    surroundings::{bind, cluster, environment, variable},
};
use crate::{
    args::{Args, Listen},
    cluster::{
        audiences::ClusterAudiences,
        guard,
        lease::{self, Fence, Leadership, LeaseOptions, Term},
        recorder::{self, Recorder, RecorderOptions},
    },
    observe::{Metrics, Snapshot, logs},
    reconcile::scheduler::Scheduler,
    storage::Storage,
    trust::{Keeper, Surroundings},
};

/// For what is told to others at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// For all requests of one look for a newer trust root.
const REFRESH: Duration = Duration::from_mins(1);

/// Runs the process.
pub fn main() -> ExitCode {
    let args = match Args::read(std::env::args(), variable) {
        Ok(args) => args,
        Err(error) => {
            // Nobody is left to be told if this fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "oci-controller: {error}");
            ExitCode::from(1)
        }
    }
}

fn run(args: Args) -> Result<(), Error> {
    // Two providers could be linked one day; a choice by features would then panic at the first handshake.
    let _ = aws_lc_rs::default_provider().install_default();
    logs::install(args.log.level, args.log.encoding, now);
    args.tell();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::System { doing: "starting the runtime", source })?;
    let ended = runtime.block_on(Process::new(args)?.run());
    runtime.shutdown_background();
    ended
}

/// The API server, and for whom tokens for it are.
type Api<'a> = (&'a Client, &'a Arc<ClusterAudiences>);

/// What is known once there is work, for the metrics.
type Shown = Arc<OnceLock<Working>>;

struct Working {
    scheduler: Arc<Scheduler>,
    storage: Storage,
    lease: String,
    fence: Fence,
}

impl Working {
    fn snapshot(&self, concurrent: usize) -> Snapshot {
        Snapshot {
            lease: self.lease.clone(),
            leading: self.fence.is_leading(),
            waiting: self.scheduler.waiting(Instant::now()),
            running: self.scheduler.running(),
            concurrent,
            storage: self.storage.stats(),
        }
    }
}

/// Everything that is needed to work, checked.
struct Process {
    args: Args,
    proxies: Proxies,
    health: Health,
    metrics: Arc<Metrics>,
    serving: Arc<Serving>,
    trust: Arc<Keeper>,
    probes: Option<TcpListener>,
    figures: Option<TcpListener>,
}

impl Process {
    fn new(args: Args) -> Result<Self, Error> {
        let bound = |flag, address: &Option<Listen>| {
            address.as_ref().map(|address| bind(flag, address.socket())).transpose()
        };
        let proxies = Proxies::environment(variable)?;
        let probes = bound("health-addr", &args.health_addr)?;
        let figures = bound("metrics-addr", &args.metrics_addr)?;
        let metrics = Arc::new(Metrics::new(args.object_metrics));
        let trust = Keeper::new(
            &args.trust,
            Surroundings {
                folder: args.storage.storage_path.clone(),
                web: leading::web(&proxies),
                patience: REFRESH,
                metrics: Arc::clone(&metrics.trust),
                now,
            },
        )?;
        let serving = Arc::new(Serving::new(&args, &proxies, &metrics)?);
        let (health, trust) = (Health::default(), Arc::new(trust));
        Ok(Self { args, proxies, health, metrics, serving, trust, probes, figures })
    }

    /// Works until it is told to end.
    async fn run(mut self) -> Result<(), Error> {
        let mut signals = Signals::install()?;
        let shown: Shown = Arc::default();
        let _servers = self.operations(&shown)?;
        let (client, audiences) = cluster(&self.metrics).await?;
        let api = (&client, &Arc::new(audiences));
        let recorder = self.recorder(&client)?;
        let leadership = self.campaign(&client)?;
        let ended = tokio::select! {
            ended = self.lead(api, &leadership, &recorder, &shown) => ended,
            failed = self.serving.always(&self.health) => failed,
            () = signals.wait() => {
                tracing::info!("shutting down");
                Ok(())
            }
        };
        // Whatever worked was dropped: nothing is written any more but what is told.
        self.health.ending();
        let patience = self.args.shutdown_timeout;
        let told = async {
            recorder.flush(FAREWELL.min(patience)).await;
            leadership.release().await;
        };
        tokio::join!(told, self.serving.end(patience));
        tracing::info!("ended");
        ended
    }

    /// The probes and the metrics. They are served for as long as what is returned lives.
    fn operations(&mut self, shown: &Shown) -> Result<Vec<Running>, Error> {
        let system = |source| Error::System { doing: "starting to serve", source };
        let options = |listener| Options {
            tls: None,
            limits: Limits::default(),
            connections: self.metrics.connections(listener),
        };
        let mut servers = Vec::new();
        if let Some(listener) = self.probes.take() {
            servers.push(serve(listener, self.health.router(), options("health")).map_err(system)?);
        }
        if let Some(listener) = self.figures.take() {
            let (metrics, shown) = (Arc::clone(&self.metrics), Arc::clone(shown));
            let concurrent = self.args.reconcile.concurrent;
            let text =
                move || metrics.text(shown.get().map(|work| work.snapshot(concurrent)).unwrap_or_default());
            servers.push(serve(listener, health::metrics(text), options("metrics")).map_err(system)?);
        }
        Ok(servers)
    }

    fn host(&self) -> String {
        self.args.pod.host.clone().unwrap_or_else(|| "localhost".to_owned())
    }

    fn recorder(&self, client: &Client) -> Result<Recorder, Error> {
        let options = RecorderOptions {
            controller: recorder::CONTROLLER,
            instance: self.host(),
            notify: self.args.events_addr.clone(),
            now,
        };
        Ok(Recorder::new(client.clone(), options, &self.metrics)?)
    }

    fn campaign(&self, client: &Client) -> Result<Leadership, Error> {
        let election = &self.args.election;
        if !election.enable_leader_election {
            return Ok(Leadership::alone());
        }
        let options = LeaseOptions {
            namespace: self.args.lease_namespace().ok_or(Error::Namespace)?.to_owned(),
            name: self.args.lease_name(),
            identity: lease::identity(&self.host()),
            duration: election.lease_duration,
            renew_deadline: election.renew_deadline,
            retry_period: election.retry_period,
            release_on_cancel: election.release_on_cancel,
            now,
        };
        Ok(lease::campaign(client.clone(), options)?)
    }

    /// Waits until we lead, and works for as long as we do.
    async fn lead(
        &self,
        api: Api<'_>,
        leadership: &Leadership,
        recorder: &Recorder,
        shown: &Shown,
    ) -> Result<(), Error> {
        let term = leadership.lead().await;
        self.health.leading();
        tracing::info!(advertised = self.args.advertised(&self.host()), "leading");
        tokio::select! {
            ended = self.work(api, &term, recorder, leadership, shown) => ended,
            () = term.ended() => Err(Error::Lost),
        }
    }

    async fn work(
        &self,
        (client, audiences): Api<'_>,
        term: &Term,
        recorder: &Recorder,
        leadership: &Leadership,
        shown: &Shown,
    ) -> Result<(), Error> {
        self.alone(client).await?;
        // Told to nobody when it ends: whoever looks at it ends with this future.
        let (_lead, leading) = watch::channel(true);
        let fence = term.clone();
        let leading = Leading::begin(Needs {
            args: self.args.clone(),
            client: client.clone(),
            metrics: Arc::clone(&self.metrics),
            trust: Arc::clone(&self.trust),
            health: self.health.clone(),
            serving: Arc::clone(&self.serving),
            recorder: recorder.clone(),
            fence: Arc::new(move || fence.is_leading()),
            leading,
            settings: Arc::new(self.settings()),
            proxies: self.proxies.clone(),
            environment: environment(),
            audiences: Arc::clone(audiences),
            now,
        })
        .await?;
        let (scheduler, storage) = (Arc::clone(&leading.scheduler), leading.storage.clone());
        let _ = shown.set(Working {
            scheduler,
            storage,
            lease: self.args.lease_name(),
            fence: leadership.fence(),
        });
        Box::pin(leading.work()).await;
        Ok(())
    }

    /// An unsharded controller does not work beside an unsharded source-controller.
    async fn alone(&self, client: &Client) -> Result<(), Error> {
        let args = &self.args;
        if args.election.take_over || args.watch.watch_label_selector.is_some() {
            return Ok(());
        }
        let own = args.pod.namespace.as_deref();
        let namespaces: Vec<&str> =
            std::iter::once(args.election.flux_namespace.as_str()).chain(own).collect();
        Ok(guard::check(client, &namespaces, &args.flux_lease_name(), now).await?)
    }

    fn settings(&self) -> Settings {
        let reconcile = &self.args.reconcile;
        Settings {
            advertised: self.args.advertised(&self.host()),
            jitter_percent: reconcile.interval_jitter_percentage,
            min_retry: reconcile.min_retry_delay,
            max_retry: reconcile.max_retry_delay,
        }
    }
}
