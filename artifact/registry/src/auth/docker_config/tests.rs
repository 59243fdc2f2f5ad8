use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_artifact::name::Repository;

use super::*;
use crate::auth::Secret;

fn basic(username: &str, password: &str) -> Stored {
    Stored::Credential(Credential::Basic {
        username: username.into(),
        password: Secret::new(password.into()),
    })
}

fn identity(token: &str) -> Stored {
    Stored::Credential(Credential::Identity(Secret::new(token.into())))
}

fn helper(program: &str, server: &str) -> Stored {
    Stored::Helper { program: program.into(), server: server.into() }
}

fn auth(pair: &str) -> String {
    BASE64_STANDARD.encode(pair)
}

fn config(text: &str) -> DockerConfig {
    DockerConfig::parse(text.as_bytes(), "config.json").unwrap()
}

fn lookup(text: &str, repository: &str) -> Stored {
    config(text).lookup(&Repository::parse(repository).unwrap())
}

fn refused(text: &str) -> ConfigError {
    DockerConfig::parse(text.as_bytes(), "config.json").unwrap_err()
}

#[test]
fn lookup_finds_the_host_under_every_way_of_writing_it() {
    for key in [
        "r.example:5000",
        "R.Example:5000",
        "https://r.example:5000",
        "http://r.example:5000",
        "r.example:5000/",
        "https://r.example:5000/v1/",
        "https://r.example:5000/v2/",
        "https://r.example:5000/v2",
        "r.example:5000/v1/",
    ] {
        let text = format!(r#"{{"auths":{{"{key}":{{"auth":"{}"}}}}}}"#, auth("u:p"));
        assert_eq!(lookup(&text, "r.example:5000/org/app"), basic("u", "p"), "{key}");
        assert_eq!(lookup(&text, "r.example/org/app"), Stored::Nothing, "{key}");
        assert_eq!(lookup(&text, "other.example:5000/org/app"), Stored::Nothing, "{key}");
    }
}

#[test]
fn lookup_knows_docker_hub_by_all_its_names() {
    for key in ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"] {
        let text = format!(r#"{{"auths":{{"{key}":{{"auth":"{}"}}}}}}"#, auth("u:p"));
        for repository in ["docker.io/alpine", "index.docker.io/org/app", "registry-1.docker.io/org/app"] {
            assert_eq!(lookup(&text, repository), basic("u", "p"), "{key} {repository}");
        }
    }
}

#[test]
fn lookup_prefers_what_docker_writes_itself() {
    let text = format!(
        r#"{{"auths":{{"docker.io":{{"auth":"{0}"}},"https://index.docker.io/v1/":{{"auth":"{1}"}},
            "r.example":{{"auth":"{1}"}},"https://r.example":{{"auth":"{0}"}},"http://r.example":{{"auth":"{0}"}}}}}}"#,
        auth("old:x"),
        auth("new:y")
    );
    assert_eq!(lookup(&text, "docker.io/alpine"), basic("new", "y"));
    assert_eq!(lookup(&text, "r.example/app"), basic("new", "y"));
}

#[test]
fn lookup_takes_the_longest_path() {
    let text = format!(
        r#"{{"auths":{{"r.example":{{"auth":"{}"}},"r.example/org":{{"auth":"{}"}},
            "https://r.example/org/deep":{{"auth":"{}"}}}}}}"#,
        auth("host:1"),
        auth("org:2"),
        auth("deep:3")
    );
    for (repository, expected) in [
        ("r.example/org/deep", basic("deep", "3")),
        ("r.example/org/deep/er", basic("deep", "3")),
        ("r.example/org/deeper", basic("org", "2")),
        ("r.example/org", basic("org", "2")),
        ("r.example/organisation", basic("host", "1")),
        ("r.example/v1/org", basic("host", "1")),
    ] {
        assert_eq!(lookup(&text, repository), expected, "{repository}");
    }
}

#[test]
fn lookup_never_widens_a_path_to_its_host() {
    let text = format!(r#"{{"auths":{{"https://r.example/org":{{"auth":"{}"}}}}}}"#, auth("u:p"));
    assert_eq!(lookup(&text, "r.example/other"), Stored::Nothing);
}

#[test]
fn entry_is_read_in_every_form() {
    for (entry, expected) in [
        (format!(r#"{{"auth":"{}"}}"#, auth("u:p:with:colons")), basic("u", "p:with:colons")),
        (format!(r#"{{"auth":"{}"}}"#, auth("u:p\0\0")), basic("u", "p")),
        (format!(r#"{{"auth":"{}"}}"#, auth("u:pp").trim_end_matches('=')), basic("u", "pp")),
        (format!(r#"{{"auth":"{}"}}"#, auth("u:")), basic("u", "")),
        (r#"{"username":"u","password":"p","email":"e@x"}"#.to_owned(), basic("u", "p")),
        (format!(r#"{{"auth":"{}","username":"x","password":"y"}}"#, auth("u:p")), basic("u", "p")),
        (format!(r#"{{"auth":"{}","identitytoken":"t"}}"#, auth("u:")), identity("t")),
        (format!(r#"{{"auth":"{}"}}"#, auth("<token>:t")), identity("t")),
        (
            r#"{"registrytoken":"r","identitytoken":"t"}"#.to_owned(),
            Stored::Credential(Credential::Bearer(Secret::new("r".into()))),
        ),
        ("{}".to_owned(), Stored::Nothing),
        ("null".to_owned(), Stored::Nothing),
        (r#"{"auth":"","email":null,"unknown":[1]}"#.to_owned(), Stored::Nothing),
    ] {
        let text = format!(r#"{{"auths":{{"r.example":{entry}}}}}"#);
        assert_eq!(lookup(&text, "r.example/app"), expected, "{entry}");
    }
}

#[test]
fn lookup_asks_helpers_in_order() {
    let text = format!(
        r#"{{"auths":{{"a.example":{{"auth":"{0}"}},"b.example":{{}},"c.example":{{"auth":"{0}"}},
            "a.example/org":{{"auth":"{1}"}}}},
            "credHelpers":{{"a.example":"ecr-login","https://c.example":"","docker.io":"hub"}},"credsStore":"desktop"}}"#,
        auth("plain:p"),
        auth("path:p")
    );
    for (repository, expected) in [
        ("a.example/app", vec![helper("ecr-login", "a.example"), basic("plain", "p")]),
        (
            "a.example/org/app",
            vec![basic("path", "p"), helper("ecr-login", "a.example"), basic("plain", "p")],
        ),
        ("b.example/app", vec![helper("desktop", "b.example")]),
        ("b.example:5000/app", vec![helper("desktop", "b.example:5000")]),
        ("c.example/app", vec![basic("plain", "p")]),
        ("index.docker.io/app", vec![helper("hub", "https://index.docker.io/v1/")]),
    ] {
        let found = config(&text).candidates(&Repository::parse(repository).unwrap());
        assert_eq!(found, expected, "{repository}");
    }
}

#[test]
fn parse_passes_over_what_it_does_not_know() {
    for text in ["", " \n", "{}", r#"{"auths":null,"credHelpers":null,"credsStore":""}"#, "\u{feff}{}"] {
        assert_eq!(lookup(text, "r.example/app"), Stored::Nothing, "{text:?}");
    }
    let text =
        r#"{"HttpHeaders":{"a":"b"},"auths":{"not a host":{},"":{}},"plugins":[],"credHelpers":{"x y":"z"}}"#;
    assert_eq!(lookup(text, "r.example/app"), Stored::Nothing);
}

#[test]
fn password_may_have_lines() {
    let key = "{\n  \"type\": \"service_account\"\r\n}\n";
    let text = format!(r#"{{"auths":{{"gcr.io":{{"auth":"{}"}}}}}}"#, auth(&format!("_json_key:{key}")));
    let Stored::Credential(Credential::Basic { password, .. }) = lookup(&text, "gcr.io/app") else {
        panic!("no credential");
    };
    assert_eq!(password.expose(), key);
}

#[test]
fn parse_names_the_entry_but_never_its_content() {
    for (entry, fault) in [
        (r#"{"auth":"hunter2!"}"#.to_owned(), EntryFault::Base64),
        (format!(r#"{{"auth":"{}"}}"#, BASE64_STANDARD.encode(b"hunter2:\xff")), EntryFault::Utf8),
        (format!(r#"{{"auth":"{}"}}"#, auth("hunter2")), EntryFault::Colon),
        (format!(r#"{{"auth":"{}"}}"#, auth("u:hunter2\0x")), EntryFault::Control("password")),
        (r#"{"username":"a\nb","password":"hunter2"}"#.to_owned(), EntryFault::Control("username")),
        (r#"{"identitytoken":"hunter2 x"}"#.to_owned(), EntryFault::Token("identitytoken")),
        (r#"{"registrytoken":"hunter2\n"}"#.to_owned(), EntryFault::Token("registrytoken")),
        (r#"{"auth":["hunter2"]}"#.to_owned(), EntryFault::Shape),
        (r#""hunter2""#.to_owned(), EntryFault::Shape),
    ] {
        let error = refused(&format!(r#"{{"auths":{{"r.example":{entry}}}}}"#));
        let text = error.to_string();
        assert!(
            matches!(&error, ConfigError::Entry { source, .. } if *source == fault),
            "{entry}: {error:?}"
        );
        assert!(text.contains("config.json") && text.contains("r.example"), "{text}");
        assert!(!format!("{text} {error:?}").contains("hunter2"), "{text}");
    }
}

#[test]
fn parse_says_where_the_json_is_broken() {
    for (text, expected) in [
        ("{", "credentials file config.json: the JSON ends too early at line 1, column 1"),
        ("{\n hunter2", "credentials file config.json: the JSON is malformed at line 2, column 2"),
        (
            r#"{"auths":"hunter2"}"#,
            "credentials file config.json: a value of the wrong type at line 1, column 18",
        ),
        (r#"["hunter2"]"#, "credentials file config.json: a value of the wrong type at line 1, column 10"),
    ] {
        let error = refused(text);
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    assert!(matches!(refused(&"[".repeat(100_000)), ConfigError::Json { .. }));
}

#[test]
fn parse_refuses_one_byte_over_the_bound() {
    let mut text = vec![b' '; usize::try_from(CONFIG_BYTES).unwrap()];
    assert!(DockerConfig::parse(&text, "config.json").is_ok());
    text.push(b' ');
    assert!(matches!(DockerConfig::parse(&text, "config.json"), Err(ConfigError::Large { .. })));
}

#[test]
fn config_hides_secrets_from_debug() {
    let text = format!(r#"{{"auths":{{"r.example":{{"auth":"{}"}}}}}}"#, auth("u:hunter2"));
    let shown = format!("{:?} {:?}", config(&text), lookup(&text, "r.example/app"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
