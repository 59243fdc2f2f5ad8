//! Leader election, and the guard against a second controller, on a real API server.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, PostParams},
};
use oci_artifact::Classify as _;
use oci_controller::{
    app,
    args::FLUX_LEASE,
    cluster::{
        guard::{self, GuardError},
        lease::{Leadership, LeaseOptions, Term, campaign, identity},
    },
};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    service::Service,
};

const LONG: Duration = Duration::from_mins(1);

fn options(namespace: &str, name: &str) -> LeaseOptions {
    LeaseOptions {
        namespace: namespace.to_owned(),
        name: "election".to_owned(),
        identity: identity(name),
        duration: Duration::from_secs(3),
        renew_deadline: Duration::from_secs(2),
        retry_period: Duration::from_millis(300),
        release_on_cancel: true,
        now: app::now,
    }
}

fn client(mut config: Config) -> Client {
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn candidate(client: &Client, options: LeaseOptions) -> Leadership {
    campaign(client.clone(), options).unwrap()
}

/// Waits for it, within a bound.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.unwrap_or_else(|_| panic!("waited for {what}"))
}

/// The first of two that leads, then the other.
async fn first(one: Leadership, two: Leadership) -> (Leadership, Term, Leadership) {
    let (term, one_leads) = soon("a leader", async {
        tokio::select! {
            term = one.lead() => (term, true),
            term = two.lead() => (term, false),
        }
    })
    .await;
    if one_leads { (one, term, two) } else { (two, term, one) }
}

async fn record(leases: &Api<Lease>) -> LeaseSpec {
    leases.get("election").await.unwrap().spec.unwrap()
}

/// Waits until the record was renewed this often.
async fn renewed(leases: &Api<Lease>, times: usize) {
    for _ in 0..times {
        let before = record(leases).await.renew_time;
        eventually("a renewal", LONG, async || {
            if record(leases).await.renew_time == before { Err("the same time") } else { Ok(()) }
        })
        .await;
    }
}

/// What passes connections on to the API server.
fn gate(plane: &ControlPlane) -> Service {
    let gate = Service::start();
    gate.lead_to(plane.config().cluster_url.port_u16());
    gate
}

fn client_through(gate: &Service, mut config: Config) -> Client {
    config.cluster_url = format!("https://127.0.0.1:{}", gate.port()).parse().unwrap();
    client(config)
}

#[tokio::test]
async fn lease_is_won_by_one_of_two() {
    let plane = ControlPlane::shared().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    let leases = Api::<Lease>::namespaced(client.clone(), &namespace);
    let (one, two) =
        (candidate(&client, options(&namespace, "one")), candidate(&client, options(&namespace, "two")));
    let (leader, term, other) = first(one, two).await;
    renewed(&leases, 12).await;
    assert!(term.is_leading() && leader.fence().is_leading() && !other.fence().is_leading());
    let spec = record(&leases).await;
    assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(3), Some(0)));
    assert!(spec.renew_time.unwrap().0 > spec.acquire_time.unwrap().0);
}

#[tokio::test]
async fn lease_holder_that_is_cut_off_stops_before_another_leads() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let gate = gate(plane);
    let cut_off = candidate(&client_through(&gate, plane.config()), options(&namespace, "cut-off"));
    let term = soon("the first", cut_off.lead()).await;
    let other = candidate(&client(plane.config()), options(&namespace, "other"));
    let leases = Api::<Lease>::namespaced(client(plane.config()), &namespace);
    renewed(&leases, 3).await;
    assert!(term.is_leading());

    gate.silence(true);
    // Both wait at the same time: whenever the other begins to lead, the first one has stopped.
    let ended = async {
        term.ended().await;
        Instant::now()
    };
    let began = async {
        let term_of_other = other.lead().await;
        assert!(!term.is_leading() && !cut_off.fence().is_leading());
        (Instant::now(), term_of_other)
    };
    let (ended, (began, term_of_other)) = soon("both", async { tokio::join!(ended, began) }).await;
    assert!(ended < began, "the first stopped, then the other began");

    gate.silence(false);
    renewed(&leases, 12).await;
    assert!(term_of_other.is_leading() && !cut_off.fence().is_leading());
    assert_eq!(record(&leases).await.lease_transitions, Some(1));
    other.release().await;
    let again = soon("the first again", cut_off.lead()).await;
    assert!(again.is_leading() && !term.is_leading(), "a term does not come back");
}

#[tokio::test]
async fn lease_without_a_holder_is_taken_by_exactly_one() {
    let plane = ControlPlane::shared().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    let leases = Api::<Lease>::namespaced(client.clone(), &namespace);
    let metadata = ObjectMeta { name: Some("election".to_owned()), ..ObjectMeta::default() };
    let spec = LeaseSpec {
        holder_identity: Some("gone".to_owned()),
        lease_duration_seconds: Some(2),
        lease_transitions: Some(6),
        ..LeaseSpec::default()
    };
    leases.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await.unwrap();
    let candidates: Vec<Leadership> =
        ["a", "b", "c", "d", "e"].map(|name| candidate(&client, options(&namespace, name))).into();
    eventually("a leader", LONG, async || {
        let leaders = candidates.iter().filter(|one| one.fence().is_leading()).count();
        assert!(leaders <= 1, "{leaders} at once");
        if leaders == 1 { Ok(()) } else { Err("nobody leads") }
    })
    .await;
    renewed(&leases, 12).await;
    assert_eq!(candidates.iter().filter(|one| one.fence().is_leading()).count(), 1);
    assert_eq!(record(&leases).await.lease_transitions, Some(7));
}

#[tokio::test]
async fn lease_that_is_given_back_is_taken_at_once() {
    let plane = ControlPlane::shared().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    // Longer than this test waits for anything.
    let patient = |name: &str| LeaseOptions {
        duration: Duration::from_hours(1),
        renew_deadline: Duration::from_mins(50),
        ..options(&namespace, name)
    };
    let one = candidate(&client, patient("one"));
    let term = soon("the first", one.lead()).await;
    let two = candidate(&client, patient("two"));
    one.release().await;
    assert!(!term.is_leading());
    soon("the other", two.lead()).await;

    // One that is not given back stays.
    two.release().await;
    let keeper = candidate(&client, LeaseOptions { release_on_cancel: false, ..patient("keeper") });
    soon("the keeper", keeper.lead()).await;
    keeper.release().await;
    let leases = Api::<Lease>::namespaced(client, &namespace);
    assert!(record(&leases).await.holder_identity.is_some_and(|holder| holder.starts_with("keeper_")));
}

#[tokio::test]
async fn lease_of_a_campaign_that_was_dropped_is_not_led() {
    let plane = ControlPlane::shared().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    let one = candidate(&client, options(&namespace, "one"));
    let term = soon("the first", one.lead()).await;
    drop(one);
    soon("its end", term.ended()).await;
    assert!(!term.is_leading());
    soon("another", candidate(&client, options(&namespace, "two")).lead()).await;
}

#[tokio::test]
async fn lease_does_not_depend_on_clocks_that_agree() {
    fn early() -> Timestamp {
        app::now() - Duration::from_hours(1)
    }
    fn late() -> Timestamp {
        app::now() + Duration::from_hours(1)
    }
    let plane = ControlPlane::shared().await;
    let client = client(plane.config());
    for (now, other) in [(early as fn() -> Timestamp, late as fn() -> Timestamp), (late, early)] {
        let namespace = plane.namespace().await;
        let leases = Api::<Lease>::namespaced(client.clone(), &namespace);
        let leader = candidate(&client, LeaseOptions { now, ..options(&namespace, "leader") });
        let term = soon("the first", leader.lead()).await;
        let other = candidate(&client, LeaseOptions { now: other, ..options(&namespace, "other") });
        // More than the duration of the Lease.
        renewed(&leases, 14).await;
        assert!(term.is_leading() && !other.fence().is_leading());
        leader.release().await;
        soon("the other", other.lead()).await;
    }
}

#[tokio::test]
async fn lease_is_lost_with_the_api_server_and_won_again_by_one() {
    let mut plane = ControlPlane::start().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    let (one, two) =
        (candidate(&client, options(&namespace, "one")), candidate(&client, options(&namespace, "two")));
    let (leader, term, other) = first(one, two).await;
    plane.stop_api_server();
    assert!(!other.fence().is_leading());
    soon("the end of the term", term.ended()).await;
    assert!(!leader.fence().is_leading() && !other.fence().is_leading());
    plane.start_api_server().await;
    let (_winner, term, loser) = first(leader, other).await;
    let leases = Api::<Lease>::namespaced(client, &namespace);
    renewed(&leases, 12).await;
    assert!(term.is_leading() && !loser.fence().is_leading());
}

#[tokio::test]
async fn lease_that_may_not_be_written_is_not_led_until_it_may() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let stranger =
        candidate(&client(plane.user_config("lease-stranger", &[])), options(&namespace, "stranger"));
    let mut lead = std::pin::pin!(stranger.lead());
    let early = tokio::time::timeout(Duration::from_secs(1), &mut lead).await;
    assert!(early.is_err(), "it has no rights");
    let grant = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{ name: leases, namespace: {namespace} }}\n\
         rules:\n- apiGroups: [coordination.k8s.io]\n  resources: [leases]\n  verbs: [get, create, update]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
         metadata: {{ name: leases, namespace: {namespace} }}\n\
         roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: Role, name: leases }}\n\
         subjects: [{{ apiGroup: rbac.authorization.k8s.io, kind: User, name: lease-stranger }}]\n"
    );
    plane.apply(&grant).await;
    soon("the rights", lead).await;
}

#[test]
fn lease_times_that_let_two_lead_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let client = client(Config::new("http://127.0.0.1:1".parse().unwrap()));
    let refused = |duration, deadline, period| {
        let (duration, renew_deadline, retry_period) =
            (Duration::from_secs(duration), Duration::from_secs(deadline), Duration::from_secs(period));
        let options = LeaseOptions { duration, renew_deadline, retry_period, ..options("ns", "one") };
        campaign(client.clone(), options).err().map(|error| error.to_string())
    };
    assert!(refused(30, 30, 5).unwrap().contains("not longer than the renew deadline"));
    assert!(refused(35, 5, 5).unwrap().contains("not longer than the retry period"));
    assert_eq!(refused(35, 30, 5), None);
}

#[tokio::test]
async fn guard_finds_a_source_controller_that_renews() {
    let plane = ControlPlane::shared().await;
    let (flux, ours, client) = (plane.namespace().await, plane.namespace().await, client(plane.config()));
    let check = async || guard::check(&client, &[&flux, &ours, &ours], FLUX_LEASE, app::now).await;
    assert!(check().await.is_ok(), "there is none");

    let lease = LeaseOptions { name: FLUX_LEASE.to_owned(), ..options(&ours, "source-controller-0") };
    let source_controller = candidate(&client, lease);
    soon("source-controller", source_controller.lead()).await;
    let error = check().await.unwrap_err();
    let GuardError::Beside { namespace, holder, .. } = &error else { panic!("{error}") };
    assert!(*namespace == ours && holder.starts_with("source-controller-0_"), "{error}");
    assert!(error.hint().unwrap().contains("--take-over"));

    source_controller.release().await;
    assert!(check().await.is_ok(), "it gave its Lease back");
}

#[tokio::test]
async fn guard_passes_over_a_source_controller_that_died() {
    let plane = ControlPlane::shared().await;
    let (namespace, client) = (plane.namespace().await, client(plane.config()));
    let lease = LeaseOptions { name: FLUX_LEASE.to_owned(), ..options(&namespace, "source-controller-0") };
    let source_controller = candidate(&client, lease);
    let term = soon("source-controller", source_controller.lead()).await;
    drop(source_controller);
    soon("its end", term.ended()).await;
    guard::check(&client, &[&namespace], FLUX_LEASE, app::now).await.unwrap();
}

#[tokio::test]
async fn guard_passes_over_leases_that_it_may_not_read() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace().await;
    let lease = LeaseOptions { name: FLUX_LEASE.to_owned(), ..options(&namespace, "source-controller-0") };
    let source_controller = candidate(&client(plane.config()), lease);
    soon("source-controller", source_controller.lead()).await;
    let stranger = client(plane.user_config("guard-stranger", &[]));
    guard::check(&stranger, &[&namespace], FLUX_LEASE, app::now).await.unwrap();
}
