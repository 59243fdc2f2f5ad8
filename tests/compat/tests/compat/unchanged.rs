//! Pushing again what is there already.

use crate::bench::{Bench, FLUX_CONFIG, FLUX_CONTENT, ORIGIN, distribution};

/// `push --if-changed`; whether it found the content unchanged.
fn unchanged(bench: &Bench, url: &str) -> bool {
    let args = [&["push", "artifact", url, "-f", "app", "--if-changed"], &ORIGIN[..]].concat();
    bench.ok(&args).stderr.contains("content unchanged, nothing pushed")
}

#[test]
fn reproducible_push_gives_the_same_digest_in_every_registry() {
    let (bench, one, two) = (Bench::new(), distribution(), crate::bench::olareg());
    let first = bench.push(&one.url("app:v1"), &["--reproducible"]);
    assert_eq!(bench.push(&one.url("app:v1"), &["--reproducible"]), first);
    assert_eq!(bench.push(&two.url("other:v2"), &["--reproducible"]), first);
    assert_eq!(bench.crane_text(&["digest", &format!("{}/other:v2", two.host())]), first);
    assert_eq!(bench.crane_text(&["ls", &format!("{}/app", one.host())]), "v1");
}

#[test]
fn push_if_changed_keeps_what_is_there() {
    let (bench, registry) = (Bench::new(), distribution());
    let (url, name) = (registry.url("app:v1"), format!("{}/app:v1", registry.host()));
    assert!(!unchanged(&bench, &url));
    let first = bench.crane_text(&["digest", &name]);
    assert!(unchanged(&bench, &url));
    assert_eq!(bench.crane_text(&["digest", &name]), first);
    bench.write("app/service.yaml", "kind: Service\n");
    assert!(!unchanged(&bench, &url));
    assert_ne!(bench.crane_text(&["digest", &name]), first);
}

#[test]
fn push_if_changed_recognises_what_another_compressor_packed() {
    let (bench, registry) = (Bench::new(), distribution());
    let (url, name) = (registry.url("app:v1"), format!("{}/app:v1", registry.host()));
    bench.write("config.json", "{}");
    bench.ok(&["build", "artifact", "-p", "app", "-o", "ours.tgz"]);
    bench.system("gunzip", &["--keep", "ours.tgz"]);
    bench.system("gzip", &["-1", "ours.tar"]);
    bench.tar("other.tgz");
    for layer in ["ours.tar.gz", "other.tgz"] {
        let (config, layer) = (format!("config.json:{FLUX_CONFIG}"), format!("{layer}:{FLUX_CONTENT}"));
        bench.oras(&["push", "--plain-http", "--config", &config, &name, &layer]);
        let theirs = bench.crane_text(&["digest", &name]);
        assert!(unchanged(&bench, &url), "{layer}");
        assert_eq!(bench.crane_text(&["digest", &name]), theirs);
    }
    bench.write("app/service.yaml", "kind: Service\n");
    assert!(!unchanged(&bench, &url));
}
