//! `dry-run`

use std::fs;

use oci_testkit::{
    registry::{Act, Auth, Class, Fault, Match, Registry},
    sigstore::{Kind, Owner, attach, bundle},
};
use serde_json::Value;

use crate::sandbox::{Sandbox, shows};

/// An object with these lines in its spec.
fn object(sandbox: &Sandbox, spec: &str) -> String {
    let host = sandbox.registry.host();
    let lines = spec.lines().fold(String::new(), |lines, line| lines + "  " + line + "\n");
    format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\n  namespace: team\n\
         spec:\n  url: oci://{host}/app\n  interval: 5m\n{lines}"
    )
}

fn write(sandbox: &Sandbox, spec: &str) {
    sandbox.write("app.yaml", &object(sandbox, spec));
}

/// What is printed with `-o json`.
fn data(sandbox: &Sandbox, args: &[&str]) -> Value {
    let screen = sandbox.run(&[&["dry-run", "-o", "json"], args].concat());
    serde_json::from_str(&screen.stdout).unwrap_or_else(|error| panic!("{error}: {}", screen.show()))
}

#[test]
fn dry_run_says_what_would_be_stored_and_stores_it_on_request() {
    let sandbox = Sandbox::pushed();
    write(&sandbox, "ref:\n  tag: v1");
    shows(
        &sandbox.run(&["dry-run", "-f", "app.yaml", "--output", "out"]),
        "exit 0\n\
         out: app.yaml:9: warning: spec.ref: a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest\n\
         out: team/app (app.yaml)\n\
         out:   Artifact: HOST/app:v1, by tag\n\
         out:   Digest:   sha256:DIGEST\n\
         out:   Layer:    application/vnd.cncf.flux.content.v1.tar+gzip, 183 B, extract\n\
         out:   Content:  sha256:DIGEST, 184 B, 2 files\n\
         out:   File:     out/team/app.tar.gz\n\
         out:   Ready:    True, Succeeded: stored artifact for digest 'v1@sha256:DIGEST'\n\
         err: ► running team/app\n\
         err: ✔ 1 of 1 object would be ready",
    );
    assert!(fs::metadata(sandbox.path("out/team/app.tar.gz")).unwrap().len() > 0);
    let drafts = sandbox.files().into_iter().filter(|path| path.contains("draft")).count();
    assert_eq!(drafts, 0);
}

#[test]
fn dry_run_says_why_a_tag_was_chosen() {
    let sandbox = Sandbox::pushed();
    sandbox.ok(&["tag", "artifact", "URL/app:v1", "--tag", "1.0.0,1.1.0,2.0.0"]);
    write(&sandbox, "ref:\n  semver: 1.x");
    shows(
        &sandbox.run(&["dry-run", "-f", "app.yaml"]),
        "exit 0\n\
         out: app.yaml:9: warning: spec.ref: a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest\n\
         out: team/app (app.yaml)\n\
         out:   Artifact: HOST/app:1.1.0, the highest of 2 in the range '1.x', of 4 tags; next 1.0.0\n\
         out:   Digest:   sha256:DIGEST\n\
         out:   Layer:    application/vnd.cncf.flux.content.v1.tar+gzip, 183 B, extract\n\
         out:   Content:  sha256:DIGEST, 184 B, 2 files\n\
         out:   Ready:    True, Succeeded: stored artifact for digest '1.1.0@sha256:DIGEST'\n\
         err: ► running team/app\n\
         err: ✔ 1 of 1 object would be ready",
    );
    let data = data(&sandbox, &["-f", "app.yaml"]);
    let artifact = &data["objects"][0]["artifact"];
    assert_eq!((artifact["by"].as_str(), artifact["tag"].as_str()), (Some("range"), Some("1.1.0")));
    assert_eq!(artifact["runnersUp"], serde_json::json!(["1.0.0"]));
}

#[test]
fn dry_run_shows_the_status_that_would_be_written() {
    let sandbox = Sandbox::pushed();
    write(&sandbox, "ref:\n  tag: v1");
    let screen = sandbox.ok(&["dry-run", "-q", "-f", "app.yaml", "-o", "yaml"]);
    assert!(screen.stderr.is_empty(), "{}", screen.show());
    let data = data(&sandbox, &["-f", "app.yaml"]);
    let status = &data["objects"][0]["status"];
    assert_eq!(status["observedGeneration"], 1);
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    assert_eq!(status["artifact"]["revision"], format!("v1@{digest}"));
    assert_eq!(status["artifact"]["digest"], data["objects"][0]["stored"]["digest"]);
    assert_eq!(status["conditions"][0]["type"], "Ready");
    assert!(screen.stdout.contains("observedGeneration: 1"), "{}", screen.stdout);
}

#[test]
fn dry_run_lints_first() {
    let sandbox = Sandbox::pushed();
    write(&sandbox, "ref:\n  tag: v1\n  semver: ')'\nserviceAccountName: A");
    shows(
        &sandbox.run(&["dry-run", "-f", "app.yaml"]),
        r"
        exit 1
        out: app.yaml:9: spec.ref: more than one is set: semver `)`, tag `v1`; Flux takes the semver and ignores the rest
        out:   hint: keep one of tag, semver and digest
        out: app.yaml:11: spec.ref.semver: version range `)`: not a version: numbers, `x` or `*`, separated by dots, are wanted in `)`
        out:   hint: write ranges like `>=1.0.0 <2.0.0`, `~1.2`, `^1.2.3` or `1.x || 2.x`
        out: app.yaml:12: spec.serviceAccountName: `A` is no name of a ServiceAccount: lower-case letters, digits, `-` and `.`, at most 253
        out: team/app (app.yaml)
        out:   Ready:    False, SpecInvalid: spec.ref.semver: version range `)`: not a version: numbers, `x` or `*`, separated by dots, are wanted in `)` (write ranges like `>=1.0.0 <2.0.0`, `~1.2`, `^1.2.3` or `1.x || 2.x`); spec.serviceAccountName: `A` is no name of a ServiceAccount: lower-case letters, digits, `-` and `.`, at most 253
        err: ► running team/app
        err: ► 0 of 1 object would be ready
        ",
    );
}

#[test]
fn dry_run_exits_with_1_for_faults_of_object_and_artifact() {
    let sandbox = Sandbox::pushed();
    for spec in [
        "ref:\n  tag: missing",
        "ref:\n  semver: '>=9'",
        "ref:\n  tag: v1\nlayerSelector:\n  mediaType: x/y",
        "provider: aws",
        "ref:\n  tag: v1\nverify:\n  provider: cosign\n  secretRef:\n    name: keys",
    ] {
        write(&sandbox, spec);
        let screen = sandbox.run(&["dry-run", "-f", "app.yaml"]);
        assert_eq!(screen.code, Some(1), "{spec}: {}", screen.show());
    }
    write(&sandbox, "ref:\n  tag: v1\nlayerSelector:\n  mediaType: x/y");
    shows(
        &sandbox.run(&["dry-run", "-f", "app.yaml"]),
        r"
        exit 1
        out: app.yaml:9: warning: spec.ref: a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest
        out: team/app (app.yaml)
        out:   Artifact: HOST/app:v1, by tag
        out:   Digest:   sha256:DIGEST
        out:   Ready:    False, OCIArtifactLayerOperationFailed: failed to find layer with media type 'x/y' in artifact; set spec.layerSelector.mediaType to one of: application/vnd.cncf.flux.content.v1.tar+gzip
        err: ► running team/app
        err: ► 0 of 1 object would be ready
        ",
    );
}

#[test]
fn dry_run_exits_with_2_for_faults_of_registry_and_files() {
    let mut sandbox = Sandbox::pushed();
    write(&sandbox, "ref:\n  tag: v1");
    sandbox.registry.fault(Fault::always(Match::class(Class::Blob), Act::status(400)));
    let screen = sandbox.run(&["dry-run", "-f", "app.yaml"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    sandbox.registry.stop();
    let screen = sandbox.run(&["dry-run", "-f", "app.yaml"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stdout.contains("Ready:    False, OCIArtifactPullFailed"), "{}", screen.show());
    let screen = sandbox.run(&["dry-run", "-f", "missing.yaml"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    sandbox.fails(&["dry-run", "-f", "app.yaml", "--secret", "missing.yaml"]);
}

#[test]
fn dry_run_reads_standard_input_once() {
    let sandbox = Sandbox::pushed();
    let input = object(&sandbox, "ref:\n  tag: v1\nsuspend: true");
    let screen = sandbox.run_with_input(&["dry-run", "-f", "-"], &input);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(screen.stderr.contains("team/app is suspended; it is run all the same"), "{}", screen.show());
    let screen = sandbox.run_with_input(&["dry-run", "-f", "-"], "kind: ConfigMap\napiVersion: v1\n");
    shows(&screen, "exit 0\nerr: ⚠️ no OCIRepository in the files");
}

const USER: &str = "tester";
const PASSWORD: &str = "s3cret-pass";

/// A registry with a login, and an artifact in it.
fn private() -> Sandbox {
    let registry = Registry::builder().auth(Auth::bearer(USER, PASSWORD)).start();
    Sandbox::pushed_to(registry, &["--creds", &format!("{USER}:{PASSWORD}")])
}

fn secret(sandbox: &Sandbox, name: &str, password: &str) -> String {
    let config = format!(
        r#"{{"auths":{{"{}":{{"username":"{USER}","password":"{password}"}}}}}}"#,
        sandbox.registry.host()
    );
    format!(
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata:\n  name: {name}\n  namespace: team\n\
         stringData:\n  .dockerconfigjson: '{config}'\n"
    )
}

#[test]
fn dry_run_logs_in_with_secrets_of_the_files() {
    let sandbox = private();
    write(&sandbox, "ref:\n  tag: v1\nsecretRef:\n  name: creds");
    sandbox.write("creds.yaml", &secret(&sandbox, "creds", PASSWORD));
    let screen = sandbox.ok(&["dry-run", "-f", "app.yaml", "--secret", "creds.yaml"]);
    assert!(!screen.stderr.contains("not in the files"), "{}", screen.show());
    sandbox.write("creds.yaml", &secret(&sandbox, "creds", "hunter2"));
    let screen = sandbox.run(&["dry-run", "-f", "app.yaml", "--secret", "creds.yaml"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stdout.contains("secret 'team/creds'"), "{}", screen.show());
    assert!(!screen.show().contains("wrong\""), "{}", screen.show());
}

#[test]
fn dry_run_logs_in_with_an_account_of_the_files() {
    let sandbox = private();
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: puller\n  namespace: team\n\
                   imagePullSecrets:\n- name: creds\n";
    let all = [
        object(&sandbox, "ref:\n  tag: v1\nserviceAccountName: puller"),
        account.to_owned(),
        secret(&sandbox, "creds", PASSWORD),
    ];
    sandbox.write("all.yaml", &all.join("---\n"));
    sandbox.ok(&["dry-run", "-f", "all.yaml"]);
}

#[test]
fn dry_run_says_what_only_a_cluster_can_check() {
    let sandbox = private();
    let account = |annotations: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: puller\n  namespace: team\n  annotations:\n\
             {annotations}"
        )
    };
    let object = object(&sandbox, "ref:\n  tag: v1\nserviceAccountName: puller");
    let (provider, kind) = ("credential.auth.fluxcd.io/provider", "credential.auth.fluxcd.io/type");
    let whole = account(&format!("    {provider}: kubernetes\n    {kind}: jwt\n"));
    sandbox.write("all.yaml", &[object.clone(), whole].join("---\n"));
    let config = format!(
        r#"{{"auths":{{"{}":{{"username":"{USER}","password":"{PASSWORD}"}}}}}}"#,
        sandbox.registry.host()
    );
    sandbox.write("home/.docker/config.json", &config);
    let screen = sandbox.ok(&["dry-run", "-f", "all.yaml"]);
    let note = "in a cluster, team/app logs in by the identity of its ServiceAccount: that cannot be checked here, \
                the local Docker logins are used instead";
    assert!(screen.stderr.contains(note), "{}", screen.show());
    // What is wrong with the annotations can be checked.
    let half = account(&format!("    {provider}: kubernetes\n"));
    sandbox.write("all.yaml", &[object, half].join("---\n"));
    let screen = sandbox.run(&["dry-run", "-f", "all.yaml"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
    assert!(screen.stdout.contains("both are needed, or none"), "{}", screen.show());
}

#[test]
fn dry_run_logs_in_with_local_logins_where_a_secret_is_not_given() {
    let sandbox = private();
    write(&sandbox, "ref:\n  tag: v1\nsecretRef:\n  name: creds");
    let config = format!(
        r#"{{"auths":{{"{}":{{"username":"{USER}","password":"{PASSWORD}"}}}}}}"#,
        sandbox.registry.host()
    );
    sandbox.write("home/.docker/config.json", &config);
    let screen = sandbox.ok(&["dry-run", "-f", "app.yaml"]);
    let note = "the Secret team/creds is not in the files: the local Docker logins are used instead";
    assert!(screen.stderr.contains(note), "{}", screen.show());
    // An object that names no Secret is anonymous in the cluster, and so it is here.
    write(&sandbox, "ref:\n  tag: v1");
    let screen = sandbox.run(&["dry-run", "-f", "app.yaml"]);
    assert_eq!(screen.code, Some(1), "{}", screen.show());
}

#[test]
fn dry_run_never_shows_a_secret_that_cannot_be_read() {
    let sandbox = Sandbox::pushed();
    write(&sandbox, "ref:\n  tag: v1");
    let broken = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: creds\ndata:\n  password: 'hunter2!'\n";
    sandbox.write("creds.yaml", broken);
    let screen = sandbox.fails(&["dry-run", "-f", "app.yaml", "--secret", "creds.yaml"]);
    assert!(!screen.stderr.contains("hunter2"), "{}", screen.show());
    assert!(screen.stderr.contains("creds.yaml"), "{}", screen.show());
}

#[test]
fn dry_run_verifies_signatures_as_the_controller_does() {
    let sandbox = Sandbox::pushed();
    let owner = Owner::new(Kind::P256);
    let key = owner.pem().lines().fold(String::new(), |lines, line| lines + "    " + line + "\n");
    let verified = "ref:\n  tag: v1\nverify:\n  provider: cosign\n  secretRef:\n    name: keys";
    let object = object(&sandbox, verified);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: keys\n  namespace: team\nstringData:\n  cosign.pub: |\n";
    let told = |screen: &crate::sandbox::Screen| {
        let status: Value = serde_json::from_str(&screen.stdout).unwrap();
        let conditions = status["objects"][0]["status"]["conditions"].as_array().unwrap().clone();
        let told = conditions.into_iter().find(|told| told["type"] == "SourceVerified").unwrap();
        (told["reason"].as_str().unwrap().to_owned(), told["message"].as_str().unwrap().to_owned())
    };
    let run = || sandbox.run(&["dry-run", "-o", "json", "-f", "app.yaml"]);
    sandbox.write("app.yaml", &object);
    let (reason, message) = told(&run());
    assert_eq!(reason, "VerificationError");
    assert!(message.contains("the Secret team/keys is not in the files"), "{message}");
    sandbox.write("app.yaml", &format!("{object}---\n{secret}{key}"));
    let (reason, message) = told(&run());
    assert_eq!(reason, "VerificationError");
    assert!(message.contains("no signature was found"), "{message}");
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    let signed = bundle::sign_with(&owner, &digest.to_string());
    attach::bundle(&sandbox.registry, "app", &digest, &signed);
    let screen = run();
    let expected = ("Succeeded".to_owned(), format!("verified signature of revision v1@{digest}"));
    assert_eq!(told(&screen), expected, "{}", screen.show());
}
