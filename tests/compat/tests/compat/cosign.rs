//! Signatures in both directions with the `cosign` program, in both formats, by keys of every kind.

use oci_testkit::sigstore::{Kind, Owner};

use crate::bench::{Bench, Seen, distribution, json, olareg, text};

/// Nothing is asked of the public Sigstore.
const SIGN: [&str; 5] =
    ["sign", "--use-signing-config=false", "--tlog-upload=false", "-y", "--allow-http-registry"];
const VERIFY: [&str; 3] = ["verify", "--insecure-ignore-tlog=true", "--allow-http-registry"];
/// Cosign verifies with SHA-256 unless it is told, but signs with the key's own hash.
const SHA384: &str = "--signature-digest-algorithm=sha384";

/// The format of a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Bundle,
    Legacy,
}
use Format::{Bundle, Legacy};

/// A folder, an artifact of a registry, and a pair of keys.
struct Desk {
    bench: Bench,
    /// `HOST/REPOSITORY`
    name: String,
    digest: String,
}

impl Desk {
    /// With `key.pem` of that kind, and Cosign's files of it, `cosign.key` and `cosign.pub`.
    fn new(host: &str, kind: Kind) -> Self {
        let (bench, name, owner) = (Bench::new(), format!("{host}/app"), Owner::new(kind));
        // An artifact of its own: in one second, others of the registry would have the same digest.
        bench.write("app/signer.pem", &owner.pem());
        let digest = bench.push(&format!("oci://{name}:v1"), &[]);
        bench.write("key.pem", &owner.private_pem());
        let desk = Self { bench, name, digest };
        let imported = ["import-key-pair", "--key", "key.pem", "--output-key-prefix", "cosign", "-y"];
        desk.cosign(&imported);
        desk
    }

    fn url(&self) -> String {
        format!("oci://{}:v1", self.name)
    }

    /// Runs cosign, which has to succeed.
    fn cosign(&self, args: &[&str]) -> Seen {
        let seen = self.bench.cosign(args);
        assert_eq!(seen.code, Some(0), "{args:?}: {seen:#?}");
        seen
    }

    fn cosign_signs(&self, format: Format) {
        let digest = format!("{}@{}", self.name, self.digest);
        let old = ["--new-bundle-format=false"];
        let old = if format == Legacy { &old[..] } else { &[] };
        self.cosign(&[&SIGN[..], old, &["--key", "cosign.key", &digest]].concat());
    }

    fn cosign_verifies(&self, more: &[&str]) -> Seen {
        let digest = format!("{}@{}", self.name, self.digest);
        self.bench.cosign(&[&VERIFY[..], &["--key", "cosign.pub"], more, &[&digest]].concat())
    }

    #[track_caller]
    fn cosign_accepts(&self, more: &[&str]) {
        let seen = self.cosign_verifies(more);
        assert!(seen.code == Some(0) && seen.stdout.contains(&self.digest), "{seen:#?}");
    }

    fn sign(&self, format: Format, more: &[&str]) -> Seen {
        let old: &[&str] = if format == Legacy { &["--legacy"] } else { &[] };
        let url = self.url();
        let args = [&["sign", "artifact", &url, "--key", "cosign.key"], old, more].concat();
        let seen = self.bench.signing(&args);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        seen
    }

    fn verify(&self, more: &[&str]) -> Seen {
        let url = self.url();
        let args = [&["verify", "artifact", &url, "--key", "cosign.pub", "-o", "json"], more].concat();
        self.bench.run(&args)
    }

    #[track_caller]
    fn accepts(&self, algorithm: &str, format: Format) {
        let seen = self.verify(&[]);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        let report = json(&seen.stdout);
        assert_eq!(text(&report["digest"]), self.digest);
        assert_eq!(text(&report["signature"]["algorithm"]), algorithm);
        let format = if format == Legacy { "legacy" } else { "bundle" };
        assert_eq!(text(&report["signature"]["format"]), format);
    }
}

/// Both directions with one kind of key, in a registry without the referrers API and in one with it.
fn both_ways(kind: Kind, format: Format, algorithm: &str, flags: &[&str]) {
    let (one, two) = (distribution(), olareg());
    for host in [one.host(), two.host()] {
        let desk = Desk::new(&host, kind);
        desk.sign(format, &[]);
        desk.cosign_accepts(flags);
        desk.accepts(algorithm, format);
        // Ed25519 in Cosign is Ed25519ph, which it does not verify with a key either.
        if kind != Kind::Ed25519 {
            let desk = Desk::new(&host, kind);
            desk.cosign_signs(format);
            desk.accepts(algorithm, format);
            desk.cosign_accepts(flags);
        }
    }
}

#[test]
fn bundle_of_p256_goes_both_ways() {
    both_ways(Kind::P256, Bundle, "ECDSA P-256, SHA-256", &[]);
}

#[test]
fn legacy_signature_of_p256_goes_both_ways() {
    both_ways(Kind::P256, Legacy, "ECDSA P-256, SHA-256", &[]);
}

#[test]
fn bundle_of_p384_goes_both_ways() {
    both_ways(Kind::P384, Bundle, "ECDSA P-384, SHA-384", &[SHA384]);
}

#[test]
fn legacy_signature_of_p384_goes_both_ways() {
    both_ways(Kind::P384, Legacy, "ECDSA P-384, SHA-384", &[SHA384]);
}

#[test]
fn bundle_of_rsa_goes_both_ways() {
    both_ways(Kind::Rsa, Bundle, "RSA PKCS#1, SHA-256", &[]);
}

#[test]
fn legacy_signature_of_rsa_goes_both_ways() {
    both_ways(Kind::Rsa, Legacy, "RSA PKCS#1, SHA-256", &[]);
}

#[test]
fn bundle_of_ed25519_is_verified_by_cosign() {
    both_ways(Kind::Ed25519, Bundle, "Ed25519", &[]);
}

#[test]
fn legacy_signature_of_ed25519_is_verified_by_cosign() {
    both_ways(Kind::Ed25519, Legacy, "Ed25519", &[]);
}

#[test]
fn ed25519_as_cosign_signs_with_it_is_refused_by_name() {
    let registry = distribution();
    for format in [Bundle, Legacy] {
        let desk = Desk::new(&registry.host(), Kind::Ed25519);
        desk.cosign_signs(format);
        let seen = desk.verify(&[]);
        assert_eq!(seen.code, Some(1), "{seen:#?}");
        assert_eq!(text(&json(&seen.stdout)["reason"]), "OtherKey");
        assert!(seen.stderr.contains("Ed25519ph"), "{seen:#?}");
    }
}

#[test]
fn p521_is_refused_by_name() {
    let registry = distribution();
    let desk = Desk::new(&registry.host(), Kind::P521);
    desk.cosign_signs(Bundle);
    let verifying = desk.verify(&[]);
    let url = desk.url();
    let signing = desk.bench.signing(&["sign", "artifact", &url, "--key", "cosign.key"]);
    for seen in [verifying, signing] {
        assert_eq!(seen.code, Some(2), "{seen:#?}");
        assert!(seen.stderr.contains("ECDSA keys on the curve P-521 are not supported"), "{seen:#?}");
    }
}

#[test]
fn generated_keys_are_those_of_cosign() {
    let registry = distribution();
    let desk = Desk::new(&registry.host(), Kind::P384);
    for name in ["cosign.key", "cosign.pub"] {
        std::fs::remove_file(desk.bench.path(name)).unwrap();
    }
    let seen = desk.bench.signing(&["generate", "key-pair"]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    desk.cosign_signs(Bundle);
    desk.cosign_accepts(&[]);
    desk.accepts("ECDSA P-256, SHA-256", Bundle);
    let public = desk.cosign(&["public-key", "--key", "cosign.key"]).stdout;
    assert_eq!(public, std::fs::read_to_string(desk.bench.path("cosign.pub")).unwrap());
}

#[test]
fn legacy_signatures_are_added_to_those_of_the_other() {
    let registry = distribution();
    let desk = Desk::new(&registry.host(), Kind::P256);
    let layers = || {
        let tag = format!("{}:{}.sig", desk.name, desk.digest.replace(':', "-"));
        json(desk.bench.crane(&["manifest", &tag]))["layers"].as_array().unwrap().len()
    };
    desk.cosign_signs(Legacy);
    let theirs = std::fs::read_to_string(desk.bench.path("cosign.pub")).unwrap();
    desk.bench.write("theirs.pub", &theirs);
    desk.bench.write("key.pem", &Owner::new(Kind::P256).private_pem());
    desk.cosign(&["import-key-pair", "--key", "key.pem", "--output-key-prefix", "cosign", "-y"]);
    desk.sign(Legacy, &[]);
    assert_eq!(layers(), 2);
    desk.cosign_accepts(&[]);
    desk.accepts("ECDSA P-256, SHA-256", Legacy);
    let url = desk.url();
    desk.bench.ok(&["verify", "artifact", &url, "--key", "theirs.pub"]);
    // The same key signs once, whoever used it first.
    let again = desk.sign(Legacy, &[]);
    assert!(again.stderr.contains("already"), "{again:#?}");
    desk.cosign_signs(Legacy);
    assert_eq!(layers(), 2);
}

#[test]
fn annotations_are_part_of_what_is_signed() {
    let registry = olareg();
    for format in [Bundle, Legacy] {
        let desk = Desk::new(&registry.host(), Kind::P256);
        desk.sign(format, &["-a", "build=17", "-a", "by=us & them=<all>"]);
        desk.cosign_accepts(&["-a", "build=17"]);
        if format == Legacy {
            assert_ne!(desk.cosign_verifies(&["-a", "build=18"]).code, Some(0));
        }
    }
}

#[test]
fn neither_accepts_another_key_or_another_artifact() {
    let (one, two) = (distribution(), olareg());
    for (host, format) in [(one.host(), Bundle), (two.host(), Legacy)] {
        let desk = Desk::new(&host, Kind::P256);
        desk.sign(format, &[]);
        desk.bench.write("app/more.yaml", "kind: More\n");
        let url = desk.url();
        let other = desk.bench.push(&url, &[]);
        assert_ne!(other, desk.digest);
        let seen = desk.verify(&[]);
        assert_eq!(seen.code, Some(1), "{seen:#?}");
        assert_eq!(text(&json(&seen.stdout)["reason"]), "NotSigned");
        desk.bench.write("cosign.pub", &Owner::new(Kind::P256).pem());
        assert_ne!(desk.cosign_verifies(&[]).code, Some(0));
        let signed = format!("oci://{}@{}", desk.name, desk.digest);
        let seen = desk.bench.run(&["verify", "artifact", &signed, "--key", "cosign.pub", "-o", "json"]);
        assert_eq!(seen.code, Some(1), "{seen:#?}");
        assert_eq!(text(&json(&seen.stdout)["reason"]), "OtherKey");
    }
}

#[test]
fn copied_signatures_are_verified_by_cosign() {
    let (one, two) = (distribution(), olareg());
    let mut desk = Desk::new(&one.host(), Kind::P256);
    desk.sign(Bundle, &[]);
    desk.sign(Legacy, &[]);
    desk.cosign_signs(Bundle);
    let (from, to) = (desk.url(), format!("oci://{}/app", two.host()));
    desk.bench.ok(&["copy", "artifact", &from, "oci-layout://./folder:v1", "--with-signatures"]);
    let copied = desk.bench.ok(&[
        "copy",
        "artifact",
        "oci-layout://./folder",
        &format!("{to}:v1"),
        "--with-signatures",
    ]);
    assert!(copied.stderr.contains("signatures copied: 3"), "{copied:#?}");
    desk.name = format!("{}/app", two.host());
    desk.cosign_accepts(&[]);
    desk.accepts("ECDSA P-256, SHA-256", Bundle);
    // And back, to where the list of referrers is a tag.
    let back = format!("oci://{}/back:v1", one.host());
    let key = ["--verify-key", "cosign.pub"];
    let there = desk.url();
    let args = [&["copy", "artifact", &there, &back, "--with-signatures", "-o", "json"], &key[..]].concat();
    assert_eq!(json(&desk.bench.ok(&args).stdout)["signatures"], 3);
    desk.name = format!("{}/back", one.host());
    desk.cosign_accepts(&[]);
    desk.accepts("ECDSA P-256, SHA-256", Bundle);
}

#[test]
fn pushed_and_signed_is_verified_by_cosign() {
    let registry = distribution();
    let mut desk = Desk::new(&registry.host(), Kind::P256);
    let url = format!("oci://{}/signed:v1", registry.host());
    let push = ["push", "artifact", &url, "-f", "app", "--sign", "--key", "cosign.key", "-o", "json"];
    let seen = desk.bench.signing(&[&push[..], &["--source", "s", "--revision", "r"]].concat());
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    (desk.name, desk.digest) = (format!("{}/signed", registry.host()), text(&json(&seen.stdout)["digest"]));
    desk.cosign_accepts(&[]);
    desk.bench.ok(&["pull", "artifact", &url, "-o", "out", "--verify-key", "cosign.pub"]);
}
