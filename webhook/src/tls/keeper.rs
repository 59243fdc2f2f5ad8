//! Keeps self-issued certificates alive: reads, decides, writes, again and again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use oci_server::tls::{Clock, Served};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    authority,
    issue::{Lifetimes, Step, next},
    publish::{self, Cluster, Place, Written},
    secret::Held,
};
use crate::observe::Certificates;

/// Steps of one pass. A whole change of the authority takes five.
const STEPS: usize = 8;
/// The longest time between two looks at where the authority is published.
const PLACES: Duration = Duration::from_secs(25);

/// What to do about a missing right.
const RIGHTS: &str =
    "give the webhook's ServiceAccount that right: `kubectl oci install` sets its roles again";

/// Why a pass did not get to its end. The next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server.
    #[error(transparent)]
    Cluster(#[from] publish::Error),
    /// The certificate library.
    #[error(transparent)]
    Authority(#[from] authority::Error),
    /// Others were faster again and again.
    #[error("{0} is written by others all the time")]
    Restless(String),
}

impl Error {
    /// What to do about it.
    fn hint(&self) -> Option<&'static str> {
        let Self::Cluster(publish::Error::Api { source, .. }) = self else { return None };
        matches!(&**source, kube::Error::Api(status) if status.is_forbidden()).then_some(RIGHTS)
    }
}

/// Serves the certificate of a Secret, which it keeps fresh together with all other replicas.
pub struct Keeper {
    cluster: Cluster,
    /// What the certificate is for.
    names: Vec<String>,
    lifetimes: Lifetimes,
    served: Arc<Served>,
    metrics: Certificates,
    clock: Clock,
    /// The certificate that is served, in PEM.
    current: Vec<u8>,
    /// The bundle that was found everywhere, and when.
    published: Option<(String, Instant)>,
    complaint: Option<String>,
}

impl Keeper {
    /// A keeper that has not looked yet.
    pub fn new(
        cluster: Cluster,
        names: Vec<String>,
        lifetimes: Lifetimes,
        served: Arc<Served>,
        metrics: Certificates,
        clock: Clock,
    ) -> Self {
        Self {
            cluster,
            names,
            lifetimes,
            served,
            metrics,
            clock,
            current: Vec::new(),
            published: None,
            complaint: None,
        }
    }

    /// Makes a pass every so often, for ever. Failures are told once, and tried again.
    pub async fn run(mut self, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.pass().await {
                Ok(()) => self.complaint = None,
                Err(error) => {
                    self.metrics.issue_failures.inc();
                    self.complain(&error);
                }
            }
        }
    }

    fn complain(&mut self, error: &Error) {
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::error!(
                error = complaint,
                hint = error.hint(),
                "keeping the certificate failed, trying again"
            );
            self.complaint = Some(complaint);
        }
    }

    /// Does everything that is to be done now.
    pub async fn pass(&mut self) -> Result<(), Error> {
        for _ in 0..STEPS {
            if self.step().await? == Step::Wait {
                return Ok(());
            }
        }
        Err(Error::Restless(self.cluster.secret_name()))
    }

    async fn step(&mut self) -> Result<Step, Error> {
        // Before the Secret: a bundle that is written there after this is then noticed as a conflict.
        let places = if self.is_published_lately() { None } else { Some(self.cluster.places().await) };
        let secret = self.cluster.secret().await?;
        let now = (self.clock)();
        let held = self.hold(secret.as_ref(), now);
        let bundle = held.bundle();
        let lately = self.published.as_ref().is_some_and(|(published, _)| *published == bundle);
        let published = match &places {
            None => lately,
            Some(Ok(places)) => places.iter().all(|place| place.has(&bundle)),
            Some(Err(_)) => false,
        };
        // A place that does not exist yet is waited for: until it has a bundle, nobody can call us through it.
        let complete = |places: &Vec<Place>| places.len() == self.cluster.wanted();
        if published && places.as_ref().is_some_and(|places| places.as_ref().is_ok_and(complete)) {
            self.published = Some((bundle.clone(), Instant::now()));
        }
        let step = next(&held.facts(&self.names, published), &self.lifetimes, now);
        match step {
            Step::Wait => {}
            // The places were not looked at, because the bundle was another one then.
            Step::Publish => match places {
                None => self.published = None,
                Some(places) => self.publish(&places?, &bundle).await?,
            },
            Step::Begin(_) | Step::Extend(_) | Step::Renew(_) | Step::Trim => {
                if let Some(data) = held.after(step, &self.names, &self.lifetimes, now)? {
                    self.log(step, &held);
                    let written = self.cluster.write(secret.as_ref(), data).await?;
                    tracing::info!(?step, ?written, secret = self.cluster.secret_name(), "wrote the Secret");
                }
            }
        }
        Ok(step)
    }

    fn is_published_lately(&self) -> bool {
        self.published.as_ref().is_some_and(|(_, at)| at.elapsed() < PLACES)
    }

    /// What the Secret holds; its certificate is served from now on.
    fn hold(&mut self, secret: Option<&Secret>, now: Timestamp) -> Held {
        let Some(secret) = secret else {
            return Held::default();
        };
        let held = Held::read(secret.data.as_ref().unwrap_or(&BTreeMap::new()), now);
        if let Some(identity) = held.identity() {
            let text: Vec<u8> = identity.key().cert.first().map(|der| der.to_vec()).unwrap_or_default();
            if text != self.current {
                tracing::info!(not_after = %identity.not_after, "another certificate is served");
                self.metrics.served.serve(identity);
                if !self.current.is_empty() {
                    self.metrics.served.reloads.inc();
                }
                self.served.replace(identity.clone());
                self.current = text;
            }
        }
        held
    }

    fn log(&self, step: Step, held: &Held) {
        if !held.complaints.is_empty() {
            let complaints = held.complaints.join("; ");
            tracing::warn!(
                complaints,
                ?step,
                secret = self.cluster.secret_name(),
                "the Secret is not as it was left"
            );
        }
    }

    async fn publish(&self, places: &[Place], bundle: &str) -> Result<(), Error> {
        for place in places.iter().filter(|place| !place.has(bundle)) {
            let written = self.cluster.publish(place, bundle).await?;
            tracing::info!(%place, ?written, "wrote the authority where it is trusted");
            if written == Written::Overtaken {
                // What is published may be newer than what was read: read both again.
                return Ok(());
            }
        }
        Ok(())
    }
}
