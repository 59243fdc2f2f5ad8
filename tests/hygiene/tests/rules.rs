//! The project's rules about itself: each failure says which file or crate broke which rule.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test at the place of the fault"
)]

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use oci_hygiene::{Source, crates, files, logs, markdown, words as quoted, workspace};

/// The names of all crates that `package` links, by cargo's own account.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new("cargo")
        .args(["tree", "--locked", "--package", package, "--edges", "normal", "--prefix", "none"])
        .args(["--target", "all", "--format", "{p}"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn never(package: &str, forbidden: &[&str]) {
    let all = dependencies(package);
    assert!(all.contains(package), "cargo tree does not know `{package}`");
    let found: Vec<&&str> = forbidden.iter().filter(|name| all.contains(**name)).collect();
    assert!(
        found.is_empty(),
        "`{package}` must not depend on {found:?} (docs/design: the dependency rule); \
         `cargo tree -p {package} -e normal -i NAME` shows by which way"
    );
}

#[test]
fn artifact_crate_does_no_io() {
    never("oci-artifact", &["tokio", "reqwest", "hyper", "kube", "kube-client", "kube-runtime"]);
}

#[test]
fn registry_crate_knows_no_cluster() {
    never("oci-registry", &["kube", "kube-client", "kube-runtime", "ring", "openssl", "openssl-sys"]);
}

#[test]
fn identities_know_no_cluster() {
    never("oci-identity", &["kube", "kube-client", "kube-runtime", "ring", "openssl", "openssl-sys"]);
}

#[test]
fn crds_crate_has_no_client() {
    never("oci-crds", &["tokio", "reqwest", "hyper", "kube", "kube-client", "kube-runtime"]);
}

#[test]
fn deciding_is_pure() {
    never("oci-decide", &["tokio", "reqwest", "hyper", "kube", "kube-client", "kube-runtime"]);
}

#[test]
fn verify_crate_knows_no_cluster() {
    never(
        "oci-verify",
        &[
            "kube",
            "kube-core",
            "kube-client",
            "kube-runtime",
            "sigstore-tuf",
            "ring",
            "openssl",
            "openssl-sys",
        ],
    );
}

#[test]
fn verify_crate_reaches_a_registry_in_one_module() {
    let outside: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.name.starts_with("artifact/verify/src/"))
        .filter(|source| !source.name.starts_with("artifact/verify/src/discover/"))
        .filter(|source| source.text.contains("oci_registry"))
        .map(|source| source.name)
        .collect();
    assert!(outside.is_empty(), "only `artifact/verify/src/discover` asks a registry: {outside:#?}");
}

#[test]
fn sigstore_crates_are_imported_by_one_module() {
    for folder in crates().unwrap().iter().filter(|folder| !folder.ends_with("artifact/verify")) {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let imports = text.lines().any(|line| line.starts_with("sigstore-"));
        assert!(!imports, "{}: only `oci-verify` depends on the Sigstore crates", folder.display());
    }
    let outside: Vec<_> = sources()
        .into_iter()
        .filter(|source| !source.name.starts_with("artifact/verify/src/sigstore/"))
        .filter(|source| source.text.contains("use sigstore_") || source.text.contains(" sigstore_verify::"))
        .map(|source| source.name)
        .filter(|name| name != "tests/hygiene/tests/rules.rs")
        .collect();
    assert!(
        outside.is_empty(),
        "only `artifact/verify/src/sigstore` imports the Sigstore crates: {outside:#?}"
    );
}

#[test]
fn source_knows_no_cluster() {
    never("oci-source", &["kube", "kube-client", "kube-runtime", "ring", "openssl", "openssl-sys"]);
}

#[test]
fn server_knows_neither_cluster_nor_registry() {
    never(
        "oci-server",
        &["kube", "kube-client", "reqwest", "oci-registry", "ring", "openssl", "openssl-sys"],
    );
}

#[test]
fn controller_has_one_tls() {
    never("oci-controller", &["ring", "openssl", "openssl-sys", "native-tls"]);
}

#[test]
fn webhook_knows_no_registry() {
    never(
        "oci-webhook",
        &[
            "oci-registry",
            "oci-verify",
            "reqwest",
            "kube-runtime",
            "ring",
            "openssl",
            "openssl-sys",
            "native-tls",
        ],
    );
}

#[test]
fn plugin_links_neither_runtime_nor_second_tls() {
    never("kubectl-oci", &["kube-runtime", "sigstore-tuf", "ring", "openssl", "openssl-sys", "native-tls"]);
}

fn sources() -> Vec<Source> {
    files(&[".rs"]).unwrap()
}

#[test]
fn source_files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !source.is_test() && source.lines() > 500)
        .map(|source| format!("{}: {}", source.name, source.lines()))
        .collect();
    assert!(long.is_empty(), "files above 500 lines without tests have two reasons to change: {long:#?}");
}

#[test]
fn source_files_keep_their_median_and_ninth_decile() {
    let mut lines: Vec<usize> = sources().iter().filter(|s| !s.is_test()).map(Source::lines).collect();
    lines.sort_unstable();
    let (median, p90) = (lines[lines.len() / 2], lines[lines.len() * 9 / 10]);
    assert!(median <= 150, "the median source file has {median} lines, at most 150 are wanted");
    assert!(p90 <= 300, "one in ten source files has more than {p90} lines, 300 is the mark");
}

#[test]
fn command_files_are_short() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.name.starts_with("plugin/src/commands/") && source.lines() > 150)
        .map(|source| format!("{}: {}", source.name, source.lines()))
        .collect();
    assert!(long.is_empty(), "a command file has at most 150 lines; move logic to its area: {long:#?}");
}

#[test]
fn main_files_are_short() {
    for source in sources().iter().filter(|source| source.name.ends_with("src/main.rs")) {
        assert!(source.lines() <= 40, "{}: {} lines, at most 40", source.name, source.lines());
    }
}

#[test]
fn source_files_say_what_they_are_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|source| !source.name.ends_with("/tests.rs") && !source.text.starts_with("//!"))
        .map(|source| source.name)
        .collect();
    assert!(silent.is_empty(), "these files do not begin with a `//!` comment: {silent:#?}");
}

/// Every line of the files that contains one of `words`, as `file:line`.
fn hits(files: &[Source], words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for source in files.iter().filter(|source| source.name != "tests/hygiene/tests/rules.rs") {
        for (number, line) in source.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {}", source.name, number + 1, line.trim()));
            }
        }
    }
    found
}

fn words<const N: usize>(list: [&str; N]) -> Vec<String> {
    list.map(str::to_owned).to_vec()
}

#[test]
fn tests_are_never_ignored() {
    let found = hits(&sources(), &words(["#[ignore", "#[ ignore"]));
    assert!(found.is_empty(), "a test that does not run rots; fix or remove it: {found:#?}");
}

#[test]
fn sources_hold_no_unfinished_work() {
    let found = hits(&sources(), &words(["TODO", "FIXME", "XXX:", "todo!(", "unimplemented!("]));
    assert!(found.is_empty(), "finish it or write an issue: {found:#?}");
}

#[test]
fn texts_name_no_machine() {
    let all = files(&[".rs", ".md", ".toml", ".yaml", ".yml", ".mod", "run"]).unwrap();
    let found = hits(&all, &words(["/root/", "/home/", "/Users/"]));
    assert!(found.is_empty(), "paths of somebody's machine do not belong into the project: {found:#?}");
}

/// The names in backticks in the last cell of each row of the tables, of guides and invariants, whose last column has the
/// tests.
fn tests_of_the_guides() -> Vec<(String, String)> {
    let mut named = Vec::new();
    let promises = |name: &str| name.starts_with("docs/guide/") || name == "docs/design/invariants.md";
    for guide in files(&[".md"]).unwrap().into_iter().filter(|file| promises(&file.name)) {
        let mut of_tests = false;
        for line in guide.text.lines() {
            let Some((_, last)) = line.strip_suffix('|').and_then(|row| row.rsplit_once('|')) else {
                of_tests = false;
                continue;
            };
            if matches!(last.trim(), "tests" | "Test") {
                of_tests = true;
            } else if of_tests {
                named.extend(
                    last.split('`').skip(1).step_by(2).map(|name| (guide.name.clone(), name.to_owned())),
                );
            }
        }
    }
    named
}

#[test]
fn guides_name_tests_that_there_are() {
    let sources: String = files(&[".rs"]).unwrap().into_iter().map(|file| file.text).collect();
    let named = tests_of_the_guides();
    assert!(named.len() > 50, "the tables of the guides are read wrongly: {named:?}");
    let missing: Vec<_> =
        named.iter().filter(|(_, name)| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "the guides promise tests that there are not: {missing:#?}");
}

#[test]
fn documents_link_to_what_there_is() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for page in files(&[".md"]).unwrap() {
        let folder = workspace().join(&page.name).parent().unwrap().to_owned();
        for (line, target) in markdown::links(&page.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let whole = if path.is_empty() { workspace().join(&page.name) } else { folder.join(path) };
            let is_page = whole.extension().is_some_and(|ending| ending == "md");
            let text = if is_page { fs::read_to_string(&whole).ok() } else { None };
            let there =
                text.is_none_or(|text| anchor.is_empty() || markdown::anchors(&text).contains(anchor));
            if !whole.exists() || !there {
                broken.push(format!("{}:{line}: {target}", page.name));
            }
        }
    }
    assert!(seen > 50, "only {seen} links are found");
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

/// A page of the reference.
fn reference(page: &str) -> String {
    fs::read_to_string(workspace().join("docs/reference").join(page)).unwrap()
}

/// What of the first is not in the second, both ways.
fn differences(code: &BTreeSet<String>, page: &BTreeSet<String>) -> Vec<String> {
    let missing = code.difference(page).map(|name| format!("{name}: not on the page"));
    missing.chain(page.difference(code).map(|name| format!("{name}: not in the code"))).collect()
}

#[test]
fn log_fields_are_in_the_reference() {
    let page = reference("logs.md");
    for (heading, folders) in [
        ("Controller", ["controller/", "artifact/", "server/"].as_slice()),
        ("Webhook", &["webhook/", "server/"]),
    ] {
        let ours = |source: &Source| folders.iter().any(|folder| source.name.starts_with(folder));
        let code = sources().into_iter().filter(|source| !source.is_test() && ours(source));
        let code: BTreeSet<String> = code.flat_map(|source| logs::fields(&source.text)).collect();
        assert!(code.len() > 10, "the calls are read wrongly: {code:?}");
        // What every line has is no argument of a call.
        let base = markdown::names(&page, "Lines");
        let listed = markdown::names(&page, heading);
        let code = code.difference(&base).cloned().collect();
        let found = differences(&code, &listed.difference(&base).cloned().collect());
        assert!(found.is_empty(), "docs/reference/logs.md, {heading}: {found:#?}");
    }
}

#[test]
fn variables_are_in_the_reference() {
    // Codes of registries and clouds, not variables.
    const OTHERS: [&str; 7] = [
        "NOT_FOUND",
        "PERMISSION_DENIED",
        "BLOB_UNKNOWN",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "SHA2_256",
        "CARGO_PKG_VERSION",
    ];
    let folders = ["controller/", "webhook/", "plugin/src/", "artifact/", "server/"];
    let ours = |source: &Source| folders.iter().any(|folder| source.name.starts_with(folder));
    let code = sources().into_iter().filter(|source| !source.is_test() && ours(source));
    let code: BTreeSet<String> = code.flat_map(|source| quoted::capitals(&source)).collect();
    assert!(code.len() > 40, "the sources are read wrongly: {code:?}");
    let page = reference("variables.md");
    let listed: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    let missing: Vec<_> = code
        .iter()
        .filter(|name| !OTHERS.contains(&name.as_str()) && !listed.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/reference/variables.md lacks {missing:?}");
}

#[test]
fn reasons_of_signatures_are_in_the_reference() {
    let shown = [
        "artifact/verify/src/reason.rs",
        "artifact/verify/src/notation/reason.rs",
        "artifact/verify/src/notation/error.rs",
        "artifact/verify/src/keys/error.rs",
        "plugin/src/signing/judge.rs",
    ];
    let code = sources().into_iter().filter(|source| shown.contains(&source.name.as_str()));
    // Faults of a policy as a whole are errors, not reasons of a signature.
    let code =
        code.flat_map(|source| quoted::reasons(&source)).filter(|name| !name.starts_with("TrustPolicy"));
    let code: BTreeSet<String> = code.collect();
    assert!(code.len() > 30, "the sources are read wrongly: {code:?}");
    let found = differences(&code, &markdown::names(&reference("errors.md"), "Reasons of `verify artifact`"));
    assert!(found.is_empty(), "docs/reference/errors.md: {found:#?}");
}

#[test]
fn exit_codes_are_in_the_reference() {
    let source = fs::read_to_string(workspace().join("plugin/src/exit.rs")).unwrap();
    let codes = source.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" => "));
    let code: BTreeSet<String> = codes.map(|(_, code)| code.to_owned()).collect();
    assert!(code.len() > 3, "the source is read wrongly: {code:?}");
    let found = differences(&code, &markdown::names(&reference("errors.md"), "Exit codes"));
    assert!(found.is_empty(), "docs/reference/errors.md: {found:#?}");
}

#[test]
fn crates_take_the_lints_of_the_workspace() {
    for folder in crates().unwrap() {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{} lacks `[lints] workspace = true`",
            folder.display()
        );
    }
}

#[test]
fn crates_have_one_test_executable() {
    for folder in crates().unwrap() {
        let executables = test_executables(&folder);
        assert!(
            executables.len() <= 1,
            "{}: {executables:?}; a crate links one test executable, make these modules of it",
            folder.display()
        );
    }
}

/// What cargo would build as a test of its own: `tests/*.rs` and `tests/*/main.rs`.
fn test_executables(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join("tests")) else {
        return Vec::new();
    };
    let names = entries.flatten().filter(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").is_file()
    });
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn workflows_have_no_rights_and_no_foreign_actions() {
    for source in files(&[".yml", ".yaml"]).unwrap().iter().filter(|s| s.name.starts_with(".github/")) {
        assert!(source.text.contains("\npermissions: {}\n"), "{} needs `permissions: {{}}`", source.name);
        for line in source.text.lines().filter(|line| line.contains("uses:")) {
            let pin = line.split_once('@').map(|(_, pin)| pin.trim()).unwrap_or_default();
            let hash = pin.split(' ').next().unwrap_or_default();
            let pinned = hash.len() == 40 && hash.chars().all(|c| c.is_ascii_hexdigit());
            assert!(pinned, "{}: `{}` is not pinned by a full hash", source.name, line.trim());
        }
    }
}
