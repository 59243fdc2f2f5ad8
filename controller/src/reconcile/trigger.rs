//! What makes an object run: its own changes, and those of what it uses.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use kube::api::PartialObjectMeta;
use oci_crds::v1::OciRepository;
use oci_source::store::Owner;

use super::{
    Lane,
    cache::{Cache, Effect, Used, UsedKind, owner_of},
    scheduler::Scheduler,
};
use crate::cluster::watch::Change;

/// Told by the watches.
pub struct Triggers {
    cache: Arc<Cache>,
    scheduler: Arc<Scheduler>,
    seen: Mutex<Seen>,
}

/// What the watches of Secrets and accounts told.
#[derive(Debug, Default)]
struct Seen {
    /// The versions of the things that are used, as they were told last.
    versions: HashMap<Used, String>,
    /// The kinds of which a list is under way. What it tells for the first time is no change.
    listing: Vec<UsedKind>,
}

impl Triggers {
    /// They change the cache and wake objects up.
    pub fn new(cache: Arc<Cache>, scheduler: Arc<Scheduler>) -> Self {
        Self { cache, scheduler, seen: Mutex::default() }
    }

    /// An object changed. Returns whether that completes a list.
    pub fn object(&self, change: Change<OciRepository>) -> bool {
        match change {
            Change::Begin => self.cache.begin_list(),
            Change::Applied(object) => {
                let lane = Lane::of(&object);
                let (owner, effect) = self.cache.applied(object);
                if effect != Effect::Nothing {
                    self.scheduler.wake(&owner, &lane, Instant::now());
                }
            }
            Change::Gone(object) => {
                let owner = owner_of(&object);
                if let Some(known) = self.cache.gone(&owner) {
                    self.lost(&owner, &known);
                }
            }
            Change::Listed => {
                for (owner, known) in self.cache.end_list() {
                    self.lost(&owner, &known);
                }
                return true;
            }
        }
        false
    }

    /// One more run, which finds nothing and removes the files: never beside a run of the same name.
    fn lost(&self, owner: &Owner, known: &OciRepository) {
        self.scheduler.wake(owner, &Lane::of(known), Instant::now());
    }

    /// There are files of an object that is none of ours: one run, which finds out what becomes of them.
    pub fn stranger(&self, owner: &Owner) {
        self.scheduler.wake(owner, &Lane::default(), Instant::now());
    }

    /// Something that specs can name changed: those that use it run, unless it is as it was.
    pub fn used<K>(&self, kind: UsedKind, change: &Change<PartialObjectMeta<K>>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (about, gone) = match change {
            Change::Applied(object) => (&object.metadata, false),
            Change::Gone(object) => (&object.metadata, true),
            Change::Begin => {
                if !seen.listing.contains(&kind) {
                    seen.listing.push(kind);
                }
                return;
            }
            Change::Listed => return seen.listing.retain(|listing| *listing != kind),
        };
        let used = Used {
            kind,
            namespace: about.namespace.clone().unwrap_or_default(),
            name: about.name.clone().unwrap_or_default(),
        };
        let users = self.cache.users(&used);
        if users.is_empty() {
            seen.versions.remove(&used);
            return;
        }
        let version = if gone { String::new() } else { about.resource_version.clone().unwrap_or_default() };
        let first = seen.listing.contains(&kind);
        let changed = match seen.versions.insert(used, version.clone()) {
            Some(before) => before != version,
            None => !first,
        };
        drop(seen);
        users.iter().filter(|_| changed).for_each(|owner| self.again(owner));
    }

    /// Runs an object, if there is one, for another reason than a change: something is wrong with its files.
    pub fn again(&self, owner: &Owner) {
        if let Some(entry) = self.cache.get(owner) {
            self.scheduler.wake(owner, &Lane::of(&entry.object), Instant::now());
        }
    }
}
