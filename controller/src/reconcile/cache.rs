//! What is known of the objects, and which of them use which Secret or `ServiceAccount`.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oci_crds::{
    conditions::metadata::{EVENT_PREFIX, FINALIZER, PLATFORM, REQUESTED_AT},
    v1::{OciRepository, Status},
};
use oci_decide::{Outcome, lost};
use oci_source::store::Owner;

use crate::cluster::material::Names;

/// Something that a spec can name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Used {
    /// Which kind of thing.
    pub kind: UsedKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The kinds of things that a spec can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsedKind {
    /// A Secret.
    Secret,
    /// A `ServiceAccount`.
    Account,
}

/// What a change of an object asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is our own write, or nothing that matters here.
    Nothing,
    /// A run.
    Run,
}

/// An outcome whose status could not be written yet.
#[derive(Clone, Debug)]
pub struct Unwritten {
    /// The generation that it is about.
    pub generation: i64,
    /// The outcome.
    pub outcome: Outcome,
}

/// A status that the API server did not keep as it was written: the CRD that is installed lacks fields.
#[derive(Clone, Debug)]
struct Pruned {
    kept: Status,
    meant: Status,
}

/// What is known of one object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As it was read or written last, without what nobody here looks at.
    pub object: Arc<OciRepository>,
    /// Failed runs in a row.
    pub failures: u32,
    /// What the next run begins with.
    pub unwritten: Option<Box<Unwritten>>,
    /// Set where the status is not what was written.
    pruned: Option<Box<Pruned>>,
    /// What it uses.
    used: Vec<Used>,
}

impl Entry {
    /// What we wrote, if an object's status is what the API server kept of it. Without, every run would find missing
    /// what can never be written.
    pub fn meant(&self, object: &OciRepository) -> Option<&Status> {
        let pruned = self.pruned.as_ref()?;
        (object.status.as_ref() == Some(&pruned.kept)).then_some(&pruned.meant)
    }
}

/// All objects.
#[derive(Debug, Default)]
pub struct Cache {
    inner: Mutex<Inner>,
    /// The account of specs that name none.
    default_account: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Owner, Entry>,
    users: HashMap<Used, BTreeSet<Owner>>,
    /// Those that a list has told so far.
    listed: Option<HashSet<Owner>>,
}

impl Cache {
    /// An empty one.
    pub fn new(default_account: Option<String>) -> Self {
        Self { inner: Mutex::default(), default_account }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an object.
    pub fn get(&self, owner: &Owner) -> Option<Entry> {
        self.lock().entries.get(owner).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that there are.
    pub fn owners(&self) -> Vec<Owner> {
        self.lock().entries.keys().cloned().collect()
    }

    /// The watch told of an object.
    pub fn applied(&self, object: OciRepository) -> (Owner, Effect) {
        let owner = owner_of(&object);
        let mut inner = self.lock();
        if let Some(listed) = &mut inner.listed {
            listed.insert(owner.clone());
        }
        let known = inner.entries.get(&owner).map(|entry| Arc::clone(&entry.object));
        let effect = known.as_ref().map_or(Effect::Run, |known| effect(known, &object));
        if known.is_some_and(|known| known.metadata.uid != object.metadata.uid) {
            // Another object of that name.
            inner.remove(&owner);
        }
        inner.put(&owner, object, self.default_account.as_deref());
        (owner, effect)
    }

    /// We wrote, and this is what came back.
    pub fn wrote(&self, owner: &Owner, object: OciRepository) {
        let mut inner = self.lock();
        // If it is gone meanwhile, it stays so.
        if inner.entries.contains_key(owner) {
            inner.put(owner, object, self.default_account.as_deref());
        }
    }

    /// We wrote a status, and this is what came back. Returns the fields that did not stay.
    pub fn wrote_status(&self, owner: &Owner, object: OciRepository, meant: &Status) -> Vec<String> {
        let kept = object.status.clone().unwrap_or_default();
        let lost = lost(&kept, meant);
        self.wrote(owner, object);
        if let Some(entry) = self.lock().entries.get_mut(owner) {
            let pruned = || Box::new(Pruned { kept, meant: meant.clone() });
            entry.pruned = (!lost.is_empty()).then(pruned);
        }
        lost
    }

    /// The watch told that an object is gone. Returns what was known of it.
    pub fn gone(&self, owner: &Owner) -> Option<Arc<OciRepository>> {
        self.lock().remove(owner)
    }

    /// A list begins.
    pub fn begin_list(&self) {
        self.lock().listed = Some(HashSet::new());
    }

    /// The list is complete: what it did not tell is gone. Returns those.
    pub fn end_list(&self) -> Vec<(Owner, Arc<OciRepository>)> {
        let mut inner = self.lock();
        let Some(listed) = inner.listed.take() else {
            return Vec::new();
        };
        let gone: Vec<Owner> =
            inner.entries.keys().filter(|owner| !listed.contains(*owner)).cloned().collect();
        gone.into_iter().filter_map(|owner| inner.remove(&owner).map(|object| (owner, object))).collect()
    }

    /// A run has ended.
    pub fn ran(&self, owner: &Owner, failures: u32, unwritten: Option<Unwritten>) {
        if let Some(entry) = self.lock().entries.get_mut(owner) {
            entry.failures = failures;
            entry.unwritten = unwritten.map(Box::new);
        }
    }

    /// The object's account names these pull Secrets.
    pub fn learned(&self, owner: &Owner, secrets: &[String]) {
        let mut inner = self.lock();
        for name in secrets {
            let used =
                Used { kind: UsedKind::Secret, namespace: owner.namespace.clone(), name: name.clone() };
            let Some(entry) = inner.entries.get_mut(owner) else {
                return;
            };
            if !entry.used.contains(&used) {
                entry.used.push(used.clone());
                inner.users.entry(used).or_default().insert(owner.clone());
            }
        }
    }

    /// The objects that use a thing.
    pub fn users(&self, used: &Used) -> Vec<Owner> {
        self.lock().users.get(used).map(|users| users.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Inner {
    fn put(&mut self, owner: &Owner, object: OciRepository, default_account: Option<&str>) {
        if let Some(known) = self.entries.get_mut(owner) {
            if is_older(&object, &known.object) {
                return;
            }
            let same_spec = known.object.metadata.generation == object.metadata.generation;
            known.object = Arc::new(pruned(object));
            if !same_spec {
                known.failures = 0;
                known.unwritten = None;
                let used = used(owner, &known.object, default_account);
                self.uses(owner, used);
            }
            return;
        }
        let object = Arc::new(pruned(object));
        let used = used(owner, &object, default_account);
        let entry = Entry { object, failures: 0, unwritten: None, pruned: None, used: Vec::new() };
        self.entries.insert(owner.clone(), entry);
        self.uses(owner, used);
    }

    fn uses(&mut self, owner: &Owner, used: Vec<Used>) {
        self.uses_nothing(owner);
        for one in &used {
            self.users.entry(one.clone()).or_default().insert(owner.clone());
        }
        if let Some(entry) = self.entries.get_mut(owner) {
            entry.used = used;
        }
    }

    fn uses_nothing(&mut self, owner: &Owner) {
        let Some(entry) = self.entries.get_mut(owner) else {
            return;
        };
        for used in std::mem::take(&mut entry.used) {
            if let Some(users) = self.users.get_mut(&used) {
                users.remove(owner);
                if users.is_empty() {
                    self.users.remove(&used);
                }
            }
        }
    }

    fn remove(&mut self, owner: &Owner) -> Option<Arc<OciRepository>> {
        self.uses_nothing(owner);
        self.entries.remove(owner).map(|entry| entry.object)
    }
}

/// Namespace and name.
pub fn owner_of(object: &OciRepository) -> Owner {
    Owner {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// What a change asks for: Flux's predicates, and a lost finalizer.
fn effect(old: &OciRepository, new: &OciRepository) -> Effect {
    let (was, is) = (&old.metadata, &new.metadata);
    if was.uid != is.uid {
        return Effect::Run;
    }
    let requested = |object: &OciRepository| {
        object.metadata.annotations.as_ref().and_then(|all| all.get(REQUESTED_AT).cloned())
    };
    let changed = was.generation != is.generation
        || was.deletion_timestamp.is_some() != is.deletion_timestamp.is_some()
        || (has_finalizer(old) && !has_finalizer(new))
        || (requested(new).is_some() && requested(old) != requested(new));
    if changed && !is_older(new, old) { Effect::Run } else { Effect::Nothing }
}

/// Whether our finalizer is on the object.
pub fn has_finalizer(object: &OciRepository) -> bool {
    object.metadata.finalizers.iter().flatten().any(|name| name == FINALIZER)
}

/// Whether `object` is an older state than `known`: a watch may tell what our own write has overtaken.
fn is_older(object: &OciRepository, known: &OciRepository) -> bool {
    let version = |object: &OciRepository| object.metadata.resource_version.as_ref()?.parse::<u64>().ok();
    object.metadata.uid == known.metadata.uid
        && matches!((version(object), version(known)), (Some(new), Some(old)) if new < old)
}

/// Without what nobody here looks at: three quarters of an object's memory.
fn pruned(mut object: OciRepository) -> OciRepository {
    let about = &mut object.metadata;
    about.managed_fields = None;
    about.labels = None;
    about.owner_references = None;
    if let Some(annotations) = &mut about.annotations {
        annotations
            .retain(|name, _| name == REQUESTED_AT || name == PLATFORM || name.starts_with(EVENT_PREFIX));
        if annotations.is_empty() {
            about.annotations = None;
        }
    }
    object
}

fn used(owner: &Owner, object: &OciRepository, default_account: Option<&str>) -> Vec<Used> {
    let names = Names::of(&object.spec, default_account);
    let used = |kind, name: &String| Used { kind, namespace: owner.namespace.clone(), name: name.clone() };
    let secrets = names.secrets().map(|name| used(UsedKind::Secret, name));
    secrets.chain(names.account.iter().map(|name| used(UsedKind::Account, name))).collect()
}
