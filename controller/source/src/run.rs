//! One run, from what is observed to what came of it.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use oci_artifact::{
    Class,
    archive::{Control, Repacked},
    manifest::{Descriptor, Platform},
    name::Algorithm,
};
use oci_crds::{
    v1::Artifact,
    validate::{Checked, Operation},
};
use oci_decide::{Failure, Judged, Observed, Outcome, Plan, Resolved, Signature, Step, decide};
use oci_identity::{Identities, cache::Subject, on_behalf_of};
use oci_registry::{Error, Options};
use oci_verify::CommonRoot;

use crate::{
    access::{Access, Route, Why},
    breaker::Breaker,
    clients::Clients,
    manifest,
    material::{Materials, Trust},
    store::{Content, Owner, Store},
    transfer::Transfer,
    verify::{self, Roots},
};

/// Decisions in one run: resolve, read what verifies, verify, then keep or fetch, and one to spare.
const ROUNDS: usize = 5;

/// Told what a run has found out so far.
pub trait Progress: Send + Sync {
    /// The registry was asked, and something will be fetched.
    fn resolved(&self, resolved: &Resolved);

    /// The layer that is the content is going to be downloaded.
    fn selected(&self, layer: &Descriptor, operation: Operation) {
        let _ = (layer, operation);
    }

    /// The layer's archive was read and packed again.
    fn repacked(&self, repacked: &Repacked) {
        let _ = repacked;
    }

    /// A call to the registry failed, and so will the run.
    fn failed(&self, error: &Error) {
        let _ = error;
    }
}

/// What a [`Source`] works with.
#[derive(Clone)]
pub struct SourceOptions {
    /// Where artifacts go.
    pub store: Arc<dyn Store>,
    /// Settings that are the same for all registries: user agent, tries and pauses, proxies. Certificates, credentials
    /// and a proxy in place of these come from each object's material.
    pub registry: Options,
    /// Logs in by identities; `None` where there are none, as outside of a cluster.
    pub identities: Option<Identities>,
    /// Verifies signatures without keys of objects that name no trusted root.
    pub root: CommonRoot,
    /// What is taken from an image index where an object says nothing.
    pub platform: Platform,
    /// What the digests of stored files are made with.
    pub algorithm: Algorithm,
    /// Most downloads at once, at least 1.
    pub transfers: usize,
    /// Most threads that read and write archives, at least 1.
    pub cpus: usize,
}

impl SourceOptions {
    /// The settings of the controller: few tries, because the object is run again anyway, and linux/amd64, SHA-256, 8
    /// downloads and one thread per processor.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let longest_pause = Duration::from_secs(5);
        Self {
            store,
            registry: Options { attempts: 3, longest_pause, ..Options::default() },
            identities: None,
            root: CommonRoot::default(),
            platform: Platform::linux_amd64(),
            algorithm: Algorithm::Sha256,
            transfers: 8,
            cpus: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// Does runs. Shared by all of them: connections, logins and what is known of registries. Cheap to clone.
#[derive(Clone)]
pub struct Source(Arc<Shared>);

struct Shared {
    clients: Clients,
    identities: Option<Identities>,
    breaker: Breaker<Route, Why>,
    platform: Platform,
    roots: Roots,
    transfer: Transfer,
}

impl Source {
    /// Works with these settings.
    pub fn new(options: SourceOptions) -> Self {
        let SourceOptions { store, registry, identities, root, platform, algorithm, transfers, cpus } =
            options;
        Self(Arc::new(Shared {
            clients: Clients::new(registry),
            identities,
            breaker: Breaker::new(),
            platform,
            roots: Roots::new(root),
            transfer: Transfer::new(store, algorithm, transfers, cpus),
        }))
    }

    /// Decides, carries out, and decides again until there is an outcome. Never does `Forget`: an object that is being
    /// deleted is the caller's, and `Suspended` is returned for it.
    ///
    /// Secrets are read, and the registry is asked, only if it takes that to decide. To stop a run, drop its future;
    /// work on other threads stops by `control`, which must be this run's own.
    pub async fn run(
        &self,
        observed: &Observed,
        materials: &dyn Materials,
        progress: &dyn Progress,
        control: &Control,
    ) -> Outcome {
        let mut resolved = None;
        let subject = Subject { namespace: observed.namespace.clone(), name: observed.name.clone() };
        // Boxed: large, and moved into another future.
        let rounds = Box::pin(self.rounds(observed, materials, progress, control, &mut resolved));
        match on_behalf_of(subject, rounds).await {
            Ok(outcome) => outcome,
            Err(failure) => Outcome::Failed { failure, resolved },
        }
    }

    async fn rounds(
        &self,
        observed: &Observed,
        materials: &dyn Materials,
        progress: &dyn Progress,
        control: &Control,
        resolved: &mut Option<Resolved>,
    ) -> Result<Outcome, Failure> {
        let (mut access, mut trust) = (None, Trust::default());
        for _ in 0..ROUNDS {
            let plan = match decide(observed, resolved.as_ref()) {
                Plan::Nothing | Plan::Forget => return Ok(Outcome::Suspended),
                Plan::Refuse(refusal) => return Ok(Outcome::Refused(refusal)),
                Plan::Keep(resolved) => return Ok(Outcome::Kept(resolved)),
                Plan::Trust(wanted) => {
                    *resolved = Some(wanted);
                    trust = materials.trust().await?;
                    note(observed, &trust, resolved.as_mut());
                    continue;
                }
                plan => plan,
            };
            let Some(checked) = &observed.report.checked else { break };
            if let Plan::Fetch(wanted) = &plan {
                *resolved = Some(wanted.clone());
                progress.resolved(wanted);
            }
            let access = match &mut access {
                Some(access) => access,
                none => none.insert(self.open(observed, checked, materials, progress).await?),
            };
            match plan {
                Plan::Fetch(wanted) => {
                    let artifact = self.fetch(observed, checked, access, &wanted, progress, control).await?;
                    return Ok(Outcome::Stored { resolved: wanted, artifact: Box::new(artifact) });
                }
                Plan::Verify(wanted) => {
                    let judged = Some(self.verify(observed, checked, access, &trust, &wanted).await?);
                    let signature = wanted.signature.map(|known| Signature { judged, ..known });
                    *resolved = Some(Resolved { signature, ..wanted });
                }
                _ => *resolved = Some(access.resolve(checked).await?),
            }
        }
        Err(Failure {
            step: Step::Digest,
            class: Class::Retry { after: None },
            message: "no decision was reached".to_owned(),
            hint: None,
        })
    }

    /// Verifies the signature of just the digest that is then fetched.
    async fn verify(
        &self,
        observed: &Observed,
        checked: &Checked,
        access: &mut Access<'_>,
        trust: &Trust,
        wanted: &Resolved,
    ) -> Result<Judged, Failure> {
        // Whatever the plan was: without a policy nothing is verified.
        let verification = checked.verify.as_ref().ok_or_else(verify::unasked)?;
        let policy = verify::policy(verification, trust, &self.0.roots)?;
        let verdict = access.judge(&policy, &wanted.revision.digest, observed.now).await?;
        verify::told(observed, wanted, &verdict);
        verify::judge(verification, &verdict)
    }

    /// Reads the material.
    async fn open<'a>(
        &'a self,
        observed: &Observed,
        checked: &Checked,
        materials: &dyn Materials,
        progress: &'a dyn Progress,
    ) -> Result<Access<'a>, Failure> {
        let material = materials.read().await?;
        let clients = (&self.0.clients, self.0.identities.as_ref());
        Access::open(clients, (&self.0.breaker, progress), observed, checked, &material)
    }

    /// Fetches an artifact into the store.
    async fn fetch(
        &self,
        observed: &Observed,
        checked: &Checked,
        access: &mut Access<'_>,
        wanted: &Resolved,
        progress: &dyn Progress,
        control: &Control,
    ) -> Result<Artifact, Failure> {
        let platform = match &observed.platform {
            Some(annotation) => manifest::platform(annotation)?,
            None => self.0.platform.clone(),
        };
        let found = access.layer(&wanted.revision.digest, &platform, &checked.layer).await?;
        progress.selected(&found.layer, checked.layer.operation);
        let transfer = &self.0.transfer;
        let ready = transfer.fetch(access, checked, &found.layer, control).await?;
        if let Some(repacked) = &ready.repacked {
            progress.repacked(repacked);
        }
        let owner = Owner { namespace: observed.namespace.clone(), name: observed.name.clone() };
        let content =
            Content { revision: wanted.revision.clone(), digest: ready.digest.clone(), size: ready.size };
        let published = transfer.store.publish(&owner, ready.file, &content).await;
        let published = published.map_err(|error| Failure::new(Step::Store, &error))?;
        Ok(Artifact {
            checksum: None,
            digest: content.digest.to_string(),
            last_update_time: Some(Time(published.at)),
            metadata: Some(found.annotations).filter(|annotations| !annotations.is_empty()),
            path: published.path,
            revision: wanted.revision.to_string(),
            size: i64::try_from(content.size).ok(),
            url: String::new(),
        })
    }
}

/// Notes what a signature is going to be verified by, if one is asked for.
fn note(observed: &Observed, trust: &Trust, resolved: Option<&mut Resolved>) {
    if let (Some(verify), Some(resolved)) = (&observed.spec.verify, resolved) {
        let fingerprint = verify::fingerprint(verify, trust);
        resolved.signature = Some(Signature { fingerprint, judged: None });
    }
}
