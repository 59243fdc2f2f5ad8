//! Reading the project's own sources, for the rules that `tests/rules.rs` checks.

pub mod logs;
pub mod markdown;
pub mod words;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// The path from the workspace's folder, with `/`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The folders of all crates, from the root manifest's `members`.
pub fn crates() -> io::Result<Vec<PathBuf>> {
    let root = workspace();
    let text = fs::read_to_string(root.join("Cargo.toml"))?;
    let members = text.split_once("members = [").and_then(|(_, rest)| rest.split_once(']'));
    let members = members.map(|(list, _)| list).unwrap_or_default();
    Ok(members.split('"').skip(1).step_by(2).map(|name| root.join(name)).collect())
}

/// All files below the workspace that have one of these endings; built, hidden and foreign folders are left out.
pub fn files(endings: &[&str]) -> io::Result<Vec<Source>> {
    let root = workspace();
    let mut found = Vec::new();
    collect(&root, &root, endings, &mut found)?;
    found.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(found)
}

fn collect(root: &Path, folder: &Path, endings: &[&str], found: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let shown_folder = matches!(name.as_str(), ".ci" | ".github" | ".cargo");
        if path.is_dir() {
            if shown_folder || !(name.starts_with('.') || name == "target" || path.is_symlink()) {
                collect(root, &path, endings, found)?;
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            // A file that is no text, or that vanished meanwhile, has no rule.
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push(Source { name, text });
        }
    }
    Ok(())
}

impl Source {
    /// Whether it holds tests only.
    pub fn is_test(&self) -> bool {
        self.name.starts_with("tests/")
            || self.name.contains("/tests/")
            || self.name.ends_with("/tests.rs")
            || self.name.contains("/benches/")
    }

    /// Lines before the inline tests.
    pub fn lines(&self) -> usize {
        let end = self.text.lines().position(|line| line == "mod tests {");
        end.map_or_else(|| self.text.lines().count(), |end| end.saturating_sub(1))
    }
}
