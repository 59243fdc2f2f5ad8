//! Tokens that were paid for with a request: kept, bounded, asked for once.
//!
//! As the token cache of Flux (`fluxcd/pkg/cache`, `auth`): at most so many entries, each for four fifths of its life and
//! an hour at most, by the monotonic clock and by the wall clock.

mod key;
mod ledger;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use oci_registry::auth::Minted;
use tokio::time::Instant;

use crate::{
    error::IdentityError,
    lease::{Access, Lease, Login, life},
};

pub(crate) use key::{Key, Parts};
pub use ledger::{Ledger, Nobody, Outcome, Subject};

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most entries; 0 keeps nothing.
    pub entries: usize,
    /// Longest life of one, at most an hour.
    pub longest: Duration,
}

impl Default for Limits {
    /// Those of Flux: a hundred entries, one hour.
    fn default() -> Self {
        Self { entries: 100, longest: LONGEST }
    }
}

/// Nothing lives longer than this.
const LONGEST: Duration = Duration::from_hours(1);

/// What is kept.
#[derive(Clone)]
pub(crate) enum Kept {
    Access(Access),
    Login(Login),
}

/// A failure that everybody gets who waited for it.
pub(crate) type Shared = Arc<IdentityError>;

struct Entry {
    kept: Kept,
    minted: Minted,
    /// The end by the wall clock.
    until: Timestamp,
}

/// Locked while a token is fetched, so that parallel requests wait for one token instead of fetching many.
#[derive(Default)]
struct Slot {
    entry: Option<Entry>,
    failed: Option<(Instant, Shared)>,
}

#[derive(Clone)]
struct Place {
    slot: Arc<tokio::sync::Mutex<Slot>>,
    used: u64,
}

/// The cache.
pub(crate) struct Cache {
    limits: Limits,
    ledger: Arc<dyn Ledger>,
    now: fn() -> Timestamp,
    places: Mutex<(u64, HashMap<Key, Place>)>,
}

impl Cache {
    pub(crate) fn new(limits: Limits, ledger: Arc<dyn Ledger>, now: fn() -> Timestamp) -> Self {
        let limits = Limits { longest: limits.longest.min(LONGEST), ..limits };
        Self { limits, ledger, now, places: Mutex::default() }
    }

    /// What is kept under `key`, or what `mint` makes. Those who ask at the same time wait for one answer, and get the
    /// same failure.
    pub(crate) async fn get(
        &self,
        key: Key,
        subject: Option<&Subject>,
        mint: impl Future<Output = Result<Lease<Kept>, Shared>>,
    ) -> Result<(Kept, Minted), Shared> {
        let begun = Instant::now();
        let slot = self.place(key);
        let mut slot = slot.lock().await;
        if let Some(entry) = &slot.entry
            && Instant::now() < entry.minted.until
            && (self.now)() < entry.until
        {
            self.ledger.asked(subject, Outcome::Hit);
            return Ok((entry.kept.clone(), entry.minted));
        }
        if let Some((at, failure)) = &slot.failed
            && *at >= begun
        {
            self.ledger.asked(subject, Outcome::Failure);
            return Err(Arc::clone(failure));
        }
        match mint.await.and_then(|lease| self.entry(lease)) {
            Ok(entry) => {
                self.ledger.asked(subject, Outcome::Miss);
                slot.failed = None;
                let entry = slot.entry.insert(entry);
                Ok((entry.kept.clone(), entry.minted))
            }
            Err(failure) => {
                self.ledger.asked(subject, Outcome::Failure);
                slot.entry = None;
                slot.failed = Some((Instant::now(), Arc::clone(&failure)));
                Err(failure)
            }
        }
    }

    /// Forgets what was refused, unless something newer is kept by now.
    pub(crate) fn forget(&self, key: &Key, refused: Minted) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = places.1.get(key) else { return };
        let old = match place.slot.try_lock() {
            Ok(slot) => slot.entry.as_ref().is_none_or(|entry| entry.minted.at <= refused.at),
            // It is being fetched anew.
            Err(_) => false,
        };
        if old {
            places.1.remove(key);
        }
        self.ledger.holds(places.1.len());
    }

    fn entry(&self, lease: Lease<Kept>) -> Result<Entry, Shared> {
        let (at, now) = (Instant::now(), (self.now)());
        let Some(life) = life(lease.expires, now, self.limits.longest) else {
            return Err(Arc::new(IdentityError::Setting {
                place: "a fresh token".to_owned(),
                detail: "it is over already, by the clock of this computer".to_owned(),
                hint: Some("check the clock"),
            }));
        };
        let until = now.saturating_add(life).unwrap_or(now);
        Ok(Entry { kept: lease.value, minted: Minted { at, until: at + life }, until })
    }

    fn place(&self, key: Key) -> Arc<tokio::sync::Mutex<Slot>> {
        if self.limits.entries == 0 {
            return Arc::default();
        }
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, places) = &mut *places;
        *clock += 1;
        if places.len() >= self.limits.entries && !places.contains_key(&key) {
            let oldest = places.iter().min_by_key(|(_, place)| place.used).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                places.remove(&oldest);
                self.ledger.evicted();
            }
        }
        let place = places.entry(key).or_insert_with(|| Place { slot: Arc::default(), used: 0 });
        place.used = *clock;
        let slot = Arc::clone(&place.slot);
        self.ledger.holds(places.len());
        slot
    }
}

#[cfg(test)]
mod tests;
