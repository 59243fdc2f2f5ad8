//! `convert`

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::Command,
};

use crate::sandbox::{Sandbox, search_path, shows};

const OLD: &str = "source.toolkit.fluxcd.io/v1beta2";
const NEW: &str = "source.toolkit.fluxcd.io/v1";

/// Everything that must survive: comments, quotes, order, other kinds, other places that name the version.
const APP: &str = "# The application
---
kind: OCIRepository # first, as it may be
apiVersion:   \"source.toolkit.fluxcd.io/v1beta2\"   # old
metadata:
    name: 'app'
    annotations: {apiVersion: source.toolkit.fluxcd.io/v1beta2}
spec: {url: oci://ghcr.io/org/app,   interval: 5m}


---
apiVersion: source.toolkit.fluxcd.io/v1beta2
kind: GitRepository
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
spec:
  healthChecks:
  - apiVersion: source.toolkit.fluxcd.io/v1beta2
    kind: OCIRepository
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
";

/// Converts a text by way of standard input, and checks that it comes back the same.
fn converted(text: &str) -> String {
    let sandbox = Sandbox::new();
    let screen = sandbox.run_with_input(&["convert", "-f", "-"], text);
    assert_eq!(screen.code, Some(0), "{}", screen.show());
    let back = sandbox.run_with_input(&["convert", "-f", "-", "--to", "v1beta2"], &screen.stdout);
    assert_eq!(back.stdout, text);
    screen.stdout
}

#[test]
fn convert_changes_nothing_but_the_version() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", APP);
    shows(
        &sandbox.run(&["convert", "-f", "app.yaml"]),
        "exit 0
        out: app.yaml:4: source.toolkit.fluxcd.io/v1beta2 -> source.toolkit.fluxcd.io/v1
        err: ✔ 1 object in 1 file converted to v1",
    );
    assert_eq!(fs::read_to_string(sandbox.path("app.yaml")).unwrap(), APP.replacen(OLD, NEW, 1));
    shows(&sandbox.run(&["convert", "-f", "app.yaml"]), "exit 0\nerr: ✔ nothing to convert, all is v1");
    assert!(sandbox.registry.requests().is_empty());
}

#[test]
fn convert_goes_back() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", APP);
    shows(
        &sandbox.run(&["convert", "-f", "app.yaml", "--to", "v1beta2"]),
        "exit 0
        out: app.yaml:22: source.toolkit.fluxcd.io/v1 -> source.toolkit.fluxcd.io/v1beta2
        err: ✔ 1 object in 1 file converted to v1beta2",
    );
    let screen = sandbox.fails(&["convert", "-f", "app.yaml", "--to", "v2"]);
    assert!(screen.stderr.contains("possible values: v1, v1beta2"), "{}", screen.stderr);
}

#[test]
fn convert_dry_run_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", APP);
    sandbox.write("d/list.json", &format!("{{\"apiVersion\": \"{OLD}\", \"kind\": \"OCIRepository\"}}"));
    shows(
        &sandbox.run(&["convert", "-f", "app.yaml", "-f", "d", "--dry-run"]),
        "exit 0
        out: app.yaml:4: source.toolkit.fluxcd.io/v1beta2 -> source.toolkit.fluxcd.io/v1
        out: d/list.json:1: source.toolkit.fluxcd.io/v1beta2 -> source.toolkit.fluxcd.io/v1
        err: ► 2 objects in 2 files would be converted to v1",
    );
    assert_eq!(fs::read_to_string(sandbox.path("app.yaml")).unwrap(), APP);
    let screen = sandbox.run_with_input(&["convert", "-f", "-", "--dry-run"], APP);
    assert_eq!(screen.stdout, format!("<stdin>:4: {OLD} -> {NEW}\n"));
}

#[test]
fn convert_of_standard_input_writes_to_standard_output() {
    let sandbox = Sandbox::new();
    let screen = sandbox.run_with_input(&["convert", "-f", "-"], APP);
    assert_eq!(screen.stdout, APP.replacen(OLD, NEW, 1));
    assert_eq!(screen.stderr, format!("► <stdin>:4: {OLD} -> {NEW}\n✔ 1 object in 1 file converted to v1\n"));
    let screen = sandbox.run_with_input(&["convert", "-f", "-"], "a: [\n");
    assert_eq!((screen.code, screen.stdout.as_str()), (Some(2), ""));
    let screen = sandbox.run_with_input(&["convert", "-f", "-"], "");
    assert_eq!((screen.code, screen.stdout.as_str()), (Some(0), ""));
}

#[test]
fn convert_keeps_every_other_byte() {
    let object = format!("kind: OCIRepository\napiVersion: {OLD}\nx: |\n  a\n \n  b");
    for text in [
        object.clone(),
        object.clone() + "\n",
        format!("\u{feff}{object}\n"),
        format!("\u{feff}# ü\n---\n{object}\n...\n"),
        object.replace('\n', "\r\n"),
        format!("{{kind: OCIRepository, apiVersion: '{OLD}', x: ü}}"),
        format!("{{\"kind\":\"OCIRepository\",\n\t\"apiVersion\"\t:\t\"{}\"}}", OLD.replace('/', "\\/")),
        format!("{{\"kind\":\"OCIRepository\",\"apiVersion\":\"{OLD}\"}}\n{{\"ü\":1}} {{\"kind\":\"X\"}}"),
        format!("kind: OCIRepository\napiVersion: >-\n  {OLD}\n\n# end\n"),
        format!("kind: OCIRepository\n? apiVersion\n: !!str {OLD}\n"),
        format!("kind: OCIRepository\n\"apiVersion\": {OLD}\n---\n--- # nothing\n---\n- a\n--- |\n {OLD}\n"),
    ] {
        assert_eq!(converted(&text), text.replacen("v1beta2", "v1", 1), "{text}");
    }
}

#[test]
fn convert_looks_into_lists() {
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- &a\n  apiVersion: {OLD}\n  kind: OCIRepository\n- *a\n- apiVersion: \
         {OLD}\n  kind: HelmRepository\n"
    );
    assert_eq!(converted(&text), text.replacen(OLD, NEW, 1));
    let text = format!(
        "apiVersion: {OLD}\nkind: OCIRepositoryList\nitems:\n- metadata: {{}}\n- apiVersion: {OLD}\n  kind: \
         OCIRepository\n"
    );
    assert_eq!(converted(&text), text.replace(OLD, NEW));
}

#[test]
fn convert_leaves_what_it_cannot_change_and_does_the_rest() {
    let sandbox = Sandbox::new();
    let template = format!("{APP}---\nspec:\n{{{{- if .x }}}}\n  a: b\n{{{{- end }}}}\n");
    let alias = format!("x: &v {OLD}\nkind: OCIRepository\napiVersion: *v\n");
    let anchor = format!("kind: OCIRepository\napiVersion: &v {OLD}\nx: *v\n");
    let merged = format!("x: &m {{apiVersion: {OLD}, kind: OCIRepository}}\n<<: *m\n");
    let twice = format!("kind: OCIRepository\napiVersion: {OLD}\napiVersion: {OLD}\n");
    let escaped = format!("kind: OCIRepository\napiVersion: \"{}\"\n", OLD.replace("v1", "\\x761"));
    let unknown = format!("kind: OCIRepository\napiVersion: {NEW}alpha1\n");
    let files = [
        ("1.yaml", &template),
        ("2.yaml", &alias),
        ("3.yaml", &anchor),
        ("4.yaml", &merged),
        ("5.yaml", &twice),
        ("6.yaml", &escaped),
        ("7.yaml", &unknown),
    ];
    for (name, text) in files {
        sandbox.write(name, text);
    }
    sandbox.write("8.yaml", APP);
    fs::write(sandbox.path("9.yaml"), b"\xff").unwrap();
    shows(
        &sandbox.run(&["convert", "-f", ".", "-f", "missing.yaml"]),
        "exit 2
        out: ./8.yaml:4: source.toolkit.fluxcd.io/v1beta2 -> source.toolkit.fluxcd.io/v1
        err: ✗ converting ./1.yaml:26 failed: \"-\" is only valid inside a block
        err:   hint: this looks like a template; change the apiVersion in it by hand
        err: ✗ converting ./2.yaml:3 failed: apiVersion is shared by an anchor: write it out
        err: ✗ converting ./3.yaml:2 failed: apiVersion is shared by an anchor: write it out
        err: ✗ converting ./4.yaml:1 failed: apiVersion is shared by an anchor: write it out
        err: ✗ converting ./5.yaml:3 failed: apiVersion is given twice: remove one of them
        err: ✗ converting ./6.yaml:2 failed: apiVersion is written with escapes: write it plainly
        err: ✗ converting ./7.yaml:2 failed: there is no version `source.toolkit.fluxcd.io/v1alpha1`, only v1 and v1beta2
        err: ✗ converting ./9.yaml:1 failed: this is not UTF-8
        err: ✗ reading `missing.yaml`: No such file or directory (os error 2)
        err: ✔ 1 object in 1 file converted to v1",
    );
    for (name, text) in files {
        assert_eq!(&fs::read_to_string(sandbox.path(name)).unwrap(), text);
    }
    assert_eq!(fs::read_to_string(sandbox.path("8.yaml")).unwrap(), APP.replacen(OLD, NEW, 1));
}

#[test]
fn convert_keeps_permissions_and_links_and_leaves_no_temporary_file() {
    let sandbox = Sandbox::new();
    sandbox.write("real/app.yaml", APP);
    fs::set_permissions(sandbox.path("real/app.yaml"), fs::Permissions::from_mode(0o754)).unwrap();
    symlink("real/app.yaml", sandbox.path("link.yaml")).unwrap();
    sandbox.ok(&["convert", "-f", "link.yaml"]);
    assert_eq!(fs::read_link(sandbox.path("link.yaml")).unwrap().to_str(), Some("real/app.yaml"));
    assert_eq!(fs::read_to_string(sandbox.path("real/app.yaml")).unwrap(), APP.replacen(OLD, NEW, 1));
    let mode = fs::metadata(sandbox.path("real/app.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o754);
    assert_eq!(sandbox.files(), ["link.yaml", "real", "real/app.yaml", "tmp"]);
}

#[test]
fn convert_does_not_write_what_is_read_only_or_no_file() {
    let sandbox = Sandbox::new();
    sandbox.write("app.yaml", APP);
    fs::set_permissions(sandbox.path("app.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    let screen = sandbox.fails(&["convert", "-f", "app.yaml"]);
    assert!(screen.stderr.contains("writing `app.yaml`: the file is read-only"), "{}", screen.stderr);
    assert_eq!(fs::read_to_string(sandbox.path("app.yaml")).unwrap(), APP);
    let screen = sandbox.fails(&["convert", "-f", "/dev/null"]);
    assert!(screen.stderr.contains("no file that can be rewritten"), "{}", screen.stderr);
}

#[test]
fn convert_fails_where_standard_output_is_full() {
    let sandbox = Sandbox::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    sandbox.write("app.yaml", APP);
    let input = fs::File::open(sandbox.path("app.yaml")).unwrap();
    let output = sandbox.command(&["convert", "-f", "-"]).stdin(input).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn convert_keeps_the_old_file_where_the_disk_is_full() {
    let sandbox = Sandbox::new();
    sandbox.temporary();
    sandbox.write("app.yaml", &format!("{APP}# {}\n", "x".repeat(40_000)));
    fs::create_dir_all(sandbox.path("small")).unwrap();
    let plain = sandbox.command(&["convert", "-f", "small/app.yaml"]);
    let script = "mount -t tmpfs -o size=64k none small && cp app.yaml small && \"$@\"; code=$?; \
                  cmp app.yaml small/app.yaml >&2; find small -mindepth 1 >&2; exit $code";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(plain.get_program());
    command.args(plain.get_args()).current_dir(sandbox.root()).env_clear();
    let screen = sandbox.screen(command.env("PATH", search_path()).output().unwrap());
    shows(
        &screen,
        "exit 2
        err: ✗ writing `small/app.yaml`: No space left on device (os error 28)
        err: small/app.yaml",
    );
}
