//! Superseded files over time, and the daily check.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    time::Duration,
};

use oci_controller::storage::{Local, StorageOptions};
use oci_decide::{Stored, retention::Policy};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{advance, timeout},
};

use crate::storage_volume::{Volume, assert_whole, kill, list, now, owner, publish};

/// Keeps a storage; dropping the sender ends it.
fn keep(storage: &Local, leading: bool) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (leads, follow) = watch::channel(leading);
    (leads, tokio::spawn(storage.clone().keep(follow)))
}

/// Waits until so many files were swept. Time moves on by itself while everybody waits.
async fn swept(storage: &Local, count: u64) {
    for _ in 0..10_000 {
        if storage.stats().swept >= count {
            return;
        }
        tokio::task::yield_now().await;
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    panic!("{:?}", storage.stats());
}

fn files(volume: &Volume) -> usize {
    list(&volume.path("ocirepository/apps/app")).iter().filter(|name| *name != "latest.tar.gz").count()
}

#[tokio::test(start_paused = true)]
async fn superseded_file_goes_when_its_time_is_over() {
    let volume = Volume::new();
    let storage = volume.open();
    let (_leads, _task) = keep(&storage, true);
    let old = publish(&storage, "app", "r1", b"old").await;
    storage.named(&owner("app"), &old.path);
    let new = publish(&storage, "app", "r2", b"new").await;
    // Until the status names the new one, the old one is needed, however long that takes.
    advance(Duration::from_hours(3)).await;
    assert_whole(&storage, "app", &old).await;
    storage.named(&owner("app"), &new.path);
    advance(Duration::from_secs(59)).await;
    assert_eq!(storage.stats().swept, 0);
    assert_eq!(files(&volume), 2);
    advance(Duration::from_secs(2)).await;
    swept(&storage, 1).await;
    assert_eq!(files(&volume), 1);
    assert_eq!(storage.look(&owner("app"), &old).await, Stored::Missing);
    assert_whole(&storage, "app", &new).await;
    // The newest one stays for ever.
    advance(Duration::from_hours(100)).await;
    assert_whole(&storage, "app", &new).await;
    assert_eq!(storage.stats().swept, 1);
}

#[tokio::test(start_paused = true)]
async fn files_beyond_the_records_go_at_once() {
    let volume = Volume::new();
    let retention = Policy { ttl: Duration::from_hours(1), records: 2 };
    let options = StorageOptions { retention, ..StorageOptions::default() };
    let storage = Local::open(volume.root(), options, now).unwrap();
    let (_leads, _task) = keep(&storage, true);
    for number in 0..5_u64 {
        let artifact = publish(&storage, "app", &format!("r{number}"), format!("{number}").as_bytes()).await;
        storage.named(&owner("app"), &artifact.path);
        swept(&storage, number.saturating_sub(1)).await;
    }
    assert_eq!(files(&volume), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_swept_before_the_status_is_known_or_while_another_leads() {
    let volume = Volume::new();
    let storage = volume.open();
    publish(&storage, "app", "r1", b"old").await;
    let new = publish(&storage, "app", "r2", b"new").await;
    kill(storage);

    let storage = volume.open();
    let (leads, _task) = keep(&storage, false);
    advance(Duration::from_hours(1)).await;
    assert_eq!(files(&volume), 2);
    // The status still names the old one: the run was killed before it was written.
    let old = crate::storage_volume::artifact(&crate::storage_volume::plain_path("app", "r1"), b"old");
    assert_whole(&storage, "app", &old).await;
    advance(Duration::from_hours(1)).await;
    assert_eq!(files(&volume), 2, "somebody else leads");
    leads.send_replace(true);
    swept(&storage, 1).await;
    assert_whole(&storage, "app", &old).await;
    assert_eq!(storage.look(&owner("app"), &new).await, Stored::Missing);
}

#[tokio::test(start_paused = true)]
async fn keep_ends_with_its_fence() {
    let volume = Volume::new();
    let (leads, task) = keep(&volume.open(), true);
    drop(leads);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn daily_check_finds_what_nobody_looked_at() {
    let volume = Volume::new();
    let storage = volume.open();
    let (_leads, _task) = keep(&storage, true);
    let one = publish(&storage, "one", "r1", b"content").await;
    let two = publish(&storage, "two", "r1", b"content").await;
    let three = publish(&storage, "three", "r1", b"another").await;
    let four = publish(&storage, "four", "r1", b"replaced").await;
    let file = File::options().write(true).open(volume.path(&one.path)).unwrap();
    file.write_all_at(b"X", 1).unwrap();
    fs::remove_file(volume.path(&four.path)).unwrap();
    fs::write(volume.path(&four.path), b"REPLACED").unwrap();
    for _ in 0..10_000 {
        if storage.stats().damaged == 3 {
            break;
        }
        advance(Duration::from_mins(10)).await;
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    assert_eq!(storage.stats().damaged, 3);
    let mut lost = Vec::new();
    while lost.len() < 3 {
        let more = timeout(Duration::from_hours(1), storage.lost()).await.unwrap();
        lost.extend(more.into_iter().map(|owner| owner.name));
    }
    lost.sort();
    assert_eq!(lost, ["four", "one", "two"]);
    for (name, artifact) in [("one", &one), ("two", &two), ("four", &four)] {
        assert!(!volume.path(&artifact.path).exists(), "{name}");
        assert_eq!(storage.look(&owner(name), artifact).await, Stored::Missing, "{name}");
    }
    assert_whole(&storage, "three", &three).await;
}
