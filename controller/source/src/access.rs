//! One object's way to its registry: its client, its time, and whether the registry is left alone for now.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oci_artifact::{
    Class,
    name::{Digest, Host, Repository},
};
use oci_crds::validate::Checked;
use oci_decide::{Failure, Observed, Step};
use oci_identity::Identities;
use oci_registry::{Access as Rights, Error, Fault, Fetched, RepositoryClient};
use oci_verify::{AnyPolicy, Artifact, Asked, Verdict};

use crate::{
    breaker::{Breaker, Pass},
    certificates,
    clients::Clients,
    connection::Connection,
    failure::{Failed, Login},
    fingerprint::Fingerprint,
    login::Way,
    material::Material,
    run::Progress,
};

/// Longest silence of a registry, but in downloads.
const SILENCE: Duration = Duration::from_secs(30);
/// A timeout below this says nothing about the registry: whoever writes a spec must not be able to shut a registry for
/// others.
const TELLING: Duration = Duration::from_secs(10);

/// A registry, by the way that leads to it.
pub(crate) type Route = (Host, Fingerprint);

/// What a registry that does not answer came to: the fault, and what to do.
pub(crate) type Why = (String, Option<String>);

/// One object's way to its registry.
pub(crate) struct Access<'a> {
    breaker: &'a Breaker<Route, Why>,
    progress: &'a dyn Progress,
    route: Route,
    /// Without an end, for downloads.
    pub(crate) client: RepositoryClient,
    /// With the end that everything else has.
    pub(crate) bounded: RepositoryClient,
    /// The manifest that was fetched to verify its signature: it is not fetched once more.
    pub(crate) known: Option<Fetched>,
    login: Login,
    /// Whether there is a Secret with certificates, and one with a proxy.
    has: (bool, bool),
    timeout: Duration,
    dice: f64,
}

impl<'a> Access<'a> {
    /// Logs nobody in yet: that happens when the registry asks for it.
    pub(crate) fn open(
        (clients, identities): (&Clients, Option<&Identities>),
        (breaker, progress): (&'a Breaker<Route, Why>, &'a dyn Progress),
        observed: &Observed,
        checked: &Checked,
        material: &Material,
    ) -> Result<Self, Failure> {
        let connection = Connection::read(material, checked.insecure)?;
        certificates::not_over(&connection.tls, observed.now)?;
        let repository = &checked.repository;
        let now = Instant::now();
        let (login, client) = if let Some(logins) = &material.logins {
            let client = clients.anonymous(&connection, now).with_credentials(Arc::clone(logins));
            (Login::Found("the local logins".to_owned()), client)
        } else {
            let way = Way::of(checked, material)?;
            way.open(clients, identities, &connection, &observed.namespace, checked, now)?
        };
        let client = client.repository(repository, Rights::Pull);
        let end = tokio::time::Instant::now() + checked.timeout;
        Ok(Self {
            breaker,
            progress,
            route: (repository.host().clone(), connection.key),
            bounded: client.clone().until(Some(end)).stalling_after(SILENCE),
            known: None,
            client,
            timeout: checked.timeout,
            login,
            has: (material.certificate.is_some(), material.proxy.is_some()),
            dice: observed.dice,
        })
    }

    pub(crate) fn repository(&self) -> &Repository {
        self.client.repository()
    }

    /// Makes a call, unless the registry is left alone for now. `action` says what is attempted on what.
    pub(crate) async fn ask<T>(
        &self,
        step: Step,
        action: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let pass = self.enter(step, action)?;
        match call.await {
            Ok(done) => {
                pass.answered();
                Ok(done)
            }
            Err(error) => Err(self.learn(pass, step, action, &error)),
        }
    }

    /// Looks for signatures, unless the registry is left alone for now. A manifest that it took is kept for the fetch.
    pub(crate) async fn judge(
        &mut self,
        policy: &AnyPolicy,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Verdict, Failure> {
        let action = format!("looking for signatures of {}@{digest}", self.repository());
        let mut artifact = Artifact::new(digest.clone());
        let pass = self.enter(Step::Signature, &action)?;
        // Boxed: large, and rare.
        let asking = Box::pin(oci_verify::ask(&self.bounded, policy, &mut artifact, now));
        let Asked { verdict, answer } = asking.await;
        match answer {
            Some(Ok(())) => pass.answered(),
            // The verdict says it too, and what was found in spite of it.
            Some(Err(error)) => drop(self.learn(pass, Step::Signature, &action, &error)),
            None => drop(pass),
        }
        self.known = artifact.into_manifest();
        Ok(verdict)
    }

    fn enter(&self, step: Step, action: &str) -> Result<Pass<'_, Route, Why>, Failure> {
        self.breaker.enter(&self.route, Instant::now()).map_err(|shut| {
            let (fault, hint) = shut.why;
            let class = Class::Retry { after: Some(shut.left) };
            Failure { step, class, message: format!("{action}: {fault}"), hint }
        })
    }

    /// What a failed call means, to the object and to all others of the registry.
    fn learn(&self, pass: Pass<'_, Route, Why>, step: Step, action: &str, error: &Error) -> Failure {
        let failure = self.failure(step, action, error);
        match &*error.fault {
            Fault::Deadline if self.timeout < TELLING => drop(pass),
            fault if fault.is_unreachable() || matches!(fault, Fault::Proxy { .. }) => {
                pass.unanswered(Instant::now(), self.dice, (fault.to_string(), failure.hint.clone()));
            }
            _ => pass.answered(),
        }
        failure
    }

    /// What an error of this object's client means.
    pub(crate) fn failure(&self, step: Step, action: &str, error: &Error) -> Failure {
        self.progress.failed(error);
        Failed { step, action, repository: self.repository(), login: &self.login, has: self.has }
            .because_of(error)
    }
}
