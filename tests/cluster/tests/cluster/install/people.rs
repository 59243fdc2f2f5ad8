//! Roles for people: who may edit or view a namespace may do so with the objects in it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use kube::{Api, api::PostParams};
use oci_testkit::control_plane::{ControlPlane, eventually};

use super::{cluster, plugin, running::LONG};

/// What somebody may do in a namespace with resources of our group.
type May = BTreeMap<String, BTreeSet<String>>;

async fn may(plane: &ControlPlane, who: &str, namespace: &str) -> May {
    let reviews: Api<SelfSubjectRulesReview> = Api::all(plane.user(who, &[]));
    let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
    let asked = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
    let answer = reviews.create(&PostParams::default(), &asked).await.unwrap();
    let mut may = May::new();
    for rule in answer.status.unwrap().resource_rules {
        if rule.api_groups.iter().flatten().any(|group| group == oci_crds::GROUP) {
            for resource in rule.resources.into_iter().flatten() {
                may.entry(resource).or_default().extend(rule.verbs.iter().cloned());
            }
        }
    }
    may
}

fn verbs(repositories: &[&str]) -> May {
    let set = |verbs: &[&str]| verbs.iter().map(|verb| (*verb).to_owned()).collect();
    let all = [("ocirepositories", repositories), ("ocirepositories/status", &["get"])];
    all.map(|(resource, verbs)| (resource.to_owned(), set(verbs))).into()
}

#[tokio::test]
async fn people_may_do_with_objects_what_they_may_do_in_their_namespace() {
    let plane = cluster().await;
    plugin(&plane, &["install", "--no-wait"]).await.succeeded();
    let namespace = plane.namespace().await;
    let edit = verbs(&["create", "delete", "get", "list", "patch", "update", "watch"]);
    let view = verbs(&["get", "list", "watch"]);
    for (role, wanted) in [("admin", &edit), ("edit", &edit), ("view", &view)] {
        let (which, who) = (format!("--clusterrole={role}"), format!("--user={role}"));
        plane.run(&["create", "rolebinding", role, &which, &who, "-n", &namespace]).await.succeeded();
        // Kubernetes brings the roles together.
        eventually("the rights of a role", LONG, async || {
            let found = may(&plane, role, &namespace).await;
            if found == *wanted { Ok(()) } else { Err(format!("{role}: {found:?}")) }
        })
        .await;
    }
    assert_eq!(may(&plane, "nobody", &namespace).await, May::new());
    plugin(&plane, &["uninstall", "--crds", "--yes"]).await.succeeded();
}
