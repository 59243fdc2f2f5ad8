//! The case files of `crds/tests/cases`: specs, and who answers what about them. They drive the rules, the webhook and
//! the policy on a real API server, and `lint`.
//!
//! A file is a list of cases about one topic:
//!
//! ```yaml
//! - name: url_with_tag
//!   spec: {url: "oci://ghcr.io/org/app:v1"}   # merged (RFC 7386) over a spec that nobody objects to
//!   refused: {spec.url: UrlTag}               # every fault: path and code; none if left out
//!   warned: {spec.ref: RefLatest}             # every warning likewise
//!   by: schema                                # who refuses on a server: schema or, if left out, webhook
//!   policy: accepts                           # where the policy cannot see what the webhook sees
//! ```

use std::{collections::BTreeMap, fs};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::tools::workspace;

/// Who refuses an object on a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answerer {
    /// The API server, by the schema in the CRD.
    Schema,
    /// The webhook.
    #[default]
    Webhook,
}

/// What the policy for clusters without the webhook says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The same as the webhook.
    #[default]
    Same,
    /// It accepts what the webhook refuses.
    Accepts,
}

/// A spec and what is said about it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique among all cases, a name of an object once `_` is replaced by `-`.
    pub name: String,
    /// The whole object, without a namespace.
    pub object: Value,
    /// Paths and codes of all faults.
    pub refused: Vec<(String, String)>,
    /// Paths and codes of all warnings.
    pub warned: Vec<(String, String)>,
    /// Who refuses it.
    pub by: Answerer,
    /// What the policy says.
    pub policy: Policy,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    refused: BTreeMap<String, Codes>,
    #[serde(default)]
    warned: BTreeMap<String, Codes>,
    #[serde(default)]
    by: Answerer,
    #[serde(default)]
    policy: Policy,
}

/// One code, or several for one path.
#[derive(Deserialize)]
#[serde(untagged)]
enum Codes {
    One(String),
    Several(Vec<String>),
}

/// All cases of all files. Panics if a file cannot be read: the harness is then at fault.
pub fn all() -> Vec<Case> {
    let folder = workspace().join("crds/tests/cases");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let rows: Result<Vec<Row>, _> = serde_saphyr::from_str(&text);
            rows.map_err(|error| format!("{}: {error}", path.display())).unwrap()
        })
        .map(case)
        .collect()
}

/// One YAML document as a value.
pub fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// A spec that nobody objects to.
pub fn good_spec() -> Value {
    json!({
        "url": "oci://ghcr.io/org/app",
        "ref": { "digest": format!("sha256:{}", "ab".repeat(32)) },
        "interval": "5m",
    })
}

fn case(row: Row) -> Case {
    let mut spec = good_spec();
    merge(&mut spec, &row.spec);
    let object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": { "name": row.name.replace('_', "-") },
        "spec": spec,
    });
    let (refused, warned) = (flat(row.refused), flat(row.warned));
    Case { name: row.name, object, refused, warned, by: row.by, policy: row.policy }
}

fn flat(map: BTreeMap<String, Codes>) -> Vec<(String, String)> {
    let pairs = map.into_iter().flat_map(|(path, codes)| {
        let codes = match codes {
            Codes::One(code) => vec![code],
            Codes::Several(codes) => codes,
        };
        codes.into_iter().map(move |code| (path.clone(), code))
    });
    pairs.collect()
}

/// JSON merge patch, RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        if !patch.is_null() {
            *target = patch.clone();
        }
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        match (target.as_object_mut(), value) {
            (Some(object), Value::Null) => {
                object.remove(name);
            }
            (Some(object), value) => merge(object.entry(name.clone()).or_insert(Value::Null), value),
            (None, _) => {}
        }
    }
}
