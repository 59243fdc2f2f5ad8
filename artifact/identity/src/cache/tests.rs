use std::sync::atomic::{AtomicUsize, Ordering};

use oci_registry::{Credential, Secret};
use tokio::time::advance;

use super::*;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// Counts by outcome: hits, misses, failures, evictions.
#[derive(Default)]
struct Counts([AtomicUsize; 4]);

impl Ledger for Counts {
    fn asked(&self, _: Option<&Subject>, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn evicted(&self) {
        self.0[3].fetch_add(1, Ordering::Relaxed);
    }
}

impl Counts {
    fn read(&self) -> [usize; 4] {
        [0, 1, 2, 3].map(|at| self.0[at].load(Ordering::Relaxed))
    }
}

fn a_cache(entries: usize) -> (Cache, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let limits = Limits { entries, ..Limits::default() };
    (Cache::new(limits, Arc::clone(&counts) as Arc<dyn Ledger>, now), counts)
}

fn key(name: &str) -> Key {
    Parts::default().with("name", name).key()
}

#[expect(clippy::unnecessary_wraps, reason = "it is what minting comes to")]
fn a_token(seconds: i64) -> Result<Lease<Kept>, Shared> {
    let credential = Credential::Bearer(Secret::new("t".into()));
    let login = Login { credential, origin: "a test".into() };
    Ok(Lease { value: Kept::Login(login), expires: Some(Timestamp::from_second(NOW + seconds).unwrap()) })
}

fn a_failure() -> Result<Lease<Kept>, Shared> {
    Err(Arc::new(IdentityError::Nothing { cloud: "aws", passed: Vec::new() }))
}

#[tokio::test(start_paused = true)]
async fn cache_keeps_a_token_for_four_fifths_of_its_life() {
    let (cache, counts) = a_cache(8);
    let made = cache.get(key("a"), None, async { a_token(1_000) }).await.unwrap().1;
    advance(Duration::from_secs(799)).await;
    let kept = cache.get(key("a"), None, async { a_failure() }).await.unwrap().1;
    assert_eq!(made, kept, "the first one, with its own time");
    advance(Duration::from_secs(2)).await;
    assert!(cache.get(key("a"), None, async { a_token(1_000) }).await.unwrap().1.at > made.at);
    assert_eq!(counts.read(), [1, 2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn cache_trusts_no_far_future_and_no_past() {
    let (cache, _) = a_cache(8);
    let far = cache.get(key("a"), None, async { a_token(3_600 * 24 * 365 * 100) }).await.unwrap().1;
    assert_eq!(far.until - far.at, Duration::from_hours(1));
    let Err(error) = cache.get(key("b"), None, async { a_token(-5) }).await else { panic!("it is over") };
    assert_eq!(error.to_string(), "a fresh token: it is over already, by the clock of this computer");
}

#[tokio::test]
async fn cache_asks_once_for_all_who_wait() {
    let (cache, counts) = a_cache(8);
    let asked = AtomicUsize::new(0);
    let mint = || async {
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        a_token(1_000)
    };
    let all = (0..1_000).map(|_| cache.get(key("a"), None, mint()));
    let done = futures_util::future::join_all(all).await;
    assert!(done.iter().all(Result::is_ok));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(counts.read(), [999, 1, 0, 0]);
}

#[tokio::test]
async fn cache_gives_all_who_wait_the_same_failure_and_then_asks_again() {
    let (cache, counts) = a_cache(8);
    let asked = AtomicUsize::new(0);
    let mint = || async {
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        a_failure()
    };
    let all = (0..100).map(|_| cache.get(key("a"), None, mint()));
    let done = futures_util::future::join_all(all).await;
    assert!(done.iter().all(Result::is_err));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(cache.get(key("a"), None, async { a_token(1_000) }).await.is_ok());
    assert_eq!(counts.read(), [0, 1, 100, 0]);
}

#[tokio::test]
async fn cache_is_bounded_and_drops_what_was_not_used_for_longest() {
    let (cache, counts) = a_cache(2);
    for name in ["a", "b", "a", "c"] {
        cache.get(key(name), None, async { a_token(1_000) }).await.unwrap();
    }
    assert_eq!(counts.read(), [1, 3, 0, 1]);
    assert!(cache.get(key("a"), None, async { a_failure() }).await.is_ok());
    assert!(cache.get(key("b"), None, async { a_failure() }).await.is_err());
}

#[tokio::test]
async fn cache_of_no_size_keeps_nothing() {
    let (cache, counts) = a_cache(0);
    for _ in 0..2 {
        cache.get(key("a"), None, async { a_token(1_000) }).await.unwrap();
    }
    assert_eq!(counts.read(), [0, 2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn cache_forgets_what_was_refused_but_nothing_newer() {
    let (cache, counts) = a_cache(8);
    let old = cache.get(key("a"), None, async { a_token(1_000) }).await.unwrap().1;
    cache.forget(&key("a"), old);
    advance(Duration::from_secs(1)).await;
    let new = cache.get(key("a"), None, async { a_token(1_000) }).await.unwrap().1;
    cache.forget(&key("a"), old);
    assert_eq!(cache.get(key("a"), None, async { a_failure() }).await.unwrap().1, new);
    assert_eq!(counts.read(), [1, 2, 0, 0]);
}

#[test]
fn keys_tell_all_parts_apart() {
    let with = |name, value| Parts::default().with(name, value).key();
    assert!(with("a", "b") == with("a", "b"));
    assert!(with("a", "b") != with("ab", ""));
    assert!(Parts::default().with("a", None).key() != with("a", ""));
    assert!(
        Parts::default().with("a", "b").with("c", "d").key()
            != Parts::default().with("c", "d").with("a", "b").key()
    );
    assert!(Parts::default().on(with("a", "b")).key() != with("a", "b"));
}
