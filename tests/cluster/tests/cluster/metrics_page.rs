//! `docs/reference/metrics.md`, made from the registries of both programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    time::Duration,
};

use oci_controller::observe as controller;
use oci_crds::validate::Code;
use oci_identity::cache::{Ledger as _, Outcome, Subject};
use oci_testkit::{page, tools::workspace};
use oci_webhook::observe as webhook;
use regex::Regex;
use reqwest::{Method, StatusCode};

const HEAD: &str = "<!-- made by `cargo xtask generate`; do not edit -->

# Metrics

In the format of OpenMetrics, under `/metrics`: the controller's at `--metrics-addr`, the webhook's at `--operations`.
`deploy/monitoring` has rules and a dashboard that use them. The values of a label are listed where they are a closed set.
What source-controller has too is named as there. `--object-metrics=false` leaves out what every object has of its own:
`gotk_reconcile_duration_seconds` and `gotk_token_cache_events_total`.
";

/// What both programs expose: as they start, and after everything that makes a series show up has happened.
pub(crate) fn exposed() -> [[String; 2]; 2] {
    let controller = controller::Metrics::new(true);
    let begun = controller.text(controller::Snapshot::default());
    controller.ran("default", "app", Duration::from_secs(1));
    controller.requests("kubernetes").answered(&Method::GET, Some(StatusCode::OK));
    controller.connections("artifacts");
    let subject = Subject { namespace: "default".to_owned(), name: "app".to_owned() };
    controller.tokens.asked(Some(&subject), Outcome::Hit);
    let webhook = webhook::Metrics::new();
    let started = webhook.text();
    webhook.connections("webhook");
    webhook.faults(Code::ALL);
    [[begun, controller.text(controller::Snapshot::default())], [started, webhook.text()]]
}

/// Metrics of one name.
#[derive(Default)]
struct Family {
    kind: String,
    help: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// All families of a text by the names of their samples; histograms by their own.
fn families(text: &str) -> BTreeMap<String, Family> {
    let label = Regex::new(r#"([a-z_]+)="([^"]*)""#).unwrap();
    let mut all = BTreeMap::new();
    let mut helps = BTreeMap::new();
    let mut open = String::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            helps.insert(name.to_owned(), help.trim_end_matches('.').to_owned());
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let help = helps.remove(name).unwrap();
            open = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            all.insert(open.clone(), Family { kind: kind.to_owned(), help, ..Family::default() });
        } else if !line.starts_with('#') {
            let family: &mut Family = all.get_mut(&open).unwrap();
            for found in label.captures_iter(line).filter(|found| &found[1] != "le") {
                let values = family.labels.entry(found[1].to_owned()).or_default();
                values.insert(found[2].to_owned());
            }
        }
    }
    all
}

fn section(title: &str, [begun, touched]: &[String; 2]) -> String {
    let closed = families(begun);
    let mut text =
        format!("\n## {title}\n\n| name | type | labels | what it is |\n| --- | --- | --- | --- |\n");
    for (name, Family { kind, help, labels }) in families(touched) {
        let values = |label: &String| {
            let values = closed.get(&name).and_then(|family| family.labels.get(label))?;
            let values: Vec<_> =
                values.iter().filter(|value| !value.is_empty()).map(String::as_str).collect();
            (!values.is_empty()).then(|| format!(" ({})", values.join(", ")))
        };
        let labels: Vec<String> =
            labels.keys().map(|label| format!("`{label}`{}", values(label).unwrap_or_default())).collect();
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    text
}

#[test]
fn metrics_page_has_what_the_programs_expose() {
    let [controller, webhook] = exposed();
    let text = [HEAD, &section("Controller", &controller), &section("Webhook", &webhook)].concat();
    page::compare("docs/reference/metrics.md", &text);
    // What has no series before something happens shows up only if it is made to happen here.
    let registered = Regex::new(r#"(?:register\(\s*|(?:gauge|counter)\(out, )"([a-z_]+)""#).unwrap();
    let mut seen = 0;
    for folder in ["controller/src/observe", "webhook/src/observe"] {
        for entry in fs::read_dir(workspace().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let source = if path.is_file() { fs::read_to_string(&path).unwrap() } else { String::new() };
            for found in registered.captures_iter(&source) {
                let name = Regex::new(&format!("`([a-z_]+_)?{}(_total)?`", &found[1])).unwrap();
                assert!(name.is_match(&text), "`{}` of {} is not on the page", &found[1], path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "only {seen} registrations are found");
}
