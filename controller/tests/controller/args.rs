//! The command line: every flag and variable of source-controller, in the syntax of Go's flags.

use std::time::Duration;

use clap::CommandFactory as _;
use oci_artifact::name::Algorithm;
use oci_controller::args::{Args, Encoding, Gate, Level, Pod};

/// Flags with these variables.
fn read_with(variables: &[(&str, &str)], flags: &[&str]) -> Result<Args, String> {
    let all = std::iter::once("oci-controller").chain(flags.iter().copied()).map(ToOwned::to_owned);
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Args::read(all, variable).map_err(|error| error.to_string())
}

fn read(flags: &[&str]) -> Args {
    read_with(&[], flags).unwrap()
}

/// Why the flags are refused.
fn refused(flags: &[&str]) -> String {
    read_with(&[], flags).unwrap_err()
}

/// Everything of `Args` as text: what differs from no flags at all shows that a flag was read.
fn shown(args: &Args) -> String {
    format!("{args:?}")
}

/// The flags of source-controller 1.10.1 with a value that is not their default.
const FLUX: [(&str, &str); 46] = [
    ("storage-path", "/elsewhere"),
    ("storage-addr", ":9091"),
    ("storage-adv-addr", "source-controller.flux-system.svc.cluster.local."),
    ("artifact-retention-ttl", "1m30s"),
    ("artifact-retention-records", "3"),
    ("artifact-digest-algo", "sha512"),
    ("concurrent", "10"),
    ("interval-jitter-percentage", "0"),
    ("min-retry-delay", "1s"),
    ("max-retry-delay", "1h"),
    ("default-service-account", "reader"),
    ("feature-gates", "CacheSecretsAndConfigMaps=true"),
    ("watch-all-namespaces", "false"),
    ("watch-label-selector", "sharding.fluxcd.io/key=shard1"),
    ("enable-leader-election", "true"),
    ("leader-election-release-on-cancel", "false"),
    ("leader-election-lease-duration", "1m"),
    ("leader-election-renew-deadline", "20s"),
    ("leader-election-retry-period", "2s"),
    ("metrics-addr", ":8081"),
    ("health-addr", "127.0.0.1:9441"),
    ("events-addr", "http://notification-controller.flux-system.svc.cluster.local./"),
    ("log-level", "debug"),
    ("log-encoding", "console"),
    ("requeue-dependency", "10s"),
    ("kube-api-qps", "100"),
    ("kube-api-burst", "500"),
    ("token-cache-max-size", "0"),
    ("token-cache-max-duration", "30m"),
    ("spiffe-broker-endpoint", "dns:///host:8443"),
    ("spiffe-broker-id", "self"),
    ("watch-configs-label-selector", "a=b"),
    ("helm-cache-max-size", "10"),
    ("helm-cache-ttl", "1m"),
    ("helm-cache-purge-interval", "2m"),
    ("helm-index-max-size", "1"),
    ("helm-chart-max-size", "1"),
    ("helm-chart-file-max-size", "1"),
    ("ssh-kex-algos", "a,b"),
    ("ssh-hostkey-algos", "a,b"),
    // Ours.
    ("take-over", "true"),
    ("watch-credentials", "false"),
    ("default-platform", "linux/arm64"),
    ("shutdown-timeout", "5s"),
    ("object-metrics", "false"),
    ("storage-cache-size", "1Gi"),
];

#[test]
fn args_take_every_flag_with_its_value_after_an_equals_sign() {
    let variables = [("RUNTIME_NAMESPACE", "flux-system")];
    let plain = shown(&read_with(&variables, &[]).unwrap());
    for (flag, value) in FLUX {
        let args = read_with(&variables, &[&format!("--{flag}={value}")]).unwrap();
        assert_ne!(shown(&args), plain, "--{flag} is read");
    }
}

#[test]
fn args_take_a_value_as_the_next_word_except_for_a_boolean() {
    let args = read(&["--storage-path", "/x", "--concurrent", "7", "--events-addr", "http://n/"]);
    assert_eq!(args.storage.storage_path.to_str(), Some("/x"));
    assert_eq!(args.reconcile.concurrent, 7);
    assert_eq!(args.events_addr.unwrap().as_str(), "http://n/");
    // As in Go: the word behind a boolean is not its value.
    assert!(refused(&["--take-over", "false"]).contains("unexpected argument"));
}

#[test]
fn args_have_the_defaults_of_source_controller() {
    let args = read(&[]);
    assert_eq!(args.storage.storage_path.to_str(), Some("/data"));
    assert_eq!(args.storage.storage_addr.socket().to_string(), "[::]:9090");
    assert_eq!(args.storage.storage_adv_addr, None);
    assert_eq!(args.storage.artifact_retention_ttl, Duration::from_mins(1));
    assert_eq!(args.storage.artifact_retention_records, 2);
    assert_eq!(args.storage.artifact_digest_algo, Algorithm::Sha256);
    assert_eq!(args.reconcile.concurrent, 2);
    assert_eq!(args.reconcile.interval_jitter_percentage, 5);
    assert_eq!(args.reconcile.min_retry_delay, Duration::from_millis(750));
    assert_eq!(args.reconcile.max_retry_delay, Duration::from_mins(15));
    assert_eq!(args.reconcile.default_service_account, None);
    assert_eq!(args.reconcile.default_platform, "linux/amd64");
    assert!(args.watch.watch_all_namespaces && args.watch.watch_credentials);
    assert_eq!(args.watch.watch_label_selector, None);
    assert!(!args.election.enable_leader_election && !args.election.take_over);
    assert!(args.election.release_on_cancel);
    assert_eq!(args.election.lease_duration, Duration::from_secs(35));
    assert_eq!(args.election.renew_deadline, Duration::from_secs(30));
    assert_eq!(args.election.retry_period, Duration::from_secs(5));
    assert_eq!(args.election.flux_namespace, "flux-system");
    assert_eq!(args.metrics_addr.unwrap().socket().to_string(), "[::]:8080");
    assert_eq!(args.health_addr.unwrap().socket().to_string(), "[::]:9440");
    assert_eq!(args.events_addr, None);
    assert_eq!((args.log.level, args.log.encoding), (Level::Info, Encoding::Json));
    assert_eq!(args.shutdown_timeout, Duration::from_secs(8));
    assert!(args.object_metrics);
    assert!(args.ignored.given().is_empty() && args.gates().is_empty());
    assert_eq!(args.pod, Pod::default());
}

#[test]
fn args_take_the_deployment_of_flux_and_patches_of_it() {
    let variables = [("RUNTIME_NAMESPACE", "flux-system"), ("HOSTNAME", "source-controller-0")];
    let flags = [
        "--events-addr=http://notification-controller.flux-system.svc.cluster.local./",
        "--watch-all-namespaces",
        "--log-level=info",
        "--log-encoding=json",
        "--enable-leader-election",
        "--storage-path=/data",
        "--storage-adv-addr=source-controller.flux-system.svc.cluster.local.",
        // Patches add at the end: the last one holds.
        "--concurrent=10",
        "--concurrent=20",
        "--watch-all-namespaces=false",
        "--enable-leader-election=true",
        "--feature-gates=CacheSecretsAndConfigMaps=true",
        "--feature-gates=CacheSecretsAndConfigMaps=false,ObjectLevelWorkloadIdentity=true",
        "--helm-cache-max-size=10",
        "--helm-cache-ttl=60m",
        "--kube-api-qps=500",
    ];
    let args = read_with(&variables, &flags).unwrap();
    assert_eq!(args.reconcile.concurrent, 20);
    assert_eq!(args.namespace(), Some("flux-system"));
    assert!(args.election.enable_leader_election);
    assert_eq!(args.lease_namespace(), Some("flux-system"));
    let gates = [(Gate::CacheSecretsAndConfigMaps, false), (Gate::ObjectLevelWorkloadIdentity, true)];
    assert_eq!(args.gates(), gates);
    assert_eq!(args.ignored.given(), ["helm-cache-max-size", "helm-cache-ttl", "kube-api-qps"]);
    let advertised = "http://source-controller.flux-system.svc.cluster.local.";
    assert_eq!(args.advertised("source-controller-0"), advertised);
}

#[test]
fn args_take_variables_unless_a_flag_says_otherwise() {
    let variables = [
        ("STORAGE_PATH", "/v"),
        ("STORAGE_ADDRESS", ":1"),
        ("STORAGE_ADV_ADDR", "adv"),
        ("METRICS_ADDR", ":2"),
        ("EVENTS_ADDR", "http://e/"),
        ("STORAGE_BUCKET", "s3://artifacts/one"),
        ("STORAGE_BUCKET_ENDPOINT", "http://minio:9000"),
        ("STORAGE_BUCKET_REGION", "here-1"),
    ];
    let args = read_with(&variables, &[]).unwrap();
    assert_eq!(args.bucket().unwrap().to_string(), "s3://artifacts/one/");
    assert!(args.bucket.endpoint.is_some());
    assert_eq!(args.bucket.region.as_deref(), Some("here-1"));
    assert_eq!(args.storage.storage_path.to_str(), Some("/v"));
    assert_eq!(args.storage.storage_addr.socket().port(), 1);
    assert_eq!(args.advertised("h"), "http://adv");
    assert_eq!(args.metrics_addr.unwrap().socket().port(), 2);
    assert_eq!(args.events_addr.unwrap().as_str(), "http://e/");

    let args = read_with(&variables, &["--storage-path=/f", "--events-addr="]).unwrap();
    assert_eq!(args.storage.storage_path.to_str(), Some("/f"));
    assert_eq!(args.events_addr, None);

    let empty = variables.map(|(name, _)| (name, ""));
    assert_eq!(shown(&read_with(&empty, &[]).unwrap()), shown(&read(&[])), "an empty variable is none");
}

#[test]
fn args_bound_the_cache_of_tokens_as_flux_does() {
    let limits = |flags: &[&str]| {
        let limits = read(flags).tokens.limits();
        (limits.entries, limits.longest)
    };
    assert_eq!(limits(&[]), (100, Duration::from_hours(1)));
    let given = ["--token-cache-max-size=7", "--token-cache-max-duration=30m"];
    assert_eq!(limits(&given), (7, Duration::from_mins(30)));
    for none in ["--token-cache-max-size=0", "--token-cache-max-size=-1"] {
        assert_eq!(limits(&[none]).0, 0, "{none}");
    }
}

#[test]
fn args_read_booleans_as_go_does() {
    for (text, expected) in
        [("", true), ("=1", true), ("=T", true), ("=True", true), ("=0", false), ("=f", false)]
    {
        let flag = format!("--enable-leader-election{text}");
        assert_eq!(read(&[&flag]).election.enable_leader_election, expected, "{flag}");
    }
    assert!(refused(&["--enable-leader-election=yes"]).contains("neither true nor false"));
}

#[test]
fn args_take_an_empty_value_as_none() {
    let flags = [
        "--storage-adv-addr=",
        "--events-addr=",
        "--watch-label-selector=",
        "--default-service-account=",
        "--leader-election-namespace=",
        "--feature-gates=",
    ];
    assert_eq!(read(&flags).lease_name(), "oci-controller-leader-election");
    for off in ["--metrics-addr=0", "--metrics-addr="] {
        assert_eq!(read(&[off]).metrics_addr, None, "{off}");
    }
    assert_eq!(read(&["--health-addr=0"]).health_addr, None);
}

#[test]
fn args_refuse_what_has_no_meaning() {
    let table: [(&[&str], &str); 27] = [
        (&["--no-such-flag"], "unexpected argument '--no-such-flag'"),
        (&["--storage-addr=9090"], "a port is missing"),
        (&["--storage-addr=:99999"], "no number up to 65535"),
        (&["--storage-addr=:+80"], "no number up to 65535"),
        (&["--storage-addr=example.com:80"], "no IP address"),
        (&["--storage-addr=::1:80"], "[ ] belong around"),
        (&["--storage-addr=0"], "a port is missing"),
        (&["--storage-adv-addr=ftp://x"], "no http or https URL"),
        (&["--storage-adv-addr=http://u:p@x"], "no http or https URL"),
        (&["--storage-adv-addr=x?y"], "no HOST[:PORT]"),
        (&["--events-addr=notification-controller"], "relative URL"),
        (&["--events-addr=ftp://x/"], "no http or https URL"),
        (&["--artifact-retention-ttl=60"], "a unit is missing"),
        (&["--artifact-retention-records=0"], "no number from 1 on"),
        (&["--artifact-digest-algo=sha384"], "supported are sha256 and sha512"),
        (&["--artifact-digest-algo=blake3"], "supported are sha256 and sha512"),
        (&["--concurrent=0"], "no number from 1 on"),
        (&["--interval-jitter-percentage=100"], "no number from 0 to 99"),
        (&["--min-retry-delay=0s"], "it is zero"),
        (&["--min-retry-delay=20m"], "longer than --max-retry-delay"),
        (&["--default-service-account=No"], "no name of a Kubernetes object"),
        (&["--default-platform=amd64"], "no platform such as linux/amd64"),
        (&["--log-level=warn"], "[possible values: trace, debug, info, error]"),
        (&["--log-encoding=text"], "[possible values: json, console]"),
        (&["--watch-all-namespaces=false"], "needs the variable RUNTIME_NAMESPACE"),
        (&["--enable-leader-election", "--leader-election-lease-duration=30s"], "is not longer than"),
        (&["--enable-leader-election", "--leader-election-retry-period=25s"], "1.2 ×"),
    ];
    for (flags, why) in table {
        let said = refused(flags);
        assert!(said.contains(why), "{flags:?}: {said}");
    }
}

#[test]
fn args_take_a_bucket_in_the_place_of_a_volume() {
    let advertised = "--storage-adv-addr=oci-controller.oci-system.svc.cluster.local.";
    let plain = read(&[]);
    assert_eq!((plain.bucket(), plain.bucket.cache_size), (None, 4 << 30));
    let args = read(&[
        "--storage-bucket=s3://artifacts/flux/",
        "--storage-bucket-endpoint=http://minio.example:9000",
        "--storage-bucket-region=eu-west-1",
        "--storage-cache-size=500M",
        advertised,
    ]);
    assert_eq!(args.bucket().unwrap().to_string(), "s3://artifacts/flux/");
    assert_eq!(args.bucket.endpoint.unwrap().as_str(), "http://minio.example:9000/");
    assert_eq!((args.bucket.region.as_deref(), args.bucket.cache_size), (Some("eu-west-1"), 500_000_000));
    // What one shard does not know may be another one's.
    let shard = "--watch-label-selector=sharding.fluxcd.io/key=shard1";
    let args = read(&["--storage-bucket=gs://artifacts", advertised, shard]);
    assert_eq!(args.bucket().unwrap().to_string(), "gs://artifacts/shard-73fdc1be/");
}

#[test]
fn args_refuse_buckets_that_cannot_be_used() {
    let advertised = "--storage-adv-addr=x";
    let table: [(&[&str], &str); 10] = [
        (&["--storage-bucket=artifacts", advertised], "--storage-bucket <URL>'"),
        (&["--storage-bucket=s3://Artifacts", advertised], "the bucket's name has"),
        (&["--storage-bucket=s3://artifacts/../x", advertised], "the prefix has"),
        (&["--storage-bucket=s3://artifacts"], "--storage-bucket needs --storage-adv-addr"),
        (&["--storage-bucket-endpoint=http://x"], "--storage-bucket-endpoint needs --storage-bucket"),
        (&["--storage-bucket-region=eu"], "--storage-bucket-region needs --storage-bucket"),
        (
            &["--storage-bucket=gs://artifacts", "--storage-bucket-region=eu", advertised],
            "--storage-bucket-region is for a bucket in S3",
        ),
        (&["--storage-bucket-endpoint=http://u:p@x"], "more than a host, a port and a path"),
        (&["--storage-bucket-region=a/b"], "no region such as eu-west-1"),
        (&["--storage-cache-size=4GB"], "no number of bytes such as 4Gi"),
    ];
    for (flags, why) in table {
        let said = refused(flags);
        assert!(said.contains(why), "{flags:?}: {said}");
    }
}

const CERT: &str = "--storage-tls-cert-file=/run/spiffe/tls.crt";
const KEY: &str = "--storage-tls-key-file=/run/spiffe/tls.key";
const CA: &str = "--storage-tls-client-ca-file=/run/spiffe/ca.crt";
const ID: &str = "--authorized-artifact-client-spiffe-id=spiffe://self/ns/flux-system/";

#[test]
fn args_take_who_may_download_artifacts() {
    assert!(read(&[]).clients.files().is_none());
    let other = "--authorized-artifact-client-spiffe-id=spiffe://td/ns/apps/sa/reader";
    let args = read(&[CERT, KEY, CA, ID, other]);
    let files = args.clients.files().unwrap();
    let clients = files.clients.unwrap();
    let ids: Vec<String> = clients.ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["spiffe://self/ns/flux-system/", "spiffe://td/ns/apps/sa/reader"]);
    for (path, expected) in
        [(files.certificate, "tls.crt"), (files.key, "tls.key"), (clients.authorities, "ca.crt")]
    {
        assert_eq!(path.to_str().unwrap(), format!("/run/spiffe/{expected}"));
    }
    // Flux's contract is that the URL stays; whoever has no SPIFFE reads in it that TLS is spoken.
    let address = "--storage-addr=10.1.2.3:9090";
    assert_eq!(read(&[CERT, KEY, CA, ID, address]).advertised("x"), "http://10.1.2.3:9090");
    for (flag, expected) in [
        (address, "https://10.1.2.3:9090"),
        ("--storage-addr=:9090", "https://localhost:9090"),
        ("--storage-addr=0.0.0.0:9090", "https://x:9090"),
        ("--storage-adv-addr=sc.ns.svc", "https://sc.ns.svc"),
        ("--storage-adv-addr=http://sc.ns.svc", "http://sc.ns.svc"),
    ] {
        assert_eq!(read(&[CERT, KEY, CA, flag]).advertised("x"), expected);
    }
}

#[test]
fn args_refuse_half_of_mutual_tls() {
    let (cert, key, ca) =
        ("--storage-tls-cert-file", "--storage-tls-key-file", "--storage-tls-client-ca-file");
    let spiffe = "--authorized-artifact-client-spiffe-id";
    let table: [(&[&str], String); 8] = [
        (&[CERT], format!("{cert} needs {key} and {ca}")),
        (&[KEY], format!("{key} needs {cert} and {ca}")),
        (&[CA], format!("{ca} needs {cert} and {key}")),
        (&[CERT, KEY], format!("{cert} and {key} needs {ca}")),
        (&[CERT, CA], format!("{cert} and {ca} needs {key}")),
        (&[KEY, CA], format!("{key} and {ca} needs {cert}")),
        (&[ID], format!("{spiffe} needs {cert} and {key} and {ca}")),
        (&[ID, CERT, KEY], format!("{spiffe} needs {ca}")),
    ];
    for (flags, why) in table {
        let said = refused(flags);
        assert!(said.contains(&why), "{flags:?}: {said}");
    }
    for id in [
        "self",
        "td/path",
        "https://td/path",
        "spiffe://TD",
        "spiffe://",
        "spiffe://td//x",
        "spiffe://td/*",
        "",
    ] {
        let said = refused(&[CERT, KEY, CA, &format!("{spiffe}={id}")]);
        assert!(said.contains(spiffe), "{id}: {said}");
    }
}

#[test]
fn args_refuse_what_would_weaken_silently() {
    let said = refused(&["--authorized-event-server-spiffe-id=spiffe://self/x"]);
    assert!(
        said.contains("authorized-event-server-spiffe-id")
            && said.contains("SPIFFE is not supported")
            && said.contains("unencrypted"),
        "{said}"
    );
}

#[test]
fn feature_gates_are_known_or_refused() {
    assert!(
        refused(&["--feature-gates=OptimizedGitClones=true"])
            .contains("feature-gate 'OptimizedGitClones' not supported")
    );
    assert!(refused(&["--feature-gates=CacheSecretsAndConfigMaps"]).contains("has no value"));
    assert!(
        refused(&["--feature-gates=CacheSecretsAndConfigMaps=perhaps"]).contains("neither true nor false")
    );
    let args = read(&["--feature-gates= ObjectLevelWorkloadIdentity = true ,"]);
    let gates = args.gates();
    assert_eq!(gates, [(Gate::ObjectLevelWorkloadIdentity, true)]);
    assert_eq!(gates[0].0.note(), "feature gate is now retired and no longer changes behavior");
}

#[test]
fn advertised_address_follows_the_rules_of_source_controller() {
    let table = [
        ("", ":9090", "http://localhost:9090"),
        ("", "localhost:9090", "http://localhost:9090"),
        ("", "0.0.0.0:80", "http://pod-0:80"),
        ("", "[::]:9090", "http://pod-0:9090"),
        ("", "10.1.2.3:9090", "http://10.1.2.3:9090"),
        ("", "[fd00::1]:9090", "http://[fd00::1]:9090"),
        ("source-controller.flux-system", ":9090", "http://source-controller.flux-system"),
        ("sc.ns.svc.cluster.local.", ":9090", "http://sc.ns.svc.cluster.local."),
        ("sc.ns.svc.cluster.local.:80/", ":9090", "http://sc.ns.svc.cluster.local.:80"),
        ("http://sc.ns/", ":9090", "http://sc.ns"),
        ("https://sc.ns:8443", ":9090", "https://sc.ns:8443"),
        ("https://sc.ns/under/", ":9090", "https://sc.ns/under"),
    ];
    for (advertised, address, expected) in table {
        let args = read(&[&format!("--storage-adv-addr={advertised}"), &format!("--storage-addr={address}")]);
        assert_eq!(args.advertised("pod-0"), expected, "{advertised} {address}");
    }
}

#[test]
fn lease_names_tell_shards_apart() {
    let args = read(&["--watch-label-selector=sharding.fluxcd.io/key=shard1"]);
    // The first 8 digits of `printf 'sharding.fluxcd.io/key=shard1' | sha256sum`.
    assert_eq!(args.lease_name(), "oci-controller-leader-election-73fdc1be");
    assert_eq!(args.flux_lease_name(), "source-controller-leader-election-73fdc1be");
    assert_eq!(read(&[]).flux_lease_name(), "source-controller-leader-election");
}

#[test]
fn label_selectors_are_checked() {
    let good = [
        "sharding.fluxcd.io/key=shard1",
        "!sharding.fluxcd.io/key",
        "sharding.fluxcd.io/key notin (shard1, shard2)",
        "sharding.fluxcd.io/key in (shard1,shard2),env!=test",
        "a, b==c ,d=",
        "x in (,a)",
        "weight>3,weight<10",
    ];
    for selector in good {
        let args = read(&[&format!("--watch-label-selector={selector}")]);
        assert_eq!(args.watch.watch_label_selector.as_deref(), Some(selector));
    }
    let bad = [
        ("a,", "a requirement is empty"),
        ("a in b", "is no requirement"),
        ("a in (b", "is no requirement"),
        ("a like b", "is no requirement"),
        ("=b", "is no key of a label"),
        ("-a=b", "is no key of a label"),
        ("A/b/c=d", "is no key of a label"),
        ("a=b c", "is no value of a label"),
        ("a=b=c", "is no value of a label"),
        ("a in (b, -c)", "is no value of a label"),
        ("a>b", "is no whole number"),
        ("a=(b,c)", "is no value of a label"),
    ];
    for (selector, why) in bad {
        let said = refused(&[&format!("--watch-label-selector={selector}")]);
        assert!(said.contains(why), "{selector}: {said}");
    }
}

#[test]
fn help_lists_every_flag() {
    let help = Args::command().render_long_help().to_string();
    let others = [
        "storage-bucket",
        "storage-bucket-endpoint",
        "storage-bucket-region",
        "storage-tls-cert-file",
        "storage-tls-key-file",
        "storage-tls-client-ca-file",
        "authorized-artifact-client-spiffe-id",
    ];
    for flag in FLUX.map(|(flag, _)| flag).into_iter().chain(others) {
        assert!(help.contains(&format!("--{flag} ")) || help.contains(&format!("--{flag}[")), "--{flag}");
    }
    for (flag, _) in FLUX.iter().filter(|(flag, _)| flag.starts_with("helm-") || flag.starts_with("ssh-")) {
        let line = help.split(&format!("--{flag} ")).nth(1).unwrap();
        assert!(line.split("--").next().unwrap().contains("Ignored: "), "--{flag}");
    }
}

/// A value that no flag may have where it has a meaning, and what is said of it: what is allowed.
const WRONG: [(&str, &str, &str); 43] = [
    ("storage-addr", "9090", "a port is missing"),
    ("storage-adv-addr", "ftp://x", "no http or https URL"),
    ("artifact-retention-ttl", "60", "a unit is missing"),
    ("artifact-retention-records", "0", "no number from 1 on"),
    ("artifact-digest-algo", "md5", "supported are sha256 and sha512"),
    ("concurrent", "many", "no number from 1 on"),
    ("interval-jitter-percentage", "100", "no number from 0 to 99"),
    ("min-retry-delay", "0s", "it is zero"),
    ("max-retry-delay", "soon", "it is written as 90s, 15m or 1h30m"),
    ("default-service-account", "No", "no name of a Kubernetes object"),
    ("default-platform", "amd64", "no platform such as linux/amd64"),
    ("feature-gates", "NoSuchGate=true", "only CacheSecretsAndConfigMaps and ObjectLevelWorkloadIdentity"),
    ("watch-all-namespaces", "yes", "neither true nor false"),
    ("watch-label-selector", "a in (", "is no requirement"),
    ("watch-credentials", "yes", "neither true nor false"),
    ("enable-leader-election", "yes", "neither true nor false"),
    ("leader-election-namespace", "No", "no name of a Kubernetes object"),
    ("leader-election-release-on-cancel", "yes", "neither true nor false"),
    ("leader-election-lease-duration", "0s", "it is zero"),
    ("leader-election-renew-deadline", "0s", "it is zero"),
    ("leader-election-retry-period", "0s", "it is zero"),
    ("take-over", "yes", "neither true nor false"),
    ("flux-namespace", "No", "no name of a Kubernetes object"),
    ("metrics-addr", "8080", "a port is missing"),
    ("health-addr", "9440", "a port is missing"),
    ("events-addr", "ftp://x/", "no http or https URL"),
    ("object-metrics", "yes", "neither true nor false"),
    ("log-level", "loud", "[possible values: trace, debug, info, error]"),
    ("log-encoding", "text", "[possible values: json, console]"),
    ("shutdown-timeout", "0s", "it is zero"),
    ("token-cache-max-size", "many", "it is no whole number"),
    ("token-cache-max-duration", "1", "a unit is missing"),
    ("storage-bucket", "artifacts", "s3://"),
    ("storage-bucket-endpoint", "minio:9000", "no http or https URL"),
    ("storage-bucket-region", "a/b", "no region such as eu-west-1"),
    ("storage-cache-size", "4GB", "no number of bytes such as 4Gi"),
    ("sigstore-tuf-mirror", "ftp://x", "no http or https URL"),
    ("sigstore-refresh-interval", "0s", "it is zero"),
    ("authorized-artifact-client-spiffe-id", "self", "it does not begin with `spiffe://`"),
    ("authorized-event-server-spiffe-id", "self", "SPIFFE is not supported"),
    ("storage-path", "", "a value is required"),
    ("sigstore-tuf-root", "", "a value is required"),
    ("no-such-flag", "x", "unexpected argument"),
];

#[test]
fn args_name_every_flag_whose_value_is_wrong_and_say_what_is_allowed() {
    for (flag, value, why) in WRONG {
        let said = refused(&[&format!("--{flag}={value}")]);
        assert!(said.contains(&format!("--{flag}")) && said.contains(why), "--{flag}={value}: {said}");
    }
    // Files of any name, which are read at the start: `trust.rs`, `mutual.rs`.
    let elsewhere = [
        "help",
        "version",
        "sigstore-trusted-root",
        "storage-tls-cert-file",
        "storage-tls-key-file",
        "storage-tls-client-ca-file",
    ];
    let command = Args::command();
    let flags = command.get_arguments().filter_map(clap::Arg::get_long);
    let is_ignored = |flag: &&str| {
        // Whatever they say, nothing comes of it.
        let help =
            command.get_arguments().find(|one| one.get_long() == Some(flag)).and_then(clap::Arg::get_help);
        help.is_some_and(|help| help.to_string().starts_with("Ignored: "))
    };
    let untested: Vec<&str> = flags
        .filter(|flag| !elsewhere.contains(flag) && !is_ignored(flag))
        .filter(|flag| !WRONG.iter().any(|(tested, ..)| tested == flag))
        .collect();
    assert_eq!(untested, Vec::<&str>::new(), "flags without a wrong value above");
}
