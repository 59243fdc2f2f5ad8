//! What is watched for is what there is: `deploy/monitoring` against the metrics that the programs expose.

use std::{collections::BTreeMap, fs};

use oci_testkit::tools::workspace;
use regex::Regex;
use serde_json::Value;

use crate::{
    install::{OVERLAYS, overlay},
    metrics_page,
};

/// A series: its name, and its labels with their values.
type Series = (String, BTreeMap<String, String>);

/// A label that Prometheus adds: where a figure is from.
const TARGET: &str = "pod";

/// All series that both programs expose.
fn exposed() -> Vec<Series> {
    let label = Regex::new(r#"([a-z_]+)="([^"]*)""#).unwrap();
    let series = |line: &str| {
        let (name, labels) =
            line.rsplit_once(' ')?.0.split_once('{').unwrap_or((line.split_once(' ')?.0, ""));
        let labels = label.captures_iter(labels).map(|found| (found[1].to_owned(), found[2].to_owned()));
        Some((name.to_owned(), labels.collect()))
    };
    let [[_, controller], [_, webhook]] = metrics_page::exposed();
    [controller, webhook]
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.starts_with('#'))
        .filter_map(series)
        .collect()
}

/// The series that an expression is about. All that it says of a name must fit one of them.
fn selected<'s>(expression: &str, exposed: &'s [Series]) -> Vec<&'s Series> {
    let without = Regex::new(r#""[^"]*"|\b(by|ignoring)\s*\([^)]*\)|\[[^\]]*\]"#).unwrap();
    let selector = Regex::new(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(\{[^}]*\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)(=~|=)"([^"]*)""#).unwrap();
    let mut found = Vec::new();
    for name in selector.captures_iter(expression) {
        // A label, a function, or part of a text.
        if without.find_iter(expression).any(|part| part.range().contains(&name.get(0).unwrap().start())) {
            continue;
        }
        if &name[1] == "histogram_quantile" {
            continue;
        }
        let matchers = name.get(2).map_or("", |matchers| matchers.as_str());
        let fits = |(_, labels): &&Series| {
            matcher.captures_iter(matchers).filter(|one| &one[1] != TARGET).all(|one| {
                let value = labels.get(&one[1]).map_or("", String::as_str);
                if &one[2] == "=" {
                    value == &one[3]
                } else {
                    Regex::new(&format!("^(?:{})$", &one[3])).unwrap().is_match(value)
                }
            })
        };
        let all: Vec<&Series> = exposed.iter().filter(|(one, _)| *one == name[1]).filter(fits).collect();
        assert!(!all.is_empty(), "`{}` of `{expression}` is not exposed: {exposed:#?}", &name[0]);
        found.extend(all);
    }
    assert!(!found.is_empty(), "{expression}");
    found
}

/// Labels that series are grouped by, or that a text shows, are labels of them.
fn check_labels(text: &str, labels: &Regex, series: &[&Series]) {
    for list in labels.captures_iter(text) {
        for label in list[1].split(',').map(str::trim) {
            let has = series.iter().all(|(_, labels)| labels.contains_key(label));
            assert!(has || label == TARGET, "`{label}` of `{text}`: {series:?}");
        }
    }
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
    let grouped = Regex::new(r"\b(?:by|ignoring)\s*\(([^)]*)\)").unwrap();
    for expression in expressions {
        check_labels(expression, &grouped, &selected(expression, &exposed));
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(workspace().join("deploy/monitoring").join(file)).unwrap()
}

#[test]
fn rules_and_dashboard_name_metrics_and_labels_that_there_are() {
    let rules = oci_testkit::cases::yaml(&read("rules.yaml"));
    check(&rules, 8);
    let shown = Regex::new(r"\$labels\.([a-z_]+)").unwrap();
    let (exposed, groups) = (exposed(), rules["spec"]["groups"].as_array().unwrap());
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        let series = selected(rule["expr"].as_str().unwrap(), &exposed);
        check_labels(&rule["annotations"].to_string(), &shown, &series);
    }
    check(&serde_json::from_str(&read("dashboard.json")).unwrap(), 15);
}

#[tokio::test]
async fn figures_of_every_pod_are_collected() {
    let monitor = oci_testkit::cases::yaml(&read("pods.yaml"));
    let selector = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    let port = &monitor["spec"]["podMetricsEndpoints"][0]["port"];
    for name in OVERLAYS {
        for deployment in overlay(name).await.values().filter(|object| object["kind"] == "Deployment") {
            // It selects in its own namespace.
            assert_eq!(monitor["metadata"]["namespace"], deployment["metadata"]["namespace"], "{name}");
            let template = &deployment["spec"]["template"];
            let labels = &template["metadata"]["labels"];
            assert!(selector.iter().all(|(name, value)| &labels[name] == value), "{name}: {labels}");
            let ports = template["spec"]["containers"][0]["ports"].as_array().unwrap();
            assert!(ports.iter().any(|one| &one["name"] == port), "{name}: {port}");
        }
    }
}
