//! `doctor oci://…`: how far one gets, and what to do where it ends.

use oci_testkit::{
    net,
    planted::{PASSWORD, WRONG_PASSWORD},
    registry::{Act, Auth, Class, Fault, Match, Registry},
    sigstore::notation::{Envelope, Signer, sign},
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
fn doctor_goes_through_a_login_step_by_step() {
    let steps = |auth, flags: &[&str]| {
        let creds = format!("--creds=tester:{PASSWORD}");
        let sandbox = Sandbox::pushed_to(Registry::builder().auth(auth).start(), &[&creds]);
        let flags = if flags.is_empty() { vec![creds.as_str()] } else { flags.to_vec() };
        let screen = sandbox.run(&[&["doctor", "URL/app:v1", "-o", "json"], &flags[..]].concat());
        (screen.code, findings(&screen))
    };
    let good = |about: &[&str]| {
        about.iter().map(|about| ((*about).to_owned(), "good".to_owned())).collect::<Vec<_>>()
    };
    let basic = steps(Auth::basic("tester", PASSWORD), &[]);
    assert_eq!(basic, (Some(0), good(&["name", "login", "registry", "way to log in", "artifact"])));
    let bearer = steps(Auth::bearer("tester", PASSWORD), &[]);
    assert_eq!(bearer, (Some(0), good(&["name", "login", "registry", "way to log in", "token", "artifact"])));
    let wrong = format!("--creds=tester:{WRONG_PASSWORD}");
    let (code, found) = steps(Auth::bearer("tester", PASSWORD), &[&wrong]);
    assert_eq!((code, found.last().unwrap()), (Some(1), &("token".to_owned(), "fault".to_owned())));
}

#[test]
fn doctor_names_what_this_computer_lacks() {
    let sandbox = Sandbox::new();
    let screen = sandbox.run(&["doctor", "oci://registry.invalid/app", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "name", "note");
    has(&screen, "registry", "fault");
    has(&sandbox.run(&["doctor", "oci://[::1]:1/app", "-o", "json"]), "name", "good");
    sandbox.write("home/.docker/config.json", r#"{"credsStore":"missing"}"#);
    let screen = sandbox.run(&["doctor", "URL/app", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "login", "fault");
    assert!(screen.stdout.contains("docker-credential-missing"), "{}", screen.show());
    assert_eq!(sandbox.registry.requests().len(), 0, "nobody is asked without the login");
}

#[test]
fn doctor_counts_signatures_of_every_kind() {
    let sandbox = Sandbox::with_keys(Registry::start());
    sandbox.sign(&[]);
    sandbox.sign(&["--legacy"]);
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    sign(&sandbox.registry, "app", &digest, &Signer::new(), Envelope::Jws);
    let shown = sandbox.ok(&["doctor", "URL/app:v1"]);
    for line in ["✔ signatures: 2 of Cosign", "✔ signatures: 1 of Notation"] {
        assert!(shown.stdout.contains(line), "{}", shown.show());
    }
}

#[test]
fn doctor_ends_where_it_fails_and_says_what_to_do() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let screen = sandbox.run(&["doctor", "URL/app:v2", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "registry", "good");
    has(&screen, "artifact", "fault");

    // It is moved or deleted while it is looked at.
    sandbox.registry.fault(Fault::always(Match::class(Class::Manifest), Act::status(404)).after(1));
    let screen = sandbox.run(&["doctor", "URL/app:v1", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    has(&screen, "artifact", "good");
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
    // Their list, one of them, and where those of old are.
    for refused in [Match::class(Class::Referrers), Match::class(Class::Blob), Match::path(".sig")] {
        let sandbox = Sandbox::with_keys(Registry::start());
        sandbox.sign(&[]);
        sandbox.registry.fault(Fault::always(refused, Act::status(403)));
        let screen = sandbox.run(&["doctor", "URL/app:v1", "-o", "json"]);
        assert_eq!(screen.code, Some(1), "{}", screen.show());
        has(&screen, "signatures", "fault");
    }
}
