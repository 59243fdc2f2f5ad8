//! Where a folder comes from: the git repository around it, as Flux's annotations name it.
//!
//! No process is started and nothing is written. Configuration can name programs (filters, hooks, `fsmonitor`,
//! credential helpers); all sections that could are kept from the library, see [`options`]. The price: a file with a
//! filter (Git LFS) whose time or size differs from the index counts as changed, because only its filter could tell.
//! `GIT_*` variables are not obeyed: the folder decides, not a hook that we may run in.

mod error;
mod state;
mod url;

use std::path::{Path, PathBuf};

use gix::{
    Repository, ThreadSafeRepository,
    head::Kind,
    open::{Options, Permissions, permissions},
    sec::{Trust, trust::Mapping},
};
use oci_artifact::name::Version;

pub(crate) use self::error::OriginError;

/// The origin of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// URL of the remote `origin`, or of the only remote; without credentials.
    pub(crate) source: Option<String>,
    /// `main@sha1:<hex>`; the tag or `HEAD` instead of the branch if none is checked out; `-dirty` at the end if the
    /// commit does not describe the folder.
    pub(crate) revision: String,
}

/// The origin of `path`, a file or folder.
///
/// `None` outside a repository, and in one without commits: there is nothing to name then, and packing is fine. Bare
/// repositories are not looked for, since nothing in them is a work tree.
pub(crate) fn of(path: &Path) -> Result<Option<Origin>, OriginError> {
    let config = permissions::Config { git_binary: false, env: false, ..permissions::Config::all() };
    inspect(path, &options(config))
}

fn inspect(path: &Path, options: &Options) -> Result<Option<Origin>, OriginError> {
    let path = path.canonicalize().map_err(|source| OriginError::Path { path: path.to_owned(), source })?;
    let Some(repository) = open(&path, options.clone())? else {
        return Ok(None);
    };
    let failed = |doing| {
        let path = work_tree(&repository, &path);
        move |error: gix::Error| OriginError::read(path, doing, &error)
    };
    let mut head = repository.head().map_err(failed("HEAD"))?;
    let Some(commit) = head.try_peel_to_id().map_err(failed("HEAD"))? else {
        return Ok(None);
    };
    let commit = commit.detach();
    let name = match &head.kind {
        Kind::Symbolic(reference) => reference.name.shorten().to_string(),
        Kind::Unborn(_) | Kind::Detached { .. } => {
            tag(&repository, commit).map_err(failed("the tags"))?.unwrap_or_else(|| "HEAD".into())
        }
    };
    let dirty = state::is_dirty(&repository, &path, options).map_err(failed("the state of the work tree"))?;
    let suffix = if dirty { "-dirty" } else { "" };
    Ok(Some(Origin {
        source: url::of_remote(&repository),
        revision: format!("{name}@{}:{commit}{suffix}", commit.kind()),
    }))
}

/// The repository whose work tree holds `path`.
fn open(path: &Path, options: Options) -> Result<Option<Repository>, OriginError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    // Without bare ones: a folder that looks like a repository may have come in a download.
    let discovery = gix::discover::upwards::Options { dot_git_only: true, ..Default::default() };
    let same = Mapping { full: options.clone(), reduced: options };
    let repository = match ThreadSafeRepository::discover_opts(folder, discovery, same) {
        Ok(repository) => repository.to_thread_local(),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(OriginError::open(folder, &error)),
    };
    // Owned by somebody else, and not in `safe.directory`.
    if repository.git_dir_trust() != Trust::Full {
        return Err(OriginError::Untrusted { path: work_tree(&repository, path) });
    }
    Ok(Some(repository))
}

fn is_absent(error: &gix::Error) -> bool {
    use gix::discover::upwards::Error;
    matches!(
        error.downcast_any_ref::<Error>(),
        Some(
            Error::NoGitRepository { .. }
                | Error::NoGitRepositoryWithinCeiling { .. }
                | Error::NoGitRepositoryWithinFs { .. }
        )
    )
}

/// How repositories are opened: the user's files are read, because ignore patterns and line endings stand there, but
/// no environment and no program.
fn options(config: permissions::Config) -> Options {
    let user = gix::open::permissions::Environment {
        home: gix::sec::Permission::Allow,
        xdg_config_home: gix::sec::Permission::Allow,
        ..permissions::Environment::isolated()
    };
    let attributes = permissions::Attributes { git_binary: false, ..permissions::Attributes::all() };
    Options::default()
        .permissions(Permissions { env: user, config, attributes })
        // Sections that pass this filter may name programs: none does.
        .filter_config_section(|_| false)
}

/// The tag at a commit: of several the one with the highest version, or else the last by name.
fn tag(repository: &Repository, commit: gix::ObjectId) -> gix::Result<Option<String>> {
    let references = repository.references()?;
    let names = references.tags()?.filter_map(Result::ok).filter_map(|mut reference| {
        // A tag that cannot be read is not the one that is checked out.
        let id = reference.peel_to_id().ok()?.detach();
        (id == commit).then(|| reference.name().shorten().to_string())
    });
    Ok(names.map(|name| (Version::parse_tag_strict(&name).ok(), name)).max().map(|(_, name)| name))
}

fn work_tree(repository: &Repository, path: &Path) -> PathBuf {
    repository.workdir().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests;
