//! What is watched for is what there is: `deploy/monitoring` against the metrics that the programs expose.

use std::{collections::BTreeSet, fs};

use oci_testkit::tools::workspace;
use regex::Regex;
use serde_json::Value;

use crate::metrics_page;

/// The names of all series that both programs expose.
fn exposed() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in metrics_page::exposed().iter().flatten().flat_map(|text| text.lines()) {
        let Some(rest) = line.strip_prefix("# TYPE ") else { continue };
        let (name, kind) = rest.split_once(' ').unwrap();
        match kind {
            "counter" => drop(names.insert(format!("{}_total", name.trim_end_matches("_total")))),
            "histogram" => names.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}"))),
            _ => drop(names.insert(name.to_owned())),
        }
    }
    names
}

/// The names in an expression: words with an underscore, that are neither labels nor values.
fn named(expression: &str) -> BTreeSet<String> {
    let without = Regex::new(r#"\{[^}]*\}|"[^"]*"|\b(by|ignoring)\s*\([^)]*\)|\[[^\]]*\]"#).unwrap();
    let words = Regex::new(r"[a-z][a-z0-9]*(_[a-z0-9]+)+").unwrap();
    let text = without.replace_all(expression, " ");
    let all = words.find_iter(&text).map(|found| found.as_str().to_owned());
    all.filter(|name| name != "histogram_quantile").collect()
}

fn strings<'v>(value: &'v Value, field: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == field => found.push(text),
                    other => strings(other, field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, field, found)),
        _ => {}
    }
}

fn check(value: &Value, least: usize) {
    let mut expressions = Vec::new();
    strings(value, "expr", &mut expressions);
    assert!(expressions.len() >= least, "{expressions:?}");
    let exposed = exposed();
    for expression in expressions {
        let names = named(expression);
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(exposed.contains(&name), "`{name}` of `{expression}` is not exposed: {exposed:#?}");
        }
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join("deploy/monitoring").join(file)).unwrap()
}

#[test]
fn rules_and_dashboard_name_metrics_that_there_are() {
    check(&oci_testkit::cases::yaml(&read("rules.yaml")), 8);
    check(&serde_json::from_str(&read("dashboard.json")).unwrap(), 15);
}
