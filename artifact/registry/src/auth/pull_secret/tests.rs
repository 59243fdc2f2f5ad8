use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_artifact::Classify as _;

use super::*;

fn json(text: &str) -> Result<PullSecret, ConfigError> {
    PullSecret::parse(PullFormat::DockerConfigJson, text.as_bytes(), "secret 'team/pull'")
}

/// A Secret whose entries have the key itself as their user.
fn keys(keys: &[&str]) -> PullSecret {
    let entries: Vec<String> =
        keys.iter().map(|key| format!(r#""{key}":{{"username":"{key}","password":"p"}}"#)).collect();
    json(&format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))).unwrap()
}

fn user(secret: &PullSecret, repository: &str) -> Option<String> {
    match secret.credential(&Repository::parse(repository).unwrap())?.credential {
        Credential::Basic { username, .. } => Some(username),
        other => panic!("{other:?}"),
    }
}

#[test]
fn key_fits_as_the_kubelet_says() {
    for (key, repository, fits) in [
        ("r.example", "r.example/org/app", true),
        ("R.Example", "r.example/org/app", true),
        ("https://r.example", "r.example/org/app", true),
        ("http://r.example/", "r.example/org/app", true),
        ("https://r.example/v1/", "r.example/org/app", true),
        ("https://r.example/v2/", "r.example/org/app", true),
        ("https://r.example/v2", "r.example/org/app", true),
        ("r.example/v2/org", "r.example/org/app", true),
        ("r.example/v2/org", "r.example/other/app", false),
        ("r.example/org", "r.example/org/app", true),
        ("r.example/org/app", "r.example/org/app", true),
        ("r.example/org/ap", "r.example/org/app", true),
        ("r.example/org/app/", "r.example/org/app", false),
        ("r.example/other", "r.example/org/app", false),
        ("r.example:5000", "r.example:5000/a", true),
        ("r.example:5000", "r.example/a", false),
        ("r.example", "r.example:5000/a", false),
        ("r.example:443", "r.example/a", false),
        ("*.example:5000", "r.example:5000/a", true),
        ("*.example", "r.example/a", true),
        ("*.example", "a.r.example/a", false),
        ("*.*.example", "a.r.example/a", true),
        ("*.example", "example/a", false),
        ("*", "r.example/a", false),
        ("*", "registry/a", true),
        ("prefix-*.example", "prefix-a.example/a", true),
        ("prefix-*.example", "other-a.example/a", false),
        ("a*b*c.example", "a-b-c.example/a", true),
        ("a*b*c.example", "abc.example/a", true),
        ("a*b*c.example", "acb.example/a", false),
        ("a*a.example", "a.example/a", false),
        ("[::1]:5000", "[::1]:5000/a", true),
        ("[::1]", "[::1]:5000/a", false),
        ("https://index.docker.io/v1/", "docker.io/alpine", true),
        ("index.docker.io", "docker.io/a/b", true),
        ("docker.io", "docker.io/alpine", true),
        ("docker.io", "index.docker.io/a/b", true),
        ("docker.io/library", "docker.io/alpine", true),
        ("docker.io/other", "docker.io/alpine", false),
        ("*.docker.io", "docker.io/alpine", true),
        ("r.example?x", "r.example/a", true),
    ] {
        let found = user(&keys(&[key]), repository);
        assert_eq!(found.is_some(), fits, "{key} {repository}");
    }
}

#[test]
fn key_that_names_no_host_is_left_out() {
    for key in ["", "/", "https://", "u:p@r.example", "r.example\\\\n", "r example", "file:///etc", "/v1/"] {
        assert_eq!(user(&keys(&[key]), "r.example/a"), None, "{key}");
    }
}

#[test]
fn keys_are_tried_in_reverse_order() {
    for (all, repository, expected) in [
        (&["r.example", "r.example/org", "r.example/org/app"][..], "r.example/org/app", "r.example/org/app"),
        (&["r.example", "r.example/org"], "r.example/else", "r.example"),
        (&["*.example", "r.example"], "r.example/a", "r.example"),
        (&["*.example/org", "r.example"], "r.example/org/a", "r.example"),
        (&["*.example", "*.example/org"], "r.example/org/a", "*.example/org"),
        (&["https://r.example", "r.example"], "r.example/a", "https://r.example"),
    ] {
        assert_eq!(user(&keys(all), repository).as_deref(), Some(expected), "{all:?} {repository}");
    }
}

#[test]
fn entries_hold_every_kind_of_credential() {
    let auth = BASE64_STANDARD.encode("user:pass:word");
    for (entry, expected) in [
        (r#"{"username":"u","password":"p"}"#.to_owned(), "basic(u)"),
        (format!(r#"{{"auth":"{auth}"}}"#), "basic(user)"),
        (format!(r#"{{"username":"other","password":"p","auth":"{auth}"}}"#), "basic(user)"),
        (r#"{"identitytoken":"t"}"#.to_owned(), "identity token"),
        (r#"{"registrytoken":"t"}"#.to_owned(), "bearer token"),
        (r#"{"username":"u","password":"p","email":"e","extra":1}"#.to_owned(), "basic(u)"),
    ] {
        let text = format!(r#"{{"auths":{{"r.example":{entry}}}}}"#);
        let found = json(&text).unwrap().credential(&Repository::parse("r.example/a").unwrap()).unwrap();
        assert_eq!(format!("{:?}", found.credential), expected, "{entry}");
        assert_eq!(found.origin, "secret 'team/pull'");
    }
}

#[test]
fn entries_without_a_secret_are_skipped() {
    for entry in ["{}", "null", r#"{"auth":""}"#, r#"{"email":"e"}"#] {
        let text =
            format!(r#"{{"auths":{{"r.example/a":{entry},"r.example":{{"username":"u","password":"p"}}}}}}"#);
        assert_eq!(user(&json(&text).unwrap(), "r.example/a").as_deref(), Some("u"), "{entry}");
    }
}

#[test]
fn helpers_are_never_even_read() {
    let text = r#"{"credsStore":"evil","credHelpers":{"r.example":"evil"},"auths":{"r.example":{}}}"#;
    assert!(json(text).unwrap().credential(&Repository::parse("r.example/a").unwrap()).is_none());
    assert!(json(r#"{"credsStore":{"not":"text"},"credHelpers":7}"#).is_ok());
}

#[test]
fn old_format_is_the_bare_map() {
    let text = br#"{"r.example":{"username":"u","password":"p","email":"e"}}"#;
    let secret = PullSecret::parse(PullFormat::DockerCfg, text, "x").unwrap();
    assert_eq!(user(&secret, "r.example/a").as_deref(), Some("u"));
    assert!(PullSecret::parse(PullFormat::DockerCfg, br#"{"auths":{"r.example":{}}}"#, "x").is_ok());
}

#[test]
fn hostile_values_are_refused_without_their_secrets() {
    let pair =
        |text: &str| format!(r#"{{"auths":{{"r.example":{{"auth":"{}"}}}}}}"#, BASE64_STANDARD.encode(text));
    for text in [
        String::new(),
        "null".into(),
        "hunter2".into(),
        r#"{"auths":[]}"#.into(),
        r#"{"auths":{"r.example":"hunter2"}}"#.into(),
        r#"{"auths":{"r.example":{"auth":"hunter2!"}}}"#.into(),
        r#"{"auths":{"r.example":{"auth":7}}}"#.into(),
        pair("hunter2"),
        pair("user:hunter2\0X: y"),
        pair("us\ner:hunter2"),
        r#"{"auths":{"r.example":{"identitytoken":"hunter2\r\nx"}}}"#.into(),
        r#"{"auths":{"r.example":{"registrytoken":"hunter2 x"}}}"#.into(),
        "[".repeat(100_000),
    ] {
        let error = json(&text).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(shown.contains("secret 'team/pull'"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn value_is_bounded_at_one_mebibyte() {
    let bytes = usize::try_from(PULL_SECRET_BYTES).unwrap();
    let padded = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    assert!(json(&padded(bytes)).is_ok());
    assert!(matches!(json(&padded(bytes + 1)), Err(ConfigError::Large { .. })));
}

#[test]
fn many_stars_take_no_time() {
    let key = format!("{}b.example", "*a".repeat(10_000));
    let repository = format!("{}.example/a", "a".repeat(63));
    assert_eq!(user(&keys(&[&key]), &repository), None);
}
