//! What the API server and the webhook would say about the objects in a text.

use std::{cell::LazyCell, io};

use oci_artifact::archive::Control;
use oci_crds::{GROUP, VERSIONS, validate::Code};
use serde_json::Value;

use super::{
    Source, decode, is_template,
    objects::{Object, objects},
    report::{Finding, Report, Severity},
};
use crate::yaml::{Content, Documents, Mark, Problem, Tree};

/// The oldest version, of which the API server says that it is deprecated.
const DEPRECATED: &str = "v1beta2";
/// What to do about a template.
const TEMPLATE: &str =
    "this looks like a template; render it first: `helm template … | kubectl oci lint -f -`";

/// Looks at all objects of ours in all files. Findings of the codes in `warn_only` are warnings.
pub(crate) fn lint(sources: &[Source], warn_only: &[Code], control: &Control) -> Report {
    let mut report = Report::default();
    for source in sources.iter().take_while(|_| !control.is_cancelled()) {
        let text = source.read(control).map(decode);
        lint_text(&source.name(), &text, warn_only, control, &mut report);
    }
    report
}

/// Looks at all objects of ours in one file that was read already.
pub(crate) fn lint_text(
    file: &str,
    text: &io::Result<Result<String, Problem>>,
    warn_only: &[Code],
    control: &Control,
    report: &mut Report,
) {
    report.files += 1;
    match text {
        Ok(Ok(text)) => documents(file, text, warn_only, control, report),
        Ok(Err(problem)) => report.findings.push(unreadable(file, problem, None)),
        Err(error) => {
            let nowhere = Problem::new(Mark { line: 0, column: 0 }, format!("cannot be read: {error}"));
            let finding = unreadable(file, &nowhere, None);
            let code = "FileUnreadable".to_owned();
            report.findings.push(Finding { line: None, column: None, code, ..finding });
        }
    }
}

fn documents(file: &str, text: &str, warn_only: &[Code], control: &Control, report: &mut Report) {
    let goes_on = || !control.is_cancelled();
    let hint = LazyCell::new(|| is_template(text).then_some(TEMPLATE));
    for document in Documents::new(text).take_while(|_| goes_on()) {
        let looked = document.and_then(|tree| {
            let objects = objects(&tree)?;
            let mut single = objects.iter().filter(|object| !object.is_list).take_while(|_| goes_on());
            single.try_for_each(|object| {
                report.objects += 1;
                Judge { tree: &tree, object, file }.judge(warn_only, report)
            })
        });
        if let Err(problem) = looked {
            report.findings.push(unreadable(file, &problem, *hint));
        }
    }
}

/// The finding about a text that cannot be read.
fn unreadable(file: &str, problem: &Problem, hint: Option<&str>) -> Finding {
    Finding {
        file: file.to_owned(),
        line: Some(problem.mark.line),
        column: Some(problem.mark.column),
        name: None,
        namespace: None,
        path: None,
        code: "SyntaxInvalid".into(),
        severity: Severity::Error,
        message: problem.why.clone(),
        hint: hint.map(str::to_owned),
    }
}

/// One object in its document.
struct Judge<'j, 'a> {
    tree: &'j Tree<'a>,
    object: &'j Object<'j>,
    file: &'j str,
}

impl Judge<'_, '_> {
    fn judge(&self, warn_only: &[Code], report: &mut Report) -> Result<(), Problem> {
        let (value, repeated) = self.tree.value(self.object.id)?;
        let mut say =
            |path: &str, mark: Mark, code: &str, severity, message: String, hint: Option<String>| {
                let finding = self.finding(&value, path, mark, code, severity);
                report.findings.push(Finding { message, hint, ..finding });
            };
        for twice in repeated {
            let message = format!("the field is given twice, first in line {}", twice.first.line);
            let hint = "kubectl takes the later one and says nothing: remove one of them";
            say(&twice.path, twice.again, "FieldRepeated", Severity::Fault, message, Some(hint.into()));
        }
        let place = |path: &str| self.tree.locate(self.object.id, path);
        if self.object.known().is_none() {
            let message = format!("there is no version `{}`", self.object.version);
            let hint = VERSIONS.map(|version| format!("`{GROUP}/{version}`")).join(" or ");
            let (path, code) = ("apiVersion", "VersionUnknown");
            say(path, place(path), code, Severity::Fault, message, Some(format!("write {hint}")));
            return Ok(());
        }
        let judgement = oci_crds::lint::object(&value, warn_only);
        for fault in judgement.refused {
            let path = fault.path.as_str();
            let hint = fault.hint.or_else(|| self.reading(path, &value));
            say(path, place(path), fault.code.as_str(), Severity::Fault, fault.message, hint);
        }
        for warning in judgement.warnings {
            let path = warning.path.as_str();
            say(path, place(path), warning.code.as_str(), Severity::Warning, warning.text, None);
        }
        if self.object.version == DEPRECATED {
            let message = format!("{DEPRECATED} is deprecated");
            let hint = "`kubectl oci convert -f …` rewrites the file".to_owned();
            let path = "apiVersion";
            say(path, place(path), "VersionDeprecated", Severity::Warning, message, Some(hint));
        }
        Ok(())
    }

    fn finding(&self, value: &Value, path: &str, mark: Mark, code: &str, severity: Severity) -> Finding {
        let metadata = |field: &str| {
            let text = value.get("metadata").and_then(|metadata| metadata.get(field));
            text.and_then(Value::as_str).map(str::to_owned)
        };
        Finding {
            file: self.file.to_owned(),
            line: Some(mark.line),
            column: Some(mark.column),
            name: metadata("name"),
            namespace: metadata("namespace"),
            path: Some(path.to_owned()),
            code: code.to_owned(),
            severity,
            message: String::new(),
            hint: None,
        }
    }

    /// How a value without quotes was read, where that is not how it looks: `on`, `017`, `1.10`.
    fn reading(&self, path: &str, object: &Value) -> Option<String> {
        let (id, _) = self.tree.find(self.object.id, path);
        let Content::Scalar(scalar) = self.tree.content(id?) else {
            return None;
        };
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        let read = object.pointer(&pointer)?.to_string();
        let differs =
            scalar.plain && !scalar.text.is_empty() && read != scalar.text && !read.starts_with('"');
        differs.then(|| format!("without quotes, `{}` is read as `{read}`", scalar.text))
    }
}
