//! olareg, and what only it has: deletion by tag alone, rate limits.

use oci_testkit::real::{Olareg, Options};

use crate::bench::{Bench, ORIGIN, distribution, olareg, tree};

#[test]
fn olareg_takes_and_gives_artifacts() {
    let (bench, registry) = (Bench::new(), olareg());
    let url = registry.url("org/team/app:v1.0.0");
    let digest = bench.push(&url, &["--tag", "latest"]);
    assert_eq!(bench.crane_text(&["digest", &format!("{}/org/team/app:latest", registry.host())]), digest);
    bench.ok(&["tag", "artifact", &url, "--tag", "v1.1.0"]);
    assert_eq!(bench.tags(&registry.url("org/team/app")), ["v1.1.0", "v1.0.0", "latest"]);
    assert_eq!(bench.pull(&url), tree(&bench.path("app")));
    assert_eq!(bench.diff(&url, "app"), Some(0));
    bench.write("app/new.yaml", "a: 1\n");
    assert_eq!(bench.diff(&url, "app"), Some(1));
}

#[test]
fn deleted_artifact_is_not_found() {
    let (bench, one, two) = (Bench::new(), olareg(), distribution());
    for (host, url) in [(one.host(), one.url("app")), (two.host(), two.url("app"))] {
        let (first, second) = (format!("{url}:v1"), format!("{url}:v2"));
        bench.push(&first, &[]);
        bench.push(&second, &["-a", "n=2"]);
        bench.crane(&["delete", &format!("{host}/app:v1")]);
        for args in [
            &["pull", "artifact", &first, "-o", "out"][..],
            &["inspect", "artifact", &first],
            &["diff", "artifact", &first, "--path", "app"],
        ] {
            let errors = bench.fails(args);
            assert!(errors.contains("404 MANIFEST_UNKNOWN"), "{args:?}: {errors}");
        }
        assert_eq!(bench.tags(&url), ["v2"]);
        assert!(!bench.path("out").exists());
    }
}

#[test]
fn repository_that_never_was_is_not_found() {
    let (bench, one, two) = (Bench::new(), olareg(), distribution());
    for url in [one.url("none"), two.url("none")] {
        let errors = bench.fails(&["pull", "artifact", &format!("{url}:v1"), "-o", "out"]);
        assert!(errors.contains("404"), "{errors}");
    }
}

#[test]
fn rate_limit_is_waited_out() {
    let bench = Bench::new();
    let registry = Olareg::start(Options { rate_limit: Some(3) }).unwrap();
    let url = registry.url("app:v1");
    let seen =
        bench.ok(&[&["push", "artifact", &url, "-f", "app", "-v", "--tag", "a,b"], &ORIGIN[..]].concat());
    assert!(seen.stderr.contains("status=429"), "{}", seen.stderr);
    assert_eq!(bench.pull(&url), tree(&bench.path("app")));
}

#[test]
fn rate_limit_of_one_request_a_second_is_waited_out() {
    let bench = Bench::new();
    let registry = Olareg::start(Options { rate_limit: Some(1) }).unwrap();
    let url = registry.url("app:v1");
    bench.push(&url, &[]);
    assert_eq!(bench.pull(&url), tree(&bench.path("app")));
}

#[test]
fn rate_limit_that_outlasts_the_deadline_is_reported() {
    let bench = Bench::new();
    let registry = Olareg::start(Options { rate_limit: Some(1) }).unwrap();
    let url = registry.url("app:v1");
    let tags: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let flags = ["--timeout", "2s", "--tag", &tags.join(",")];
    let errors = bench.fails(&[&["push", "artifact", &url, "-f", "app"], &ORIGIN[..], &flags].concat());
    assert!(errors.contains("timed out") || errors.contains("429"), "{errors}");
}
