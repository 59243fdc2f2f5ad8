//! Which members source-controller leaves out of what it stores.
//!
//! Version control always. Binary files and what CI systems need, unless there is any pattern of its own. Then the
//! `.sourceignore` files, each for its folder, the deeper after the higher; last the lines of the object itself.

use crate::limits;

use super::super::super::{DEFAULT_IGNORE, Error, Ignore, Member, MemberPath};

/// Never part of an artifact.
const VERSION_CONTROL: [&str; 4] = [".git/", ".gitignore", ".gitmodules", ".gitattributes"];
/// Left out besides [`DEFAULT_IGNORE`] where nobody says anything.
const UNWANTED: [&str; 12] = [
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// The ignore files that were found, in any order.
#[derive(Default)]
pub(super) struct IgnoreFiles {
    /// With the depth of their folders.
    found: Vec<(usize, Ignore)>,
    bytes: u64,
}

impl IgnoreFiles {
    /// Adds a file; `false` if it says nothing to anybody: it has no pattern, or is part of version control.
    ///
    /// All files together may have as many bytes and patterns as one: they stay in memory.
    pub(super) fn add(&mut self, path: &MemberPath, content: &[u8]) -> Result<bool, Error> {
        let mut domain: Vec<&str> = path.components().collect();
        domain.pop();
        // A pattern that is not UTF-8 can match no member's name.
        let mut ignore = Ignore::default();
        ignore.add_file(&domain, &String::from_utf8_lossy(content))?;
        if ignore.len() == 0 || domain.contains(&".git") {
            return Ok(false);
        }
        self.bytes += content.len() as u64;
        if self.bytes > limits::IGNORE_FILE_BYTES {
            return Err(Error::limit("the archive", "bytes of ignore files", limits::IGNORE_FILE_BYTES));
        }
        let patterns: usize = self.found.iter().map(|(_, ignore)| ignore.len()).sum();
        if patterns + ignore.len() > limits::IGNORE_PATTERNS {
            return Err(Error::limit("the archive", "ignore patterns", limits::IGNORE_PATTERNS as u64));
        }
        self.found.push((domain.len(), ignore));
        Ok(true)
    }

    /// All rules; `own` are the object's lines.
    pub(super) fn rules(&mut self, own: Option<&str>) -> Result<Ignore, Error> {
        // Only files above a path have a say about it, so that depth is all that counts.
        self.found.sort_by_key(|(depth, _)| *depth);
        let mut theirs = Ignore::default();
        theirs.add_lines(own.unwrap_or_default(), "spec.ignore")?;
        let files = self.found.iter().map(|(_, ignore)| ignore.clone());
        let mut all = match theirs.len() + self.found.len() {
            0 => Ignore::new(DEFAULT_IGNORE.into_iter().chain(UNWANTED)),
            _ => Ignore::new(VERSION_CONTROL),
        };
        files.chain([theirs]).for_each(|more| all.append(more));
        Ok(all)
    }
}

/// The whole content of an ignore file.
pub(super) fn content(member: &mut Member<'_>, size: u64) -> Result<Vec<u8>, Error> {
    if size > limits::IGNORE_FILE_BYTES {
        let subject = member.path.as_str();
        return Err(Error::limit(subject, "bytes of an ignore file", limits::IGNORE_FILE_BYTES));
    }
    let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
    let count = member.read(&mut content)?;
    content.truncate(count);
    Ok(content)
}
