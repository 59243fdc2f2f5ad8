//! Metrics and logs. Labels are closed sets: no name, user or text of a request becomes one.

mod labels;
pub mod logs;

use oci_crds::validate::Code;
use oci_server::{Connections, Counted, tls};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

pub use labels::{Cause, Endpoint, Verdict};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reviewed {
    endpoint: Endpoint,
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rejected {
    endpoint: Endpoint,
    cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    endpoint: Endpoint,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rule {
    /// The name of a [`Code`].
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

/// What is known of certificates.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// The one that is served.
    pub served: tls::Certificates,
    /// How often a step of issuing or publishing failed.
    pub issue_failures: Counter,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Family<Reviewed, Counter>,
    rejected: Family<Rejected, Counter>,
    durations: Family<At, Histogram, fn() -> Histogram>,
    in_flight: Family<At, Gauge>,
    faults: Family<Rule, Counter>,
    connections: Family<Listener, Gauge>,
    handshake_failures: Family<Listener, Counter>,
    timeouts: Family<Listener, Counter>,
    /// Certificates.
    pub certificates: Certificates,
}

/// Seconds: from a tenth of a usual review to the deadline of a conversion.
const BUCKETS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.5, 25.0];

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("oci_webhook"),
            reviews: Family::default(),
            rejected: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Family::default(),
            faults: Family::default(),
            connections: Family::default(),
            handshake_failures: Family::default(),
            timeouts: Family::default(),
            certificates: Certificates::default(),
        };
        metrics.register();
        metrics.touch();
        metrics
    }

    /// Makes what is counted show up before it happens, so that its first occurrence is an increase.
    fn touch(&self) {
        for &endpoint in Endpoint::ALL {
            drop(self.durations.get_or_create(&At { endpoint }));
            drop(self.in_flight.get_or_create(&At { endpoint }));
            for &cause in Cause::ALL {
                drop(self.rejected.get_or_create(&Rejected { endpoint, cause }));
            }
            let verdicts = match endpoint {
                Endpoint::Validate => [Verdict::Allowed, Verdict::Passed, Verdict::Refused].as_slice(),
                Endpoint::Convert => [Verdict::Converted, Verdict::Failed].as_slice(),
            };
            for &verdict in verdicts {
                drop(self.reviews.get_or_create(&Reviewed { endpoint, verdict }));
            }
        }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("reviews", "Reviews that were answered", self.reviews.clone());
        registry.register(
            "rejected_requests",
            "Requests that got another status than 200",
            self.rejected.clone(),
        );
        registry.register(
            "review_duration_seconds",
            "From the head of a request to its answer",
            self.durations.clone(),
        );
        registry.register("reviews_in_flight", "Requests in work", self.in_flight.clone());
        registry.register("faults", "Faults in refused objects, by rule", self.faults.clone());
        registry.register("connections", "Open connections", self.connections.clone());
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
        self.register_certificates();
    }

    fn register_certificates(&mut self) {
        self.certificates.served.register(&mut self.registry);
        self.registry.register(
            "certificate_issue_failures",
            "Failed steps of issuing certificates and publishing their authority",
            self.certificates.issue_failures.clone(),
        );
    }

    /// The connections of a listener, counted under its name.
    pub fn connections(&self, listener: &'static str) -> Connections {
        let label = Listener { listener };
        Connections {
            open: self.connections.get_or_create(&label).clone(),
            handshake_failures: self.handshake_failures.get_or_create(&label).clone(),
            timeouts: self.timeouts.get_or_create(&label).clone(),
        }
    }

    /// Counts a request while it is in work.
    pub fn begin(&self, endpoint: Endpoint) -> Counted {
        Counted::new(&self.in_flight.get_or_create(&At { endpoint }))
    }

    /// A request was answered by a review.
    pub fn reviewed(&self, endpoint: Endpoint, verdict: Verdict, seconds: f64) {
        self.reviews.get_or_create(&Reviewed { endpoint, verdict }).inc();
        self.durations.get_or_create(&At { endpoint }).observe(seconds);
    }

    /// A request was rejected.
    pub fn rejected(&self, endpoint: Endpoint, cause: Cause) {
        self.rejected.get_or_create(&Rejected { endpoint, cause }).inc();
    }

    /// An object was refused for these faults.
    pub fn faults(&self, codes: &[Code]) {
        for code in codes {
            self.faults.get_or_create(&Rule { code: code.as_str() }).inc();
        }
    }

    /// The text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut out, &self.registry);
        out
    }
}
