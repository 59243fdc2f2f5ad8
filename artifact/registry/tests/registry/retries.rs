//! Retries: for what can pass, and not for long.

use std::time::Duration;

use oci_artifact::{Class as Outcome, Classify as _};
use oci_registry::{Access, Fault as Failure, Options};
use oci_testkit::registry::{Act, Class, Fault, Match, Registry};
use tokio::time::Instant;

use crate::support::{download, open, quick, reader, seed, tag};

#[tokio::test]
async fn request_is_repeated_after_passing_faults() {
    for act in [Act::status(500), Act::status(503), Act::status(408), Act::too_many_requests("0"), Act::Close]
    {
        let registry = Registry::start();
        seed(&registry, "v1", b"content");
        let shown = format!("{act:?}");
        registry.fault(Fault::times(2, Match::class(Class::Manifest), act));
        assert!(reader(&registry).manifest(&tag("v1")).await.is_ok(), "{shown}");
        assert_eq!(registry.requests().len(), 3, "{shown}");
    }
}

#[tokio::test]
async fn request_is_not_repeated_after_final_answers() {
    for code in [400, 403, 404, 405, 410, 418, 451] {
        let registry = Registry::start();
        registry.fault(Fault::always(Match::class(Class::Manifest), Act::status(code)));
        assert!(reader(&registry).manifest(&tag("v1")).await.is_err());
        assert_eq!(registry.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn request_is_repeated_a_bounded_number_of_times() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::status(503)));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(registry.requests().len(), 5);
    assert_eq!(error.class(), Outcome::Retry { after: None });
}

#[tokio::test]
async fn retry_after_beyond_the_deadline_fails_at_once() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::too_many_requests("30")));
    let deadline = Some(Instant::now() + Duration::from_secs(20));
    let client = open(&registry, Options { deadline, ..quick() }, Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(registry.requests().len(), 1);
    assert_eq!(error.class(), Outcome::Retry { after: Some(Duration::from_secs(30)) });
    assert!(error.to_string().contains("429 TOOMANYREQUESTS"), "{error}");
    assert!(error.to_string().ends_with("(retry after 30 s)"), "{error}");
}

#[tokio::test]
async fn retry_after_beyond_the_longest_pause_is_left_to_the_scheduler() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::too_many_requests("30")));
    let longest_pause = Duration::from_secs(29);
    let client = open(&registry, Options { longest_pause, ..quick() }, Access::Pull);
    for tries in 1..3 {
        let error = client.manifest(&tag("v1")).await.unwrap_err();
        assert_eq!(registry.requests().len(), tries, "nothing waits for what was not waited for");
        assert_eq!(error.class(), Outcome::Retry { after: Some(Duration::from_secs(30)) });
    }
}

#[tokio::test]
async fn backoff_beyond_the_longest_pause_is_left_to_the_scheduler() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::status(503)));
    let options = Options { longest_pause: Duration::ZERO, ..quick() };
    let error = open(&registry, options, Access::Pull).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(registry.requests().len(), 1);
    assert_eq!(error.class(), Outcome::Retry { after: None });
}

#[tokio::test]
async fn silence_ends_a_wait_for_an_answer_and_for_a_body() {
    let registry = Registry::start();
    let layer = seed(&registry, "v1", b"content");
    let options = Options { attempts: 1, ..quick() };
    let client = open(&registry, options, Access::Pull).stalling_after(Duration::from_millis(50));
    registry.fault(Fault::always(Match::class(Class::Manifest), Act::Stall));
    registry.fault(Fault::always(Match::class(Class::Blob), Act::StallBody(3)));
    let head = client.manifest(&tag("v1")).await.unwrap_err();
    let body = download(&client, &layer).await.unwrap_err();
    for error in [head, body] {
        assert!(matches!(*error.fault, Failure::Stalled { .. }), "{error}");
        assert!(error.is_unreachable());
    }
}

#[tokio::test]
async fn registry_is_unreachable_when_it_gives_no_answer() {
    for (act, unreachable) in [
        (Act::Close, true),
        (Act::Truncate(3), false),
        (Act::status(500), false),
        (Act::status(404), false),
        (Act::too_many_requests("1000"), false),
    ] {
        let registry = Registry::start();
        seed(&registry, "v1", b"content");
        let shown = format!("{act:?}");
        registry.fault(Fault::always(Match::class(Class::Manifest), act));
        let client = open(&registry, Options { attempts: 1, ..quick() }, Access::Pull);
        let error = client.manifest(&tag("v1")).await.unwrap_err();
        assert_eq!(error.is_unreachable(), unreachable, "{shown}: {error}");
    }
}

#[tokio::test]
async fn silent_registry_is_left_at_the_deadline() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::any(), Act::Stall));
    let deadline = Some(Instant::now() + Duration::from_millis(200));
    let client = open(&registry, Options { deadline, ..quick() }, Access::Pull);
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "Timeout", "{error}");
}

#[tokio::test]
async fn registry_that_speaks_no_http_is_an_error() {
    let registry = Registry::start();
    registry.fault(Fault::always(Match::any(), Act::RawReply("SSH-2.0-OpenSSH\r\n".into())));
    let error = reader(&registry).manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "ConnectionBroken", "{error}");
}

#[tokio::test]
async fn refused_connection_names_the_registry() {
    let mut registry = Registry::start();
    let client = reader(&registry);
    let host = registry.host();
    registry.stop();
    let error = client.manifest(&tag("v1")).await.unwrap_err();
    assert_eq!(error.reason(), "ConnectFailed", "{error}");
    assert!(error.is_unreachable());
    assert!(error.to_string().contains(&host), "{error}");
}
