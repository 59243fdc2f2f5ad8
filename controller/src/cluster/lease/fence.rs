//! Until when we lead.

use std::time::Instant;

use tokio::sync::watch;

/// Whether, and until when, we lead.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// Grows each time that we begin to lead.
    term: u64,
    until: Until,
}

#[derive(Clone, Copy, Debug, Default)]
enum Until {
    #[default]
    Over,
    Then(Instant),
    /// Without leader election.
    Ever,
}

impl Standing {
    fn is_leading(self) -> bool {
        match self.until {
            Until::Over => false,
            Until::Then(deadline) => Instant::now() < deadline,
            Until::Ever => true,
        }
    }
}

/// Tells whether we lead at this instant, in whichever term: for readiness and metrics.
#[derive(Clone, Debug)]
pub struct Fence(watch::Receiver<Standing>);

impl Fence {
    /// Open for ever.
    pub(super) fn open() -> Self {
        let standing = Standing { term: 1, until: Until::Ever };
        // A receiver keeps the last value of a sender that is gone.
        Self(watch::channel(standing).1)
    }

    /// Whether we lead now: by the monotonic clock, not by what some task has noticed.
    pub fn is_leading(&self) -> bool {
        self.0.borrow().is_leading()
    }

    /// Waits until a term begins.
    pub(super) async fn lead(&self) -> Term {
        let mut standing = self.0.clone();
        // An error means that nobody runs for the Lease any more: a term that is over.
        let _ = standing.wait_for(|standing| standing.is_leading()).await;
        let number = standing.borrow().term;
        Term { number, standing }
    }
}

/// One time of leading, from taking the Lease to losing it. Whatever works under it ends with it, even if this process
/// leads again later: somebody else may have led in between.
#[derive(Clone, Debug)]
pub struct Term {
    number: u64,
    standing: watch::Receiver<Standing>,
}

impl Term {
    /// Whether this term goes on at this instant, by the monotonic clock. To be asked right before each write.
    pub fn is_leading(&self) -> bool {
        let standing = *self.standing.borrow();
        standing.term == self.number && standing.is_leading()
    }

    /// Waits until it is over.
    pub async fn ended(&self) {
        let mut standing = self.standing.clone();
        let other =
            |standing: &Standing| standing.term != self.number || matches!(standing.until, Until::Over);
        let gone = standing.wait_for(other).await.is_err();
        if gone && self.is_leading() {
            // Nobody can end it: there is no leader election.
            std::future::pending::<()>().await;
        }
    }
}

/// The side that knows.
#[derive(Debug)]
pub(super) struct Gate(watch::Sender<Standing>);

impl Gate {
    /// Closed.
    pub(super) fn new() -> (Self, Fence) {
        let (sender, receiver) = watch::channel(Standing::default());
        (Self(sender), Fence(receiver))
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.borrow().is_leading()
    }

    /// When it closes by itself; `None` if it is closed already.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.0.borrow().until {
            Until::Then(deadline) => Some(deadline),
            Until::Over | Until::Ever => None,
        }
    }

    /// We lead until then. Returns whether a term begins.
    pub(super) fn open_until(&self, deadline: Instant) -> bool {
        self.0.send_if_modified(|standing| {
            let begins = matches!(standing.until, Until::Over);
            if begins {
                standing.term = standing.term.saturating_add(1);
            }
            standing.until = Until::Then(deadline);
            begins
        })
    }

    /// We do not lead. Returns whether a term ends.
    pub(super) fn close(&self) -> bool {
        self.0.send_if_modified(|standing| {
            let ends = !matches!(standing.until, Until::Over);
            standing.until = Until::Over;
            ends
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn later() -> Instant {
        Instant::now() + Duration::from_hours(1)
    }

    #[tokio::test]
    async fn fence_closes_by_itself() {
        let (gate, fence) = Gate::new();
        assert!(!fence.is_leading());
        assert!(gate.open_until(later()));
        let term = fence.lead().await;
        assert!(term.is_leading() && fence.is_leading());
        assert!(!gate.open_until(Instant::now()), "the same term");
        // What a process finds that was stopped until after its deadline, before anything else runs.
        assert!(!term.is_leading() && !fence.is_leading());
    }

    #[tokio::test]
    async fn term_does_not_come_back() {
        let (gate, fence) = Gate::new();
        gate.open_until(later());
        let term = fence.lead().await;
        assert!(gate.close() && !gate.close());
        assert!(gate.open_until(later()));
        term.ended().await;
        assert!(fence.is_leading() && !term.is_leading());
        assert!(fence.lead().await.is_leading());
    }

    #[tokio::test]
    async fn term_ends_with_whoever_held_it() {
        let (gate, fence) = Gate::new();
        drop(gate);
        let term = fence.lead().await;
        assert!(!term.is_leading());
        term.ended().await;
    }
}
