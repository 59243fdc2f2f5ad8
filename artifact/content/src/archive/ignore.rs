//! Which paths of a tree are left out of an archive.
//!
//! The rules are those of the Flux CLI and source-controller (go-git's matcher), not git's: patterns are tried from the
//! last to the first and the first that matches decides, for every path on its own. So a `!` pattern can bring back a
//! file below a folder that is ignored, which git cannot.
//!
//! A line is a pattern unless it is blank or begins with `#`. `!` in front includes, `/` at the end means folders only.
//! A pattern without another `/` matches any component of the path, so that everything below a matching folder matches
//! as well. A pattern with `/` is anchored at the folder of its file. `**` as a whole segment stands for any number of
//! folders.

use crate::limits;

use super::{Error, glob::Glob};

/// The name of the files with ignore patterns inside a tree.
pub const IGNORE_FILE: &str = ".sourceignore";

/// What the Flux CLI leaves out unless told otherwise: version control and binary files.
pub const DEFAULT_IGNORE: [&str; 12] = [
    ".git/",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
];

/// An ordered list of patterns.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// The folder of the file that the pattern is from.
    domain: Vec<String>,
    include: bool,
    folders_only: bool,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Shape {
    /// Any component of the path.
    Simple(Glob),
    /// From the domain on, segment by segment.
    Anchored(Vec<Segment>),
    /// Malformed in a way that rules out any match.
    Never,
}

#[derive(Clone, Debug)]
enum Segment {
    Folders,
    Name(Glob),
}

impl Ignore {
    /// Patterns anchored at the root of the tree; an item may hold several lines.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = patterns.into_iter().flat_map(|item| parse(&[] as &[&str], item)).collect();
        Self { patterns }
    }

    /// [`DEFAULT_IGNORE`].
    pub fn flux_defaults() -> Self {
        Self::new(DEFAULT_IGNORE)
    }

    /// Appends the patterns of the ignore file in the folder `domain`; `[]` is the root.
    pub fn add_file(&mut self, domain: &[impl AsRef<str>], text: &str) -> Result<(), Error> {
        let subject = || {
            let mut path: Vec<&str> = domain.iter().map(AsRef::as_ref).collect();
            path.push(IGNORE_FILE);
            path.join("/")
        };
        self.add(domain, text, &subject)
    }

    /// Appends patterns anchored at the root; `subject` names them in errors.
    pub(super) fn add_lines(&mut self, text: &str, subject: &str) -> Result<(), Error> {
        self.add(&[] as &[&str], text, &|| subject.to_owned())
    }

    /// Appends all patterns of `other`.
    pub(super) fn append(&mut self, other: Self) {
        self.patterns.extend(other.patterns);
    }

    fn add(
        &mut self,
        domain: &[impl AsRef<str>],
        text: &str,
        subject: &dyn Fn() -> String,
    ) -> Result<(), Error> {
        if text.len() as u64 > limits::IGNORE_FILE_BYTES {
            return Err(Error::limit(subject(), "bytes of an ignore file", limits::IGNORE_FILE_BYTES));
        }
        self.patterns.extend(parse(domain, text));
        if self.patterns.len() > limits::IGNORE_PATTERNS {
            return Err(Error::limit(subject(), "ignore patterns", limits::IGNORE_PATTERNS as u64));
        }
        Ok(())
    }

    /// Whether the path is left out. `path` are its components from the root.
    pub fn is_ignored(&self, path: &[impl AsRef<str>], is_folder: bool) -> bool {
        let decides = self.patterns.iter().rev().find(|pattern| pattern.matches(path, is_folder));
        decides.is_some_and(|pattern| !pattern.include)
    }

    /// Whether nothing below an ignored folder can be brought back, so that it need not be walked.
    pub fn may_prune(&self) -> bool {
        !self.patterns.iter().any(|pattern| pattern.include)
    }

    pub(super) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Forgets the patterns that were added last, down to `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        self.patterns.truncate(len);
    }
}

fn parse<'a>(domain: &'a [impl AsRef<str>], text: &'a str) -> impl Iterator<Item = Pattern> + 'a {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| Pattern::new(domain.iter().map(|part| part.as_ref().to_owned()).collect(), line))
}

impl Pattern {
    fn new(domain: Vec<String>, line: &str) -> Self {
        let (include, text) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let text = if text.ends_with("\\ ") { text } else { text.trim_end_matches(' ') };
        let (folders_only, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let shape = if text.contains('/') { anchored(text) } else { Shape::Simple(Glob::new(text)) };
        Self { domain, include, folders_only, shape }
    }

    fn matches(&self, path: &[impl AsRef<str>], is_folder: bool) -> bool {
        let Some((folders, path)) = path.split_at_checked(self.domain.len()) else {
            return false;
        };
        if path.is_empty() || folders.iter().zip(&self.domain).any(|(a, b)| a.as_ref() != b.as_str()) {
            return false;
        }
        match &self.shape {
            Shape::Never => false,
            Shape::Simple(glob) => {
                // The first component that matches decides, as in go-git.
                let found = path.iter().position(|name| glob.matches(name.as_ref()));
                found.is_some_and(|at| !(self.folders_only && !is_folder && at + 1 == path.len()))
            }
            Shape::Anchored(segments) => match walk(segments, path) {
                Some(rest) => !(self.folders_only && !is_folder && rest == 0),
                None => false,
            },
        }
    }
}

fn anchored(text: &str) -> Shape {
    let mut segments = Vec::new();
    for part in text.split('/') {
        match part {
            "" => {}
            "**" => segments.push(Segment::Folders),
            _ if part.contains("**") => return Shape::Never,
            _ => {
                let glob = Glob::new(part);
                if glob.is_malformed() {
                    return Shape::Never;
                }
                segments.push(Segment::Name(glob));
            }
        }
    }
    Shape::Anchored(segments)
}

/// How many components are left after all segments found theirs; `None` if they did not.
///
/// After `**` the first component that matches is taken and never given back, as go-git does.
fn walk(segments: &[Segment], path: &[impl AsRef<str>]) -> Option<usize> {
    let mut rest = path;
    let mut skip = false;
    let mut matched = false;
    for segment in segments {
        let glob = match segment {
            Segment::Folders => {
                skip = true;
                continue;
            }
            Segment::Name(glob) => glob,
        };
        let at = if std::mem::take(&mut skip) {
            rest.iter().position(|name| glob.matches(name.as_ref()))?
        } else {
            rest.first().filter(|name| glob.matches(name.as_ref())).map(|_| 0)?
        };
        rest = rest.get(at + 1..)?;
        matched = true;
    }
    matched.then_some(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(patterns: &[&str], path: &str) -> bool {
        let (path, is_folder) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        let components: Vec<&str> = path.split('/').collect();
        Ignore::new(patterns.iter().copied()).is_ignored(&components, is_folder)
    }

    #[track_caller]
    fn table(rows: &[(&[&str], &str, bool)]) {
        for (patterns, path, expected) in rows {
            assert_eq!(ignored(patterns, path), *expected, "{patterns:?} {path}");
        }
    }

    #[test]
    fn ignore_simple_pattern_matches_any_component() {
        table(&[
            (&["a"], "a", true),
            (&["a"], "x/a", true),
            (&["a"], "a/x/y", true),
            (&["a"], "x/a/y", true),
            (&["a"], "ab", false),
            (&["*.png"], "x/y.png", true),
            (&["*.png"], "y.png/z", true),
            (&["**"], "anything/at/all", true),
        ]);
    }

    #[test]
    fn ignore_folder_pattern_is_for_folders_only() {
        table(&[
            (&["a/"], "a/", true),
            (&["a/"], "a", false),
            (&["a/"], "a/b", true),
            (&["a/"], "x/a", false),
            (&["a/"], "x/a/", true),
            (&["a/"], "a/a", true),
            (&["/a/"], "a", false),
            (&["/a/"], "a/", true),
            (&["/a/"], "a/b", true),
            (&["/a/"], "x/a/", false),
        ]);
    }

    #[test]
    fn ignore_pattern_with_a_slash_is_anchored() {
        table(&[
            (&["/a"], "a", true),
            (&["/a"], "x/a", false),
            (&["/a"], "a/b/c", true),
            (&["a/b"], "a/b", true),
            (&["a/b"], "x/a/b", false),
            (&["a/*"], "a/b", true),
            (&["a/*"], "a/", false),
            (&["a/*/c"], "a/b/c", true),
            (&["a/*/c"], "a/c", false),
            (&["a//b"], "a/b", true),
        ]);
    }

    #[test]
    fn ignore_double_star_is_any_number_of_folders() {
        table(&[
            (&["**/a"], "a", true),
            (&["**/a"], "x/y/a", true),
            (&["a/**/b"], "a/b", true),
            (&["a/**/b"], "a/x/y/b", true),
            (&["a/**/b"], "a/x/y/c", false),
            (&["a/**/b/c"], "a/b/x/b/c", false),
            (&["a/**"], "a/x", true),
            // go-git stops at the last `**`, so that the folder itself matches too.
            (&["a/**"], "a/", true),
            (&["a/x**"], "a/xy", false),
            (&["**/"], "a/", true),
            (&["**/"], "a", false),
            (&["/**"], "a", false),
        ]);
    }

    #[test]
    fn ignore_last_match_decides() {
        table(&[
            (&["*.txt", "!keep.txt"], "keep.txt", false),
            (&["*.txt", "!keep.txt"], "drop.txt", true),
            (&["!keep.txt", "*.txt"], "keep.txt", true),
            (&["/*", "!/deploy"], "deploy/a", false),
            (&["/*", "!/deploy"], "other/a", true),
            (&["a/", "!a/b"], "a/b", false),
            (&["a/", "!a/b"], "a/c", true),
        ]);
    }

    #[test]
    fn ignore_reads_lines_as_go_git() {
        table(&[
            (&["# a\n\n   \n b"], "# a", false),
            (&[" b"], "b", false),
            (&[" b"], " b", true),
            (&["b   "], "b", true),
            (&["b\r\nc\r\n"], "b", true),
            (&["\\#a"], "#a", true),
            (&["\\!a"], "!a", true),
            (&["a\\ "], "a ", true),
            (&["[a"], "[a", false),
            (&["x/[a"], "x/[a", false),
        ]);
    }

    #[test]
    fn ignore_file_counts_below_its_folder_only() {
        let mut ignore = Ignore::new(["*.md"]);
        ignore.add_file(&["apps"], "!README.md\n/secret\n").unwrap();
        assert!(ignore.is_ignored(&["README.md"], false));
        assert!(!ignore.is_ignored(&["apps", "README.md"], false));
        assert!(ignore.is_ignored(&["apps", "secret"], false));
        assert!(!ignore.is_ignored(&["apps", "x", "secret"], false));
        assert!(!ignore.is_ignored(&["secret"], false));
        assert!(!ignore.is_ignored(&["apps"], true));
    }

    #[test]
    fn ignore_file_has_limits() {
        let mut ignore = Ignore::default();
        let root: &[&str] = &[];
        ignore.add_file(root, &"a\n".repeat(limits::IGNORE_PATTERNS)).unwrap();
        assert!(matches!(ignore.add_file(root, "a"), Err(Error::Limit { .. })));
        let long = "#".repeat(usize::try_from(limits::IGNORE_FILE_BYTES).unwrap());
        Ignore::default().add_file(root, &long).unwrap();
        assert!(matches!(Ignore::default().add_file(root, &format!("{long}#")), Err(Error::Limit { .. })));
    }

    #[test]
    fn ignore_may_prune_unless_something_is_brought_back() {
        assert!(Ignore::flux_defaults().may_prune());
        assert!(!Ignore::new(["a/", "!a/b"]).may_prune());
    }

    #[test]
    fn ignore_defaults_are_those_of_flux() {
        let defaults = Ignore::flux_defaults();
        for (path, is_folder, expected) in [
            (&[".git"][..], true, true),
            (&[".git"], false, false),
            (&["sub", ".git", "config"], false, true),
            (&[".gitignore"], false, true),
            (&["a", "b.tar.gz"], false, true),
            (&["b.tgz"], false, false),
            (&[".sourceignore"], false, false),
        ] {
            assert_eq!(defaults.is_ignored(path, is_folder), expected, "{path:?}");
        }
    }
}
