//! Objects that another controller looks after now, because their labels or our selection changed: their files stay for as
//! long as their statuses lead here, and for the time of the retention after that, since readers follow statuses.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use oci_source::store::Owner;

use super::run::{MOMENT, Reconciler};
use crate::cluster::call::{CallError, Cause};

/// When the status of each led here last, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Departed(Mutex<HashMap<Owner, Instant>>);

impl Departed {
    /// For how long the files stay, if they stay `keep` after the status led here last; `None` if that is over. `named`:
    /// whether it leads here at `now`.
    pub(super) fn rest(&self, owner: &Owner, named: bool, keep: Duration, now: Instant) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if named {
            all.insert(owner.clone(), now);
        }
        let last = *all.entry(owner.clone()).or_insert(now);
        let rest = keep.saturating_sub(now.saturating_duration_since(last));
        if rest.is_zero() {
            all.remove(owner);
            return None;
        }
        Some(rest)
    }

    /// The object is ours again, or gone.
    pub(super) fn forget(&self, owner: &Owner) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(owner);
    }
}

impl Reconciler {
    /// The object is gone: so do its files. Or another controller looks after it: they go later.
    pub(super) async fn gone(&self, owner: &Owner) -> Option<Duration> {
        self.parts.restore.settled(owner);
        self.parts.metrics.gone(&owner.namespace, &owner.name);
        if !(self.parts.fence)() {
            return None;
        }
        match self.rest(owner).await {
            Ok(None) => {}
            Ok(rest) => return rest,
            Err(error) => {
                tracing::error!(namespace = owner.namespace, name = owner.name, %error, "not known whether it is gone");
                return Some(self.parts.settings.max_retry);
            }
        }
        let removed = self.remove_files(owner).await;
        (!removed).then_some(self.parts.settings.max_retry)
    }

    /// For how long the files of an object that is not ours stay.
    async fn rest(&self, owner: &Owner) -> Result<Option<Duration>, CallError> {
        let named = match self.objects.get(owner).await {
            Ok(object) if object.metadata.deletion_timestamp.is_none() => {
                let artifact = object.status.and_then(|status| status.artifact);
                let place = artifact.and_then(|artifact| {
                    artifact.url.strip_prefix(&self.parts.settings.advertised).map(str::to_owned)
                });
                place.is_some_and(|place| place.starts_with('/'))
            }
            // In a namespace that is not ours any more.
            Err(CallError { cause: Cause::Forbidden(_), .. }) => false,
            Ok(_) | Err(CallError { cause: Cause::NotFound, .. }) => {
                self.departed.forget(owner);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let keep = self.parts.retention.max(MOMENT);
        Ok(self.departed.rest(owner, named, keep, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_mins(1);

    #[test]
    fn files_of_the_departed_stay_while_they_are_named_and_as_long_as_superseded_ones_after_that() {
        let (departed, begin) = (Departed::default(), Instant::now());
        let owner = Owner { namespace: "apps".to_owned(), name: "app".to_owned() };
        let rest = |named, seconds| {
            let rest = departed.rest(&owner, named, KEEP, begin + Duration::from_secs(seconds));
            rest.map(|rest| rest.as_secs())
        };
        assert_eq!([rest(false, 0), rest(false, 59), rest(false, 60)], [Some(60), Some(1), None]);
        assert_eq!([rest(true, 100), rest(true, 5_000), rest(false, 5_059)], [Some(60), Some(60), Some(1)]);
        departed.forget(&owner);
        assert_eq!([rest(false, 9_000), rest(false, 9_060)], [Some(60), None]);
    }
}
