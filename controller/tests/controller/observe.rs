//! Names and values of metrics, and log lines byte for byte.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::Class;
use oci_controller::{
    args::{Encoding, Level},
    observe::{
        Metrics, Snapshot,
        logs::{Lines, targets},
    },
    storage::StorageStats,
};
use oci_crds::v1::Artifact;
use oci_decide::{Choice, Failure, Outcome, Refusal, Resolved, Step};
use oci_identity::cache::{Ledger as _, Outcome as Cached, Subject};
use serde_json::Value;
use tracing_subscriber::{Layer as _, fmt::MakeWriter, layer::SubscriberExt as _};

fn resolved() -> Resolved {
    let digest = format!("sha256:{}", "ab".repeat(32));
    Resolved { revision: format!("v1@{digest}").parse().unwrap(), choice: Choice::Tag, signature: None }
}

#[test]
fn metrics_have_the_names_of_source_controller() {
    let metrics = Metrics::new(true);
    metrics.ran("apps", "podinfo", Duration::from_millis(200));
    let text = metrics.text(Snapshot {
        lease: "oci-controller-leader-election".to_owned(),
        leading: true,
        waiting: 3,
        running: 2,
        concurrent: 4,
        storage: StorageStats {
            files: 7,
            bytes: 900,
            shared: 1,
            damaged: 2,
            swept: 3,
            refused: 4,
            ..StorageStats::default()
        },
    });
    let lines = [
        "# TYPE gotk_reconcile_duration_seconds histogram",
        r#"gotk_reconcile_duration_seconds_sum{kind="OCIRepository",name="podinfo",namespace="apps"} 0.2"#,
        r#"gotk_reconcile_duration_seconds_bucket{le="0.01",kind="OCIRepository",name="podinfo",namespace="apps"} 0"#,
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="success"} 0"#,
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="requeue_after"} 0"#,
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="error"} 0"#,
        r#"controller_runtime_reconcile_errors_total{controller="ocirepository"} 0"#,
        r#"controller_runtime_active_workers{controller="ocirepository"} 2"#,
        r#"controller_runtime_max_concurrent_reconciles{controller="ocirepository"} 4"#,
        r#"workqueue_depth{name="ocirepository"} 3"#,
        r#"workqueue_adds_total{name="ocirepository"} 1"#,
        r#"leader_election_master_status{name="oci-controller-leader-election"} 1"#,
        "# TYPE process_cpu_seconds counter",
        "oci_controller_stored_files 7",
        "oci_controller_stored_bytes 900",
        "oci_controller_shared_files_total 1",
        "oci_controller_damaged_files_total 2",
        "oci_controller_swept_files_total 3",
        "oci_controller_refused_files_total 4",
        r#"oci_controller_runs_total{outcome="stored"} 0"#,
        r#"oci_controller_failures_total{step="download"} 0"#,
        r#"oci_controller_events_total{result="dropped"} 0"#,
        r#"oci_controller_notifications_total{result="failed"} 0"#,
        "oci_controller_watch_restarts_total 0",
        "# TYPE oci_controller_lateness_seconds histogram",
    ];
    for line in lines {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    for name in
        ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_start_time_seconds "]
    {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is not in\n{text}");
    }
    let buckets =
        text.lines().filter(|line| line.starts_with("gotk_reconcile_duration_seconds_bucket")).count();
    assert_eq!(buckets, 11, "ten, and the one for everything");
    assert!(text.contains(r#"le="1800.0""#) || text.contains(r#"le="1799.99"#), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn metrics_of_the_token_cache_have_the_names_of_flux_and_go_with_their_object() {
    let metrics = Metrics::new(true);
    let subject = |name: &str| Subject { namespace: "apps".to_owned(), name: name.to_owned() };
    let (app, other) = (subject("app"), subject("other"));
    for (subject, outcome) in [
        (Some(&app), Cached::Miss),
        (Some(&app), Cached::Hit),
        (Some(&other), Cached::Failure),
        (None, Cached::Miss),
    ] {
        metrics.tokens.asked(subject, outcome);
    }
    metrics.tokens.evicted();
    metrics.tokens.holds(3);
    let event = |kind: &str, name: &str| {
        format!(
            "gotk_token_cache_events_total{{event_type=\"{kind}\",kind=\"OCIRepository\",name=\"{name}\",\
             namespace=\"apps\",operation=\"reconcile\"}} 1"
        )
    };
    let has = |line: &str| metrics.text(Snapshot::default()).lines().any(|other| other == line);
    for line in [
        &event("cache_miss", "app"),
        &event("cache_hit", "app"),
        &event("cache_miss", "other"),
        r#"gotk_token_cache_requests_total{status="success"} 3"#,
        r#"gotk_token_cache_requests_total{status="failure"} 1"#,
        "gotk_token_cache_evictions_total 1",
        "gotk_token_cached_items 3",
    ] {
        assert!(has(line), "{line} is not in\n{}", metrics.text(Snapshot::default()));
    }
    metrics.gone("apps", "app");
    assert!(!has(&event("cache_miss", "app")) && !has(&event("cache_hit", "app")));
    assert!(has(&event("cache_miss", "other")));
    let without = Metrics::new(false);
    without.tokens.asked(Some(&app), Cached::Hit);
    assert!(!without.text(Snapshot::default()).contains("name=\"app\""), "no series for each object");
}

#[test]
fn metrics_count_what_came_of_runs() {
    let metrics = Metrics::new(false);
    let failure =
        Failure { step: Step::Download, class: Class::Terminal, message: "no".to_owned(), hint: None };
    let artifact = Box::new(Artifact { size: Some(123), ..Artifact::default() });
    let outcomes = [
        Outcome::Suspended,
        Outcome::Forgotten,
        Outcome::Refused(Refusal::Faults(Vec::new())),
        Outcome::Kept(resolved()),
        Outcome::Stored { resolved: resolved(), artifact },
        Outcome::Failed { failure, resolved: None },
    ];
    for outcome in &outcomes {
        metrics.outcome(outcome);
    }
    let text = metrics.text(Snapshot::default());
    let lines = [
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="success"} 3"#,
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="requeue_after"} 2"#,
        r#"controller_runtime_reconcile_total{controller="ocirepository",result="error"} 1"#,
        r#"controller_runtime_reconcile_errors_total{controller="ocirepository"} 1"#,
        r#"oci_controller_failures_total{step="download"} 1"#,
        "oci_controller_downloaded_bytes_total 123",
    ];
    for line in lines {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    for outcome in ["suspended", "forgotten", "refused", "kept", "stored", "failed"] {
        let line = format!(r#"oci_controller_runs_total{{outcome="{outcome}"}} 1"#);
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[test]
fn metrics_of_an_object_go_with_it() {
    let metrics = Metrics::new(true);
    for name in ["one", "two"] {
        metrics.ran("apps", name, Duration::from_secs(1));
    }
    metrics.gone("apps", "one");
    let text = metrics.text(Snapshot::default());
    assert!(!text.contains(r#"name="one""#) && text.contains(r#"name="two""#), "{text}");

    let metrics = Metrics::new(false);
    metrics.ran("apps", "one", Duration::from_secs(1));
    assert!(!metrics.text(Snapshot::default()).contains("gotk_reconcile_duration_seconds"));
}

/// Where lines go.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn now() -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000).unwrap()
}

/// The lines that some work logs.
fn logged(level: Level, encoding: Encoding, work: impl FnOnce()) -> String {
    let written = Written::default();
    let lines = Lines::new(written.clone(), encoding, now).with_filter(targets(level));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn log_lines_have_the_fields_of_source_controller() {
    let text = logged(Level::Info, Encoding::Json, || {
        tracing::info!(target: "oci_controller", objects = 3, done = true, "ready");
        tracing::error!(target: "oci_controller", namespace = "apps", name = "podinfo", error = %"no", "failed");
        tracing::warn!(target: "oci_controller", took = ?Duration::from_secs(2), "late");
    });
    let expected = concat!(
        r#"{"level":"info","ts":"2023-11-14T22:13:20.000Z","msg":"ready","objects":3,"done":true}"#,
        "\n",
        r#"{"level":"error","ts":"2023-11-14T22:13:20.000Z","msg":"failed","controller":"ocirepository","#,
        r#""controllerGroup":"source.toolkit.fluxcd.io","controllerKind":"OCIRepository","#,
        r#""OCIRepository":{"name":"podinfo","namespace":"apps"},"namespace":"apps","name":"podinfo","error":"no"}"#,
        "\n",
        r#"{"level":"info","ts":"2023-11-14T22:13:20.000Z","msg":"late","took":"2s"}"#,
        "\n",
    );
    assert_eq!(text, expected);
}

#[test]
fn log_lines_take_the_object_from_the_span() {
    let text = logged(Level::Debug, Encoding::Json, || {
        let object = tracing::info_span!(
            target: "oci_controller", "run", namespace = "apps", name = "podinfo", attempt = tracing::field::Empty
        );
        object.record("attempt", 2);
        let _entered = object.enter();
        let _inner = tracing::info_span!(target: "oci_controller", "step", name = "inner").entered();
        tracing::debug!(target: "oci_controller", "asked");
    });
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["OCIRepository"]["namespace"], "apps");
    assert_eq!(
        (&line["name"], &line["attempt"]),
        (&Value::from("inner"), &Value::from(2)),
        "the nearest wins"
    );
    assert_eq!(line["level"], "debug");
}

#[test]
fn log_lines_are_for_people_where_told_so() {
    let text = logged(Level::Info, Encoding::Console, || {
        tracing::info!(target: "oci_controller", "ready");
        tracing::error!(target: "oci_controller", address = "a\tb", "no\nlisten");
    });
    let expected = concat!(
        "2023-11-14T22:13:20.000Z\tINFO\tready\n",
        "2023-11-14T22:13:20.000Z\tERROR\tno\\nlisten\t{\"address\":\"a\\tb\"}\n",
    );
    assert_eq!(text, expected);
}

#[test]
fn log_lines_cannot_be_forged() {
    let hostile = "a\"b\\c\n{\"level\":\"info\"}\r\u{1b}[31m\u{85}\u{2028}\u{7f}";
    for encoding in [Encoding::Json, Encoding::Console] {
        let text = logged(Level::Info, encoding, || {
            tracing::info!(target: "oci_controller", namespace = hostile, name = hostile, hostile, "{hostile}");
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        let rest = text.strip_suffix('\n').unwrap();
        assert!(!rest.chars().any(|c| (c.is_control() && c != '\t') || c == '\u{2028}'), "{rest:?}");
    }
    let text = logged(Level::Info, Encoding::Json, || tracing::info!(target: "oci_controller", "{hostile}"));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["msg"], hostile);
}

#[test]
fn log_lines_are_bounded() {
    for long in ["\u{1}", "ü", "a"].map(|text| text.repeat(100_000)) {
        let long = long.as_str();
        let text = logged(Level::Info, Encoding::Json, || {
            tracing::info!(target: "oci_controller", namespace = long, name = long, one = long, two = long, three = long, "{long}");
        });
        assert!(text.len() <= 8 * 1024, "{} bytes", text.len());
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["cut"], true);
    }
}

#[test]
fn logs_show_libraries_only_where_they_warn() {
    let work = || {
        tracing::trace!(target: "oci_source::fetch", "ours");
        tracing::debug!(target: "hyper::proto", "authorization: Bearer secret");
        tracing::warn!(target: "hyper::proto", "library warns");
    };
    let text = logged(Level::Trace, Encoding::Console, work);
    assert!(text.contains("ours") && text.contains("library warns") && !text.contains("Bearer"), "{text}");
    let text = logged(Level::Error, Encoding::Console, work);
    assert!(text.is_empty(), "{text}");
}
