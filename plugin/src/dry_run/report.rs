//! What came of the runs, for people and as data.

use std::{fmt::Write as _, path::PathBuf};

use oci_artifact::{Class, name::Digest};
use oci_crds::{
    conditions::condition,
    v1::{Spec, Status},
    validate::Operation,
};
use oci_decide::{Choice, Failure, Judged, Outcome, Resolved, Step};
use serde::Serialize;

use super::{input::Item, watch::Seen};
use crate::{
    exit::Exit,
    manifests::{Finding, LintReport, counted},
    ui::{clean, size},
};

/// What came of everything.
pub(crate) struct Report {
    pub(super) lint: LintReport,
    pub(super) runs: Vec<Run>,
}

/// What came of one object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run {
    file: String,
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<Chosen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
    /// What the policy of signatures does not insist on.
    #[serde(skip_serializing_if = "Option::is_none")]
    lenient: Option<String>,
    status: Status,
    #[serde(skip)]
    exit: Exit,
}

/// Which artifact, and why.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chosen {
    repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    digest: Digest,
    /// `digest`, `tag` or `range`.
    by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matching: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runners_up: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: Digest,
    size: u64,
    operation: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

impl Run {
    pub(super) fn new(
        item: &Item,
        outcome: Outcome,
        seen: Seen,
        status: Status,
        path: Option<PathBuf>,
    ) -> Self {
        let exit = exit(&outcome, &seen);
        let lenient = lenient(&outcome);
        let chosen = |resolved| Chosen::new(&item.object.spec, resolved);
        let (artifact, stored) = match outcome {
            Outcome::Stored { resolved, artifact } => {
                let stored = Stored {
                    digest: artifact.digest,
                    size: artifact.size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
                    files: seen.repacked.map(|repacked| repacked.files),
                    path,
                };
                (Some(chosen(resolved)), Some(stored))
            }
            Outcome::Kept(resolved) => (Some(chosen(resolved)), None),
            Outcome::Failed { resolved, .. } => (resolved.map(chosen), None),
            Outcome::Suspended | Outcome::Forgotten | Outcome::Refused(_) => (None, None),
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            file: item.file.clone(),
            namespace: text(&item.object.metadata.namespace),
            name: text(&item.object.metadata.name),
            artifact,
            layer: seen.layer.map(|(layer, operation)| Layer {
                media_type: layer.media_type,
                digest: layer.digest,
                size: layer.size,
                operation: match operation {
                    Operation::Extract => "extract",
                    Operation::Copy => "copy",
                },
            }),
            stored,
            lenient,
            status,
            exit,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    fn text(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", clean(&format!("{}/{} ({})", self.namespace, self.name, self.file)));
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "  {:<10}{}", format!("{name}:"), clean(&value));
        };
        if let Some(chosen) = &self.artifact {
            let tag = chosen.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
            line("Artifact", format!("{}{tag}, {}", chosen.repository, chosen.why()));
            line("Digest", chosen.digest.to_string());
        }
        if let Some(layer) = &self.layer {
            line("Layer", format!("{}, {}, {}", layer.media_type, size(layer.size), layer.operation));
        }
        if let Some(stored) = &self.stored {
            let files =
                stored.files.map(|files| counted(usize::try_from(files).unwrap_or(usize::MAX), "file"));
            let files = files.map(|files| format!(", {files}")).unwrap_or_default();
            line("Content", format!("{}, {}{files}", stored.digest, size(stored.size)));
            if let Some(path) = &stored.path {
                line("File", path.display().to_string());
            }
        }
        if let Some(lenient) = &self.lenient {
            line("Signed", lenient.clone());
        }
        let ready = self.status.conditions.iter().flatten().find(|known| known.type_ == condition::READY);
        if let Some(ready) = ready {
            line("Ready", format!("{}, {}: {}", ready.status, ready.reason, ready.message));
        }
    }
}

impl Chosen {
    fn new(spec: &Spec, resolved: Resolved) -> Self {
        let url = spec.url.as_deref().unwrap_or_default();
        let mut chosen = Self {
            repository: url.strip_prefix("oci://").unwrap_or(url).to_owned(),
            tag: resolved.revision.tag.map(|tag| tag.to_string()),
            digest: resolved.revision.digest,
            by: "digest",
            range: None,
            tags: None,
            matching: None,
            runners_up: Vec::new(),
        };
        match resolved.choice {
            Choice::Digest => {}
            Choice::Tag => chosen.by = "tag",
            Choice::Range { tags, matching, runners_up } => {
                chosen.by = "range";
                chosen.range = spec.reference.as_ref().and_then(|reference| reference.semver.clone());
                (chosen.tags, chosen.matching) = (Some(tags), Some(matching));
                chosen.runners_up = runners_up.iter().map(ToString::to_string).collect();
            }
        }
        chosen
    }

    fn why(&self) -> String {
        match (&self.range, self.tags, self.matching) {
            (Some(range), Some(tags), Some(matching)) => {
                let next = match self.runners_up.as_slice() {
                    [] => String::new(),
                    next => format!("; next {}", next.join(", ")),
                };
                format!("the highest of {matching} in the range '{range}', of {}{next}", counted(tags, "tag"))
            }
            _ => format!("by {}", self.by),
        }
    }
}

/// What the policy of signatures does not insist on, if it was asked.
fn lenient(outcome: &Outcome) -> Option<String> {
    let (Outcome::Stored { resolved, .. } | Outcome::Kept(resolved)) = outcome else { return None };
    match resolved.signature.as_ref()?.judged.as_ref()? {
        Judged::Verified { let_pass } => let_pass.as_ref().map(|what| format!("verified; let pass: {what}")),
        Judged::Ignored { why } => Some(format!("not verified: {why}")),
    }
}

/// 1 for what is the fault of spec or content, 2 for what is not.
fn exit(outcome: &Outcome, seen: &Seen) -> Exit {
    match outcome {
        Outcome::Stored { .. } | Outcome::Kept(_) | Outcome::Suspended | Outcome::Forgotten => Exit::Ok,
        Outcome::Refused(_) => Exit::Different,
        Outcome::Failed { failure, .. } if seen.answered.unwrap_or_else(|| is_own_fault(failure)) => {
            Exit::Different
        }
        Outcome::Failed { .. } => Exit::Failed,
    }
}

/// Of failures that no registry has a part in.
fn is_own_fault(failure: &Failure) -> bool {
    match failure.step {
        Step::WorkFile | Step::Store => false,
        Step::Archive => failure.class == Class::Terminal,
        _ => true,
    }
}

/// As data.
#[derive(Serialize)]
struct Data<'a> {
    findings: &'a [Finding],
    objects: &'a [Run],
}

impl Report {
    /// For people: what is wrong first.
    pub(crate) fn text(&self) -> String {
        let mut out = self.lint.text();
        for run in &self.runs {
            run.text(&mut out);
        }
        out
    }

    /// For programs.
    pub(crate) fn data(&self) -> impl Serialize {
        Data { findings: &self.lint.findings, objects: &self.runs }
    }

    /// `2 of 3 objects would be ready`
    pub(crate) fn summary(&self) -> String {
        let ready = self.runs.iter().filter(|run| run.exit == Exit::Ok).count();
        format!("{ready} of {} would be ready", counted(self.lint.objects, "object"))
    }

    /// Whether there was nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.lint.objects == 0
    }
}
