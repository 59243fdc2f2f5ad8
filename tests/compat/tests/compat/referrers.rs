//! What oras attaches is seen with the referrers API (olareg) and through tags (distribution).

use crate::bench::{Bench, distribution, json, olareg, text};

const NOTE: &str = "application/vnd.test.note";

/// Pushes, attaches twice and looks.
fn attached_is_seen(bench: &Bench, host: &str) {
    let name = format!("{host}/app:v1");
    let url = format!("oci://{name}");
    let digest = bench.push(&url, &[]);
    bench.write("note.txt", "a note\n");
    for kind in [NOTE, "application/vnd.test.other"] {
        bench.oras(&[
            "attach",
            "--plain-http",
            "--artifact-type",
            kind,
            "-a",
            "by=oras",
            &name,
            "note.txt:text/plain",
        ]);
    }
    let shown = bench.inspect(&url);
    assert_eq!(shown["digest"], digest);
    let referrers = shown["referrers"].as_array().unwrap();
    assert_eq!(referrers.len(), 2, "{shown}");
    let note = referrers.iter().find(|one| one["artifactType"] == NOTE).unwrap();
    assert_eq!(note["annotations"]["by"], "oras");
    let found =
        json(bench.oras(&["discover", "--plain-http", "--artifact-type", NOTE, "--format", "json", &name]));
    assert_eq!(found["referrers"][0]["digest"], note["digest"]);
    let by_digest = format!("oci://{host}/app@{}", text(&note["digest"]));
    let raw = json(bench.ok(&["inspect", "artifact", &by_digest, "--raw"]).stdout);
    assert_eq!(raw["subject"]["digest"], digest);
    let screen = bench.ok(&["inspect", "artifact", &url]).stdout;
    assert!(screen.contains("Referrers:") && screen.contains(NOTE), "{screen}");
}

#[test]
fn attached_by_oras_is_seen_with_the_referrers_api() {
    let (bench, registry) = (Bench::new(), olareg());
    attached_is_seen(&bench, &registry.host());
    let tags = bench.crane_text(&["ls", &format!("{}/app", registry.host())]);
    assert_eq!(tags, "v1", "olareg needs no tags for this");
}

#[test]
fn attached_by_oras_is_seen_through_tags() {
    let (bench, registry) = (Bench::new(), distribution());
    attached_is_seen(&bench, &registry.host());
}

#[test]
fn list_hides_the_tags_of_referrers() {
    let (bench, registry) = (Bench::new(), distribution());
    attached_is_seen(&bench, &registry.host());
    let tags = bench.crane_text(&["ls", &format!("{}/app", registry.host())]);
    assert!(tags.lines().count() == 2 && tags.contains("sha256-"), "{tags}");
    assert_eq!(bench.tags(&registry.url("app")), ["v1"]);
}

#[test]
fn artifact_without_referrers_has_none_in_either_registry() {
    let (bench, one, two) = (Bench::new(), distribution(), olareg());
    for url in [one.url("app:v1"), two.url("app:v1")] {
        bench.push(&url, &[]);
        assert_eq!(bench.inspect(&url)["referrers"], json("[]"), "{url}");
    }
}
