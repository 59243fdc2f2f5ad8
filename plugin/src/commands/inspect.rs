//! `kubectl oci inspect artifact`: manifest, annotations, layers and referrers.

use std::{collections::BTreeMap, fmt::Write as _};

use clap::Args;
use oci_artifact::{
    manifest::{Descriptor, Document},
    name::Digest,
};
use oci_registry::{Access, Fetched};
use serde::Serialize;

use crate::{
    args::{Output, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    ui::{self, clean, table},
};

/// Flags of `inspect artifact`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// What: oci://HOST/REPOSITORY[:TAG|@DIGEST]
    url: String,
    /// Print the manifest's exact bytes instead
    #[arg(long, conflicts_with = "output")]
    raw: bool,
    /// Print as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// The data of `-o`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    artifact: String,
    digest: Digest,
    media_type: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Descriptor>,
    layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    manifests: Vec<Descriptor>,
    referrers: Vec<Descriptor>,
}

/// Shows what the registry has under a name.
pub(crate) async fn run(args: Inspect, context: &Context) -> Result<Exit, Error> {
    let reference = parse_url(&args.url)?;
    let client = context.client(&args.registry)?;
    let repository = client.repository(&reference.repository, Access::Pull);
    let doing = || format!("inspecting {reference}");
    let fetched = repository.manifest(&reference.target_or_latest()).await.doing(doing)?;
    if args.raw {
        context.printer.data(&String::from_utf8_lossy(&fetched.bytes))?;
        return Ok(Exit::Ok);
    }
    if args.output == Some(Output::Name) {
        context.printer.data(&format!("{}@{}\n", reference.repository, fetched.digest))?;
        return Ok(Exit::Ok);
    }
    let referrers = repository.referrers(&fetched.digest).await.doing(doing)?;
    let named = reference.repository.with(reference.target_or_latest());
    let report = report(named.to_string(), fetched, referrers);
    let text = match args.output {
        Some(output) => ui::document(&report, output)?,
        None => describe(&report),
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}

fn report(artifact: String, fetched: Fetched, referrers: Vec<Descriptor>) -> Report {
    let Fetched { bytes, media_type, digest, document } = fetched;
    let base = Report {
        artifact,
        digest,
        media_type,
        size: bytes.len(),
        artifact_type: None,
        annotations: document.annotations().clone(),
        subject: None,
        config: None,
        layers: Vec::new(),
        manifests: Vec::new(),
        referrers,
    };
    match document {
        Document::Manifest(manifest) => Report {
            artifact_type: manifest.artifact_type,
            subject: manifest.subject,
            config: Some(manifest.config),
            layers: manifest.layers,
            ..base
        },
        Document::Index(index) => Report { manifests: index.manifests, ..base },
    }
}

/// As `kubectl describe` would.
fn describe(report: &Report) -> String {
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
        entries.iter().map(|entry| vec![kind(entry), entry.digest.to_string(), ui::size(entry.size)]).collect();
    for line in table(&["TYPE", "DIGEST", "SIZE"], &rows).lines() {
        let _ = writeln!(out, "  {line}");
    }
}
