//! Test harness: an embedded registry, real registries, a real API server, certificates and sample trees.
//!
//! Everything here panics with a clear message when the harness itself is at fault, so that tests read as tests.
//!
//! ```no_run
//! use oci_testkit::registry::{Act, Auth, Class, Fault, Match, Registry};
//!
//! let registry = Registry::start();                                  // 127.0.0.1, free port, drop stops it
//! let secured = Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).page_size(100).start();
//! registry.host();                                                   // "127.0.0.1:PORT"
//! registry.url("org/app");                                           // "oci://127.0.0.1:PORT/org/app"
//! let layer = registry.put_blob("org/app", b"layer");                // seeding without requests
//! registry.put_manifest("org/app", "v1", "application/vnd.oci.image.manifest.v1+json", b"{}");
//! registry.fault(Fault::once(Match::class(Class::Blob), Act::status(503)));
//! registry.fault(Fault::times(2, Match::class(Class::Manifest).method("PUT"), Act::too_many_requests("1")));
//! registry.fault(Fault::always(Match::path("/token"), Act::Stall).after(1));
//! assert_eq!(registry.count(|request| request.class == Class::Blob && request.method == "GET"), 0);
//! registry.requests().iter().map(|request| request.line()).for_each(drop);  // "GET /v2/… 200"
//! registry.reset();
//! # let _ = (secured, layer);
//! ```
//!
//! Several faults may be set; each request takes the first that fits and is not used up. Early acts ([`Act::Status`]
//! to [`Act::RawReply`]) come before credentials are looked at, the others change a successful answer only. Every
//! request is a [`registry::Recorded`] with method, path, query, status, class, headers and number of body bytes.
//!
//! Modules: [`registry`] the embedded one, [`real`] distribution, olareg, moto and proxy.py as child processes,
//! [`token_server`] what distribution takes tokens of, [`scripted`] servers of a test's own, [`controller`] ours as a child
//! process, [`tls`] certificates, [`net`] addresses that refuse or stay silent, [`service`] what spreads connections,
//! [`proxy`] and [`receiver`] what their names say, [`documents`] what README and the guides say, [`planted`] the secrets
//! of all suites and the search for them, [`samples`] trees, [`tools`] the foreign programs that `cargo xtask tools` and
//! `cargo xtask control-plane` build and where the plugin is; with the feature `cluster` also `control_plane`, a
//! kube-apiserver with etcd, and `kubelet` and `replicas`, which run our Deployments on loopback; with the feature
//! `sigstore` also `sigstore`, which signs in every format.
//!
//! [`Act::Status`]: registry::Act::Status
//! [`Act::RawReply`]: registry::Act::RawReply

#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    reason = "a harness that cannot do its part stops the test at the place of the fault"
)]

pub mod cases;
#[cfg(feature = "cluster")]
pub mod control_plane;
pub mod controller;
pub mod documents;
mod kept;
#[cfg(feature = "cluster")]
pub mod kubelet;
mod listener;
pub mod net;
pub mod page;
pub mod planted;
pub mod proxy;
pub mod real;
pub mod receiver;
pub mod registry;
#[cfg(feature = "cluster")]
pub mod replicas;
pub mod samples;
pub mod scripted;
pub mod service;
#[cfg(feature = "sigstore")]
pub mod sigstore;
pub mod tls;
pub mod token_server;
pub mod tools;
