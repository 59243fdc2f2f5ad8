//! Suite against a real kube-apiserver with etcd.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test at the place of the fault"
)]

mod admission;
mod certificates;
mod control_plane;
mod controller;
mod conversion;
mod doctor;
mod install;
mod lease;
mod metrics_page;
mod monitoring;
mod objects;
mod outage;
mod plugin;
mod policy;
mod recorder;
mod reference;
mod upgrade;
mod world;
