//! `verify artifact`, `pull --verify-…`, `copy --verify-…`: what is accepted, and how a refusal reads.

use std::fs;

use oci_testkit::{
    registry::{Act, Class, Fault, Match, Recorded, Registry},
    sigstore::{ISSUER, Kind, Owner, SUBJECT, attach, bundle},
};

use crate::sandbox::{Sandbox, Screen, shows};

/// With `app:v1`, signed.
fn signed() -> Sandbox {
    let sandbox = Sandbox::with_keys(Registry::start());
    sandbox.sign(&[]);
    sandbox
}

fn report(screen: &Screen) -> serde_json::Value {
    serde_json::from_str(&screen.stdout).unwrap_or_else(|error| panic!("{error}: {}", screen.show()))
}

#[test]
fn verify_tells_whose_signature_it_is() {
    let sandbox = signed();
    shows(
        &sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub"]),
        "exit 0
        err: ► verifying HOST/app:v1
        err: ✔ HOST/app@sha256:DIGEST is signed by key `cosign.pub` (ECDSA P-256, SHA-256) (bundle)",
    );
    let screen = sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub", "-o", "name"]);
    shows(&screen, "exit 0\nout: HOST/app@sha256:DIGEST");
    let screen = sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub", "-o", "json"]);
    let report = report(&screen);
    assert_eq!(report["verified"], true);
    assert_eq!(report["reason"], "Verified");
    assert_eq!(report["signature"]["key"], "cosign.pub");
    assert_eq!(report["signature"]["format"], "bundle");
    assert_eq!(report["signature"]["log"], "unasked");
}

#[test]
fn verify_tells_what_does_not_count_beside_what_does() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    let foreign = bundle::sign_with(&Owner::new(Kind::P256), &digest.to_string());
    attach::bundle(&sandbox.registry, "app", &digest, &foreign);
    sandbox.sign(&["--legacy"]);
    let screen = sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub"]);
    let lines: Vec<&str> = screen.stderr.lines().collect();
    assert!(lines.len() == 3 && lines[1].contains("made by none of the keys"), "{}", screen.show());
    assert!(lines[2].ends_with("(signature)"), "{}", screen.show());
}

#[test]
fn verify_refuses_what_is_not_signed() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let screen = sandbox.run(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub"]);
    shows(
        &screen,
        "exit 1
        err: ► verifying HOST/app:v1
        err: ✗ verifying HOST/app@sha256:DIGEST failed: no signature was found",
    );
    let screen = sandbox.run(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub", "-o", "yaml"]);
    assert_eq!(screen.code, Some(1));
    assert!(screen.stdout.contains("reason: NotSigned"), "{}", screen.show());
}

#[test]
fn verify_refuses_another_key() {
    let sandbox = signed();
    sandbox.write("other.pub", &Owner::new(Kind::P384).pem());
    let screen = sandbox.run(&["verify", "artifact", "URL/app:v1", "--key", "other.pub", "-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(
        screen.stderr.contains("it was made by none of the keys `other.pub` (ECDSA P-384)"),
        "{}",
        screen.show()
    );
    let report = report(&screen);
    assert_eq!(report["verified"], false);
    assert_eq!(report["reason"], "OtherKey");
    assert_eq!(report["refused"][0]["reason"], "OtherKey");
    sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "other.pub", "--key", "cosign.pub"]);
}

#[test]
fn verify_refuses_a_key_where_an_identity_is_wanted() {
    let sandbox = signed();
    let args = ["verify", "artifact", "URL/app:v1", "--certificate-identity", SUBJECT];
    let screen = sandbox.run(&[&args[..], &["--certificate-oidc-issuer", ISSUER]].concat());
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stderr.contains("pass the public one with `--key`"), "{}", screen.show());
    let screen = sandbox.fails(&args);
    assert!(screen.stderr.contains("it is not said whose signature counts"), "{}", screen.show());
    let bad = ["--certificate-oidc-issuer-regexp", "("];
    assert!(sandbox.fails(&[&args[..], &bad].concat()).stderr.contains('('));
    let both = ["--key", "cosign.pub"];
    assert!(sandbox.fails(&[&args[..], &both].concat()).stderr.contains("cannot be used with"));
}

#[test]
fn verify_says_when_nobody_knows() {
    let sandbox = signed();
    let gone = Registry::start();
    let host = gone.host();
    drop(gone);
    let url = format!("oci://{host}/app:v1");
    sandbox.fails(&["verify", "artifact", &url, "--key", "cosign.pub", "--timeout", "5s"]);
    sandbox.registry.fault(Fault::always(Match::class(Class::Referrers), Act::status(403)));
    let screen = sandbox.run(&["verify", "artifact", "URL/app:v1", "--key", "cosign.pub", "-o", "json"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("signatures could not be looked up"), "{}", screen.show());
    assert_eq!(report(&screen)["reason"], "SignaturesUnavailable");
}

#[test]
fn verify_refuses_public_keys_that_are_none() {
    let sandbox = signed();
    let private = fs::read_to_string(sandbox.path("cosign.key")).unwrap();
    for (text, why) in [
        ("garbage", "public key `bad.pub`: it has no PEM block"),
        (private.as_str(), "it is a private key, which does not belong here"),
        (&Owner::new(Kind::P521).pem(), "ECDSA keys on the curve P-521 are not supported"),
    ] {
        sandbox.write("bad.pub", text);
        let args = ["verify", "artifact", "URL/app:v1", "--key", "cosign.pub", "--key", "bad.pub"];
        let screen = sandbox.fails(&args);
        assert!(screen.stderr.contains(why), "{why}: {}", screen.show());
    }
}

#[test]
fn verify_takes_the_policy_of_an_object() {
    let sandbox = signed();
    let key = fs::read_to_string(sandbox.path("cosign.pub")).unwrap().replace('\n', "\n    ");
    let object = format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\nspec:\n  interval: 5m\n  \
         url: oci://{}/app\n  ref:\n    tag: v1\n",
        sandbox.registry.host()
    );
    let asks = format!("{object}  verify:\n    provider: cosign\n    secretRef:\n      name: keys\n");
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\nstringData:\n  cosign.pub: |\n    {key}\n"
    );
    sandbox.write("whole.yaml", &format!("{asks}---\n{secret}"));
    sandbox.ok(&["verify", "artifact", "URL/app:v1", "-f", "whole.yaml"]);
    sandbox.write("object.yaml", &asks);
    sandbox.write("secret.yaml", &secret);
    let verify = ["verify", "artifact", "URL/app:v1", "-f", "object.yaml"];
    sandbox.ok(&[&verify[..], &["--secret", "secret.yaml"]].concat());
    let screen = sandbox.fails(&verify);
    assert!(screen.stderr.contains("the Secret `keys` is not in the files"), "{}", screen.show());
    sandbox.write("plain.yaml", &object);
    let screen = sandbox.fails(&["verify", "artifact", "URL/app:v1", "-f", "plain.yaml"]);
    assert!(screen.stderr.contains("the object asks for no signature"), "{}", screen.show());
}

#[test]
fn pull_takes_only_what_is_signed() {
    let sandbox = signed();
    let pull = ["pull", "artifact", "URL/app:v1", "-o", "out", "--verify-key"];
    sandbox.write("other.pub", &Owner::new(Kind::P256).pem());
    let screen = sandbox.run(&[&pull[..], &["other.pub"]].concat());
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(!sandbox.path("out").exists());
    sandbox.registry.fault(Fault::always(Match::class(Class::Referrers), Act::status(403)));
    let screen = sandbox.run(&[&pull[..], &["cosign.pub"]].concat());
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(!sandbox.path("out").exists());
    sandbox.registry.clear_faults();
    sandbox.registry.reset();
    sandbox.ok(&[&pull[..], &["cosign.pub"]].concat());
    assert!(sandbox.path("out/deployment.yaml").is_file());
    let by_tag = sandbox.registry.count(|request| request.path.ends_with("/manifests/v1"));
    assert_eq!(by_tag, 1, "what the tag leads to is asked once");
    // What the tag leads to now is what counts.
    sandbox.write("app/more.yaml", "kind: More\n");
    sandbox.ok(&["push", "artifact", "URL/app:v1", "-f", "app", "--source", "s", "--revision", "r"]);
    let screen = sandbox.run(&[&pull[..], &["cosign.pub"]].concat());
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stderr.contains("no signature was found"), "{}", screen.show());
}

#[test]
fn copy_takes_only_what_is_signed_and_the_signatures_if_told() {
    let sandbox = signed();
    sandbox.sign(&["--legacy"]);
    sandbox.write("other.pub", &Owner::new(Kind::P256).pem());
    let copy = |to: &str, more: &[&str]| {
        sandbox.run(&[&["copy", "artifact", "URL/app:v1", to, "--verify-key"], more].concat())
    };
    let screen = copy("URL/copied:v1", &["other.pub"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert_eq!(sandbox.run(&["inspect", "artifact", "URL/copied:v1"]).code, Some(2), "nothing was copied");
    sandbox.registry.reset();
    assert_eq!(copy("URL/copied:v1", &["cosign.pub"]).code, Some(0));
    let by_tag = |request: &Recorded| request.method != "PUT" && request.path.ends_with("/app/manifests/v1");
    assert_eq!(sandbox.registry.count(by_tag), 1, "what the tag leads to is asked once");
    let verify = ["verify", "artifact", "URL/copied:v1", "--key", "cosign.pub"];
    assert_eq!(sandbox.run(&verify).code, Some(1), "signatures come along only if told");
    let screen = copy("URL/copied:v1", &["cosign.pub", "--with-signatures"]);
    assert!(screen.stderr.contains("signatures copied: 2"), "{}", screen.show());
    sandbox.ok(&verify);
    let screen =
        sandbox.fails(&["copy", "artifact", "oci-layout://./x:v1", "URL/y:v1", "--verify-key", "cosign.pub"]);
    assert!(screen.stderr.contains("a folder's signatures are not verified"), "{}", screen.show());
}
