//! What a program is made of: `CycloneDX` 1.5 from cargo's own account of its dependencies, without times and random names,
//! so that the same lock file gives the same bytes.
//!
//! <https://cyclonedx.org/docs/1.5/json/>

use std::collections::{BTreeMap, BTreeSet};

use oci_testkit::tools::workspace;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    error::{At as _, Error, Result},
    run::{cargo, output, shown},
};

/// What `cargo metadata` prints, as far as it matters.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// Nothing for what is linked; else `build` or `dev`.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Name and version to checksum, of the packages that come from a registry.
type Checksums<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

/// The document for `packages`, of which each is a program, on `target`.
pub(crate) fn document(packages: &[&str], target: &str) -> Result<String> {
    let mut command = cargo(["metadata", "--locked", "--format-version=1", "--filter-platform"]);
    command.arg(target);
    let text = shown(&command);
    let found = output(&mut command)?;
    if !found.status.success() {
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        return Err(Error::Failed { command: text, status: format!("{}\n{said}", found.status) });
    }
    let metadata = serde_json::from_slice(&found.stdout)
        .map_err(|error| Error::Wrong(format!("`{text}` printed something unknown: {error}")))?;
    let lock = workspace().join("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).at(lock)?;
    render(packages, &metadata, &lock)
}

/// From what `cargo metadata` printed, and the lock file, which has the checksums.
fn render(programs: &[&str], metadata: &Metadata, lock: &str) -> Result<String> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let mut roots = Vec::new();
    for program in programs {
        let found = metadata.packages.iter().find(|package| package.name == *program);
        roots.push(found.ok_or_else(|| Error::Wrong(format!("cargo knows no package `{program}`")))?);
    }
    let sums = checksums(lock);
    let linked = linked(&roots, &nodes);
    let is_root = |id: &str| roots.iter().any(|root| root.id == id);
    let of_kind = |id: &&str, kind| Some(component(packages.get(id)?, kind, &sums));
    let (mains, parts): (Vec<&str>, Vec<&str>) = linked.iter().partition(|id| is_root(id));
    let parts = parts.iter().filter_map(|id| of_kind(id, "library"));
    let mut mains: Vec<Value> = mains.iter().filter_map(|id| of_kind(id, "application")).collect();
    let main = if mains.len() == 1 { mains.pop() } else { None };
    let reference = |id: &str| packages.get(id).map(|package| purl(package));
    let dependencies: Vec<Value> = linked
        .iter()
        .map(|id| {
            let uses: BTreeSet<_> = uses(id, &nodes).filter_map(reference).collect();
            json!({ "ref": reference(id), "dependsOn": uses })
        })
        .collect();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": main.map_or_else(|| json!({}), |main| json!({ "component": main })),
        "components": mains.into_iter().chain(parts).collect::<Vec<_>>(),
        "dependencies": dependencies,
    });
    Ok(format!("{document:#}\n"))
}

/// What a package links: neither what builds it nor what tests it.
fn uses<'a>(id: &str, nodes: &BTreeMap<&str, &'a Node>) -> impl Iterator<Item = &'a str> + use<'a> {
    let deps = nodes.get(id).map(|node| node.deps.iter()).into_iter().flatten();
    deps.filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none())).map(|dep| dep.pkg.as_str())
}

fn linked<'a>(roots: &[&'a Package], nodes: &BTreeMap<&str, &'a Node>) -> BTreeSet<&'a str> {
    let mut todo: Vec<&str> = roots.iter().map(|root| root.id.as_str()).collect();
    let mut found: BTreeSet<&str> = todo.iter().copied().collect();
    while let Some(id) = todo.pop() {
        todo.extend(uses(id, nodes).filter(|id| found.insert(id)));
    }
    found
}

/// <https://github.com/package-url/purl-spec>
fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

fn component(package: &Package, kind: &str, sums: &Checksums<'_>) -> Value {
    let purl = purl(package);
    // Absent where nothing is known; an empty list would be a statement.
    let licenses = package.license.as_ref().map(|text| json!([{ "expression": text.replace('/', " OR ") }]));
    let sum = sums.get(&(package.name.as_str(), package.version.as_str()));
    let hashes = sum.map(|sum| json!([{ "alg": "SHA-256", "content": sum }]));
    let known = [
        ("type", Some(kind.into())),
        ("bom-ref", Some(purl.as_str().into())),
        ("name", Some(package.name.as_str().into())),
        ("version", Some(package.version.as_str().into())),
        ("purl", Some(purl.as_str().into())),
        ("licenses", licenses),
        ("hashes", hashes),
    ];
    known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn checksums(lock: &str) -> Checksums<'_> {
    let entry = |block: &'_ str| -> Option<[std::ops::Range<usize>; 3]> {
        let value = |key: &str| {
            let start = block.find(&format!("\n{key} = \""))? + key.len() + 5;
            Some(start..start + block.get(start..)?.find('"')?)
        };
        Some([value("name")?, value("version")?, value("checksum")?])
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks
        .filter_map(|block| {
            let [name, version, sum] = entry(block)?;
            Some(((block.get(name)?, block.get(version)?), block.get(sum)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0+x\"\nsource = \"registry\"\n\
                        checksum = \"ab\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"app\"\n\
                        version = \"0.1.0\"\n";

    fn package(id: &str, name: &str, version: &str) -> Value {
        json!({ "id": id, "name": name, "version": version, "license": "MIT/Apache-2.0" })
    }

    fn uses(id: &str, kind: Option<&str>) -> Value {
        json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] })
    }

    #[test]
    fn list_of_parts_has_what_is_linked_with_checksums() {
        let metadata = json!({
            "packages": [
                package("#app", "app", "0.1.0"),
                package("#a", "a", "1.0.0+x"),
                package("#b", "b", "2.0.0"),
            ],
            "resolve": { "nodes": [
                { "id": "#app", "deps": [uses("#a", None), uses("#b", Some("build"))] },
                { "id": "#a", "deps": [] },
                { "id": "#b", "deps": [] },
            ] },
        });
        let metadata: Metadata = serde_json::from_value(metadata).unwrap();
        let document: Value = serde_json::from_str(&render(&["app"], &metadata, LOCK).unwrap()).unwrap();
        let a = json!({
            "type": "library", "bom-ref": "pkg:cargo/a@1.0.0%2Bx", "name": "a", "version": "1.0.0+x",
            "purl": "pkg:cargo/a@1.0.0%2Bx",
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            "hashes": [{ "alg": "SHA-256", "content": "ab" }],
        });
        assert_eq!(document["components"], json!([a]));
        assert_eq!(document["metadata"]["component"]["type"], "application");
        let app = json!({ "ref": "pkg:cargo/app@0.1.0", "dependsOn": ["pkg:cargo/a@1.0.0%2Bx"] });
        assert_eq!(document["dependencies"][1], app);
        let both: Value = serde_json::from_str(&render(&["app", "b"], &metadata, LOCK).unwrap()).unwrap();
        let names: Vec<_> = both["components"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
        assert_eq!(names, ["app", "b", "a"]);
        let error = render(&["nobody"], &metadata, LOCK).unwrap_err().to_string();
        assert!(error.contains("`nobody`"), "{error}");
    }
}
