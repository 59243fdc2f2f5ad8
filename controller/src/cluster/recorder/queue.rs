//! A bounded queue that never lets the sender wait: of a full one, the oldest goes.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, watch};

/// A bounded queue.
#[derive(Debug)]
pub(super) struct Queue<T> {
    most: usize,
    waiting: Mutex<VecDeque<T>>,
    changed: Notify,
    /// Waiting, or taken and not yet done.
    unfinished: watch::Sender<usize>,
}

impl<T> Queue<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, waiting: Mutex::default(), changed: Notify::new(), unfinished: watch::Sender::new(0) }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one. Returns whether the oldest had to go.
    pub(super) fn push(&self, item: T) -> bool {
        let dropped = {
            let mut waiting = self.waiting();
            let dropped = if waiting.len() >= self.most { waiting.pop_front() } else { None };
            waiting.push_back(item);
            dropped.is_some()
        };
        if !dropped {
            self.unfinished.send_modify(|unfinished| *unfinished += 1);
        }
        self.changed.notify_one();
        dropped
    }

    /// The oldest one that may be taken now, as soon as there is one. For one task only; can be dropped at any time.
    pub(super) async fn next(&self, may: impl Fn(&T) -> bool) -> T {
        loop {
            let found = {
                let mut waiting = self.waiting();
                let at = waiting.iter().position(&may);
                at.and_then(|at| waiting.remove(at))
            };
            match found {
                Some(item) => return item,
                None => self.changed.notified().await,
            }
        }
    }

    /// One that was taken is done.
    pub(super) fn done(&self) {
        self.unfinished.send_modify(|unfinished| *unfinished = unfinished.saturating_sub(1));
    }

    /// Waits until everything is done.
    pub(super) async fn finished(&self) {
        // The sender is ours, so there is always one.
        let _ = self.unfinished.subscribe().wait_for(|unfinished| *unfinished == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn queue_drops_the_oldest() {
        let queue = Queue::new(2);
        assert!(!queue.push(1) && !queue.push(2) && queue.push(3));
        assert_eq!((queue.next(|_| true).await, queue.next(|_| true).await), (2, 3));
    }

    #[tokio::test]
    async fn queue_gives_the_oldest_that_may_be_taken() {
        let queue = Queue::new(9);
        for item in [1, 2, 3, 4] {
            queue.push(item);
        }
        assert_eq!(queue.next(|item| item % 2 == 0).await, 2);
        assert_eq!(queue.next(|_| true).await, 1);
    }

    #[tokio::test]
    async fn queue_is_finished_when_everything_taken_is_done() {
        let queue = Queue::new(1);
        queue.finished().await;
        queue.push(1);
        queue.push(2);
        assert_eq!(queue.next(|_| true).await, 2);
        let mut finished = std::pin::pin!(queue.finished());
        assert!(futures_util::FutureExt::now_or_never(&mut finished).is_none());
        queue.done();
        finished.await;
    }
}
