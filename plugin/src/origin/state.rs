//! Whether the commit describes what is packed.

use std::path::Path;

use gix::{
    Repository, ThreadSafeRepository,
    bstr::{BString, ByteSlice as _},
    dir::entry::Status,
    index::entry::Mode,
    open::Options,
    progress::Discard,
    status::{UntrackedFiles, index_worktree::Item, tree_index::TrackRenames},
};

/// Whether a tracked file anywhere in the work tree differs from HEAD (staged or not), or a file below `path` is
/// neither tracked nor ignored. Tracked files count everywhere, because `kustomize build` reads beside its folder.
/// `options` is how submodules are opened.
pub(super) fn is_dirty(repository: &Repository, path: &Path, options: &Options) -> gix::Result<bool> {
    let Some(work_tree) = repository.workdir() else {
        return Ok(false);
    };
    if has_changes(repository, options)? {
        return Ok(true);
    }
    let mut untracked = repository
        .status(Discard)?
        .untracked_files(UntrackedFiles::Collapsed)
        .index_worktree_rewrites(None)
        .index_worktree_submodules(None)
        .into_index_worktree_iter(pattern(work_tree, path)?)?;
    let found = untracked.find_map(|item| match item {
        Ok(Item::DirectoryContents { entry, .. }) => (entry.status == Status::Untracked).then_some(Ok(true)),
        Ok(Item::Modification { .. } | Item::Rewrite { .. }) => None,
        Err(error) => Some(Err(error)),
    });
    found.unwrap_or(Ok(false))
}

/// Whether a tracked file differs from HEAD, also in submodules.
///
/// The library is kept from submodules: it would open them with options of its own and run the filters that their
/// configuration names.
fn has_changes(repository: &Repository, options: &Options) -> gix::Result<bool> {
    let mut tracked = repository
        .status(Discard)?
        .untracked_files(UntrackedFiles::None)
        .index_worktree_rewrites(None)
        .index_worktree_submodules(None)
        .tree_index_track_renames(TrackRenames::Disabled)
        .into_iter(Vec::new())?;
    if tracked.next().transpose()?.is_some() {
        return Ok(true);
    }
    let Some(work_tree) = repository.workdir() else {
        return Ok(false);
    };
    let index = repository.index_or_empty()?;
    for entry in index.entries().iter().filter(|entry| entry.mode == Mode::COMMIT) {
        let folder = work_tree.join(gix::path::from_bstr(entry.path(&index))?);
        // Not checked out: nothing of it can be packed.
        if !folder.join(".git").exists() {
            continue;
        }
        let submodule = ThreadSafeRepository::open_opts(&folder, options.clone())?.to_thread_local();
        let commit = submodule.head()?.try_into_peeled_id()?;
        if commit.is_none_or(|commit| commit.detach() != entry.id) || has_changes(&submodule, options)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Selects what is below `path`, taken literally and from the top: patterns are else relative to the current folder.
fn pattern(work_tree: &Path, path: &Path) -> gix::Result<Option<BString>> {
    let work_tree = gix::path::realpath(work_tree)?;
    // A path outside (`core.worktree` points elsewhere) selects everything.
    let below = path.strip_prefix(work_tree).unwrap_or(Path::new(""));
    if below.as_os_str().is_empty() {
        return Ok(None);
    }
    let below = gix::path::to_unix_separators_on_windows(gix::path::into_bstr(below)?);
    Ok(Some([b":(top,literal)".as_slice(), below.as_bytes()].concat().into()))
}
