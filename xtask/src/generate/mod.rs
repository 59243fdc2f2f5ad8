//! `cargo xtask generate`: the files that are made from the code, and committed.

mod conditions;
mod help;
mod install;
mod repository;
mod validation;

use std::{fs, path::PathBuf};

use oci_crds::schema;
use oci_testkit::tools::workspace;
use serde_json::Value;

use crate::{
    dist,
    error::{At as _, Error, Result},
    printer,
    run::{self, cargo, through},
};

const NOTICE: &str = "made by `cargo xtask generate`; do not edit";

/// A file, by its path from the workspace's folder, and its text.
type Generated = (PathBuf, String);

/// Writes every generated file.
pub(crate) fn run() -> Result<()> {
    let programs = run::all_programs()?;
    let find = |name: &'static str| Ok(programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
    let all = files()?.into_iter().chain(install::files()?).chain(help::files(find)?);
    for (path, text) in all {
        let whole = workspace().join(&path);
        if let Some(folder) = whole.parent() {
            fs::create_dir_all(folder).at(folder)?;
        }
        fs::write(&whole, text).at(&whole)?;
        printer::line(&format!("wrote {}", path.display()));
    }
    // The registries of the metrics are linked by this suite only; told so, its test writes what it would compare.
    let mut metrics = cargo(["test", "--locked", "--workspace", "--test", "cluster", "metrics_page"]);
    through(metrics.env("KUBECTL_OCI_GENERATE", "1"))
}

/// Fails if a committed file is not what would be generated; what takes kubectl or our programs is a test's.
pub(crate) fn check() -> Result<()> {
    compare(files()?)
}

fn compare(files: Vec<Generated>) -> Result<()> {
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

/// The files that take no other program.
fn files() -> Result<Vec<Generated>> {
    Ok(vec![
        ("crds/ocirepositories.yaml".into(), crd()?),
        ("docs/reference/conditions.md".into(), conditions::page()),
        ("docs/reference/ocirepository.md".into(), repository::page(&examples()?)?),
        ("docs/reference/validation.md".into(), validation::page()),
        ("krew-manifest.yaml".into(), dist::manifest(&committed("krew-manifest.yaml"))),
    ])
}

/// What the repository has.
fn committed(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap_or_default()
}

/// The examples, name and text, in the order of their names.
fn examples() -> Result<Vec<(String, String)>> {
    let folder = workspace().join("docs/reference/examples");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).at(&folder)? {
        let entry = entry.at(&folder)?;
        let text = fs::read_to_string(entry.path()).at(entry.path())?;
        found.push((entry.file_name().to_string_lossy().into_owned(), text));
    }
    found.sort();
    Ok(found)
}

fn crd() -> Result<String> {
    // By way of a value, so that the fields are sorted and one line stays one line.
    let value = serde_json::to_value(schema::crd()).map_err(|error| broken("the CRD", &error))?;
    Ok(format!("# {NOTICE}\n{}", yaml("the CRD", &value)?))
}

fn yaml(what: &str, value: &Value) -> Result<String> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| broken(what, &error))
}

/// The head of a page.
fn head(title: &str) -> String {
    format!("<!-- {NOTICE} -->\n\n# {title}\n")
}

/// A text for the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn broken(what: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Wrong(format!("{what} cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_current() {
        check().unwrap();
        compare(install::files().unwrap()).unwrap();
    }

    #[test]
    fn help_pages_are_what_the_programs_say() {
        let find = |name| oci_testkit::tools::program(name).map_err(Error::from);
        compare(help::files(find).unwrap()).unwrap();
    }
}
