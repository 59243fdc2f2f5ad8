//! `lint`

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use oci_testkit::cases;
use serde_json::{Value, json};

use crate::sandbox::{Sandbox, shows};

const DIGEST: &str = "sha256:abababababababababababababababababababababababababababababababab";

/// An object that nobody objects to.
fn good() -> String {
    object("v1", "    digest: DIGEST\n".replace("DIGEST", DIGEST).as_str())
}

/// An object with this below `ref:`.
fn object(version: &str, reference: &str) -> String {
    format!(
        "apiVersion: source.toolkit.fluxcd.io/{version}\nkind: OCIRepository\nmetadata:\n  name: app\n  \
         namespace: flux-system\nspec:\n  url: oci://ghcr.io/org/app\n  interval: 5m\n  ref:\n{reference}"
    )
}

/// What is printed with `-o json`.
fn data(sandbox: &Sandbox, args: &[&str]) -> Vec<Value> {
    let screen = sandbox.run(&[&["lint", "-o", "json"], args].concat());
    serde_json::from_str(&screen.stdout).unwrap_or_else(|error| panic!("{error}: {}", screen.show()))
}

fn places(findings: &[Value]) -> Vec<(&str, u64, &str)> {
    let text = |finding: &'_ Value, key: &str| -> &str {
        let text = finding.get(key).and_then(Value::as_str).unwrap_or_default();
        Box::leak(text.to_owned().into_boxed_str())
    };
    findings
        .iter()
        .map(|finding| (text(finding, "file"), finding["line"].as_u64().unwrap_or(0), text(finding, "path")))
        .collect()
}

#[test]
fn lint_of_good_objects_says_nothing_on_standard_output() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &format!("{}---\nkind: ConfigMap\napiVersion: v1\n---\n{}", good(), good()));
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 0\nerr: ✔ 2 objects in 1 file: 0 faults, 0 warnings",
    );
    shows(&sandbox.run(&["lint", "-q", "-f", "app.yaml"]), "exit 0");
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn lint_names_every_fault_by_file_line_and_field() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "app.yaml",
        "# The application
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: app
spec:
  url: oci://ghcr.io/org/app:v1
  ref:
    tag: latest
    semver: 1.x
  interval: 0s # never again
  verify:
    provider: cosign
",
    );
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 1
        out: app.yaml:7: spec.url: `oci://ghcr.io/org/app:v1` has the tag `v1`
        out:   hint: write `url: oci://ghcr.io/org/app` and `ref: {tag: \"v1\"}`
        out: app.yaml:8: spec.ref: more than one is set: semver `1.x`, tag `latest`; Flux takes the semver and ignores the rest
        out:   hint: keep one of tag, semver and digest
        out: app.yaml:12: spec.verify.matchOIDCIdentity: without a key or an identity, a signature of anybody at all would do
        out:   hint: add who may sign, as `issuer: ^https://token\\.actions\\.githubusercontent\\.com$` and `subject: ^https://github\\.com/org/app/\\.github/workflows/`, or name a Secret with public keys in `spec.verify.secretRef`
        out: app.yaml:11: spec.interval: `0s` means that the registry is asked once and never again
        out:   hint: write it like `5m`
        err: ► 1 object in 1 file: 4 faults, 0 warnings",
    );
}

#[test]
fn lint_passes_with_warnings() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &object("v1beta2", "    tag: v1\n  insecure: on\n"));
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 0
        out: app.yaml:9: warning: spec.ref: a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest
        out: app.yaml:11: warning: spec.insecure: plain HTTP: whoever is on the way to the registry can change the artifact
        out: app.yaml:1: warning: apiVersion: v1beta2 is deprecated
        out:   hint: `kubectl oci convert -f …` rewrites the file
        err: ✔ 1 object in 1 file: 0 faults, 3 warnings",
    );
}

#[test]
fn lint_reads_values_without_quotes_as_kubectl_does() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &object("v1", "    tag: 1.10\n    semver: on\n    digest: 2024-01-01\n"));
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 1
        out: app.yaml:11: spec.ref.semver: `true` is a boolean, but must be a string (write it in quotes)
        out:   hint: without quotes, `on` is read as `true`
        out: app.yaml:10: spec.ref.tag: `1.1` is a number, but must be a string (write it in quotes)
        out:   hint: without quotes, `1.10` is read as `1.1`
        err: ► 1 object in 1 file: 2 faults, 0 warnings",
    );
}

#[test]
fn lint_prints_data() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &object("v1", "    tag: \"feature/x\"\n"));
    let findings = data(&sandbox, &["-f", "app.yaml"]);
    let fault = findings.first().unwrap();
    assert_eq!(fault["file"], "app.yaml");
    assert_eq!((&fault["line"], &fault["column"]), (&json!(10), &json!(10)));
    assert_eq!((&fault["name"], &fault["namespace"]), (&json!("app"), &json!("flux-system")));
    assert_eq!((&fault["path"], &fault["code"]), (&json!("spec.ref.tag"), &json!("RefTag")));
    assert_eq!(fault["severity"], "fault");
    assert!(fault["message"].as_str().unwrap().contains("feature/x"));
    let screen = sandbox.run(&["lint", "-f", "app.yaml", "-o", "yaml"]);
    assert_eq!(screen.code, Some(1));
    assert!(
        screen.stdout.starts_with("- code: RefTag\n  column: 10\n  file: app.yaml\n"),
        "{}",
        screen.stdout
    );
    sandbox.write("good.yaml", &good());
    assert_eq!(sandbox.run(&["lint", "-f", "good.yaml", "-o", "json"]).stdout, "[]\n");
}

#[test]
fn lint_warn_only_turns_faults_into_warnings() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &object("v1", "    tag: v1\n    semver: 1.x\n"));
    assert_eq!(sandbox.run(&["lint", "-f", "app.yaml"]).code, Some(1));
    let screen = sandbox.run(&["lint", "-f", "app.yaml", "--warn-only", "IntervalShort,RefAmbiguous"]);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    assert!(screen.stdout.starts_with("app.yaml:9: warning: spec.ref: "), "{}", screen.show());
    let screen = sandbox.fails(&["lint", "-f", "app.yaml", "--warn-only", "NoSuchRule"]);
    assert!(screen.stderr.contains("there is no rule `NoSuchRule`"), "{}", screen.stderr);
}

#[test]
fn lint_looks_into_lists() {
    let sandbox = Sandbox::new();
    let item =
        "  metadata: {name: x}\n  spec: {url: 'oci://ghcr.io/org/app', interval: 5m, ref: {tag: '?'}}\n";
    let whole = format!("- apiVersion: source.toolkit.fluxcd.io/v1\n  kind: OCIRepository\n{item}");
    let other = "- apiVersion: v1\n  kind: ConfigMap\n";
    sandbox.write(
        "list.yaml",
        &format!(
            "apiVersion: v1\nkind: List\nitems:\n{other}{whole}---\n\
             apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepositoryList\nitems:\n-{item}{whole}",
            item = item.strip_prefix(' ').unwrap()
        ),
    );
    let findings = data(&sandbox, &["-f", "list.yaml"]);
    let faults: Vec<_> =
        places(&findings).into_iter().filter(|(_, _, path)| *path == "spec.ref.tag").collect();
    assert_eq!(
        faults,
        [
            ("list.yaml", 9, "spec.ref.tag"),
            ("list.yaml", 15, "spec.ref.tag"),
            ("list.yaml", 19, "spec.ref.tag")
        ]
    );
}

#[test]
fn lint_takes_json_and_standard_input() {
    let sandbox = Sandbox::new();
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": "app"},
        "spec": {"url": "https://x", "interval": "5m", "ref": {"digest": DIGEST}},
    });
    let pretty = serde_json::to_string_pretty(&object).unwrap().replace("  ", "\t");
    let screen = sandbox.run_with_input(&["lint", "-f", "-"], &format!("{pretty}\n{pretty}"));
    assert_eq!(screen.code, Some(1));
    let lines: Vec<_> = screen.stdout.lines().filter(|line| line.starts_with("<stdin>")).collect();
    assert_eq!(lines.len(), 2, "{}", screen.show());
    assert!(lines[0].starts_with("<stdin>:12: spec.url: "), "{}", screen.show());
    assert!(lines[1].starts_with("<stdin>:26: spec.url: "), "{}", screen.show());
}

#[test]
fn lint_finds_fields_that_are_given_twice() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &(good() + "  interval: 10m\n"));
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 1
        out: app.yaml:11: spec.interval: the field is given twice, first in line 8
        out:   hint: kubectl takes the later one and says nothing: remove one of them
        err: ► 1 object in 1 file: 1 fault, 0 warnings",
    );
    sandbox.write("other.yaml", "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n");
    assert_eq!(sandbox.run(&["lint", "-f", "other.yaml"]).code, Some(0));
}

#[test]
fn lint_follows_anchors_and_merge_keys() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "app.yaml",
        &format!(
            "kind: List\napiVersion: v1\nitems:\n- &one\n  apiVersion: source.toolkit.fluxcd.io/v1\n  \
             kind: OCIRepository\n  metadata: {{name: a}}\n  spec: &spec\n    url: oci://ghcr.io/org/app\n    \
             interval: 5m\n    ref: {{digest: \"{DIGEST}\"}}\n- <<: *one\n  spec:\n    <<: *spec\n    \
             interval: 1ms\n- *one\n"
        ),
    );
    let screen = sandbox.run(&["lint", "-f", "app.yaml"]);
    assert!(screen.stdout.starts_with("app.yaml:15: spec.interval: "), "{}", screen.show());
    assert!(screen.stderr.contains("3 objects in 1 file: 1 fault"), "{}", screen.show());
}

#[test]
fn lint_refuses_versions_that_there_are_not() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", &object("v1beta3", "    tag: x\n"));
    shows(
        &sandbox.run(&["lint", "-f", "app.yaml"]),
        "exit 1
        out: app.yaml:1: apiVersion: there is no version `v1beta3`
        out:   hint: write `source.toolkit.fluxcd.io/v1` or `source.toolkit.fluxcd.io/v1beta2`
        err: ► 1 object in 1 file: 1 fault, 0 warnings",
    );
    sandbox.write("app.yaml", "apiVersion: example.com/v9\nkind: OCIRepository\n");
    shows(&sandbox.run(&["lint", "-f", "app.yaml"]), "exit 0\nerr: ⚠️ no OCIRepository in 1 file");
}

#[test]
fn lint_reads_folders_as_kubectl_does() {
    let sandbox = Sandbox::new();
    let bad = good().replace("5m", "never");
    for path in ["d/b.yaml", "d/a.yml", "d/c.json", "d/d.txt", "d/sub/e.yaml", "d/.hidden.yaml"] {
        sandbox.write(path, if path.ends_with("json") { "{}" } else { &bad });
    }
    symlink(sandbox.path("d/d.txt"), sandbox.path("d/link.yaml")).unwrap();
    symlink(sandbox.path("d"), sandbox.path("d/loop.yaml")).unwrap();
    let files = |args: &[&str]| {
        let mut files: Vec<String> =
            places(&data(&sandbox, args)).iter().map(|(file, _, _)| (*file).to_owned()).collect();
        files.dedup();
        files
    };
    assert_eq!(files(&["-f", "d"]), ["d/.hidden.yaml", "d/a.yml", "d/b.yaml", "d/link.yaml"]);
    assert_eq!(
        files(&["-R", "-f", "d"]),
        ["d/.hidden.yaml", "d/a.yml", "d/b.yaml", "d/link.yaml", "d/sub/e.yaml"]
    );
    assert_eq!(files(&["-f", "d/d.txt", "--filename", "d/sub"]), ["d/d.txt", "d/sub/e.yaml"]);
}

#[test]
fn lint_goes_on_after_what_cannot_be_read() {
    let sandbox = Sandbox::new();
    sandbox.write("1.yaml", &format!("a: [b\n---\n{}", good().replace("5m", "never")));
    sandbox.write("2.yaml", "a: {{ .Values.a }}\n{{- end }}\n");
    fs::write(sandbox.path("3.yaml"), b"a: b\nc: \xff\n").unwrap();
    sandbox.write("4.json", "{\"a\":\n  1,,}\n");
    sandbox.write("5.yaml", &good().replace("5m", "never"));
    symlink("nowhere", sandbox.path("6.yaml")).unwrap();
    shows(
        &sandbox.run(&["lint", "-f", ".", "-f", "missing.yaml"]),
        "exit 2
        out: ./1.yaml:1: unclosed bracket `[`
        out: ./1.yaml:10: spec.interval: `never` is no duration: a number is missing
        out:   hint: write it like `5m`
        out: ./2.yaml:2: \"-\" is only valid inside a block
        out:   hint: this looks like a template; render it first: `helm template … | kubectl oci lint -f -`
        out: ./3.yaml:2: this is not UTF-8
        out: ./4.json:2: unexpected EOF while parsing an implicit flow mapping
        out: ./5.yaml:8: spec.interval: `never` is no duration: a number is missing
        out:   hint: write it like `5m`
        out: ./6.yaml: cannot be read: No such file or directory (os error 2)
        out: missing.yaml: cannot be read: No such file or directory (os error 2)
        err: ► 2 objects in 7 files: 6 errors, 2 faults, 0 warnings",
    );
}

#[test]
fn lint_survives_hostile_files() {
    let sandbox = Sandbox::new();
    let mut bomb = good() + "x0: &x0 [x, x, x, x, x, x, x, x, x, x]\n";
    for level in 1..30 {
        let below = vec![format!("*x{}", level - 1); 10].join(", ");
        writeln!(bomb, "x{level}: &x{level} [{below}]").unwrap();
    }
    sandbox.write("bomb.yaml", &bomb);
    sandbox.write("cycle.yaml", &format!("{}x: &x [*x]\n", good()));
    sandbox.write("deep.yaml", &"[".repeat(1 << 20));
    sandbox.write("deep.json", &"{\"a\":".repeat(1 << 18));
    sandbox.write("nul.yaml", "a: \0\n");
    sandbox.write("tab.yaml", "a:\n\tb: c\n");
    sandbox.write("open.yaml", "a: \"b\n");
    sandbox.write("escape.yaml", &(good() + "  \"\\e[31m\\r\": x\n"));
    let large = fs::File::create(sandbox.path("large.yaml")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    shows(
        &sandbox.run(&["lint", "-f", "."]),
        r"exit 2
        out: ./bomb.yaml:11: aliases make the object too large to be read
        out: ./cycle.yaml:11: nested deeper than 128, its aliases followed
        out: ./deep.json:1: nested deeper than 128
        out: ./deep.yaml:1: nested deeper than 128
        out: ./escape.yaml:11: spec.\u{1b}[31m\r: there is no field `\u{1b}[31m\r`
        out: ./large.yaml: cannot be read: a file of manifests is larger than the limit of 16777216 bytes
        out: ./nul.yaml:1: unexpected character: `\u{0}`
        out: ./open.yaml:1: unclosed quote
        out: ./tab.yaml:2: tabs disallowed within this context (block indentation)
        err: ► 3 objects in 9 files: 8 errors, 1 fault, 0 warnings",
    );
}

#[test]
fn lint_refuses_what_it_cannot_mean() {
    let sandbox = Sandbox::new();
    for (args, part) in [
        (&["lint"][..], "--filename"),
        (&["lint", "-f", "https://example.com/a.yaml"], "is a URL"),
        (&["lint", "-f", ""], "a value is required"),
        (&["lint", "-f", "-", "-f", "-"], "standard input can be read once"),
        (&["lint", "-f", "x", "-o", "name"], "invalid value 'name'"),
    ] {
        let screen = sandbox.fails(args);
        assert!(screen.stderr.contains(part), "{args:?}: {}", screen.stderr);
    }
}

#[test]
fn lint_can_be_interrupted_while_it_waits_for_a_pipe() {
    let sandbox = Sandbox::new();
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
    for args in [&["lint", "-f", "pipe"][..], &["lint", "-f", "-"]] {
        let mut child = Sandbox::spawn(sandbox.command(args).stdin(Stdio::piped()));
        let input = child.stdin.take();
        while !catches_interrupts(child.id()) {
            std::thread::yield_now();
        }
        assert!(
            Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success()
        );
        let screen = sandbox.screen(child.wait_with_output().unwrap());
        assert_eq!(screen.code, Some(130), "{args:?}: {}", screen.show());
        drop(input);
    }
}

/// Whether a process would notice an interrupt, by the kernel's account.
fn catches_interrupts(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 1) != 0
}

/// Case files say what the rules find; `lint` has to find the same, and to know where.
#[test]
fn lint_agrees_with_the_case_files() {
    let sandbox = Sandbox::new();
    let cases = cases::all();
    assert!(!cases.is_empty());
    for case in &cases {
        let text = serde_json::to_string_pretty(&case.object).unwrap();
        sandbox.write(&format!("cases/{}.json", case.name), &text);
    }
    let findings = data(&sandbox, &["-f", "cases"]);
    for case in &cases {
        let file = format!("cases/{}.json", case.name);
        let found = |severity: &str| {
            let mut found: Vec<(String, String)> = findings
                .iter()
                .filter(|finding| finding["file"] == file && finding["severity"] == severity)
                .map(|finding| {
                    assert!(finding["line"].as_u64() > Some(0), "{finding}");
                    let text = |key: &str| finding[key].as_str().unwrap().to_owned();
                    (text("path"), text("code"))
                })
                .collect();
            found.sort();
            found
        };
        let sorted = |wanted: &[(String, String)]| {
            let mut wanted = wanted.to_vec();
            wanted.sort();
            wanted
        };
        assert_eq!(found("fault"), sorted(&case.refused), "{}", case.name);
        assert_eq!(found("warning"), sorted(&case.warned), "{}", case.name);
        assert!(found("error").is_empty(), "{}", case.name);
    }
}
