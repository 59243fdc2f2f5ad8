//! The process: what it is started with, and what it tells those who look after it.

use oci_testkit::{control_plane::eventually, controller::Controller};
use serde_json::{Value, json};

use super::{
    push::Image,
    tenant::Tenant,
    world::{LONG, shard, started, was_well},
};

#[tokio::test]
async fn controller_starts_with_the_arguments_of_flux() {
    let name = "arguments";
    let tenant = Tenant::of_shard(name).await;
    // Those of Flux's Deployment, those that its documentation tells people to add, and those of other kinds.
    let mut options = shard(name).await;
    for argument in [
        "--events-addr=",
        "--watch-all-namespaces=true",
        "--log-level=info",
        "--log-encoding=json",
        "--enable-leader-election",
        "--concurrent=10",
        "--requeue-dependency=5s",
        "--interval-jitter-percentage=10",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--helm-cache-max-size=10",
        "--helm-cache-ttl=60m",
        "--helm-cache-purge-interval=5m",
        "--helm-index-max-size=52428800",
        "--ssh-kex-algos=curve25519-sha256",
        "--ssh-hostkey-algos=ssh-ed25519",
        "--token-cache-max-size=1000",
        "--feature-gates=CacheSecretsAndConfigMaps=true,ObjectLevelWorkloadIdentity=true",
        "--artifact-retention-ttl=60s",
        "--artifact-retention-records=2",
        "--artifact-digest-algo=sha256",
    ] {
        options.arguments.push(argument.to_owned());
    }
    let controller = started(options);
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    was_well(&controller);
}

#[tokio::test]
async fn controller_refuses_what_it_cannot_be() {
    for (argument, part) in [
        ("--feature-gates=NoSuchGate=true", "NoSuchGate"),
        ("--no-such-flag", "no-such-flag"),
        ("--watch-label-selector=a in (", "watch-label-selector"),
        ("--artifact-digest-algo=md5", "md5"),
        ("--authorized-event-server-spiffe-id=self", "spiffe"),
        ("--concurrent=0", "concurrent"),
    ] {
        let mut controller = Controller::start(shard("refused").await.with(argument));
        assert_ne!(controller.wait_ended(), 0, "{argument}");
        let log = controller.log();
        assert!(log.contains(part), "{argument}: {log}");
    }
}

#[tokio::test]
async fn controller_tells_its_figures_and_logs_in_the_words_of_flux() {
    let name = "figures";
    let tenant = Tenant::of_shard(name).await;
    let controller = started(shard(name).await.with("--enable-leader-election"));
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    tenant.ready("app").await;
    tenant.run("app", "now").await;
    let metrics = controller.metrics();
    let label = format!("namespace=\"{}\"", tenant.namespace);
    let duration = metrics
        .lines()
        .find(|line| line.starts_with("gotk_reconcile_duration_seconds_count") && line.contains(&label));
    let duration = duration.unwrap_or_else(|| panic!("{metrics}"));
    assert!(duration.contains("kind=\"OCIRepository\"") && duration.contains("name=\"app\""), "{duration}");
    for family in [
        "leader_election_master_status",
        "controller_runtime_reconcile_total",
        "rest_client_requests_total{code=\"200\"",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(family)), "{family}\n{metrics}");
    }
    tenant.delete("app").await;
    tenant.gone("app").await;
    // The controller hears of it from its watch.
    eventually("the end of the series of what is gone", LONG, async || {
        let metrics = controller.metrics();
        metrics.lines().find(|line| line.contains(&label)).map_or(Ok(()), |line| Err(line.to_owned()))
    })
    .await;

    let log = controller.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let about = lines.iter().find(|line| line["name"] == "app").unwrap_or_else(|| panic!("{log}"));
    assert_eq!(about["OCIRepository"]["namespace"], tenant.namespace);
    assert_eq!(about["controller"], "ocirepository");
    for field in ["level", "ts", "msg"] {
        assert!(about[field].is_string(), "{about}");
    }
}
