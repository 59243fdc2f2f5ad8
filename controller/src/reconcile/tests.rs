use std::{sync::Arc, time::Instant};

use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, Time},
};
use kube::api::{ObjectMeta as Meta, PartialObjectMeta, PartialObjectMetaExt as _};
use oci_crds::{
    conditions::metadata::{FINALIZER, REQUESTED_AT},
    v1::{LocalReference, OciRepository, Spec},
};
use oci_decide::Outcome;
use oci_source::store::Owner;

use super::{
    cache::{Cache, Effect, Unwritten, Used, UsedKind},
    scheduler::Scheduler,
    trigger::Triggers,
};
use crate::cluster::watch::Change;

fn owner(name: &str) -> Owner {
    Owner { namespace: "apps".to_owned(), name: name.to_owned() }
}

/// An object in its first generation, as the API server gives it.
fn object(name: &str, version: u64) -> OciRepository {
    let spec = Spec { url: Some("oci://registry.example.org/app".to_owned()), ..Spec::default() };
    let mut object = OciRepository::new("apps", name, spec);
    object.metadata.uid = Some(format!("uid-of-{name}"));
    object.metadata.generation = Some(1);
    object.metadata.resource_version = Some(version.to_string());
    object.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
    object
}

fn with_secret(mut object: OciRepository, secret: &str) -> OciRepository {
    object.spec.secret_ref = Some(LocalReference { name: secret.to_owned() });
    object
}

fn annotated(mut object: OciRepository, name: &str, value: &str) -> OciRepository {
    object.metadata.annotations.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    object
}

fn secret(name: &str) -> Used {
    Used { kind: UsedKind::Secret, namespace: "apps".to_owned(), name: name.to_owned() }
}

#[test]
fn cache_asks_for_a_run_of_what_is_new() {
    let cache = Cache::default();
    assert_eq!(cache.applied(object("app", 1)), (owner("app"), Effect::Run));
    assert_eq!(cache.applied(object("app", 1)).1, Effect::Nothing, "a list tells it again");
}

type Edit = fn(&mut OciRepository);

#[test]
fn cache_asks_for_a_run_of_what_changed() {
    let all: [(&str, Edit); 4] = [
        ("spec", |object| object.metadata.generation = Some(2)),
        ("deletion", |object| object.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH))),
        ("finalizer", |object| object.metadata.finalizers = None),
        ("request", |object| *object = annotated(object.clone(), REQUESTED_AT, "now")),
    ];
    for (what, change) in all {
        let cache = Cache::default();
        cache.applied(object("app", 1));
        let mut edited = object("app", 2);
        change(&mut edited);
        assert_eq!(cache.applied(edited.clone()).1, Effect::Run, "{what}");
        assert_eq!(cache.applied(edited).1, Effect::Nothing, "{what} again");
    }
}

#[test]
fn cache_asks_for_nothing_after_a_status_write_or_a_label() {
    let cache = Cache::default();
    cache.applied(object("app", 1));
    let mut written = object("app", 2);
    written.status = Some(oci_crds::v1::Status { observed_generation: Some(1), ..Default::default() });
    assert_eq!(cache.applied(written).1, Effect::Nothing);
    assert_eq!(cache.applied(annotated(object("app", 3), "team", "a")).1, Effect::Nothing);
}

#[test]
fn cache_asks_for_nothing_if_the_request_is_taken_back() {
    let cache = Cache::default();
    cache.applied(annotated(object("app", 1), REQUESTED_AT, "now"));
    assert_eq!(cache.applied(object("app", 2)).1, Effect::Nothing);
}

#[test]
fn cache_keeps_what_was_written_over_what_a_watch_tells_late() {
    let cache = Cache::default();
    cache.applied(object("app", 1));
    cache.wrote(&owner("app"), object("app", 5));
    let mut late = object("app", 3);
    late.metadata.finalizers = None;
    assert_eq!(cache.applied(late).1, Effect::Nothing);
    assert_eq!(cache.get(&owner("app")).unwrap().object.metadata.resource_version.as_deref(), Some("5"));
}

#[test]
fn cache_tells_an_object_from_another_of_its_name() {
    let cache = Cache::default();
    cache.applied(with_secret(object("app", 1), "old"));
    cache.ran(&owner("app"), 3, None);
    let mut other = object("app", 9);
    other.metadata.uid = Some("another".to_owned());
    assert_eq!(cache.applied(other).1, Effect::Run);
    assert_eq!(cache.get(&owner("app")).unwrap().failures, 0);
    assert!(cache.users(&secret("old")).is_empty());
}

#[test]
fn cache_does_not_bring_back_what_is_gone() {
    let cache = Cache::default();
    cache.applied(object("app", 1));
    assert!(cache.gone(&owner("app")).is_some());
    cache.wrote(&owner("app"), object("app", 2));
    assert!(cache.is_empty());
    assert!(cache.gone(&owner("app")).is_none());
}

#[test]
fn cache_knows_after_a_list_what_is_gone() {
    let cache = Cache::default();
    for name in ["a", "b", "c"] {
        cache.applied(object(name, 1));
    }
    cache.begin_list();
    cache.applied(object("b", 1));
    let mut gone: Vec<Owner> = cache.end_list().into_iter().map(|(owner, _)| owner).collect();
    gone.sort();
    assert_eq!(gone, [owner("a"), owner("c")]);
    assert_eq!(cache.owners(), [owner("b")]);
}

#[test]
fn cache_forgets_failures_and_kept_outcomes_with_a_new_spec() {
    let cache = Cache::default();
    cache.applied(object("app", 1));
    cache.ran(&owner("app"), 4, Some(Unwritten { generation: 1, outcome: Outcome::Suspended }));
    let mut changed = object("app", 2);
    changed.metadata.generation = Some(2);
    cache.applied(changed);
    let entry = cache.get(&owner("app")).unwrap();
    assert_eq!(entry.failures, 0);
    assert!(entry.unwritten.is_none());
}

#[test]
fn cache_knows_who_uses_what() {
    let cache = Cache::new(Some("default-account".to_owned()));
    cache.applied(with_secret(object("a", 1), "login"));
    cache.applied(with_secret(object("b", 1), "login"));
    assert_eq!(cache.users(&secret("login")), [owner("a"), owner("b")]);
    let account =
        Used { kind: UsedKind::Account, namespace: "apps".to_owned(), name: "default-account".to_owned() };
    assert_eq!(cache.users(&account).len(), 2);
    cache.learned(&owner("a"), &["of-account".to_owned()]);
    assert_eq!(cache.users(&secret("of-account")), [owner("a")]);
    let mut changed = with_secret(object("b", 2), "other");
    changed.metadata.generation = Some(2);
    cache.applied(changed);
    assert_eq!(cache.users(&secret("login")), [owner("a")]);
    cache.gone(&owner("a"));
    assert!(cache.users(&secret("login")).is_empty() && cache.users(&secret("of-account")).is_empty());
}

#[test]
fn cache_drops_what_nobody_looks_at() {
    let cache = Cache::default();
    let mut large = annotated(annotated(object("app", 1), "large", &"x".repeat(1_000)), REQUESTED_AT, "now");
    large.metadata.managed_fields = Some(vec![ManagedFieldsEntry::default()]);
    cache.applied(large);
    let kept = cache.get(&owner("app")).unwrap().object;
    assert!(kept.metadata.managed_fields.is_none());
    assert_eq!(kept.metadata.annotations.as_ref().unwrap().len(), 1);
}

/// Triggers, and the objects that they make run.
struct World {
    triggers: Triggers,
    scheduler: Arc<Scheduler>,
}

impl World {
    fn new() -> Self {
        let (cache, scheduler) = (Arc::new(Cache::default()), Arc::new(Scheduler::new(100)));
        let triggers = Triggers::new(cache, Arc::clone(&scheduler));
        Self { triggers, scheduler }
    }

    /// How many objects are due, all of which then count as run.
    fn due(&self) -> usize {
        self.scheduler.take(Instant::now()).len()
    }

    fn secret(&self, name: &str, version: &str) {
        let about = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("apps".to_owned()),
            resource_version: Some(version.to_owned()),
            ..Meta::default()
        };
        let change: Change<PartialObjectMeta<Secret>> = Change::Applied(about.into_response_partial());
        self.triggers.used(UsedKind::Secret, &change);
    }
}

#[test]
fn triggers_run_the_users_of_a_changed_secret() {
    let world = World::new();
    world.triggers.object(Change::Applied(with_secret(object("a", 1), "login")));
    world.triggers.object(Change::Applied(object("b", 1)));
    assert_eq!(world.due(), 2);
    world.secret("login", "10");
    assert_eq!(world.due(), 1, "it was made");
    world.secret("login", "10");
    assert_eq!(world.due(), 0, "it is as it was");
    world.secret("login", "11");
    assert_eq!(world.due(), 1, "it changed");
    world.secret("other", "12");
    assert_eq!(world.due(), 0, "nobody uses it");
}

#[test]
fn triggers_take_the_first_list_of_secrets_for_no_change() {
    let world = World::new();
    world.triggers.object(Change::Applied(with_secret(object("a", 1), "login")));
    assert_eq!(world.due(), 1);
    let begin: Change<PartialObjectMeta<Secret>> = Change::Begin;
    let listed: Change<PartialObjectMeta<Secret>> = Change::Listed;
    world.triggers.used(UsedKind::Secret, &begin);
    world.secret("login", "10");
    world.triggers.used(UsedKind::Secret, &listed);
    assert_eq!(world.due(), 0);
    world.triggers.used(UsedKind::Secret, &begin);
    world.secret("login", "11");
    assert_eq!(world.due(), 1, "it changed while the watch was broken");
}

#[test]
fn triggers_run_what_is_gone_once_more_for_its_files() {
    let world = World::new();
    world.triggers.object(Change::Applied(object("a", 1)));
    world.triggers.object(Change::Applied(object("b", 1)));
    assert_eq!(world.due(), 2);
    world.triggers.object(Change::Gone(object("a", 2)));
    world.triggers.object(Change::Gone(object("unknown", 2)));
    assert_eq!(world.due(), 1);
    world.triggers.object(Change::Begin);
    assert!(world.triggers.object(Change::Listed), "the list is complete");
    assert_eq!(world.due(), 1);
}
