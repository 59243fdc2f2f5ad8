//! An artifact as `kubectl describe` would show it.

use std::{collections::BTreeMap, fmt::Write as _};

use oci_artifact::{manifest::Descriptor, name::Digest};
use serde::Serialize;

use super::{clean, size, table};

/// What `inspect` found out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) artifact: String,
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Descriptor>,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) manifests: Vec<Descriptor>,
    pub(crate) referrers: Vec<Descriptor>,
}

/// As `kubectl describe` would.
pub(crate) fn describe(report: &Report) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{:<15}{}", format!("{name}:"), clean(value));
    };
    line("Artifact", &report.artifact);
    line("Digest", &report.digest.to_string());
    line("Media type", &report.media_type);
    if let Some(artifact_type) = &report.artifact_type {
        line("Artifact type", artifact_type);
    }
    if let Some(config) = &report.config {
        line("Config", &config.media_type);
    }
    if let Some(subject) = &report.subject {
        line("Subject", &subject.digest.to_string());
    }
    out.push_str("Annotations:\n");
    for (key, value) in &report.annotations {
        let _ = writeln!(out, "  {}: {}", clean(key), clean(value));
    }
    section(&mut out, "Manifests", &report.manifests);
    section(&mut out, "Layers", &report.layers);
    section(&mut out, "Referrers", &report.referrers);
    out
}

fn section(out: &mut String, title: &str, entries: &[Descriptor]) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}:");
    let kind = |entry: &Descriptor| {
        let platform = entry.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        format!("{}{platform}", entry.artifact_type.as_ref().unwrap_or(&entry.media_type))
    };
    let rows: Vec<_> =
        entries.iter().map(|entry| vec![kind(entry), entry.digest.to_string(), size(entry.size)]).collect();
    for line in table(&["TYPE", "DIGEST", "SIZE"], &rows).lines() {
        let _ = writeln!(out, "  {line}");
    }
}
