//! The metrics of the token cache, as Flux names them (`fluxcd/pkg/cache` with the prefix `gotk_token`).

use oci_identity::cache::{Ledger, Outcome, Subject};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

const HIT: &str = "cache_hit";
const MISS: &str = "cache_miss";
const SUCCESS: &str = "success";
const FAILURE: &str = "failure";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    event_type: &'static str,
    kind: &'static str,
    name: String,
    namespace: String,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    status: &'static str,
}

/// Counts what the token cache does.
#[derive(Debug, Default)]
pub struct TokenMetrics {
    /// Whether every object has series of its own.
    objects: bool,
    events: Family<Asked, Counter>,
    requests: Family<Ended, Counter>,
    evictions: Counter,
    items: Gauge,
}

impl TokenMetrics {
    pub(super) fn new(objects: bool) -> Self {
        let metrics = Self { objects, ..Self::default() };
        for status in [SUCCESS, FAILURE] {
            drop(metrics.requests.get_or_create(&Ended { status }));
        }
        metrics
    }

    /// The library adds `_total` to the names of counters.
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("gotk_token");
        registry.register("cache_events", "Total number of cache retrieval events", self.events.clone());
        registry.register(
            "cache_requests",
            "Total number of cache requests partitioned by success or failure",
            self.requests.clone(),
        );
        registry.register("cache_evictions", "Total number of cache evictions", self.evictions.clone());
        registry.register("cached_items", "Total number of items in the cache", self.items.clone());
    }

    /// An object is gone, and its series with it.
    pub(super) fn gone(&self, namespace: &str, name: &str) {
        for event_type in [HIT, MISS] {
            self.events.remove(&asked(event_type, namespace, name));
        }
    }
}

fn asked(event_type: &'static str, namespace: &str, name: &str) -> Asked {
    let (name, namespace) = (name.to_owned(), namespace.to_owned());
    Asked { event_type, kind: oci_crds::KIND, name, namespace, operation: "reconcile" }
}

impl Ledger for TokenMetrics {
    fn asked(&self, subject: Option<&Subject>, outcome: Outcome) {
        let (event_type, status) = match outcome {
            Outcome::Hit => (HIT, SUCCESS),
            Outcome::Miss => (MISS, SUCCESS),
            Outcome::Failure => (MISS, FAILURE),
        };
        self.requests.get_or_create(&Ended { status }).inc();
        // What a login is made from is asked for by no object.
        if let Some(subject) = subject.filter(|_| self.objects) {
            self.events.get_or_create(&asked(event_type, &subject.namespace, &subject.name)).inc();
        }
    }

    fn evicted(&self) {
        self.evictions.inc();
    }

    fn holds(&self, entries: usize) {
        self.items.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}
