//! The real binary: flags, logs, and an end that refuses nobody.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use clap::{CommandFactory as _, Parser as _};
use oci_server::limits::REJECTIONS_LOGGED;
use oci_testkit::tls::Tls;
use oci_webhook::args::Args;
use tempfile::TempDir;

use crate::{
    client::{Client, head},
    process::{Process, fails, write},
    reviews::{V1, V1BETA2, bytes, conversion, create, object, stored, wrong},
};

#[test]
fn binary_names_a_wrong_flag() {
    let folder = TempDir::new().unwrap();
    let [certificate, key] = write(&Tls::new(), folder.path());
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = busy.local_addr().unwrap().to_string();
    let cases: [(&[&str], &str); 11] = [
        (&[], "--tls-cert-file <FILE>|--self-signed"),
        (&["--self-signed"], "--secret-name <NAME>"),
        (&["--tls-cert-file", &certificate], "--tls-key-file <FILE>"),
        (&["--tls-cert-file", "/nowhere", "--tls-key-file", &key], "reading `/nowhere` failed"),
        (&["--tls-cert-file", &key, "--tls-key-file", &certificate], "there is no certificate in it"),
        (&["--warn-only", "UrlTag,Nonsense"], "there is no rule `Nonsense`"),
        (&["--drain", "5"], "a unit is missing"),
        (&["--tls-reload-interval", "0s"], "it is zero"),
        (&["--listen", "nowhere"], "--listen <ADDRESS:PORT>"),
        (&["--listen", &taken], "cannot listen there"),
        (&["--log-level", "a=b=c"], "--log-level a=b=c"),
    ];
    for (arguments, part) in cases {
        let mut all = arguments.to_vec();
        if !arguments.iter().any(|argument| argument.starts_with("--tls-c") || *argument == "--self-signed")
            && !arguments.is_empty()
        {
            all.extend(files);
        }
        let (code, text) = fails(&all);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}

/// A wrong value for each flag, and what is said of it.
const WRONG: [(&str, &str, &str); 18] = [
    ("listen", "nowhere", "no address with a port such as [::]:9443"),
    ("operations", "8080", "no address with a port such as [::]:9443"),
    ("warn-only", "Nonsense", "there is no rule `Nonsense`"),
    ("tls-cert-file", "", "a value is required"),
    ("tls-key-file", "", "a value is required"),
    ("self-signed", "yes", "unexpected value 'yes'"),
    ("secret-name", "No", "it is no name of a Kubernetes object"),
    ("namespace", "No", "it is no name of a Kubernetes object"),
    ("service-name", "a.b", "it is no name of a Kubernetes object"),
    ("san", "a b", "it is neither a host name nor an address"),
    ("certificate-lifetime", "0s", "it is zero"),
    ("authority-lifetime", "1y", "it is written as 90s, 15m or 1h30m"),
    ("webhook-configuration", "No", "it is no name of a Kubernetes object"),
    ("crd", "No", "it is no name of a Kubernetes object"),
    ("tls-reload-interval", "0s", "it is zero"),
    ("drain", "5", "a unit is missing"),
    ("shutdown-timeout", "-1s", "it is written as 90s, 15m or 1h30m"),
    ("log-format", "xml", "[possible values: "),
];

#[test]
fn binary_names_every_flag_whose_value_is_wrong_and_says_what_is_allowed() {
    let refused = |flag: &str, value: &str| {
        let said =
            Args::try_parse_from(["oci-webhook", &format!("--{flag}={value}")]).unwrap_err().to_string();
        assert!(said.contains(&format!("--{flag}")), "--{flag}={value}: {said}");
        said
    };
    for (flag, value, why) in WRONG {
        let said = refused(flag, value);
        assert!(said.contains(why), "--{flag}={value}: {said}");
    }
    // Judged by who takes it: `binary_names_a_wrong_flag`.
    let elsewhere = ["log-level", "help", "version"];
    let command = Args::command();
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    let untested: Vec<&str> = flags
        .filter(|flag| !elsewhere.contains(flag) && !WRONG.iter().any(|(tested, ..)| tested == flag))
        .collect();
    assert_eq!(untested, Vec::<&str>::new(), "flags without a wrong value above");
}

#[test]
fn binary_wants_to_know_its_namespace() {
    let (code, text) = fails(&["--self-signed", "--secret-name", "s", "--service-name", "w"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--namespace is not given"), "{text}");
    for name in ["W", "w-", "w.x", ""] {
        let (_, text) = fails(&["--self-signed", "--secret-name", "s", "--service-name", name]);
        assert!(
            text.contains("it is no name of a Kubernetes object") || text.contains("a value is required")
        );
    }
}

#[test]
fn binary_waits_with_a_certificate_that_has_ended_until_it_is_renewed() {
    let mut process = Process::start_with(&Tls::expired(), &["--tls-reload-interval=50ms"]);
    let line = process.line();
    assert!(line["error"].as_str().unwrap().contains("the certificate ended at"), "{line}");
    let readiness = process.operations("/readyz");
    assert!(readiness.starts_with("HTTP/1.1 503 ") && readiness.ends_with("there is no certificate yet"));
    assert!(process.operations("/healthz").starts_with("HTTP/1.1 200 "));
    process.exchange(&Tls::new());
    while process.line()["message"] != "another certificate is served" {}
    // Said before it is so.
    while !process.operations("/readyz").starts_with("HTTP/1.1 200 ") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_logs_refusals_and_nothing_of_the_object() {
    let mut process = Process::start(&[]);
    let mut client = Client::connect(process.address, &process.connector).await.unwrap();
    assert_eq!(client.post("/validate", &bytes(&create(&object()))).await.status, 200);
    assert_eq!(client.post("/validate", &bytes(&create(&wrong()))).await.status, 200);
    let line = process.line();
    assert_eq!(line["message"], "refused");
    assert_eq!((&line["namespace"], &line["name"]), (&"default".into(), &"app".into()));
    assert_eq!((&line["user"], &line["operation"]), (&"jane".into(), &"CREATE".into()));
    assert_eq!(line["codes"], "UrlTag,RefAmbiguous,IntervalZero");
    assert!(!line.to_string().contains("ghcr.io"));
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_logs_the_fields_of_the_reference() {
    let mut process = Process::start(&[]);
    let mut client = Client::connect(process.address, &process.connector).await.unwrap();
    client.post("/validate", &bytes(&create(&wrong()))).await;
    client.post("/convert", b"{").await;
    client.post("/convert", &conversion("example.org/v1", &[stored(V1, 1, 9)])).await;
    let page = std::fs::read_to_string(oci_hygiene::workspace().join("docs/reference/logs.md")).unwrap();
    let known: Vec<String> = ["Lines", "Webhook"]
        .iter()
        .flat_map(|heading| oci_hygiene::markdown::names(&page, heading))
        .collect();
    for message in ["refused", "a request was rejected", "a conversion failed"] {
        let line = process.line();
        assert_eq!(line["message"], message, "{line}");
        let fields = line.as_object().unwrap();
        let unknown: Vec<_> = fields.keys().filter(|field| !known.contains(*field)).collect();
        assert!(unknown.is_empty() && fields.contains_key("target"), "{unknown:?} of {line}");
        assert!(message != "a conversion failed" || line["error"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_logs_a_bounded_number_of_rejections() {
    let mut process = Process::start(&[]);
    let mut client = Client::connect(process.address, &process.connector).await.unwrap();
    for _ in 0..REJECTIONS_LOGGED + 50 {
        assert_eq!(client.post("/convert", b"{").await.status, 400);
    }
    assert_eq!(client.post("/validate", &bytes(&create(&wrong()))).await.status, 200);
    for _ in 0..REJECTIONS_LOGGED {
        let line = process.line();
        assert_eq!(line["message"], "a request was rejected");
        assert_eq!((&line["endpoint"], &line["suppressed"]), (&"Convert".into(), &0.into()));
    }
    assert_eq!(process.line()["message"], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_warns_where_it_is_told_to() {
    let process = Process::start(&["--warn-only=UrlTag,RefAmbiguous", "--warn-only", "IntervalZero"]);
    let mut client = Client::connect(process.address, &process.connector).await.unwrap();
    let answer = client.post("/validate", &bytes(&create(&wrong()))).await;
    assert_eq!(answer.json()["response"]["allowed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_serves_operations_without_tls() {
    let process = Process::start(&[]);
    assert!(process.operations("/healthz").starts_with("HTTP/1.1 200 "));
    assert!(process.operations("/readyz").starts_with("HTTP/1.1 200 "));
    assert!(process.operations("/validate").starts_with("HTTP/1.1 404 "));
    let metrics = process.operations("/metrics");
    for name in [
        "oci_webhook_reviews_total{endpoint=\"validate\",verdict=\"refused\"} 0",
        "oci_webhook_certificate_not_after_timestamp_seconds ",
        "oci_webhook_certificate_reload_failures_total 0",
        "oci_webhook_connections{listener=\"operations\"} ",
        "# EOF",
    ] {
        assert!(metrics.contains(name), "{name} is missing in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_answers_everything_that_was_sent_before_it_ends() {
    let mut process = Process::start(&["--drain", "2s"]);
    let (address, connector) = (process.address, process.connector.clone());
    let mut idle = Client::connect(address, &connector).await.unwrap();
    assert!(!idle.get("/readyz").await.closes());
    let large = conversion(V1, &(0..20_000).map(|n| stored(V1BETA2, n, 500)).collect::<Vec<_>>());
    let mut slow = Client::connect(address, &connector).await.unwrap();
    slow.send(head("/convert", large.len()).as_bytes()).await.unwrap();
    let (begin, end) = large.split_at(large.len() / 2);
    slow.send(begin).await.unwrap();
    let answered = Arc::new(AtomicUsize::new(0));
    // As the API server: connections are kept, and made anew where an answer says that the old one ends.
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (connector, answered) = (connector.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let body = bytes(&create(&object()));
                while let Ok(mut client) = Client::connect(address, &connector).await {
                    loop {
                        let answer = client.post("/validate", &body).await;
                        assert_eq!(answer.status, 200);
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.closes() {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    while answered.load(Ordering::Relaxed) < 100 {
        tokio::task::yield_now().await;
    }
    process.terminate();
    assert_eq!(process.line()["message"], "shutting down");
    assert!(process.operations("/readyz").starts_with("HTTP/1.1 503 "));
    // An idle connection gets one more answer, which ends it.
    let answer = idle.get("/readyz").await;
    assert_eq!((answer.status, answer.closes()), (503, true));
    idle.closed().await;
    for client in clients {
        client.await.unwrap();
    }
    // The listener is closed; what had begun goes on.
    slow.send(end).await.unwrap();
    let answer = slow.answer().await.unwrap();
    assert_eq!((answer.status, answer.closes()), (200, true));
    assert_eq!(process.line()["message"], "ended");
    assert_eq!(process.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_does_not_wait_for_clients_for_ever() {
    let mut process = Process::start(&["--drain", "0s", "--shutdown-timeout", "100ms"]);
    let mut stuck = Client::connect(process.address, &process.connector).await.unwrap();
    stuck.send(head("/convert", 1_000).as_bytes()).await.unwrap();
    let metrics = "oci_webhook_reviews_in_flight{endpoint=\"convert\"} 1";
    while !process.operations("/metrics").contains(metrics) {}
    process.terminate();
    assert_eq!(process.line()["message"], "shutting down");
    assert_eq!(process.line()["message"], "some requests were not answered in time");
    assert_eq!(process.line()["message"], "ended");
    assert_eq!(process.wait().code(), Some(0));
}
