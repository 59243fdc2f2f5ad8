//! How many requests each command makes. A cold login is one 401 and one token.

use std::time::Duration;

use oci_testkit::registry::{Auth, Class, Registry};

use crate::sandbox::Sandbox;

const CREDS: [&str; 2] = ["--creds", "tester:s3cret-pass"];

fn guarded() -> Sandbox {
    let sandbox = Sandbox::with(Registry::builder().auth(Auth::bearer("tester", "s3cret-pass")).start());
    sandbox.sample();
    sandbox
}

/// Requests of a command beyond the cold login.
fn warm(sandbox: &Sandbox, args: &[&str]) -> usize {
    sandbox.registry.reset();
    sandbox.ok(&[args, &CREDS].concat());
    let login = sandbox.registry.count(|r| r.status == 401 || r.class == Class::Token);
    assert!(login <= 2, "{login}");
    sandbox.registry.requests().len() - login
}

#[test]
fn push_pull_and_tag_stay_within_their_requests() {
    let sandbox = guarded();
    let push = ["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"];
    let fresh = warm(&sandbox, &push);
    assert!(fresh <= 6, "new content: {fresh}");
    let again = warm(&sandbox, &push);
    assert!(again <= 2, "unchanged content: {again}");
    let pull = warm(&sandbox, &["pull", "artifact", "URL/app:v1", "-o", "out"]);
    assert!(pull <= 3, "pull: {pull}");
    let tag = warm(&sandbox, &["tag", "artifact", "URL/app:v1", "--tag", "a,b,c"]);
    assert!(tag <= 5, "three tags: {tag}");
}

#[test]
fn list_of_500_fetches_in_parallel_and_names_need_one_page() {
    let sandbox = guarded();
    sandbox.ok(&[&["push", "artifact", "URL/app:v1", "-f", "app", "--source=s", "--revision=r"][..], &CREDS]
        .concat());
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    for number in 1..500 {
        sandbox.registry.put_tag("app", &format!("v1.{number}.0"), &digest);
    }
    let names = warm(&sandbox, &["list", "artifacts", "URL/app", "-o", "name"]);
    assert_eq!(names, 1);
    sandbox.registry.set_latency(Duration::from_millis(2));
    let all = warm(&sandbox, &["list", "artifacts", "URL/app"]);
    assert!(all <= 503, "{all}");
    let most = sandbox.registry.max_in_flight();
    assert!(most >= 8, "{most} at once");
}
