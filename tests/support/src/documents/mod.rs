//! The project's documents as something that is followed: the code in them, the commands in that, and what these are shown
//! to print.
//!
//! ```no_run
//! use oci_testkit::documents::{self, Document};
//!
//! let readme = Document::read("README.md");
//! for code in readme.codes() {
//!     if let Some((name, text)) = code.file() {}          // a block that begins with `# app.yaml` is that file
//!     for step in code.steps() {                          // `$ COMMAND`, and what is below it
//!         let seen = String::new();
//!         documents::differs(&step.shown, &seen);         // except for digests and what else is never the same
//!     }
//!     for words in documents::commands(&code.text) {}     // each command of a script, as the shell would split it
//! }
//! ```

#![expect(clippy::panic, reason = "a document that cannot be read fails the test with its place")]

mod screen;
mod shell;

use std::{ffi::OsStr, fs, path::Path};

pub use screen::differs;
pub use shell::commands;

use crate::tools::workspace;

/// What a command line ends with that is to fail, as in `# exits with 1: something differs`.
const EXITS: &str = "# exits with ";

/// A file in Markdown.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its path in the workspace.
    pub name: String,
    text: String,
}

/// A block of code.
#[derive(Clone, Debug)]
pub struct Code {
    /// Where it is: `README.md:12`.
    pub place: String,
    /// What stands behind the backticks.
    pub language: String,
    /// The heading that it is below.
    pub heading: String,
    /// The lines between the backticks, each with its end.
    pub text: String,
}

/// A command that is shown with its output.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it is.
    pub place: String,
    /// The command, which may have several lines.
    pub command: String,
    /// How it is to end.
    pub code: i32,
    /// What it is to print, on either stream.
    pub shown: String,
}

impl Document {
    /// Reads a document of the workspace.
    pub fn read(name: &str) -> Self {
        let path = workspace().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// README and everything in `docs`.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::read("README.md")];
        let mut folders = vec!["docs".to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(workspace().join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if entry.file_type().unwrap().is_dir() {
                    folders.push(name);
                } else if Path::new(&name).extension() == Some(OsStr::new("md")) {
                    all.push(Self::read(&name));
                }
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// All blocks of code, in their order.
    pub fn codes(&self) -> Vec<Code> {
        self.parts().0
    }

    /// What stands in backticks elsewhere: place and text.
    pub fn spans(&self) -> Vec<(String, String)> {
        let mut spans = Vec::new();
        for (line, paragraph) in self.parts().1 {
            let pieces = paragraph.split('`').skip(1).step_by(2);
            let named = pieces.map(|piece| (format!("{}:{line}", self.name), piece.replace("\\|", "|")));
            spans.extend(named);
        }
        spans
    }

    /// The blocks of code, and the paragraphs around them with the numbers of their first lines.
    fn parts(&self) -> (Vec<Code>, Vec<(usize, String)>) {
        let (mut codes, mut paragraphs): (Vec<Code>, Vec<(usize, String)>) = (Vec::new(), Vec::new());
        let (mut heading, mut open, mut begins) = (String::new(), None, true);
        for (index, line) in self.text.lines().enumerate() {
            let text = line.trim_start();
            let fence = text.strip_prefix("```");
            match (open, fence) {
                (None, Some(language)) => {
                    open = Some(line.len() - text.len());
                    let place = format!("{}:{}", self.name, index + 1);
                    let (language, heading) = (language.trim().to_owned(), heading.clone());
                    codes.push(Code { place, language, heading, text: String::new() });
                }
                (Some(_), Some(_)) => (open, begins) = (None, true),
                (Some(indent), None) => {
                    let code = codes.last_mut().unwrap();
                    code.text.push_str(line.get(indent..).unwrap_or_default());
                    code.text.push('\n');
                }
                (None, None) => {
                    if text.starts_with('#') {
                        text.trim_start_matches('#').trim().clone_into(&mut heading);
                    }
                    match paragraphs.last_mut() {
                        // Rows of a table are texts of their own.
                        Some((_, paragraph)) if !begins && !text.starts_with('|') => {
                            paragraph.push(' ');
                            paragraph.push_str(text);
                        }
                        _ => paragraphs.push((index + 1, text.to_owned())),
                    }
                    begins = text.is_empty();
                }
            }
        }
        assert_eq!(open, None, "{}: a block of code has no end", self.name);
        (codes, paragraphs)
    }
}

impl Code {
    /// Name and text of the file that it is, if its first line is a comment with nothing but a name.
    pub fn file(&self) -> Option<(&str, &str)> {
        let (name, text) = self.text.strip_prefix("# ")?.split_once('\n')?;
        (!name.contains(' ') && name.contains('.')).then_some((name, text))
    }

    /// The commands behind `$ `, each with the lines below it.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut goes_on = false;
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                let (place, shown) = (format!("{} `{command}`", self.place), String::new());
                steps.push(Step { place, command: command.to_owned(), code: code(command), shown });
            } else if let Some(step) = steps.last_mut() {
                let text = if goes_on { &mut step.command } else { &mut step.shown };
                if goes_on {
                    text.push('\n');
                    step.code = code(line);
                    text.push_str(line);
                } else {
                    text.push_str(line);
                    text.push('\n');
                }
            } else {
                panic!("{}: `{line}` comes before any command", self.place);
            }
            goes_on = line.ends_with('\\') && (goes_on || line.starts_with("$ "));
        }
        steps
    }
}

/// How a command is to end by the comment behind it.
fn code(line: &str) -> i32 {
    let Some((_, rest)) = line.split_once(EXITS) else { return 0 };
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or_else(|error| panic!("`{line}`: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document { name: "a.md".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn document_has_its_codes_below_their_headings() {
        let text = "# One\n\n```sh\na\n```\n\n1. x\n\n   ```yaml\n   # b.yaml\n   c: d\n     e\n   ```\n## Two\n```console\n$ f\n```\n";
        let codes = document(text).codes();
        let all: Vec<_> = codes
            .iter()
            .map(|code| (code.language.as_str(), code.heading.as_str(), code.text.as_str()))
            .collect();
        assert_eq!(
            all,
            [("sh", "One", "a\n"), ("yaml", "One", "# b.yaml\nc: d\n  e\n"), ("console", "Two", "$ f\n")]
        );
        assert_eq!(codes[1].place, "a.md:9");
        assert_eq!(codes[1].file(), Some(("b.yaml", "c: d\n  e\n")));
        assert_eq!(codes[0].file(), None);
    }

    #[test]
    fn document_has_its_spans_and_those_of_tables() {
        let text = "a `b` c `d\ne` f\n\n| `g\\|h` | i |\n| `j` | ``k `l` `` |\n\n```sh\n`m`\n```\n";
        let spans: Vec<String> = document(text).spans().into_iter().map(|(_, text)| text).collect();
        assert_eq!(spans, ["b", "d e", "g|h", "j", "", "l", ""]);
    }

    #[test]
    fn steps_are_commands_with_output_and_exit_code() {
        let text = "```console\n$ a \\\n  b   # exits with 1: c\nd\n  e\n$ f\n```\n";
        let steps = document(text).codes()[0].steps();
        let all: Vec<_> =
            steps.iter().map(|step| (step.command.as_str(), step.code, step.shown.as_str())).collect();
        assert_eq!(all, [("a \\\n  b   # exits with 1: c", 1, "d\n  e\n"), ("f", 0, "")]);
    }
}
