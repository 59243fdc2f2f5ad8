//! What others do to the files, and disks that are full or read-only.

use std::{
    fs::{self, File, FileTimes},
    io::{ErrorKind, Write as _},
    os::unix::fs::{FileExt as _, PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use oci_artifact::Classify as _;
use oci_controller::storage::{Local, OpenError, StorageOptions};
use oci_crds::v1::Artifact;
use oci_decide::Stored;
use oci_source::store::{Store as _, StoreError};

use crate::storage_volume::{Volume, artifact, assert_whole, content, list, now, open, owner, publish};

/// Flips a byte and makes the time of the last write what it was.
fn flip(path: &Path) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    file.write_all_at(b"X", 1).unwrap();
    file.set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[tokio::test]
async fn look_finds_what_others_did_to_a_file() {
    type Act = fn(&Path);
    let acts: [(&str, Act); 8] = [
        ("flip", flip),
        ("truncate", |path| File::options().write(true).open(path).unwrap().set_len(3).unwrap()),
        ("append", |path| File::options().append(true).open(path).unwrap().write_all(b"+").unwrap()),
        ("rewrite", |path| fs::write(path, b"CONTENT").unwrap()),
        ("replace", |path| {
            fs::remove_file(path).unwrap();
            fs::write(path, b"CONTENT").unwrap();
        }),
        ("link", |path| {
            let same = path.with_extension("moved");
            fs::rename(path, &same).unwrap();
            symlink(same, path).unwrap();
        }),
        ("folder", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("pipe", |path| {
            fs::remove_file(path).unwrap();
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
    ];
    for (what, act) in acts {
        let volume = Volume::new();
        let storage = volume.open();
        let stored = publish(&storage, "app", "r1", b"content").await;
        let path = volume.path(&stored.path);
        act(&path);
        let found = storage.look(&owner("app"), &stored).await;
        assert!(matches!(found, Stored::Damaged(_)), "{what}: {found:?}");
        assert!(fs::symlink_metadata(&path).is_err(), "{what}: it was put away");
        assert_eq!(storage.look(&owner("app"), &stored).await, Stored::Missing, "{what}");
        assert_eq!(storage.stats().damaged, 1, "{what}");
        // And it heals.
        let again = publish(&storage, "app", "r1", b"content").await;
        assert_whole(&storage, "app", &again).await;
        assert_eq!(fs::read(volume.path(&again.path)).unwrap(), b"content", "{what}");
    }
}

#[tokio::test]
async fn look_accepts_a_file_that_only_seems_changed() {
    let volume = Volume::new();
    let storage = volume.open();
    let stored = publish(&storage, "app", "r1", b"content").await;
    let path = volume.path(&stored.path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_whole(&storage, "app", &stored).await;
    assert_eq!(storage.stats().reread, 1);
    // A copy of the volume has other inodes.
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_whole(&storage, "app", &stored).await;
    assert_whole(&storage, "app", &stored).await;
    assert_eq!(storage.stats().reread, 2);
}

#[tokio::test]
async fn damage_is_found_under_all_names_of_a_file() {
    let volume = Volume::new();
    let storage = volume.open();
    let one = publish(&storage, "one", "r1", b"content").await;
    let two = publish(&storage, "two", "r1", b"content").await;
    flip(&volume.path(&one.path));
    assert!(matches!(storage.look(&owner("one"), &one).await, Stored::Damaged(_)));
    // Its own run knows; the other one is told.
    assert_eq!(storage.lost().await, [owner("two")]);
    // What is damaged is shared with nobody.
    let three = publish(&storage, "three", "r1", b"content").await;
    assert_whole(&storage, "three", &three).await;
    assert_eq!(fs::read(volume.path(&three.path)).unwrap(), b"content");
    assert!(matches!(storage.look(&owner("two"), &two).await, Stored::Damaged(_)));
    assert_eq!(storage.stats().reread, 1, "it was read once");
}

#[tokio::test]
async fn publish_shares_nothing_that_was_changed() {
    let volume = Volume::new();
    let storage = volume.open();
    let one = publish(&storage, "one", "r1", b"content").await;
    flip(&volume.path(&one.path));
    let two = publish(&storage, "two", "r1", b"content").await;
    assert_eq!(fs::read(volume.path(&two.path)).unwrap(), b"content");
    let again = publish(&storage, "one", "r1", b"content").await;
    assert_eq!(fs::read(volume.path(&again.path)).unwrap(), b"content");
    assert_whole(&storage, "one", &again).await;
    assert_whole(&storage, "two", &two).await;
}

#[tokio::test]
async fn look_takes_a_path_of_a_status_for_a_text() {
    let volume = Volume::new();
    let storage = volume.open();
    let secret = volume.path("secret");
    fs::write(&secret, b"content").unwrap();
    let other = publish(&storage, "other", "r1", b"content").await;
    let own = publish(&storage, "app", "r1", b"content").await;
    let name = own.path.rsplit('/').next().unwrap();
    for path in [
        "",
        "../../secret",
        "ocirepository/apps/app/../../../secret",
        secret.to_str().unwrap(),
        &other.path,
        &format!("ocirepository/apps/app/../other/{name}"),
        &format!("ocirepository/apps/app/./{name}"),
        &format!("ocirepository//apps/app/{name}"),
        &format!("/{}", own.path),
        "ocirepository/apps/app/latest.tar.gz",
        "ocirepository/apps/app/",
    ] {
        assert_eq!(storage.look(&owner("app"), &artifact(path, b"content")).await, Stored::Missing, "{path}");
    }
    assert_eq!(fs::read(&secret).unwrap(), b"content");
    assert_whole(&storage, "app", &own).await;
    assert_whole(&storage, "other", &other).await;
    for wrong in [
        Artifact { size: Some(-1), ..own.clone() },
        Artifact { digest: String::new(), ..own.clone() },
        Artifact { digest: artifact("", b"other").digest, ..own.clone() },
    ] {
        publish(&storage, "app", "r1", b"content").await;
        assert!(matches!(storage.look(&owner("app"), &wrong).await, Stored::Damaged(_)), "{wrong:?}");
    }
    assert_whole(&storage, "other", &other).await;
}

/// Tells a test that it runs on the disk that it asked for.
#[cfg(target_os = "linux")]
const ON_A_DISK: &str = "OCI_CONTROLLER_TEST_ON_A_DISK";

/// Runs a test of this file once more in a mount namespace of its own, with a small disk as its working folder. `false`
/// inside, where the test goes on.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "how the test knows where it runs")]
fn on_a_disk(options: &str, before: &str, test: &str) -> bool {
    if std::env::var_os(ON_A_DISK).is_some() {
        return false;
    }
    let folder = Volume::new();
    let mut command = Command::new("unshare");
    let script = format!("mount -t tmpfs -o {options} none . && cd \"$PWD\" && {before} \"$@\"");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"]).current_dir(folder.root());
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("storage_damage::{test}"), "--test-threads=1"]).env(ON_A_DISK, "yes");
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = format!("{}\n{}", said(&output.stdout), said(&output.stderr));
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
    true
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_disk_leaves_what_was_there() {
    if on_a_disk("size=64k", "", "full_disk_leaves_what_was_there") {
        return;
    }
    let here = Path::new(".");
    let storage = open(here);
    let old = publish(&storage, "app", "r1", &vec![1; 20_000]).await;
    let mut draft = storage.draft().unwrap();
    let full = draft.write_all(&vec![2; 100_000]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    drop(draft);
    assert!(list(&here.join(".drafts")).is_empty());
    assert_whole(&storage, "app", &old).await;
    let new = publish(&storage, "app", "r2", &vec![3; 20_000]).await;
    assert_whole(&storage, "app", &new).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn disk_without_inodes_leaves_what_was_there() {
    if on_a_disk("size=1m,nr_inodes=9", "", "disk_without_inodes_leaves_what_was_there") {
        return;
    }
    let here = Path::new(".");
    let storage = open(here);
    let old = publish(&storage, "app", "r1", b"old").await;
    let mut drafts = Vec::new();
    let refused = loop {
        match storage.draft() {
            Ok(draft) => drafts.push(draft),
            Err(error) => break error,
        }
    };
    assert!(refused.hint().unwrap().contains("free space"), "{refused}");
    let draft = drafts.pop().unwrap();
    // No room for the folder of another object.
    let refused = storage.publish(&owner("other"), draft, &content("r2", b"")).await;
    assert!(refused.is_err(), "{refused:?}");
    drop(drafts);
    assert!(list(&here.join(".drafts")).is_empty());
    assert_whole(&storage, "app", &old).await;
    publish(&storage, "app", "r2", b"new").await;
}

#[cfg(target_os = "linux")]
#[test]
fn read_only_disk_is_named() {
    if on_a_disk("size=64k", "mkdir ocirepository && mount -o remount,ro . &&", "read_only_disk_is_named") {
        return;
    }
    let refused = Local::open(Path::new("."), StorageOptions::default(), now).unwrap_err();
    let OpenError::Store(StoreError::Io { source, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(source.kind(), ErrorKind::ReadOnlyFilesystem);
    assert!(refused.to_string().starts_with("opening the storage by creating ./"), "{refused}");
    assert!(refused.hint().unwrap().contains("must be writable"), "{refused}");
}
