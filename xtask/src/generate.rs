//! `cargo xtask generate`: the files that are made from the code, and committed.

use std::{fmt::Write as _, fs, path::PathBuf, process::Command};

use oci_crds::{
    schema,
    validate::{Code, Kind},
};
use oci_testkit::tools::{Tool, workspace};
use serde_json::Value;

use crate::{
    dist,
    error::{At as _, Error, Result},
    printer,
    run::output,
};

const NOTICE: &str = "made by `cargo xtask generate`; do not edit";

/// The overlays that the plugin installs.
const OVERLAYS: [&str; 6] = ["beside-flux", "cert-manager", "ha", "policy", "sharded", "single"];

/// Writes every generated file.
pub(crate) fn run() -> Result<()> {
    for (path, text) in files()?.into_iter().chain(rendered()?) {
        let whole = workspace().join(&path);
        if let Some(folder) = whole.parent() {
            fs::create_dir_all(folder).at(folder)?;
        }
        fs::write(&whole, text).at(&whole)?;
        printer::line(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// Fails if a committed file is not what would be generated; what takes kubectl is a test's.
pub(crate) fn check() -> Result<()> {
    compare(files()?)
}

fn compare(files: Vec<(PathBuf, String)>) -> Result<()> {
    for (path, text) in files {
        if committed(&path.to_string_lossy()) != text {
            return Err(Error::Wrong(format!(
                "{} is out of date: run `cargo xtask generate`",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Every generated file with its text.
fn files() -> Result<Vec<(PathBuf, String)>> {
    Ok(vec![
        ("crds/ocirepositories.yaml".into(), crd()?),
        ("docs/reference/validation.md".into(), validation()),
        ("krew-manifest.yaml".into(), dist::manifest(&committed("krew-manifest.yaml"))),
    ])
}

/// What the repository has.
fn committed(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_default()
}

fn crd() -> Result<String> {
    // By way of a value, so that the fields are sorted and one line stays one line.
    let value = serde_json::to_value(schema::crd()).map_err(|error| broken("the CRD", &error))?;
    Ok(format!("# {NOTICE}\n{}", yaml("the CRD", &value)?))
}

/// The overlays as kustomize renders them, for the plugin. The versions of the CRD are left out: it has them already.
fn rendered() -> Result<Vec<(PathBuf, String)>> {
    let kubectl = Tool::named("kubectl")?.find()?;
    let render = |overlay: &str| {
        let folder = workspace().join("deploy/overlays").join(overlay);
        let made = output(Command::new(&kubectl).arg("kustomize").arg(&folder))?;
        let what = format!("the overlay {overlay}");
        if !made.status.success() {
            return Err(broken(&what, &String::from_utf8_lossy(&made.stderr)));
        }
        let objects: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8_lossy(&made.stdout))
            .map_err(|error| broken(&what, &error))?;
        let mut text = format!("# {NOTICE}\n");
        for mut object in objects {
            let is_kind = object.get("kind").is_some_and(|kind| kind == "CustomResourceDefinition");
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut).filter(|_| is_kind) {
                spec.remove("versions");
            }
            text = format!("{text}---\n{}", yaml(&what, &object)?);
        }
        Ok((PathBuf::from(format!("deploy/install/{overlay}.yaml")), text))
    };
    OVERLAYS.into_iter().map(render).collect()
}

fn yaml(what: &str, value: &Value) -> Result<String> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| broken(what, &error))
}

fn broken(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Wrong(format!("{what} cannot be written: {error}"))
}

const INTRODUCTION: &str = "
What is wrong with an `OCIRepository` is found when it is applied (by the webhook), at the desk
(`kubectl oci lint -f FILE`) and when it is run (by the controller), by the same rules. All faults are reported at once,
each with the path of its field and what to do.

An update is refused for *new* faults only: what the stored object already had does not stop an unrelated change, and is
repeated as a warning. Deletion, finalizers and writes of the status always pass. An administrator can turn the refusal
of a rule into a warning: `--warn-only=CODE,…` of the webhook and of `lint`.
";

/// The parts of the page: title, what they have in common, and whether a rule belongs there.
type Section = (&'static str, &'static str, fn(Code) -> bool);

const SECTIONS: [Section; 4] = [
    (
        "By the schema",
        "The API server itself refuses these before anybody else is asked; `lint` finds them as well.",
        is_schema,
    ),
    (
        "Cannot be run",
        "Such an object would be accepted by Flux and, with few exceptions, fail there at every run. Here the controller \
         stalls on one that is already stored.",
        |code| !is_schema(code) && code.kind() == Kind::Unusable,
    ),
    (
        "Does not mean what it seems to",
        "Flux runs these, but ignores what was written, or takes it for something else. An object that is already stored \
         keeps running with Flux's meaning.",
        |code| code.kind() == Kind::Refused,
    ),
    ("Warnings", "Never refused; `kubectl` prints them as it applies.", |code| code.kind() == Kind::Advice),
];

fn is_schema(code: Code) -> bool {
    code.field() == "*"
}

fn validation() -> String {
    let mut text = format!("<!-- {NOTICE} -->\n\n# What is refused\n{INTRODUCTION}");
    for (title, about, belongs) in SECTIONS {
        let _ = write!(text, "\n## {title}\n\n{about}\n\n| code | field | meaning |\n| --- | --- | --- |\n");
        for code in Code::ALL.iter().filter(|code| belongs(**code)) {
            let _ = writeln!(text, "| `{code}` | `{}` | {} |", code.field(), code.meaning());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_current() {
        check().unwrap();
        compare(rendered().unwrap()).unwrap();
    }
}
