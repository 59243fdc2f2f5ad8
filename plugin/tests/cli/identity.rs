//! `verify artifact` by who signed without a key, and whose word is taken where several are given.

use std::fs;

use oci_testkit::{
    registry::Registry,
    sigstore::{ISSUER, Instance, Request, SUBJECT, attach, bundle},
};

use crate::sandbox::{Sandbox, Screen};

/// With `app:v1`, signed without a key, and the trusted root of that Sigstore.
fn signed() -> Sandbox {
    let (sandbox, instance) = (Sandbox::with_keys(Registry::start()), Instance::new());
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    let certified = instance.certify(&Request::default());
    let bundle = bundle::sign(&instance, &certified, &digest.to_string());
    attach::bundle(&sandbox.registry, "app", &digest, &bundle);
    sandbox.write("root.json", &instance.trusted_root().to_string());
    sandbox
}

fn verify(sandbox: &Sandbox, more: &[&str]) -> Screen {
    sandbox.run(&[&["verify", "artifact", "URL/app:v1"], more].concat())
}

/// Exit code and a part of what is told.
fn told(screen: &Screen, code: i32, part: &str) {
    assert!(screen.code == Some(code) && screen.stderr.contains(part), "{part}: {}", screen.show());
}

#[test]
fn verify_by_identity_takes_the_word_of_the_trusted_root_alone() {
    let sandbox = signed();
    let by = |subject, more: &[&str]| {
        let by = ["--certificate-identity", subject, "--certificate-oidc-issuer", ISSUER];
        verify(&sandbox, &[&by[..], more].concat())
    };
    told(&by(SUBJECT, &["--trusted-root", "root.json"]), 0, "is signed by");
    told(&by(SUBJECT, &[]), 1, "pass a `trusted_root.json` with `--trusted-root`");
    told(&by("somebody@else.example", &["--trusted-root", "root.json"]), 1, "no signature counts");
    told(&by("", &["--trusted-root", "root.json"]), 2, "would be anybody's");
    told(
        &verify(&sandbox, &["--key", "cosign.pub"]),
        1,
        "it was made without a key: pass `--certificate-identity`",
    );
    // Two signatures that are refused for two reasons have none in common.
    sandbox.sign(&[]);
    let screen = by("somebody@else.example", &["--trusted-root", "root.json", "-o", "json"]);
    assert!(screen.stdout.contains(r#""reason": "SignatureRejected""#), "{}", screen.show());
    let screen = by("somebody@else.example", &["--trusted-root", "root.json", "-o", "name"]);
    assert_eq!((screen.code, &*screen.stdout), (Some(1), ""), "{}", screen.show());
}

#[test]
fn verify_takes_identities_and_root_of_an_object() {
    let sandbox = signed();
    let root = fs::read_to_string(sandbox.path("root.json")).unwrap();
    let object = |subject: &str| {
        let text = format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\nspec:\n  \
             interval: 5m\n  url: oci://{}/app\n  ref:\n    tag: v1\n  verify:\n    provider: cosign\n    \
             trustedRootSecretRef:\n      name: root\n    matchOIDCIdentity:\n    - issuer: {ISSUER}\n      \
             subject: {subject}\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: root\n  \
             namespace: team\nstringData:\n  trusted_root.json: '{root}'\n",
            sandbox.registry.host()
        );
        sandbox.write("app.yaml", &text);
    };
    object(SUBJECT);
    told(&verify(&sandbox, &["-f", "app.yaml", "-n", "team"]), 0, "is signed by");
    told(&verify(&sandbox, &["-f", "app.yaml"]), 2, "the Secret `root` is not in the files");
    for flags in [
        &["--key", "cosign.pub"][..],
        &["--trusted-root", "root.json"],
        &["--certificate-identity-regexp", "x"],
        &["--trust-policy", "x", "--certificate", "x"],
    ] {
        let screen = verify(&sandbox, &[&["-f", "app.yaml", "-n", "team"], flags].concat());
        told(&screen, 2, "-f says whose signature counts");
    }
    object("^somebody@else\\.example$");
    told(&verify(&sandbox, &["-f", "app.yaml", "-n", "team"]), 1, "no signature counts");
}
