//! `list artifacts`

use serde_json::Value;

use crate::sandbox::{Sandbox, shows};

fn with_tags(tags: &[&str]) -> Sandbox {
    let sandbox = Sandbox::pushed();
    let digest = sandbox.registry.digest("app", "v1").unwrap();
    for tag in tags {
        sandbox.registry.put_tag("app", tag, &digest);
    }
    sandbox
}

#[test]
fn list_prints_a_table_with_the_newest_version_first() {
    let sandbox = with_tags(&["v1.9.0", "v1.10.0", "latest"]);
    shows(
        &sandbox.run(&["list", "artifacts", "URL/app", "--filter-regex", "v1[.]|latest"]),
        &format!(
            "exit 0
            out: ARTIFACT{pad}DIGEST{wide}SOURCE   REVISION
            out: HOST/app:v1.10.0   sha256:DIGEST   s        r
            out: HOST/app:v1.9.0    sha256:DIGEST   s        r
            out: HOST/app:latest    sha256:DIGEST   s        r",
            pad = " ".repeat(sandbox.registry.host().len() + "/app:v1.10.0".len() - "ARTIFACT".len() + 3),
            wide = " ".repeat(71 - "DIGEST".len() + 3),
        ),
    );
}

#[test]
fn list_hides_signatures_of_every_kind() {
    let hex = "a".repeat(64);
    let hidden: Vec<String> =
        ["", ".sig", ".att", ".sbom"].iter().map(|end| format!("sha256-{hex}{end}")).collect();
    let sandbox = with_tags(&hidden.iter().map(String::as_str).collect::<Vec<_>>());
    shows(&sandbox.run(&["list", "artifacts", "URL/app", "-o", "name"]), "exit 0\nout: HOST/app:v1");
}

#[test]
fn list_filters_by_version_and_expression() {
    let sandbox = with_tags(&["1.0.0", "v1.5.0", "2.0.0", "1.2", "edge"]);
    let names = |args: &[&str]| {
        let screen = sandbox.ok(&[&["list", "artifacts", "URL/app", "-o", "name"], args].concat());
        screen.stdout.lines().map(|line| line.rsplit(':').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--filter-semver", ">=1.0.0 <2.0.0"]), ["v1.5.0", "1.0.0"]);
    assert_eq!(names(&["--filter-semver", "*", "--filter-regex", "^v"]), ["v1.5.0"]);
    assert_eq!(names(&["--filter-regex", "dge"]), ["edge"]);
    assert_eq!(names(&["--limit", "2"]).len(), 2);
    for filter in [["--filter-semver", ">=abc"], ["--filter-regex", "("]] {
        sandbox.fails(&["list", "artifacts", "URL/app", filter[0], filter[1]]);
    }
}

#[test]
fn list_prints_data() {
    let sandbox = with_tags(&[]);
    let json: Value =
        serde_json::from_str(&sandbox.ok(&["list", "artifacts", "URL/app", "-o", "json"]).stdout).unwrap();
    let digest = sandbox.registry.digest("app", "v1").unwrap().to_string();
    assert_eq!(json[0]["tag"], "v1");
    assert_eq!(json[0]["digest"], digest);
    assert_eq!(json[0]["source"], "s");
    assert!(sandbox.ok(&["list", "artifacts", "URL/app", "-o", "yaml"]).stdout.contains("tag: v1"));
    let wide = sandbox.ok(&["list", "artifacts", "URL/app", "-o", "wide"]).stdout;
    assert!(wide.lines().next().unwrap().ends_with("CREATED                SIZE    MEDIA TYPE"), "{wide}");
}

#[test]
fn list_refuses_a_tag_in_the_url() {
    let sandbox = Sandbox::new();
    let screen = sandbox.fails(&["list", "artifacts", "URL/app:v1"]);
    assert!(screen.stderr.contains("must name a repository, without tag or digest"), "{}", screen.stderr);
}

#[test]
fn list_shows_no_escape_sequences() {
    let sandbox = Sandbox::new();
    sandbox.sample();
    let source = "https://x\u{1b}[2J\nFAKE";
    sandbox.ok(&["push", "artifact", "URL/app:v1", "-f", "app", "--source", source, "--revision", "r"]);
    let screen = sandbox.ok(&["list", "artifacts", "URL/app"]);
    assert!(!screen.stdout.contains('\u{1b}') && screen.stdout.lines().count() == 2, "{}", screen.stdout);
}
