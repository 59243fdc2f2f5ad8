//! Everything that a decision is based on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use oci_crds::{
    conditions::metadata,
    v1::{OciRepository, Spec, Status},
    validate::{self, Report},
};

/// One object at one moment.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The time.
    pub now: Timestamp,
    /// A number in `[0, 1)`, for jitter.
    pub dice: f64,
    /// `metadata.namespace`
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.generation`
    pub generation: i64,
    /// Whether the object is being deleted.
    pub deleting: bool,
    /// The annotation `reconcile.fluxcd.io/requestedAt`.
    pub requested_at: Option<String>,
    /// Annotations that are copied to events.
    pub event_annotations: BTreeMap<String, String>,
    /// The platform that is taken from an image index, as the annotation says it.
    pub platform: Option<String>,
    /// The spec as it is written.
    pub spec: Spec,
    /// The spec as it was judged and parsed.
    pub report: Report,
    /// The status as it is stored.
    pub status: Status,
    /// What the storage has of the artifact that the status names.
    pub stored: Stored,
    /// Failed runs in a row before this one.
    pub failures: u32,
    /// What is the same for all objects.
    pub settings: Arc<Settings>,
}

/// What is the same for all objects.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where artifacts are served, without a slash at the end: `http://host[:port]`.
    pub advertised: String,
    /// Most percent by which a regular wait is longer or shorter, below 100.
    pub jitter_percent: u8,
    /// The wait after the first failure; doubled for each further one.
    pub min_retry: Duration,
    /// The longest wait after a failure.
    pub max_retry: Duration,
}

impl Default for Settings {
    /// The defaults of source-controller's flags.
    fn default() -> Self {
        Self {
            advertised: "http://localhost:9090".to_owned(),
            jitter_percent: 5,
            min_retry: Duration::from_millis(750),
            max_retry: Duration::from_mins(15),
        }
    }
}

/// What the storage has of the artifact that a status names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The status names none.
    Nothing,
    /// The file, as it was stored.
    Whole,
    /// No file.
    Missing,
    /// A file that is not the one that was stored; it was put away. Says what is wrong with it.
    Damaged(String),
}

impl Observed {
    /// What an object says, at this time. `stored` is for the caller to find out, from `status.artifact`.
    pub fn new(
        object: &OciRepository,
        stored: Stored,
        failures: u32,
        (now, dice): (Timestamp, f64),
        settings: Arc<Settings>,
    ) -> Self {
        let about = &object.metadata;
        let annotations = about.annotations.clone().unwrap_or_default();
        Self {
            now,
            dice,
            namespace: about.namespace.clone().unwrap_or_default(),
            name: about.name.clone().unwrap_or_default(),
            generation: about.generation.unwrap_or_default(),
            deleting: about.deletion_timestamp.is_some(),
            requested_at: annotations.get(metadata::REQUESTED_AT).cloned(),
            platform: annotations.get(metadata::PLATFORM).cloned(),
            event_annotations: annotations
                .into_iter()
                .filter(|(name, _)| name.starts_with(metadata::EVENT_PREFIX))
                .collect(),
            report: validate::check(&object.spec),
            spec: object.spec.clone(),
            status: object.status.clone().unwrap_or_default(),
            stored,
            failures,
            settings,
        }
    }
}
