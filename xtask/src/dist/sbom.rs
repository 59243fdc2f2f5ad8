//! What a program is made of: CycloneDX 1.5 from cargo's own account of its dependencies, without times and random names, so
//! that the same lock file gives the same bytes.
//!
//! <https://cyclonedx.org/docs/1.5/json/>

use std::collections::{BTreeMap, BTreeSet};

use oci_testkit::tools::workspace;
use serde_json::{Value, json};

use crate::{
    error::{At as _, Error, Result},
    run::{cargo, output, shown},
};

/// The document for `package` on `target`.
pub(crate) fn document(package: &str, target: &str) -> Result<String> {
    let mut command = cargo(["metadata", "--locked", "--format-version=1", "--filter-platform"]);
    command.arg(target);
    let text = shown(&command);
    let found = output(&mut command)?;
    if !found.status.success() {
        let said = String::from_utf8_lossy(&found.stderr).into_owned();
        return Err(Error::Failed { command: text, status: format!("{}\n{said}", found.status) });
    }
    let metadata = serde_json::from_slice(&found.stdout)
        .map_err(|error| Error::Wrong(format!("`{text}` printed something else than JSON: {error}")))?;
    let lock = workspace().join("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).at(lock)?;
    render(package, &metadata, &lock).ok_or_else(|| Error::Wrong(format!("`{text}` does not know `{package}`")))
}

/// From what `cargo metadata` printed, and the lock file, which has the checksums.
fn render(package: &str, metadata: &Value, lock: &str) -> Option<String> {
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let root = packages.iter().find(|(_, found)| found["name"] == package).map(|(id, _)| *id)?;
    let sums = checksums(lock);
    let linked = linked(root, &nodes);
    let reference = |id: &str| packages.get(id).map(|found| purl(found));
    let components: Vec<Value> =
        linked.iter().filter(|id| **id != root).filter_map(|id| Some(component(packages.get(id)?, &sums))).collect();
    let dependencies: Vec<Value> = linked
        .iter()
        .map(|id| {
            let uses: BTreeSet<_> = uses(id, &nodes).filter_map(reference).collect();
            json!({ "ref": reference(id), "dependsOn": uses })
        })
        .collect();
    let mut main = component(packages.get(root)?, &sums);
    main["type"] = "application".into();
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": main },
        "components": components,
        "dependencies": dependencies,
    });
    Some(format!("{document:#}\n"))
}

fn by_id(list: &Value) -> BTreeMap<&str, &Value> {
    list.as_array().into_iter().flatten().filter_map(|entry| Some((entry["id"].as_str()?, entry))).collect()
}

/// What a package links: neither what builds it nor what tests it.
fn uses<'a>(id: &str, nodes: &BTreeMap<&str, &'a Value>) -> impl Iterator<Item = &'a str> + use<'a> {
    let deps = nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
    deps.filter(|dep| dep["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null())))
        .filter_map(|dep| dep["pkg"].as_str())
}

fn linked<'a>(root: &'a str, nodes: &BTreeMap<&str, &'a Value>) -> BTreeSet<&'a str> {
    let (mut found, mut todo) = (BTreeSet::from([root]), vec![root]);
    while let Some(id) = todo.pop() {
        todo.extend(uses(id, nodes).filter(|id| found.insert(id)));
    }
    found
}

fn purl(package: &Value) -> String {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    format!("pkg:cargo/{}@{}", text("name"), text("version").replace('+', "%2B"))
}

fn component(package: &Value, sums: &BTreeMap<(&str, &str), &str>) -> Value {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    let purl = purl(package);
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
    });
    if let Some(license) = package["license"].as_str() {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(sum) = sums.get(&(text("name"), text("version"))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

/// Name and version to checksum, of the packages that come from a registry.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let blocks = lock.split("[[package]]").skip(1);
    let value = |block: &'_ str, key: &str| -> Option<std::ops::Range<usize>> {
        let start = block.find(&format!("\n{key} = \""))? + key.len() + 5;
        Some(start..start + block.get(start..)?.find('"')?)
    };
    blocks
        .filter_map(|block| {
            let text = |key| block.get(value(block, key)?);
            Some(((text("name")?, text("version")?), text("checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0+x\"\nsource = \"registry\"\n\
                        checksum = \"ab\"\ndependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";

    fn package(id: &str, name: &str, version: &str) -> Value {
        json!({ "id": id, "name": name, "version": version, "license": "MIT/Apache-2.0" })
    }

    fn uses(id: &str, kind: Option<&str>) -> Value {
        json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] })
    }

    #[test]
    fn document_lists_what_is_linked_with_checksums() {
        let metadata = json!({
            "packages": [package("#app", "app", "0.1.0"), package("#a", "a", "1.0.0+x"), package("#b", "b", "2.0.0")],
            "resolve": { "nodes": [
                { "id": "#app", "deps": [uses("#a", None), uses("#b", Some("build"))] },
                { "id": "#a", "deps": [] },
                { "id": "#b", "deps": [] },
            ] },
        });
        let document: Value = serde_json::from_str(&render("app", &metadata, LOCK).unwrap()).unwrap();
        let a = json!({
            "type": "library", "bom-ref": "pkg:cargo/a@1.0.0%2Bx", "name": "a", "version": "1.0.0+x",
            "purl": "pkg:cargo/a@1.0.0%2Bx",
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            "hashes": [{ "alg": "SHA-256", "content": "ab" }],
        });
        assert_eq!(document["components"], json!([a]));
        assert_eq!(document["metadata"]["component"]["name"], "app");
        let app = json!({ "ref": "pkg:cargo/app@0.1.0", "dependsOn": ["pkg:cargo/a@1.0.0%2Bx"] });
        assert_eq!(document["dependencies"][1], app);
        assert_eq!(render("nobody", &metadata, LOCK), None);
    }

    #[test]
    fn document_of_the_plugin_has_its_parts_and_not_those_of_tests() {
        let text = document("kubectl-oci", "x86_64-unknown-linux-gnu").unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let names: BTreeSet<&str> =
            document["components"].as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
        assert!(names.contains("oci-registry") && names.contains("rustls"), "{names:?}");
        assert!(!names.contains("oci-testkit") && !names.contains("cc"), "{names:?}");
    }
}
