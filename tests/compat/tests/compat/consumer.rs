//! The rules by which consumers read a Flux artifact, checked with the system's tar.

use std::fs;

use crate::bench::{Bench, FLUX_CONFIG, FLUX_CONTENT, ORIGIN, distribution, json, text};

/// One line of `tar --list --verbose`.
#[derive(Debug)]
struct Entry {
    mode: String,
    owner: String,
    time: String,
    name: String,
}

fn entries(bench: &Bench, archive: &str) -> Vec<Entry> {
    let flags = ["--list", "--verbose", "--utc", "--full-time", "--numeric-owner"];
    let list = bench
        .system("tar", &[&flags[..], &["--quoting-style=literal", "--gzip", "--file", archive]].concat());
    let list = String::from_utf8(list).unwrap();
    list.lines()
        .map(|line| {
            let mut rest = line;
            let mut next = || {
                let (word, after) = rest.trim_start().split_once(' ').unwrap();
                rest = after;
                word.to_owned()
            };
            let (mode, owner, _size, day, hour) = (next(), next(), next(), next(), next());
            Entry { mode, owner, time: format!("{day} {hour}"), name: rest.to_owned() }
        })
        .collect()
}

#[test]
fn layer_of_push_keeps_the_rules_of_consumers() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.push(&registry.url("app:v1"), &[]);
    let layer = text(&bench.inspect(&registry.url("app:v1"))["layers"][0]["digest"]);
    let blob = bench.crane(&["blob", &format!("{}/app@{layer}", registry.host())]);
    assert_eq!(&blob[..4], [0x1f, 0x8b, 8, 0], "gzip without a name");
    assert_eq!(&blob[4..8], [0; 4], "gzip without a time");
    fs::write(bench.path("layer.tgz"), &blob).unwrap();
    let entries = entries(&bench, "layer.tgz");
    assert_eq!(entries[0].name, ".", "{entries:#?}");
    assert!(entries.len() > 10, "{entries:#?}");
    for entry in &entries {
        let Entry { mode, owner, time, name } = entry;
        let expected = match mode.as_bytes()[0] {
            b'd' => "drwxr-xr-x",
            _ if name == "hooks/run.sh" => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!((mode.as_str(), owner.as_str()), (expected, "0/0"), "{entry:?}");
        assert_eq!(time, "1970-01-01 00:00:00", "{entry:?}");
        assert!(name == "." || !name.starts_with(['.', '/']), "{entry:?}");
        assert!(!name.split('/').any(|part| part == ".."), "{entry:?}");
    }
    // A folder comes before what is in it.
    let place =
        |wanted: &str| entries.iter().position(|entry| entry.name.trim_end_matches('/') == wanted).unwrap();
    assert!(place("hooks") < place("hooks/run.sh"));
    assert!(place("empty") > 0);
}

#[test]
fn layer_does_not_depend_on_the_modes_of_the_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.ok(&["build", "artifact", "-p", "app", "-o", "one.tgz"]);
    for (path, mode) in
        [("app", 0o700), ("app/config", 0o750), ("app/service.yaml", 0o600), ("app/hooks/run.sh", 0o711)]
    {
        fs::set_permissions(bench.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    bench.ok(&["build", "artifact", "-p", "app", "-o", "two.tgz"]);
    let read = |name: &str| fs::read(bench.path(name)).unwrap();
    assert!(read("one.tgz") == read("two.tgz"));
}

#[test]
fn manifest_of_push_keeps_the_rules_of_consumers() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.push(&registry.url("app:v1"), &["-a", "team=a=b"]);
    let manifest = json(bench.crane(&["manifest", &format!("{}/app:v1", registry.host())]));
    let members: Vec<&String> = manifest.as_object().unwrap().keys().collect();
    assert_eq!(members.len(), 5, "no artifactType, no subject: {manifest}");
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], FLUX_CONFIG);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], FLUX_CONTENT);
    assert_eq!(manifest["annotations"]["org.opencontainers.image.source"], ORIGIN[1]);
    assert_eq!(manifest["annotations"]["org.opencontainers.image.revision"], ORIGIN[3]);
    assert_eq!(manifest["annotations"]["team"], "a=b");
    let config = json(bench.crane(&["config", &format!("{}/app:v1", registry.host())]));
    assert!(config.is_object(), "{config}");
}

#[test]
fn build_makes_the_layer_that_push_sends() {
    let (bench, registry) = (Bench::new(), distribution());
    bench.push(&registry.url("app:v1"), &[]);
    bench.ok(&["build", "artifact", "-p", "app", "-o", "built.tgz"]);
    let built = fs::read(bench.path("built.tgz")).unwrap();
    assert_eq!(bench.inspect(&registry.url("app:v1"))["layers"][0]["digest"], bench.sha256(&built));
}
