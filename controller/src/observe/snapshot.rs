//! What others know and is asked for when somebody reads the metrics.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use super::{
    process,
    series::{CONTROLLER, Controller, Named},
};
use crate::storage::StorageStats;

/// What others know at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The name of our Lease; empty without leader election.
    pub lease: String,
    /// Whether we lead.
    pub leading: bool,
    /// Objects that are due but have to wait.
    pub waiting: usize,
    /// Objects that run.
    pub running: usize,
    /// Most runs at once.
    pub concurrent: usize,
    /// The storage.
    pub storage: StorageStats,
}

/// What is known of the last snapshot; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Runs that were queued.
    adds: AtomicU64,
    last: Mutex<Snapshot>,
}

impl Gathered {
    pub(super) fn added(&self) {
        self.0.adds.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, snapshot: Snapshot) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let snapshot = self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let out = &mut encoder;
        let controller = Controller { controller: CONTROLLER };
        let queue = Named { name: CONTROLLER.to_owned() };
        let adds = self.0.adds.load(Ordering::Relaxed);
        let (waiting, running) = (wide(snapshot.waiting), wide(snapshot.running));
        let most = wide(snapshot.concurrent);
        gauge(out, "workqueue_depth", "Objects that are due", &queue, waiting)?;
        counter(out, "workqueue_adds", "Runs that were queued", &queue, adds)?;
        gauge(out, "controller_runtime_active_workers", "Objects that run", &controller, running)?;
        gauge(out, "controller_runtime_max_concurrent_reconciles", "Most runs at once", &controller, most)?;
        let lease = Named { name: snapshot.lease };
        let leading = u64::from(snapshot.leading);
        gauge(out, "leader_election_master_status", "Whether this process leads", &lease, leading)?;
        stored(out, snapshot.storage)?;
        process::encode(out)
    }
}

fn stored(out: &mut DescriptorEncoder<'_>, stats: StorageStats) -> std::fmt::Result {
    let StorageStats { files, bytes, shared, reread, damaged, swept, refused } = stats;
    gauge(out, "oci_controller_stored_files", "Stored files", &NONE, files)?;
    gauge(out, "oci_controller_stored_bytes", "Bytes of stored files", &NONE, bytes)?;
    let counters = [
        ("oci_controller_shared_files", "Files stored without space of their own", shared),
        ("oci_controller_reread_files", "Files read again because something had changed", reread),
        ("oci_controller_damaged_files", "Files put away as damaged", damaged),
        ("oci_controller_swept_files", "Superseded files removed", swept),
        ("oci_controller_refused_files", "Requests for files that were not as stored", refused),
    ];
    counters.into_iter().try_for_each(|(name, help, value)| counter(out, name, help, &NONE, value))
}

/// No labels.
const NONE: [(&str, &str); 0] = [];

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn gauge(
    out: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    labels: &impl EncodeLabelSet,
    value: u64,
) -> std::fmt::Result {
    let mut metric = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric.encode_family(labels)?)
}

fn counter(
    out: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    labels: &impl EncodeLabelSet,
    value: u64,
) -> std::fmt::Result {
    let mut metric = out.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric.encode_family(labels)?)
}
