//! `sign artifact`, `push --sign`, `generate key-pair`: keys, passwords, and what goes wrong with them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use oci_testkit::{
    planted::{KEY_PASSWORD, WRONG_PASSWORD},
    registry::{Act, Class, Fault, Match, Registry},
    sigstore::{Kind, Owner, pem},
};

use crate::sandbox::{Sandbox, Screen, shows};

const PASSWORD: &str = "COSIGN_PASSWORD";

impl Sandbox {
    /// `app:v1`, and a new pair of keys.
    pub(crate) fn with_keys(registry: Registry) -> Self {
        let sandbox = Self::pushed_to(registry, &[]);
        sandbox.generate();
        sandbox
    }

    pub(crate) fn generate(&self) -> Screen {
        let screen = self.signing(&["generate", "key-pair"]);
        assert_eq!(screen.code, Some(0), "{}", screen.show());
        screen
    }

    /// Runs with the password of the key.
    pub(crate) fn signing(&self, args: &[&str]) -> Screen {
        self.run_in(args, &[(PASSWORD, KEY_PASSWORD)])
    }

    /// Signs `app:v1` with the key.
    pub(crate) fn sign(&self, more: &[&str]) -> Screen {
        let screen =
            self.signing(&[&["sign", "artifact", "URL/app:v1", "--key", "cosign.key"], more].concat());
        assert_eq!(screen.code, Some(0), "{}", screen.show());
        screen
    }

    /// What signing with this key says.
    fn refuses_key(&self, text: &str) -> Screen {
        self.write("bad.key", text);
        let screen = self.signing(&["sign", "artifact", "URL/app:v1", "--key", "bad.key"]);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert_eq!(screen.stderr.matches('✗').count(), 1, "{}", screen.show());
        screen
    }
}

#[test]
fn sign_tells_what_was_signed() {
    for api in [true, false] {
        let sandbox = Sandbox::with_keys(Registry::builder().referrers(api).start());
        shows(
            &sandbox.sign(&[]),
            "exit 0
            err: ► signing HOST/app:v1
            err: ✔ signed HOST/app@sha256:DIGEST with ECDSA P-256
            err: ✔ signature HOST/app@sha256:DIGEST",
        );
        let list = sandbox.registry.digest("app", "v1").unwrap().to_string().replace(':', "-");
        assert_eq!(
            sandbox.registry.digest("app", &list).is_none(),
            api,
            "no list where the registry has one"
        );
        let screen = sandbox.sign(&["--legacy", "-o", "name"]);
        assert!(
            screen.stdout.contains("/app:sha256-") && screen.stdout.ends_with(".sig\n"),
            "{}",
            screen.show()
        );
    }
}

#[test]
fn sign_prints_data() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let screen = sandbox.sign(&["-o", "json", "-a", "build=17"]);
    let report: serde_json::Value = serde_json::from_str(&screen.stdout).unwrap();
    assert_eq!(report["format"], "bundle");
    assert_eq!(report["key"], "ECDSA P-256");
    assert_eq!(report["pushed"], true);
    assert!(report["artifact"].as_str().unwrap().ends_with(report["digest"].as_str().unwrap()));
    assert!(screen.stderr.is_empty(), "{}", screen.show());
    let screen = sandbox.sign(&["-o", "name"]);
    assert!(screen.stdout.contains("/app@sha256:"), "{}", screen.show());
}

#[test]
fn legacy_signature_of_the_same_key_is_made_once() {
    let sandbox = Sandbox::with_keys(Registry::start());
    sandbox.sign(&["--legacy"]);
    shows(
        &sandbox.sign(&["--legacy"]),
        "exit 0
        err: ► signing HOST/app:v1
        err: ✔ HOST/app@sha256:DIGEST has this key's signature already, nothing pushed",
    );
}

#[test]
fn key_may_be_plain_and_in_a_variable() {
    let sandbox = Sandbox::with_keys(Registry::start());
    for kind in [Kind::P256, Kind::P384, Kind::Ed25519, Kind::Rsa] {
        let owner = Owner::new(kind);
        let all = [Some(owner.private_pem()), owner.sec1_pem()];
        for text in all.into_iter().flatten() {
            let args = ["sign", "artifact", "URL/app:v1", "--key", "env://SIGNING_KEY"];
            let screen = sandbox.run_in(&args, &[("SIGNING_KEY", &text)]);
            assert_eq!(screen.code, Some(0), "{kind:?} {}", screen.show());
            sandbox.write("plain.pub", &owner.pem());
            sandbox.ok(&["verify", "artifact", "URL/app:v1", "--key", "plain.pub"]);
        }
    }
}

#[test]
fn wrong_password_is_told() {
    let sandbox = Sandbox::with_keys(Registry::start());
    sandbox.registry.reset();
    let args = ["sign", "artifact", "URL/app:v1", "--key", "cosign.key"];
    shows(
        &sandbox.run_in(&args, &[(PASSWORD, WRONG_PASSWORD)]),
        "exit 2
        err: ✗ the private key `cosign.key` cannot be used: the password is wrong, or the file is damaged
        err:   hint: the password is read from COSIGN_PASSWORD, or asked for at a terminal",
    );
    shows(
        &sandbox.run(&args),
        "exit 2
        err: ✗ the private key `cosign.key` is encrypted, and standard input is no terminal to ask for the password at
        err:   hint: set COSIGN_PASSWORD",
    );
    assert!(sandbox.registry.requests().is_empty(), "nothing is asked before the key is open");
}

#[test]
fn unusable_keys_are_told_apart() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let public = fs::read_to_string(sandbox.path("cosign.pub")).unwrap();
    let sealed = |json: &str| pem("ENCRYPTED SIGSTORE PRIVATE KEY", json.as_bytes());
    let costly = r#"{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1},"salt":""},"cipher":{"name":"nacl/secretbox","nonce":""},"ciphertext":""}"#;
    for (text, why) in [
        ("garbage", "it has no PEM block"),
        (&"x".repeat(70_000), "larger than"),
        (&public, "it is a public key"),
        (&pem("CERTIFICATE", b"x"), "it is a `CERTIFICATE`"),
        (&pem("PRIVATE KEY", b"x"), "its block is no private key"),
        (&pem("EC PRIVATE KEY", b"x"), "its block is no private key"),
        (&pem("RSA PRIVATE KEY", b"x"), "its block is no private key"),
        (&pem("ENCRYPTED PRIVATE KEY", b"x"), "not as Cosign encrypts"),
        ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", "its PEM block is broken"),
        (&sealed("{"), "the envelope cannot be read"),
        (&sealed(costly), "its scrypt parameters are none that Cosign writes"),
        (&Owner::new(Kind::P521).private_pem(), "ECDSA keys on the curve P-521 are not supported"),
    ] {
        let screen = sandbox.refuses_key(text);
        assert!(screen.stderr.contains(why), "{why}: {}", screen.show());
    }
}

#[test]
fn place_of_a_key_is_a_file_or_a_variable() {
    let sandbox = Sandbox::with_keys(Registry::start());
    for (key, why) in [
        ("awskms://alias/key", "keys at `awskms://` are not supported"),
        ("env://NOT_SET", "the variable NOT_SET of --key is not set"),
        ("env://EMPTY", "the variable EMPTY of --key is not set"),
        ("missing.key", "reading the key `missing.key`"),
        ("", "--key is empty"),
    ] {
        let screen = sandbox.run_in(&["sign", "artifact", "URL/app:v1", "--key", key], &[("EMPTY", "")]);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert!(screen.stderr.contains(why), "{why}: {}", screen.show());
    }
    let screen = sandbox.fails(&["sign", "artifact", "URL/app:v1"]);
    assert!(screen.stderr.contains("with which key"), "{}", screen.show());
}

#[test]
fn generated_key_is_private_and_never_replaced() {
    let sandbox = Sandbox::new();
    shows(
        &sandbox.generate(),
        "exit 0
        err: ✔ private key written to cosign.key
        err: ✔ public key written to cosign.pub",
    );
    let mode = |name: &str| fs::metadata(sandbox.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("cosign.key"), 0o600);
    let before = fs::read(sandbox.path("cosign.key")).unwrap();
    shows(
        &sandbox.signing(&["generate", "key-pair"]),
        "exit 2
        err: ✗ `cosign.key` is there already, and keys are never replaced
        err:   hint: name others with `--output-key-prefix`",
    );
    fs::remove_file(sandbox.path("cosign.key")).unwrap();
    assert_eq!(sandbox.signing(&["generate", "key-pair"]).code, Some(2), "the public key counts, too");
    assert!(!sandbox.path("cosign.key").exists());
    symlink("nowhere", sandbox.path("link.pub")).unwrap();
    let link = ["generate", "key-pair", "--output-key-prefix", "link"];
    assert_eq!(sandbox.signing(&link).code, Some(2), "and a link that leads nowhere");
    assert!(!sandbox.path("link.key").exists());
    let other = ["generate", "key-pair", "--output-key-prefix", "other"];
    assert_eq!(sandbox.signing(&other).code, Some(0));
    assert_ne!(fs::read(sandbox.path("other.key")).unwrap(), before);
    let screen = sandbox.fails(&["generate", "key-pair", "--output-key-prefix", "third"]);
    assert!(screen.stderr.contains("set COSIGN_PASSWORD"), "{}", screen.show());
}

#[test]
fn push_signs_what_it_pushed_and_signs_once() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let push =
        ["push", "artifact", "URL/app:v2", "-f", "app", "--source", "s", "--revision", "r", "--if-changed"];
    let sign = [&push[..], &["--sign", "--key", "cosign.key"]].concat();
    let referrers = || sandbox.ok(&["inspect", "artifact", "URL/app:v2", "-o", "json"]).stdout;
    let count = |text: &str| {
        let shown: serde_json::Value = serde_json::from_str(text).unwrap();
        shown["referrers"].as_array().unwrap().len()
    };
    assert_eq!(sandbox.signing(&sign).code, Some(0));
    assert_eq!(count(&referrers()), 1);
    assert_eq!(sandbox.signing(&sign).code, Some(0));
    assert_eq!(count(&referrers()), 1, "unchanged and signed: nothing to do");
    sandbox.ok(&["verify", "artifact", "URL/app:v2", "--key", "cosign.pub"]);
    // What nobody signed when it was pushed, and quietly.
    let push = [&push[..], &["--tag", "v3"]].concat();
    sandbox.ok(&["push", "artifact", "URL/other:v2", "-f", "app", "--source", "s", "--revision", "r"]);
    let other: Vec<&str> =
        sign.iter().map(|arg| if *arg == "URL/app:v2" { "URL/other:v2" } else { arg }).collect();
    let screen = sandbox.signing(&[&other[..], &["-o", "name"]].concat());
    assert!(screen.code == Some(0) && !screen.stderr.contains("signature "), "{}", screen.show());
    sandbox.ok(&["verify", "artifact", "URL/other:v2", "--key", "cosign.pub"]);
    let screen = sandbox.fails(&[&push[..], &["--key", "cosign.key"]].concat());
    assert!(screen.stderr.contains("--key does nothing without --sign"), "{}", screen.show());
}

#[test]
fn place_of_legacy_signatures_that_cannot_be_read_is_left_alone() {
    for (code, why) in [(403, "403"), (404, "others write it at the same time")] {
        let sandbox = Sandbox::with_keys(Registry::start());
        let list = Match::class(Class::Manifest).method("GET").contains(".sig");
        sandbox.registry.fault(Fault::always(list, Act::status(code)));
        let screen = sandbox.signing(&["sign", "artifact", "URL/app:v1", "--key", "cosign.key", "--legacy"]);
        assert!(screen.code == Some(2) && screen.stderr.contains(why), "{}", screen.show());
        let written =
            sandbox.registry.count(|request| request.method == "PUT" && request.path.contains(".sig"));
        assert_eq!(written, if code == 403 { 0 } else { 5 });
    }
}

#[test]
fn place_of_legacy_signatures_that_holds_holds_something_else_is_left_alone() {
    let sandbox = Sandbox::with_keys(Registry::start());
    let shown = sandbox.ok(&["inspect", "artifact", "URL/app:v1", "-o", "json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let tag = format!("{}.sig", shown["digest"].as_str().unwrap().replace(':', "-"));
    let index = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    sandbox.registry.put_manifest("app", &tag, "application/vnd.oci.image.index.v1+json", index.as_bytes());
    let screen = sandbox.signing(&["sign", "artifact", "URL/app:v1", "--key", "cosign.key", "--legacy"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("it is an index, not an image"), "{}", screen.show());
}
