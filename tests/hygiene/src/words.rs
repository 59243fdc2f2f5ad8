//! Words in quotes in the project's sources: variables of the environment, and reasons of errors.

use crate::Source;

/// The source without its inline tests.
fn shipped(source: &Source) -> &str {
    source.text.split("\n#[cfg(test)]").next().unwrap_or_default()
}

/// What stands in quotes on a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// Words of capitals with an underscore, as variables are named.
pub fn capitals(source: &Source) -> Vec<String> {
    let named = |word: &&str| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.ends_with('_')
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    shipped(source).lines().flat_map(quoted).filter(named).map(str::to_owned).collect()
}

/// The words that the functions named `reason` of a source return.
pub fn reasons(source: &Source) -> Vec<String> {
    let mut within = false;
    let mut found = Vec::new();
    for line in shipped(source).lines() {
        within = match line.trim_start() {
            begin if begin.contains("fn reason(") => true,
            "}" if line.len() <= 5 => false,
            _ => within,
        };
        if within {
            found.extend(quoted(line).map(str::to_owned));
        }
    }
    found
}
