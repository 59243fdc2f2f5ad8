//! `doctor oci://…`: how far one gets, and what to do where it ends.

use oci_testkit::{
    net,
    planted::{PASSWORD, WRONG_PASSWORD},
    registry::{Act, Auth, Class, Fault, Match, Registry},
};

use crate::sandbox::{Sandbox, Screen};

fn findings(screen: &Screen) -> Vec<(String, String)> {
    let report: serde_json::Value =
        serde_json::from_str(&screen.stdout).unwrap_or_else(|error| panic!("{error}: {}", screen.show()));
    let text = |finding: &serde_json::Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let all = report["findings"].as_array().unwrap().iter();
    all.map(|finding| (text(finding, "about"), text(finding, "state"))).collect()
}

fn has(screen: &Screen, about: &str, state: &str) {
    let all = findings(screen);
    assert!(
        all.contains(&(about.to_owned(), state.to_owned())),
        "{about} {state}: {all:?}\n{}",
        screen.show()
    );
}

#[test]
fn doctor_goes_from_the_name_to_the_signatures() {
    let sandbox = Sandbox::with_keys(Registry::start());
    sandbox.sign(&[]);
    let screen = sandbox.ok(&["doctor", "URL/app:v1", "-o", "json"]);
    for about in ["name", "registry", "artifact", "signatures"] {
        has(&screen, about, "good");
    }
    has(&screen, "login", "note");
    let shown = sandbox.ok(&["doctor", "URL/app:v1"]);
    assert!(shown.stdout.contains("✔ signatures: 1 of Cosign"), "{}", shown.show());
    assert!(shown.stdout.contains("remedy: `kubectl oci login`"), "{}", shown.show());
}

#[test]
fn doctor_ends_where_it_fails_and_says_what_to_do() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let screen = sandbox.run(&["doctor", "URL/app:v2", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "registry", "good");
    has(&screen, "artifact", "fault");

    let guarded = Sandbox::with(Registry::builder().auth(Auth::basic("tester", PASSWORD)).start());
    let creds = format!("tester:{WRONG_PASSWORD}");
    let screen = guarded.run(&["doctor", "URL/app", "--creds", &creds]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(
        screen.stdout.contains("✗ artifact: ") && screen.stdout.contains("remedy: "),
        "{}",
        screen.show()
    );

    let nowhere = format!("oci://{}/app", net::refused());
    let screen = sandbox.run(&["doctor", &nowhere]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stdout.contains("✗ registry: "), "{}", screen.show());
}

#[test]
fn doctor_tells_signatures_that_cannot_be_looked_up_from_none() {
    let sandbox = Sandbox::with_keys(Registry::start());
    assert!(!sandbox.ok(&["doctor", "URL/app:v1"]).stdout.contains("signatures"));
    sandbox.registry.fault(Fault::always(Match::class(Class::Referrers), Act::status(403)));
    let screen = sandbox.run(&["doctor", "URL/app:v1", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "signatures", "fault");
}
