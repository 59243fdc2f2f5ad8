//! Figures of the trust root for signatures without keys.

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

/// How old the trust root is, and whether newer ones are found.
#[derive(Debug)]
pub struct TrustMetrics {
    current: Gauge,
    successful: Gauge,
    refreshes: Family<Ended, Counter>,
    renewed: Counter,
    failed: Counter,
}

impl Default for TrustMetrics {
    fn default() -> Self {
        let refreshes = Family::<Ended, Counter>::default();
        let counter = |result| refreshes.get_or_create_owned(&Ended { result });
        let (renewed, failed) = (counter("success"), counter("failure"));
        let successful = Gauge::default();
        successful.set(1);
        Self { current: Gauge::default(), successful, refreshes, renewed, failed }
    }
}

impl TrustMetrics {
    /// The library adds `_total` to the names of counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("oci_controller_trust_root");
        registry.register(
            "timestamp_seconds",
            "When the trust root of signatures without keys was known to be the current one, in seconds since 1970; \
             0 if there is none yet",
            self.current.clone(),
        );
        registry.register(
            "last_refresh_successful",
            "Whether the last look for a newer trust root went well",
            self.successful.clone(),
        );
        registry.register(
            "refreshes",
            "Looks for a newer trust root, by what came of them",
            self.refreshes.clone(),
        );
    }

    /// The root that is used was the current one then.
    pub fn current_at(&self, at: Timestamp) {
        self.current.set(at.as_second());
    }

    /// A refresh went well.
    pub fn renewed(&self, at: Timestamp) {
        self.current_at(at);
        self.recovered();
        self.renewed.inc();
    }

    /// What was wrong is right again, and nothing is new.
    pub fn recovered(&self) {
        self.successful.set(1);
    }

    /// A refresh went wrong.
    pub fn failed(&self) {
        self.successful.set(0);
        self.failed.inc();
    }
}
