//! Publishing, finding again, sharing, removing.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use futures_util::future::join_all;
use oci_artifact::{Classify as _, name::Digest};
use oci_controller::storage::{Local, OpenError, StorageOptions};
use oci_decide::Stored;
use oci_source::store::{Content, Owner, Store as _, StoreError};

use crate::storage_volume::{
    Volume, artifact, assert_whole, content, kill, list, now, owner, plain_path, publish, try_publish,
};

#[tokio::test]
async fn storage_finds_again_what_was_published() {
    let volume = Volume::new();
    let storage = volume.open();
    let published = try_publish(&storage, "app", "r1", b"first").await.unwrap();
    assert_eq!(published.path, plain_path("app", "r1"));
    assert_eq!(published.at, now());
    assert_eq!(fs::read(volume.path(&published.path)).unwrap(), b"first");
    let folder = volume.path("ocirepository/apps/app");
    let newest = fs::read_link(folder.join("latest.tar.gz")).unwrap();
    assert_eq!(newest.to_str(), published.path.rsplit('/').next());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    assert_eq!(mode(&volume.path(&published.path)), 0o600);
    assert!(volume.drafts().is_empty());

    kill(storage);
    let storage = volume.open();
    let scan = storage.scan();
    assert_eq!((scan.files, scan.bytes, scan.leftovers, scan.unreadable), (1, 5, 0, 0));
    assert_whole(&storage, "app", &artifact(&published.path, b"first")).await;
    assert_eq!(storage.stats().reread, 0);
}

#[tokio::test]
async fn storage_gives_no_name_to_two_contents() {
    let volume = Volume::new();
    let storage = volume.open();
    let mut bytes_of = std::collections::HashMap::new();
    for bytes in [&b"A"[..], b"B", b"A", b"C", b"B"] {
        let artifact = publish(&storage, "app", "same", bytes).await;
        let first = bytes_of.entry(artifact.path.clone()).or_insert(bytes);
        assert_eq!(*first, bytes, "{}", artifact.path);
        assert_eq!(fs::read(volume.path(&artifact.path)).unwrap(), bytes);
        assert_whole(&storage, "app", &artifact).await;
    }
    let marked =
        format!("ocirepository/apps/app/{}-{}.tar.gz", Digest::of(b"same"), &Digest::of(b"B").hex()[..8]);
    assert!(bytes_of.contains_key(&marked), "{bytes_of:?}");
    // Even when the first is gone, its name does not come back for another content.
    fs::remove_file(volume.path(&plain_path("app", "same"))).unwrap();
    let lost = artifact(&plain_path("app", "same"), b"A");
    assert_eq!(storage.look(&owner("app"), &lost).await, Stored::Missing);
    let other = publish(&storage, "app", "same", b"D").await;
    assert_ne!(other.path, lost.path);
}

#[tokio::test]
async fn storage_tells_contents_apart_whose_digests_begin_alike() {
    let volume = Volume::new();
    let storage = volume.open();
    publish(&storage, "app", "same", b"first").await;
    let mut paths = HashSet::new();
    for (number, bytes) in [b"1", b"2"].into_iter().enumerate() {
        let mut draft = storage.draft().unwrap();
        std::io::Write::write_all(&mut draft, bytes).unwrap();
        // As somebody may find who tries four thousand million contents.
        let digest = Digest::parse(&format!("sha256:deadbeef{number:056x}")).unwrap();
        let content = Content { digest, ..content("same", bytes) };
        let published = storage.publish(&owner("app"), draft, &content).await.unwrap();
        assert_eq!(fs::read(volume.path(&published.path)).unwrap(), bytes);
        paths.insert(published.path);
    }
    assert_eq!(paths.len(), 2);
}

#[tokio::test]
async fn storage_shares_equal_content_and_reads_nothing_again() {
    let volume = Volume::new();
    let storage = volume.open();
    let one = publish(&storage, "one", "r1", b"equal").await;
    let two = publish(&storage, "two", "r2", b"equal").await;
    let three = publish(&storage, "three", "r1", b"equal").await;
    assert_eq!(volume.inode(&one.path), volume.inode(&two.path));
    assert_eq!(volume.inode(&one.path), volume.inode(&three.path));
    assert_eq!(storage.stats().shared, 2);
    for (name, artifact) in [("one", &one), ("two", &two), ("three", &three)] {
        assert_whole(&storage, name, artifact).await;
    }
    storage.forget(&owner("one")).await.unwrap();
    assert_whole(&storage, "two", &two).await;
    kill(storage);
    let storage = volume.open();
    assert_eq!(storage.scan().bytes, 5, "shared content is read once");
    let four = publish(&storage, "four", "r4", b"equal").await;
    storage.forget(&owner("two")).await.unwrap();
    assert_whole(&storage, "three", &three).await;
    assert_whole(&storage, "four", &four).await;
    assert_eq!(storage.look(&owner("two"), &two).await, Stored::Missing);
    assert_eq!(storage.stats().reread, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_bears_many_publications_at_once() {
    let volume = Volume::new();
    let storage = volume.open();
    let publications = (0..100).map(|number: usize| {
        let storage = storage.clone();
        tokio::spawn(async move {
            // A hundred publications of forty objects and ten contents.
            let (name, bytes) = (format!("app{}", number % 40), format!("content{}", number % 10));
            let artifact = publish(&storage, &name, &format!("r{number}"), bytes.as_bytes()).await;
            assert_whole(&storage, &name, &artifact).await;
        })
    });
    for done in join_all(publications).await {
        done.unwrap();
    }
    assert_eq!(storage.stats().files, 100);
    assert_eq!(storage.stats().damaged, 0);
    assert!(volume.drafts().is_empty());
}

#[tokio::test]
async fn open_removes_what_a_kill_has_left() {
    let volume = Volume::new();
    let storage = volume.open();
    let old = publish(&storage, "app", "old", b"old").await;
    // Killed with a half-written draft, with a linked one, with a new folder, and before `latest` was renewed.
    let half = storage.draft().unwrap();
    fs::write(half.path(), b"ha").unwrap();
    half.keep().unwrap();
    fs::hard_link(volume.path(&old.path), volume.path(".drafts/linked")).unwrap();
    fs::create_dir_all(volume.path("ocirepository/new/empty")).unwrap();
    let new = plain_path("app", "new");
    fs::write(volume.path(&new), b"new").unwrap();
    kill(storage);

    let storage = volume.open();
    assert!(volume.drafts().is_empty());
    assert!(!volume.path("ocirepository/new").exists());
    assert_whole(&storage, "app", &old).await;
    // Published again, it takes the place that it had.
    assert_eq!(publish(&storage, "app", "new", b"new").await.path, new);
    assert_whole(&storage, "app", &artifact(&new, b"new")).await;
}

#[tokio::test]
async fn open_finds_what_a_loss_of_power_has_left() {
    let volume = Volume::new();
    let storage = volume.open();
    let mut artifacts = Vec::new();
    for name in ["empty", "half", "gone", "whole"] {
        artifacts.push((name, publish(&storage, name, "r1", format!("content of {name}").as_bytes()).await));
    }
    fs::write(volume.path(&artifacts[0].1.path), b"").unwrap();
    fs::write(volume.path(&artifacts[1].1.path), b"content").unwrap();
    fs::remove_dir_all(volume.path("ocirepository/apps/gone")).unwrap();
    kill(storage);

    let storage = volume.open();
    for (name, artifact) in &artifacts {
        let stored = storage.look(&owner(name), artifact).await;
        match *name {
            "whole" => assert_eq!(stored, Stored::Whole),
            "gone" => assert_eq!(stored, Stored::Missing),
            _ => assert!(matches!(stored, Stored::Damaged(_)), "{name}: {stored:?}"),
        }
        assert_eq!(volume.path(&artifact.path).exists(), *name == "whole", "{name}");
    }
}

#[tokio::test]
async fn open_takes_over_a_volume_of_flux() {
    let volume = Volume::new();
    let folder = volume.path("ocirepository/flux-system/podinfo");
    fs::create_dir_all(&folder).unwrap();
    let file = |revision: &str| format!("{}.tar.gz", Digest::of(revision.as_bytes()));
    let (new, old) = (file("new"), file("old"));
    fs::write(folder.join(&new), b"new").unwrap();
    fs::write(folder.join(&old), b"old").unwrap();
    symlink(format!("/data/ocirepository/flux-system/podinfo/{new}"), folder.join("latest.tar.gz")).unwrap();
    fs::write(folder.join(format!("{new}.lock")), b"").unwrap();
    fs::write(folder.join(format!("{new}123456")), b"ne").unwrap();
    fs::write(folder.join("notes.txt"), b"not ours").unwrap();
    fs::create_dir_all(volume.path("gitrepository/apps/app")).unwrap();

    let storage = volume.open();
    assert_eq!((storage.scan().files, storage.scan().leftovers), (2, 2));
    let podinfo = Owner { namespace: "flux-system".into(), name: "podinfo".into() };
    let path = format!("ocirepository/flux-system/podinfo/{new}");
    let mut known = artifact(&path, b"new");
    assert_eq!(storage.look(&podinfo, &known).await, Stored::Whole);
    assert!(list(&folder).contains(&"notes.txt".to_owned()));
    assert!(volume.path("gitrepository/apps/app").exists());
    // With the flag --artifact-digest-algo.
    let mut long = oci_artifact::name::Hasher::new(oci_artifact::name::Algorithm::Sha512);
    long.update(b"new");
    known.digest = long.finish().to_string();
    assert_eq!(storage.look(&podinfo, &known).await, Stored::Whole);
    known.digest = format!("blake3:{}", Digest::of(b"new").hex());
    assert_eq!(storage.look(&podinfo, &known).await, Stored::Missing);
}

#[test]
fn open_refuses_a_volume_that_is_in_use() {
    let volume = Volume::new();
    let first = volume.open();
    let second = Local::open(volume.root(), StorageOptions::default(), now);
    let error = second.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert_eq!(error.reason(), "StorageInUse");
    drop(first);
    volume.open();
}

#[test]
fn open_names_a_root_that_is_not_there() {
    let error = Local::open(Path::new("/no/such/folder"), StorageOptions::default(), now).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    assert!(matches!(error, OpenError::Store(StoreError::Io { .. })));
}

#[test]
fn open_follows_no_links() {
    let (volume, outside) = (Volume::new(), Volume::new());
    let target = outside.path("ocirepository/apps/app");
    fs::create_dir_all(&target).unwrap();
    fs::write(target.join(format!("{}.tar.gz", Digest::of(b"r1"))), b"secret").unwrap();
    fs::create_dir(volume.path("ocirepository")).unwrap();
    symlink(outside.path("ocirepository/apps"), volume.path("ocirepository/apps")).unwrap();
    assert_eq!(volume.open().scan().files, 0);

    let linked = Volume::new();
    symlink(outside.path("ocirepository"), linked.path("ocirepository")).unwrap();
    Local::open(linked.root(), StorageOptions::default(), now).unwrap_err();
}

#[tokio::test]
async fn publish_refuses_names_that_lead_elsewhere() {
    let volume = Volume::new();
    let storage = volume.open();
    let long = "a".repeat(254);
    for name in ["", ".", "..", "../up", "a/b", "/abs", "-dash", "Upper", "nul\0", &long] {
        for owner in [
            Owner { namespace: "apps".into(), name: name.into() },
            Owner { namespace: name.into(), name: "app".into() },
        ] {
            let draft = storage.draft().unwrap();
            let refused = storage.publish(&owner, draft, &content("r1", b"")).await;
            assert!(matches!(refused, Err(StoreError::Name(_))), "{owner:?}");
            assert!(matches!(storage.forget(&owner).await, Err(StoreError::Name(_))), "{owner:?}");
            assert_eq!(storage.look(&owner, &artifact(&plain_path("app", "r1"), b"")).await, Stored::Missing);
        }
    }
    assert!(list(&volume.path("ocirepository")).is_empty());
    assert!(volume.drafts().is_empty());
    let longest = "a".repeat(253);
    publish(&storage, &longest, "r1", b"x").await;
}

#[tokio::test]
async fn publish_refuses_a_draft_that_is_not_the_content() {
    let volume = Volume::new();
    let storage = volume.open();
    let draft = storage.draft().unwrap();
    storage.publish(&owner("app"), draft, &content("r1", b"something")).await.unwrap_err();
    assert!(volume.drafts().is_empty());
    assert_eq!(storage.stats().files, 0);
}

#[tokio::test]
async fn publish_writes_through_no_link() {
    let (volume, outside) = (Volume::new(), Volume::new());
    let storage = volume.open();
    symlink(outside.root(), volume.path("ocirepository/apps")).unwrap();
    try_publish(&storage, "app", "r1", b"x").await.unwrap_err();
    assert!(list(outside.root()).is_empty());
    assert!(volume.drafts().is_empty());
}

#[tokio::test]
async fn storage_goes_on_when_its_volume_was_emptied() {
    let volume = Volume::new();
    let storage = volume.open();
    let lost = publish(&storage, "app", "r1", b"first").await;
    for folder in list(volume.root()) {
        let path = volume.path(&folder);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    assert_eq!(storage.look(&owner("app"), &lost).await, Stored::Missing);
    let again = publish(&storage, "app", "r1", b"first").await;
    assert_eq!(again.path, lost.path);
    assert_whole(&storage, "app", &again).await;
}

#[tokio::test]
async fn forget_removes_everything_and_may_be_repeated() {
    let volume = Volume::new();
    let storage = volume.open();
    let gone = publish(&storage, "app", "r1", b"first").await;
    publish(&storage, "app", "r2", b"second").await;
    fs::write(volume.path("ocirepository/apps/app/foreign"), b"").unwrap();
    storage.forget(&owner("app")).await.unwrap();
    assert!(!volume.path("ocirepository/apps/app").exists());
    assert_eq!(storage.look(&owner("app"), &gone).await, Stored::Missing);
    storage.forget(&owner("app")).await.unwrap();
    storage.forget(&owner("never-was")).await.unwrap();
    assert_eq!((storage.stats().files, storage.stats().bytes), (0, 0));
}

#[tokio::test]
async fn strangers_are_those_that_have_files_or_folders_and_nothing_foreign() {
    let volume = Volume::new();
    let storage = volume.open();
    publish(&storage, "kept", "r1", b"first").await;
    publish(&storage, "gone", "r2", b"second").await;
    fs::create_dir_all(volume.path("ocirepository/apps/half")).unwrap();
    fs::create_dir_all(volume.path("ocirepository/Foreign/folder")).unwrap();
    let mut strangers = storage.strangers(&HashSet::from([owner("kept")])).await.unwrap();
    strangers.sort();
    assert_eq!(strangers, [owner("gone"), owner("half")]);
    for stranger in &strangers {
        storage.forget(stranger).await.unwrap();
    }
    assert_eq!(list(&volume.path("ocirepository/apps")), ["kept"]);
}
