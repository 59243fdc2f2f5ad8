//! `create`, `get`, `export`, `reconcile`, `suspend`, `resume`, without a cluster and against a scripted API server. What
//! a real one says is tested in `tests/cluster`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
    thread,
};

use oci_testkit::net;

use crate::sandbox::{Sandbox, Screen, shows};

const CREATE: [&str; 4] = ["create", "app", "--url", "oci://ghcr.io/org/app"];

/// A kubeconfig for that server, with more lines for the user.
fn kubeconfig(sandbox: &Sandbox, server: &str, user: &str) {
    sandbox.write(
        "kubeconfig",
        &format!(
            "apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {{cluster: here, user: me, namespace: team-a}}
clusters:
- name: here
  cluster: {{server: \"{server}\"}}
users:
- name: me
  user:
    {user}
"
        ),
    );
}

fn run(sandbox: &Sandbox, args: &[&str]) -> Screen {
    let args = [args, &["--kubeconfig", "kubeconfig"]].concat();
    sandbox.screen(sandbox.command(&args).output().unwrap())
}

/// Answers one request after the other, whatever is asked; tells what was asked.
struct Script {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn new(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for (code, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).unwrap() > 2 {
                    let header = line.to_ascii_lowercase();
                    length =
                        header.strip_prefix("content-length: ").map_or(length, |n| n.trim().parse().unwrap());
                    line.clear();
                }
                let mut content = vec![0; length];
                reader.read_exact(&mut content).unwrap();
                let first = first.trim().trim_end_matches(" HTTP/1.1");
                log.lock()
                    .unwrap()
                    .push(format!("{first} {}", String::from_utf8(content).unwrap()).trim().into());
                let head =
                    format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nConnection: close\r\n");
                write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn object(name: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{{"name":"{name}","namespace":"team-a","generation":1,"resourceVersion":"7"}}{more}}}"#
    )
}

fn list(items: &[&str], next: &str) -> String {
    let items: Vec<String> = items.iter().map(|name| object(name, "")).collect();
    format!(
        r#"{{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepositoryList","metadata":{{"resourceVersion":"9","continue":"{next}"}},"items":[{}]}}"#,
        items.join(",")
    )
}

fn status(code: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Status","status":"Failure","code":{code},"reason":"{reason}","message":"{message}"}}"#
    )
}

const LIST: &str = "GET /apis/source.toolkit.fluxcd.io/v1/namespaces/team-a/ocirepositories?";

#[test]
fn create_exports_without_a_cluster() {
    let sandbox = Sandbox::new();
    shows(
        &sandbox
            .run(&[&CREATE[..], &["--tag-semver", "1.x", "-n", "flux-system", "--export", "-q"]].concat()),
        "exit 0
        out: ---
        out: apiVersion: source.toolkit.fluxcd.io/v1
        out: kind: OCIRepository
        out: metadata:
        out:   name: app
        out:   namespace: flux-system
        out: spec:
        out:   interval: 1m
        out:   ref:
        out:     semver: 1.x
        out:   url: oci://ghcr.io/org/app",
    );
    assert!(sandbox.files().iter().all(|file| file == "tmp"), "{:?}", sandbox.files());
}

#[test]
fn create_exports_every_flag() {
    let sandbox = Sandbox::new();
    kubeconfig(&sandbox, "https://127.0.0.1:1", "token: t");
    let screen = run(
        &sandbox,
        &[
            &CREATE[..],
            &["--tag-semver=>=1.0.0", "--semver-filter=-rc", "--interval=10m", "--fetch-timeout=30s"],
            &["--secret-ref=login", "--service-account=puller", "--proxy-secret-ref=proxy"],
            &["--provider=generic", "--insecure", "--verify-provider=cosign", "--verify-secret-ref=keys"],
            &["--ignore-paths=*.md,docs/", "--ignore-paths=!docs/keep", "--export", "-q"],
            &["--layer-selector=application/vnd.cncf.helm.chart.content.v1.tar+gzip:copy"],
            &["--label=team=web,tier=", "--label=a=b"],
        ]
        .concat(),
    );
    shows(
        &screen,
        "exit 0
        out: ---
        out: apiVersion: source.toolkit.fluxcd.io/v1
        out: kind: OCIRepository
        out: metadata:
        out:   labels:
        out:     a: b
        out:     team: web
        out:     tier: \"\"
        out:   name: app
        out:   namespace: team-a
        out: spec:
        out:   ignore: |-
        out:     *.md
        out:     docs/
        out:     !docs/keep
        out:   insecure: true
        out:   interval: 10m
        out:   layerSelector:
        out:     mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip
        out:     operation: copy
        out:   provider: generic
        out:   proxySecretRef:
        out:     name: proxy
        out:   ref:
        out:     semver: \">=1.0.0\"
        out:     semverFilter: -rc
        out:   secretRef:
        out:     name: login
        out:   serviceAccountName: puller
        out:   timeout: 30s
        out:   url: oci://ghcr.io/org/app
        out:   verify:
        out:     provider: cosign
        out:     secretRef:
        out:       name: keys",
    );
}

#[test]
fn create_exports_keyless_verification() {
    let sandbox = Sandbox::new();
    kubeconfig(&sandbox, "https://127.0.0.1:1", "token: t");
    let keyless = [
        &CREATE[..],
        &["--tag=v1", "--cert-ref=certs", "--verify-provider=cosign", "--export", "-q"],
        &["--verify-issuer=^https://issuer$", "--verify-subject=^https://me$"],
    ];
    shows(
        &run(&sandbox, &keyless.concat()),
        "exit 0
        out: ---
        out: apiVersion: source.toolkit.fluxcd.io/v1
        out: kind: OCIRepository
        out: metadata:
        out:   name: app
        out:   namespace: team-a
        out: spec:
        out:   certSecretRef:
        out:     name: certs
        out:   interval: 1m
        out:   ref:
        out:     tag: v1
        out:   url: oci://ghcr.io/org/app
        out:   verify:
        out:     matchOIDCIdentity:
        out:     - issuer: ^https://issuer$
        out:       subject: ^https://me$
        out:     provider: cosign",
    );
}

#[test]
fn create_tells_all_faults_and_asks_nobody() {
    let sandbox = Sandbox::new();
    kubeconfig(&sandbox, "https://127.0.0.1:1", "token: t");
    let args =
        ["create", "app", "--url", "oci://ghcr.io/org/app:v1", "--tag=a", "--digest=b", "--interval=0s"];
    for more in [&[][..], &["--export"]] {
        let screen = run(&sandbox, &[&args[..], more].concat());
        shows(
            &screen,
            "exit 1
            err: ✗ spec.url: `oci://ghcr.io/org/app:v1` has the tag `v1`
            err:   hint: write `url: oci://ghcr.io/org/app` and `ref: {tag: \"v1\"}`
            err: ✗ spec.ref: more than one is set: digest `b`, tag `a`; Flux takes the digest and ignores the rest
            err:   hint: keep one of tag, semver and digest
            err: ✗ spec.ref.digest: digest `b` is not of the form sha256:<64 hex digits>
            err:   hint: `kubectl oci inspect artifact` shows the digest of a tag
            err: ✗ spec.interval: `0s` means that the registry is asked once and never again
            err:   hint: write it like `5m`",
        );
    }
}

#[test]
fn cluster_verbs_refuse_what_is_no_name() {
    let sandbox = Sandbox::new();
    for args in [
        &["get", "../secrets/x"][..],
        &["reconcile", "A"],
        &["suspend", "a/b"],
        &["resume", "a?b"],
        &["export", ".."],
        &["create", "-", "--url", "oci://a/b"],
        &["get", "-n", "a/b"],
    ] {
        let screen = sandbox.fails(args);
        assert!(screen.stderr.contains("is not a name"), "{args:?}: {}", screen.stderr);
    }
    for args in [
        &["get", "a", "-A"][..],
        &["export"],
        &["suspend"],
        &["resume", "a", "--all"],
        &["reconcile"],
        &["create", "a"],
        &["get", "--status-selector", "Ready"],
    ] {
        assert_eq!(sandbox.run(args).code, Some(2), "{args:?}");
    }
}

#[test]
fn missing_kubeconfig_is_told_with_where_it_was_looked_for() {
    let sandbox = Sandbox::new();
    let hint = "err:   hint: name one with `--kubeconfig` or in KUBECONFIG";
    let home = "err: ✗ no kubeconfig says where the cluster is (looked for `HOME/.kube/config`)";
    shows(&sandbox.run(&["get"]), &format!("exit 2\n{home}\n{hint}"));
    let output = sandbox.command(&["get"]).env("KUBECONFIG", "a:b").output().unwrap();
    let listed = "err: ✗ no kubeconfig says where the cluster is (looked for `a`, `b`)";
    shows(&sandbox.screen(output), &format!("exit 2\n{listed}\n{hint}"));
    let screen = run(&sandbox, &["get"]);
    assert_eq!(screen.code, Some(2));
    assert!(
        screen.stderr.contains("reading the kubeconfig `kubeconfig` failed: No such file"),
        "{}",
        screen.stderr
    );
}

#[test]
fn kubeconfig_that_cannot_be_read_is_not_quoted() {
    let sandbox = Sandbox::new();
    for (text, line) in [
        ("users:\n- name: me\n  user:\n    token: hunter2\n    exec: 5\n", 5),
        ("users:\n- name: me\n  user: hunter2\n", 3),
        ("users:\n- name: me\n  user:\n    token: hunter2\n    x: [\n", 5),
    ] {
        sandbox.write("kubeconfig", text);
        shows(
            &run(&sandbox, &["get"]),
            &format!(
                "exit 2
                err: ✗ reading the kubeconfig `kubeconfig` failed: line {line} is not what a kubeconfig has there
                err:   hint: `kubectl config view` reads it too"
            ),
        );
    }
}

#[test]
fn kubeconfig_is_found_and_chosen_from_as_by_kubectl() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![(200, list(&["one"], ""))]);
    kubeconfig(&sandbox, &script.address, "token: t");
    sandbox.write("empty", "");
    sandbox.write(
        "second",
        "current-context: other\ncontexts:\n- name: other\n  context: {cluster: here, user: me}\n",
    );
    let get = |args: &[&str]| {
        let mut command = sandbox.command(&[&["get", "-o", "name"], args].concat());
        command.env("KUBECONFIG", "missing:empty:kubeconfig:second");
        sandbox.screen(command.output().unwrap())
    };
    shows(&get(&[]), "exit 0\nout: ocirepository.source.toolkit.fluxcd.io/one");
    assert_eq!(script.asked(), [format!("{LIST}&limit=500")]);
    for (flags, wanted) in [
        (["--context", "none"], "the kubeconfig has no context `none`"),
        (["--cluster", "none"], "the kubeconfig has no cluster `none`"),
        (["--user", "none"], "the kubeconfig has no user `none`"),
    ] {
        let screen = get(&flags);
        assert_eq!(screen.code, Some(2));
        assert!(screen.stderr.contains(wanted), "{}", screen.stderr);
        assert!(screen.stderr.contains("get-contexts"), "{}", screen.stderr);
    }
    let export = sandbox
        .command(&[&CREATE[..], &["--export", "-q", "--context=other"]].concat())
        .env("KUBECONFIG", "kubeconfig:second")
        .output()
        .unwrap();
    assert!(String::from_utf8(export.stdout).unwrap().contains("namespace: default"));
}

#[test]
fn unreachable_server_is_named() {
    let sandbox = Sandbox::new();
    kubeconfig(&sandbox, &format!("https://{}", net::refused()), "token: t");
    for args in
        [&["get"][..], &["reconcile", "app"], &["suspend", "--all"], &[&CREATE[..], &["--tag=v1"]].concat()]
    {
        let screen = run(&sandbox, args);
        assert_eq!(screen.code, Some(2), "{}", screen.show());
        assert!(screen.stderr.contains("failed: cannot reach https://127.0.0.1:"), "{}", screen.stderr);
        assert!(screen.stderr.contains("Connection refused"), "{}", screen.stderr);
        assert!(screen.stderr.contains("hint: is the cluster running"), "{}", screen.stderr);
    }
}

#[test]
fn silent_server_is_given_up() {
    let sandbox = Sandbox::new();
    let silent = net::Silent::start();
    kubeconfig(&sandbox, &format!("http://{}", silent.address()), "token: t");
    let screen = run(&sandbox, &["get", "--timeout", "300ms"]);
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("timed out"), "{}", screen.stderr);
    let screen = run(&sandbox, &["get", "--request-timeout", "300ms"]);
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("no answer within --request-timeout"), "{}", screen.stderr);
}

#[test]
fn lists_are_read_in_pages() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![(200, list(&["one", "two"], "abc")), (200, list(&["three"], ""))]);
    kubeconfig(&sandbox, &script.address, "token: t");
    shows(
        &run(&sandbox, &["get"]),
        "exit 0
        out: NAME    REVISION   SUSPENDED   READY     MESSAGE
        out: one                False       Unknown   waiting to be reconciled
        out: two                False       Unknown   waiting to be reconciled
        out: three              False       Unknown   waiting to be reconciled",
    );
    assert_eq!(script.asked(), [format!("{LIST}&limit=500"), format!("{LIST}&limit=500&continue=abc")]);
}

#[test]
fn lists_that_expire_are_read_again() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![
        (200, list(&["one"], "abc")),
        (410, status(410, "Expired", "too old")),
        (200, list(&["one", "two"], "")),
    ]);
    kubeconfig(&sandbox, &script.address, "token: t");
    let screen = run(&sandbox, &["get", "-o", "name"]);
    assert_eq!(screen.stdout.lines().count(), 2, "{}", screen.show());
    assert_eq!(script.asked().last().unwrap(), LIST);
}

#[test]
fn busy_server_is_asked_again() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![(429, "Too many requests".into()), (200, list(&[], ""))]);
    kubeconfig(&sandbox, &script.address, "token: t");
    shows(&run(&sandbox, &["get"]), "exit 0\nerr: ► no ocirepositories found in namespace team-a");
    assert_eq!(script.asked().len(), 2);
}

#[test]
fn missing_api_is_told_with_what_to_install() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![(404, "404 page not found\n".into())]);
    kubeconfig(&sandbox, &script.address, "token: t");
    let screen = run(&sandbox, &["reconcile", "app"]);
    assert_eq!(screen.code, Some(2), "{}", screen.show());
    assert!(screen.stderr.contains("does not serve OCIRepository"), "{}", screen.stderr);
    assert!(screen.stderr.contains("hint: install it: `kubectl oci install`"), "{}", screen.stderr);
}

#[test]
fn answers_show_no_escape_sequences() {
    let sandbox = Sandbox::new();
    let script = Script::new(vec![(403, status(403, "Forbidden", r"no\u001b[2J\r way"))]);
    kubeconfig(&sandbox, &script.address, "token: t");
    let screen = run(&sandbox, &["get"]);
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("no\\u{1b}[2J\\r way"), "{}", screen.stderr);
    assert!(!screen.stderr.contains('\u{1b}'), "{}", screen.stderr);
}

#[test]
fn wait_survives_an_expired_watch() {
    let sandbox = Sandbox::new();
    let ready = r#","status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True","reason":"Succeeded","message":"stored","observedGeneration":1}],"artifact":{"revision":"v1@sha256:ab"}}"#;
    let gone = format!(r#"{{"type":"ERROR","object":{}}}"#, status(410, "Expired", "too old"));
    let script = Script::new(vec![
        (200, object("app", "")),
        (200, gone + "\n"),
        (503, "Service Unavailable".into()),
        (410, status(410, "Gone", "too old")),
        (200, object("app", ready)),
    ]);
    kubeconfig(&sandbox, &script.address, "token: t");
    shows(
        &run(&sandbox, &["resume", "app"]),
        "exit 0
        err: ✔ OCIRepository team-a/app resumed
        err: ◎ Ready=True: Succeeded: stored
        err: ✔ OCIRepository team-a/app is ready: v1@sha256:ab",
    );
    let asked = script.asked();
    let path = "/apis/source.toolkit.fluxcd.io/v1/namespaces/team-a/ocirepositories";
    assert_eq!(asked[0], format!("PATCH {path}/app?&fieldManager=oci-cli {{\"spec\":{{\"suspend\":null}}}}"));
    assert!(
        asked[1].contains("watch=true") && asked[1].contains("fieldSelector=metadata.name%3Dapp"),
        "{asked:?}"
    );
    assert!(asked[1].ends_with("resourceVersion=7"), "{asked:?}");
    assert_eq!(asked[2], format!("GET {path}/app"));
}

#[test]
fn failing_credential_plugin_is_quoted_without_its_secrets() {
    let sandbox = Sandbox::new();
    let plugin = sandbox.path("login.sh");
    fs::write(&plugin, "#!/bin/sh\necho \"$SECRET\"\necho expired >&2\nexit 3\n").unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    let exec = |command: &str| {
        let version = "client.authentication.k8s.io/v1";
        format!(
            "exec: {{apiVersion: {version}, command: {command}, interactiveMode: IfAvailable, \
             env: [{{name: SECRET, value: hunter2}}]}}"
        )
    };
    kubeconfig(&sandbox, "https://127.0.0.1:1", &exec("./login.sh"));
    shows(
        &run(&sandbox, &["get"]),
        "exit 2
        err: ✗ logging in to https://127.0.0.1:1 failed: the kubeconfig's credential plugin failed (exit status: 3): expired",
    );
    kubeconfig(&sandbox, "https://127.0.0.1:1", &exec("./none.sh"));
    let screen = run(&sandbox, &["get"]);
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("credential plugin cannot be started"), "{}", screen.stderr);
    assert!(screen.stderr.contains("hint: install the program"), "{}", screen.stderr);
}

#[test]
fn credential_plugin_that_never_ends_does_not_outlive_the_timeout() {
    let sandbox = Sandbox::new();
    kubeconfig(
        &sandbox,
        "https://127.0.0.1:1",
        "exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['60'], interactiveMode: Never}",
    );
    let screen = run(&sandbox, &["get", "--timeout", "300ms"]);
    assert_eq!(screen.code, Some(2));
    assert!(screen.stderr.contains("timed out"), "{}", screen.stderr);
}
