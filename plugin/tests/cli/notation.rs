//! Notation at the desk: `verify artifact`, `pull --verify-…`, `copy --verify-…` and `dry-run` by a trust policy.

use oci_artifact::name::Digest;
use oci_testkit::{
    registry::{Act, Class, Fault, Match, Registry},
    sigstore::notation::{Envelope, Signer, sign, trust_policy},
};
use serde_json::Value;

use crate::sandbox::{Sandbox, Screen, shows};

const STRICT: [&str; 4] = ["--trust-policy", "strict.json", "--certificate", "root.crt"];

/// With `app:v1`, its digest, policies of all levels, and the certificates of the signer and of somebody else.
fn desk(signer: &Signer) -> (Sandbox, Digest) {
    let sandbox = Sandbox::pushed();
    for level in ["strict", "permissive", "audit", "skip"] {
        sandbox.write(&format!("{level}.json"), &trust_policy(level));
    }
    sandbox.write("root.crt", &signer.root_pem());
    sandbox.write("other.crt", &Signer::new().root_pem());
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    (sandbox, digest)
}

/// The same, signed.
fn signed(kind: Envelope) -> Sandbox {
    let signer = Signer::new();
    let (sandbox, digest) = desk(&signer);
    sign(&sandbox.registry, "app", &digest, &signer, kind);
    sandbox
}

fn verify(sandbox: &Sandbox, level: &str, certificate: &str, more: &[&str]) -> Screen {
    let policy = format!("{level}.json");
    let args = ["verify", "artifact", "URL/app:v1", "--trust-policy", &policy, "--certificate", certificate];
    sandbox.run(&[&args[..], more].concat())
}

fn report(screen: &Screen) -> Value {
    serde_json::from_str(&screen.stdout).unwrap_or_else(|error| panic!("{error}: {}", screen.show()))
}

#[test]
fn verify_tells_whose_certificate_it_is() {
    for (kind, name) in [(Envelope::Jws, "JWS"), (Envelope::Cose, "COSE")] {
        let sandbox = signed(kind);
        sandbox.registry.reset();
        let screen = verify(&sandbox, "strict", "root.crt", &[]);
        assert_eq!(screen.code, Some(0), "{}", screen.show());
        // Its manifest was asked for by the tag, and is known then.
        let own = format!("/manifests/{}", sandbox.registry.digest("app", "v1").unwrap());
        assert_eq!(sandbox.registry.count(|request| request.path.ends_with(&own)), 0);
        let told = "is signed by CN=ci,O=Example,ST=WA,C=US (certificate ";
        assert!(screen.stderr.contains(told), "{}", screen.show());
        assert!(screen.stderr.contains(&format!("({name} signature)")), "{}", screen.show());
        let report = report(&verify(&sandbox, "strict", "root.crt", &["-o", "json"]));
        assert_eq!((&report["verified"], &report["reason"]), (&true.into(), &"Verified".into()));
        let signature = &report["signature"];
        assert_eq!(signature["format"], "notation");
        assert_eq!(signature["subject"], "CN=ci,O=Example,ST=WA,C=US");
        assert!(signature["certificate"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!((&signature["level"], &signature["timestamped"]), (&"strict".into(), &false.into()));
        assert_eq!(signature["signedAt"], Value::Null, "nobody trusted says when");
        // The issue's name of the flag is another one for the same.
        sandbox.ok(&[
            "verify",
            "artifact",
            "URL/app:v1",
            "--policy",
            "strict.json",
            "--certificate",
            "root.crt",
        ]);
    }
}

#[test]
fn verify_by_a_trust_policy_refuses_what_does_not_count() {
    let (sandbox, _) = desk(&Signer::new());
    let screen = verify(&sandbox, "strict", "root.crt", &[]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stderr.contains("no signature was found"), "{}", screen.show());
    let sandbox = signed(Envelope::Jws);
    let screen = verify(&sandbox, "strict", "other.crt", &["-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert_eq!(report(&screen)["reason"], "CertificateUntrusted");
    assert!(screen.stderr.contains("pass its root's certificate with `--certificate`"), "{}", screen.show());
    sandbox.registry.fault(Fault::always(Match::class(Class::Referrers), Act::status(403)));
    let screen = verify(&sandbox, "strict", "root.crt", &["-o", "json"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert_eq!(report(&screen)["reason"], "SignaturesUnavailable");
}

#[test]
fn verify_takes_nothing_for_verified_that_a_policy_lets_pass() {
    let sandbox = signed(Envelope::Cose);
    shows(
        &verify(&sandbox, "skip", "root.crt", &[]),
        "exit 1
        err: ► verifying HOST/app:v1
        err: ✗ verifying HOST/app@sha256:DIGEST failed: not verified: the trust policy's statement `all` skips verification
        err:   hint: the controller takes such an artifact as it is; to have it verified, set the level to `strict`",
    );
    let screen = verify(&sandbox, "audit", "other.crt", &["-o", "json"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    let told = report(&screen);
    assert_eq!((&told["verified"], &told["reason"]), (&false.into(), &"NotVerified".into()));
    assert_eq!(told["letPass"][0]["check"], "authenticity");
    assert_eq!(told["letPass"][0]["reason"], "CertificateUntrusted");
    let screen = verify(&sandbox, "skip", "root.crt", &["-o", "name"]);
    assert_eq!((screen.code, screen.stdout.as_str()), (Some(1), ""));
    // What is not enforced of a signature that counts is told.
    let revocable = Signer::revocable();
    let (sandbox, digest) = desk(&revocable);
    sign(&sandbox.registry, "app", &digest, &revocable, Envelope::Jws);
    assert_eq!(verify(&sandbox, "strict", "root.crt", &[]).code, Some(1));
    let screen = verify(&sandbox, "permissive", "root.crt", &[]);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(screen.stderr.contains("let pass by the trust policy: revocation: "), "{}", screen.show());
    let told = report(&verify(&sandbox, "permissive", "root.crt", &["-o", "json"]));
    assert_eq!(told["signature"]["level"], "permissive");
    assert_eq!(told["letPass"][0]["reason"], "RevocationUnknown");
}

#[test]
fn verify_refuses_trust_policies_and_certificates_that_are_none() {
    let sandbox = signed(Envelope::Jws);
    sandbox.write("bad.json", "{}");
    sandbox.write("bad.crt", "garbage");
    let base = ["verify", "artifact", "URL/app:v1"];
    for (args, why) in [
        (
            &["--trust-policy", "bad.json", "--certificate", "root.crt"][..],
            "`bad.json`: trust policy: version ``",
        ),
        (&["--trust-policy", "strict.json", "--certificate", "bad.crt"], "certificate `bad.crt`: "),
        (&["--trust-policy", "none.json", "--certificate", "root.crt"], "`none.json`"),
        (&["--trust-policy", "strict.json"], "--certificate"),
        (&["--certificate", "root.crt"], "--trust-policy"),
        (
            &["--trust-policy", "strict.json", "--certificate", "root.crt", "--key", "a.pub"],
            "cannot be used with",
        ),
    ] {
        let screen = sandbox.fails(&[&base[..], args].concat());
        assert!(screen.stderr.contains(why), "{why}: {}", screen.show());
    }
}

#[test]
fn pull_and_copy_take_only_what_the_trust_policy_lets_count() {
    let sandbox = signed(Envelope::Jws);
    let pull = |level: &str, certificate: &str| {
        let policy = format!("{level}.json");
        let args = ["pull", "artifact", "URL/app:v1", "-o", "out", "--verify-trust-policy", &policy];
        sandbox.run(&[&args[..], &["--verify-certificate", certificate]].concat())
    };
    for (level, certificate) in [("strict", "other.crt"), ("skip", "root.crt"), ("audit", "other.crt")] {
        let screen = pull(level, certificate);
        assert_eq!(screen.code, Some(1), "{}", screen.show());
        assert!(!sandbox.path("out").exists(), "{level}");
    }
    assert_eq!(pull("strict", "root.crt").code, Some(0));
    assert!(sandbox.path("out/deployment.yaml").is_file());
    let verifying = ["--verify-trust-policy", "strict.json", "--verify-certificate", "root.crt"];
    let copy = ["copy", "artifact", "URL/app:v1", "URL/copied:v1", "--with-signatures"];
    let screen = sandbox.ok(&[&copy[..], &verifying].concat());
    assert!(screen.stderr.contains("signatures copied: 1"), "{}", screen.show());
    // Notation signs media type, digest and size, not the repository.
    sandbox.ok(&[&["verify", "artifact", "URL/copied:v1"][..], &STRICT].concat());
}

/// An object that asks for Notation's signature, and its Secret.
fn object(sandbox: &Sandbox, level: &str, root: &str) {
    let indent = |text: &str| text.replace('\n', "\n    ");
    sandbox.write(
        "app.yaml",
        &format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\n  namespace: team\n\
             spec:\n  interval: 5m\n  url: oci://{}/app\n  insecure: true\n  ref:\n    tag: v1\n  verify:\n    \
             provider: notation\n    secretRef:\n      name: notation\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  \
             name: notation\n  namespace: team\nstringData:\n  trustpolicy.json: |\n    {}\n  root.crt: |\n    {}\n",
            sandbox.registry.host(),
            indent(&trust_policy(level)),
            indent(root),
        ),
    );
}

#[test]
fn object_that_asks_for_notation_is_verified_and_run_as_it_says() {
    let signer = Signer::new();
    let (sandbox, digest) = desk(&signer);
    sign(&sandbox.registry, "app", &digest, &signer, Envelope::Cose);
    let verify = ["verify", "artifact", "URL/app:v1", "-n", "team", "-f", "app.yaml"];
    object(&sandbox, "strict", &signer.root_pem());
    sandbox.ok(&verify);
    let screen = sandbox.ok(&["dry-run", "-f", "app.yaml"]);
    assert!(!screen.stdout.contains("Signed:"), "{}", screen.show());
    object(&sandbox, "strict", &Signer::new().root_pem());
    assert_eq!(sandbox.run(&verify).code, Some(1));
    let screen = sandbox.run(&["dry-run", "-f", "app.yaml"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stdout.contains("using provider 'notation'"), "{}", screen.show());
    // The controller takes what the policy skips, and says so; at the desk nothing is called verified that is not.
    object(&sandbox, "skip", &signer.root_pem());
    assert_eq!(sandbox.run(&verify).code, Some(1));
    let screen = sandbox.ok(&["dry-run", "-f", "app.yaml"]);
    let told = "Signed:   not verified: the trust policy's statement `all` skips verification";
    assert!(screen.stdout.contains(told), "{}", screen.show());
    sandbox.write(
        "app.yaml",
        &std::fs::read_to_string(sandbox.path("app.yaml")).unwrap().replace("\"1.0\"", "\"2\""),
    );
    assert!(sandbox.fails(&verify).stderr.contains("version `2` is not supported"));
}

#[test]
fn signature_behind_the_tag_alone_is_found_and_copied() {
    let signer = Signer::new();
    let (sandbox, digest) = desk(&signer);
    let signature = sign(&sandbox.registry, "app", &digest, &signer, Envelope::Jws);
    oci_testkit::sigstore::attach::list(&sandbox.registry, "app", &digest, &[signature]);
    // As in a registry whose API does not know what was pushed before it had one.
    let empty = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let on = Match::class(Class::Referrers).contains("/app/referrers/");
    sandbox.registry.fault(Fault::always(on, Act::json(empty)));
    assert_eq!(verify(&sandbox, "strict", "root.crt", &[]).code, Some(0));
    let to = Registry::start();
    let url = format!("oci://{}/app:v1", to.host());
    let screen = sandbox.ok(&["copy", "artifact", "URL/app:v1", &url, "--with-signatures"]);
    assert!(screen.stderr.contains("signatures copied: 1"), "{}", screen.show());
    sandbox.ok(&[&["verify", "artifact", &url][..], &STRICT].concat());
}
