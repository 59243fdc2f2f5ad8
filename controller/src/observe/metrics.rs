//! What is counted.

use std::{sync::Arc, time::Duration};

use oci_decide::Outcome;
use oci_server::{Connections, tls::Certificates};
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets_range},
    },
    registry::Registry,
};

use super::{
    requests::{Answers, Requests},
    series::{
        At, CONTROLLER, Controller, Ended, Listener, OUTCOMES, Object, RESULTS, Reconciled, STEPS, Sent,
        outcome, result, step,
    },
    snapshot::{Gathered, Snapshot},
    tokens::TokenMetrics,
    trust::TrustMetrics,
};

/// Seconds by which runs are late: from what nobody notices to what is worse than a short interval.
const LATENESS: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0];

/// What became of what is told to others: events or notifications.
#[derive(Clone, Debug)]
pub struct Told {
    family: Family<Sent, Counter>,
    /// Arrived.
    pub sent: Counter,
    /// Refused, or not to be delivered.
    pub failed: Counter,
    /// Never tried, because too much else waited.
    pub dropped: Counter,
}

impl Default for Told {
    fn default() -> Self {
        let family = Family::<Sent, Counter>::default();
        let counter = |result| family.get_or_create_owned(&Sent { result });
        let (sent, failed, dropped) = (counter("sent"), counter("failed"), counter("dropped"));
        Self { family, sent, failed, dropped }
    }
}

/// A histogram for each object.
type Objects = Family<Object, Histogram, fn() -> Histogram>;

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    gathered: Gathered,
    /// `None` if objects have no series of their own.
    objects: Option<Objects>,
    reconciled: Family<Reconciled, Counter>,
    reconcile_errors: Family<Controller, Counter>,
    answers: Answers,
    runs: Family<Ended, Counter>,
    failures: Family<At, Counter>,
    downloaded: Counter,
    lateness: Histogram,
    open: Family<Listener, Gauge>,
    handshake_failures: Family<Listener, Counter>,
    timeouts: Family<Listener, Counter>,
    /// The certificate that artifacts are served with.
    pub certificates: Certificates,
    /// Events.
    pub events: Told,
    /// Notifications.
    pub notifications: Told,
    /// Times that a watch had to begin anew.
    pub watch_restarts: Counter,
    /// The cache of tokens.
    pub tokens: Arc<TokenMetrics>,
    /// The trust root of signatures without keys.
    pub trust: Arc<TrustMetrics>,
}

impl Metrics {
    /// Everything at zero. `objects`: whether every object has series of its own, which costs memory here and in
    /// Prometheus.
    pub fn new(objects: bool) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            gathered: Gathered::default(),
            objects: objects.then(|| Family::new_with_constructor(durations as fn() -> Histogram)),
            reconciled: Family::default(),
            reconcile_errors: Family::default(),
            answers: Answers::default(),
            runs: Family::default(),
            failures: Family::default(),
            downloaded: Counter::default(),
            lateness: Histogram::new(LATENESS),
            open: Family::default(),
            handshake_failures: Family::default(),
            timeouts: Family::default(),
            certificates: Certificates::default(),
            events: Told::default(),
            notifications: Told::default(),
            watch_restarts: Counter::default(),
            tokens: Arc::new(TokenMetrics::new(objects)),
            trust: Arc::default(),
        };
        metrics.register_flux();
        metrics.register_runs();
        metrics.register_others();
        metrics.tokens.register(&mut metrics.registry);
        metrics.trust.register(&mut metrics.registry);
        metrics.registry.register_collector(Box::new(metrics.gathered.clone()));
        metrics.touch();
        metrics
    }

    /// Makes what is counted show up before it happens, so that its first occurrence is an increase.
    fn touch(&self) {
        drop(self.reconcile_errors.get_or_create(&Controller { controller: CONTROLLER }));
        for result in RESULTS {
            drop(self.reconciled.get_or_create(&Reconciled { controller: CONTROLLER, result }));
        }
        for outcome in OUTCOMES {
            drop(self.runs.get_or_create(&Ended { outcome }));
        }
        for known in STEPS {
            drop(self.failures.get_or_create(&At { step: step(known) }));
        }
    }

    /// What source-controller has too. The library adds `_total` to the names of counters.
    fn register_flux(&mut self) {
        let registry = &mut self.registry;
        if let Some(objects) = &self.objects {
            registry.register(
                "gotk_reconcile_duration_seconds",
                "The duration in seconds of a reconciliation",
                objects.clone(),
            );
        }
        registry.register(
            "controller_runtime_reconcile",
            "Total number of reconciliations per controller",
            self.reconciled.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "Total number of reconciliation errors per controller",
            self.reconcile_errors.clone(),
        );
        registry.register(
            "rest_client_requests",
            "Number of HTTP requests, partitioned by status code, method, and host",
            self.answers.clone(),
        );
    }

    fn register_runs(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("oci_controller");
        registry.register("runs", "Runs, by what came of them", self.runs.clone());
        registry.register("failures", "Failed runs, by the step that failed", self.failures.clone());
        registry.register(
            "downloaded_bytes",
            "Bytes of the artifacts that were fetched and stored",
            self.downloaded.clone(),
        );
        registry.register(
            "lateness_seconds",
            "From when a run was due to when it began",
            self.lateness.clone(),
        );
        registry.register("watch_restarts", "Watches that began anew", self.watch_restarts.clone());
    }

    fn register_others(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("oci_controller");
        let told = [
            ("events", "Events, by what became of them", &self.events),
            ("notifications", "Notifications, by what became of them", &self.notifications),
        ];
        for (name, help, told) in told {
            registry.register(name, help, told.family.clone());
        }
        registry.register("connections", "Open connections", self.open.clone());
        registry.register(
            "handshake_failures",
            "TLS handshakes that failed or took too long",
            self.handshake_failures.clone(),
        );
        registry.register(
            "connection_timeouts",
            "Connections closed because of a slow or idle client",
            self.timeouts.clone(),
        );
        self.certificates.register(registry);
    }

    /// Counts the requests to the API server of that host.
    pub fn requests(&self, host: &str) -> Requests {
        Requests { answers: self.answers.clone(), host: host.into() }
    }

    /// An object was run. Where the object is gone by then, [`Metrics::gone`] comes after it.
    pub fn ran(&self, namespace: &str, name: &str, took: Duration) {
        self.gathered.added();
        if let Some(objects) = &self.objects {
            objects.get_or_create(&object(namespace, name)).observe(took.as_secs_f64());
        }
    }

    /// An object is gone, and its series with it.
    pub fn gone(&self, namespace: &str, name: &str) {
        if let Some(objects) = &self.objects {
            objects.remove(&object(namespace, name));
        }
        self.tokens.gone(namespace, name);
    }

    /// What came of a run.
    pub fn outcome(&self, ended: &Outcome) {
        self.reconciled.get_or_create(&Reconciled { controller: CONTROLLER, result: result(ended) }).inc();
        self.runs.get_or_create(&Ended { outcome: outcome(ended) }).inc();
        match ended {
            Outcome::Failed { failure, .. } => {
                self.reconcile_errors.get_or_create(&Controller { controller: CONTROLLER }).inc();
                self.failures.get_or_create(&At { step: step(failure.step) }).inc();
            }
            Outcome::Stored { artifact, .. } => {
                self.downloaded
                    .inc_by(artifact.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default());
            }
            Outcome::Suspended | Outcome::Forgotten | Outcome::Refused(_) | Outcome::Kept(_) => {}
        }
    }

    /// A run begins this long after it was due.
    pub fn late(&self, by: Duration) {
        self.lateness.observe(by.as_secs_f64());
    }

    /// The connections of a listener, counted under its name.
    pub fn connections(&self, listener: &'static str) -> Connections {
        let label = Listener { listener };
        Connections {
            open: self.open.get_or_create(&label).clone(),
            handshake_failures: self.handshake_failures.get_or_create(&label).clone(),
            timeouts: self.timeouts.get_or_create(&label).clone(),
        }
    }

    /// The text that Prometheus reads, with what others know at this moment.
    pub fn text(&self, snapshot: Snapshot) -> String {
        self.gathered.set(snapshot);
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut out, &self.registry);
        out
    }
}

/// Ten buckets from 10 ms to 30 minutes, as source-controller's.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets_range(0.01, 1800.0, 10))
}

fn object(namespace: &str, name: &str) -> Object {
    Object { kind: oci_crds::KIND, name: name.to_owned(), namespace: namespace.to_owned() }
}
