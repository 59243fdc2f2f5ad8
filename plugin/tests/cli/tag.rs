//! `tag artifact`

use crate::sandbox::{Sandbox, shows};

#[test]
fn tag_keeps_the_digest() {
    let sandbox = Sandbox::pushed();
    shows(
        &sandbox.run(&["tag", "artifact", "URL/app:v1", "--tag", "latest,stable", "--insecure-registry"]),
        "exit 0
        err: ► tagging artifact
        err: ✔ artifact tagged as HOST/app:latest
        err: ✔ artifact tagged as HOST/app:stable",
    );
    assert_eq!(sandbox.registry.digest("app", "stable"), sandbox.registry.digest("app", "v1"));
    assert_eq!(sandbox.registry.requests().len(), 3);
}

#[test]
fn tag_refuses_bad_tags_before_it_asks() {
    let sandbox = Sandbox::pushed();
    let screen = sandbox.fails(&["tag", "artifact", "URL/app:v1", "--tag", "good,b+d"]);
    assert!(screen.stderr.contains("tag `b+d` is not valid"), "{}", screen.stderr);
    sandbox.fails(&["tag", "artifact", "URL/app:v1"]);
    assert!(sandbox.registry.requests().is_empty());
}
