//! A bucket in the place of a volume: who serves what, and what comes and goes.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use oci_artifact::name::{Algorithm, Digest};
use oci_controller::storage::{BucketOptions, StorageOptions};
use oci_decide::{Stored, retention::Policy};
use oci_source::store::Store as _;
use oci_testkit::samples::Seeded;
use tokio::sync::watch;

use crate::{
    bucket_world::{LONG, Replica, World, keys},
    storage_volume::{artifact, content, list, owner},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_serves_what_the_leader_published() {
    let world = World::new().await;
    let (leader, follower) = (world.leader().await, world.replica());
    for (name, size) in [("empty", 0), ("small", 4_096), ("large", 3_000_001)] {
        let bytes = Seeded::new(5).bytes(size);
        let artifact = leader.publish(name, "r1", &bytes).await;
        let key = format!("flux/{}", artifact.path);
        assert_eq!(world.files().await.get(&key), Some(&(size as u64)), "{key}");
        for replica in [&leader, &follower] {
            // From the bucket, and from what was kept of it.
            for _ in 0..2 {
                let (status, body) = replica.get(&artifact.path, &[]).await;
                assert!(status == 200 && body == bytes, "{name}: {status}, {} bytes", body.len());
            }
            let tag = format!("\"{}\"", Digest::of(&bytes));
            assert_eq!(replica.get(&artifact.path, &[("if-none-match", &tag)]).await.0, 304);
            if size > 0 {
                let part = replica.get(&artifact.path, &[("range", "bytes=10-19")]).await;
                assert_eq!(part, (206, bytes[10..20].to_vec()));
            }
            let latest = format!("ocirepository/apps/{name}/latest.tar.gz");
            assert_eq!(replica.get(&latest, &[]).await, (200, bytes.clone()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_serve_nothing_but_artifacts() {
    let world = World::new().await;
    let (leader, follower) = (world.leader().await, world.replica());
    let path = leader.publish("app", "r1", b"one").await.path;
    let name = path.rsplit('/').next().unwrap();
    world.replace("secret", b"secret").await;
    world.replace("ocirepository/apps/app/notes.tar.gz", b"secret").await;
    // With a name and a content as they should be, but in places that are no object's.
    for place in
        ["ocirepository", "ocirepository/apps", "ocirepository/apps/app/deeper", "elsewhere/apps/app"]
    {
        world.replace(&format!("{place}/{name}"), b"one").await;
    }
    for path in [
        "",
        "secret",
        "flux/secret",
        "ocirepository/apps/app/",
        "ocirepository/apps/app/notes.tar.gz",
        "ocirepository/apps/app/../../../secret",
        "ocirepository/apps/none/latest.tar.gz",
        name,
        &format!("ocirepository/{name}"),
        &format!("ocirepository/apps/{name}"),
        &format!("ocirepository/apps/app/deeper/{name}"),
        &format!("elsewhere/apps/app/{name}"),
        &format!("ocirepository/apps/other/{name}"),
        &format!("ocirepository/apps/app/{}.tar.gz", Digest::of(b"r1")),
    ] {
        for replica in [&leader, &follower] {
            assert_eq!(replica.get(path, &[]).await.0, 404, "{path}");
        }
    }
    for replica in [&leader, &follower] {
        assert_eq!(replica.get("ocirepository/apps/app/latest.tar.gz", &[]).await, (200, b"one".to_vec()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_leader_finds_everything_again() {
    let world = World::new().await;
    let first = world.leader().await;
    let one = first.publish("one", "r1", b"first").await;
    let two = first.publish("two", "r1", &Seeded::new(1).bytes(100_000)).await;
    drop(first);
    let next = world.leader().await;
    for (name, artifact) in [("one", &one), ("two", &two)] {
        assert_eq!(next.bucket_look(name, artifact).await, Stored::Whole);
    }
    assert_eq!((next.storage().stats().files, next.storage().stats().bytes), (2, 100_005));
    // What a status says is compared, and a file of a volume's name is none of a bucket's.
    let longer = oci_crds::v1::Artifact { size: Some(6), ..one.clone() };
    let other = oci_crds::v1::Artifact { digest: two.digest.clone(), ..one.clone() };
    let plain = artifact(&crate::storage_volume::plain_path("one", "r1"), b"first");
    for promised in [longer, other, plain] {
        assert_eq!(next.bucket_look("one", &promised).await, Stored::Missing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_in_a_bucket_has_two_contents() {
    let world = World::new().await;
    let leader = world.leader().await;
    let mut paths = HashSet::new();
    for bytes in [&b"A"[..], b"B", b"A", b"C", b"B"] {
        let artifact = leader.publish("app", "same", bytes).await;
        let digest = Digest::of(bytes);
        assert!(artifact.path.ends_with(&format!("-{}.tar.gz", digest.hex())), "{}", artifact.path);
        paths.insert(artifact.path.clone());
        // Whoever has not heard of the new one asks for the last one by its other name.
        let latest = world.replica().get("ocirepository/apps/app/latest.tar.gz", &[]).await;
        assert_eq!(leader.get(&artifact.path, &[]).await, (200, bytes.to_vec()));
        assert_eq!(latest.0, 200);
    }
    assert_eq!(paths.len(), 3);
    assert_eq!(world.files().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_of_another_algorithm_names_files_as_well() {
    let world = World::new().await;
    let storage = StorageOptions { algorithm: Algorithm::Sha512, ..StorageOptions::default() };
    let replica = Replica::of(|root| BucketOptions { storage, ..world.options(root) }, keys());
    replica.lead().await;
    let mut hasher = oci_artifact::name::Hasher::new(Algorithm::Sha512);
    hasher.update(b"text");
    let digest = hasher.finish();
    let content = oci_source::store::Content { digest: digest.clone(), ..content("r1", b"text") };
    let mut draft = replica.bucket.draft().unwrap();
    std::io::Write::write_all(&mut draft, b"text").unwrap();
    let published = replica.bucket.publish(&owner("app"), draft, &content).await.unwrap();
    let mut artifact = artifact(&published.path, b"text");
    artifact.digest = digest.to_string();
    assert_eq!(replica.bucket_look("app", &artifact).await, Stored::Whole);
    assert_eq!(world.replica().get(&artifact.path, &[]).await, (200, b"text".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_never_served_and_its_owner_is_told() {
    let world = World::new().await;
    let leader = world.leader().await;
    let bytes = Seeded::new(2).bytes(200_000);
    let good = leader.publish("app", "r1", &bytes).await;
    let mut bad = bytes.clone();
    bad[100_000] ^= 1;
    for wrong in [bad, bytes[..100].to_vec(), Vec::new()] {
        world.replace(&good.path, &wrong).await;
        // One that leads and has it from before serves the right bytes; one that has to read it serves none.
        assert_eq!(leader.get(&good.path, &[]).await.0, 200);
        let follower = world.replica();
        assert_eq!(follower.get(&good.path, &[]).await, (503, b"the artifact cannot be read\n".to_vec()));
        assert_eq!(follower.get(&good.path, &[("range", "bytes=0-1")]).await.0, 503);
        assert_eq!(follower.storage().stats().damaged, 2);
        assert!(world.files().await.contains_key(&format!("flux/{}", good.path)), "only a leader removes");
    }
    drop(leader);
    let next = world.leader().await;
    assert_eq!(next.get(&good.path, &[]).await.0, 503);
    let lost = tokio::time::timeout(LONG, next.storage().lost()).await.unwrap();
    assert_eq!(lost, [owner("app")]);
    assert_eq!(next.bucket_look("app", &good).await, Stored::Missing);
    assert!(world.files().await.is_empty());
    let again = next.publish("app", "r1", &bytes).await;
    assert_eq!(again.path, good.path);
    assert!(world.replica().get(&good.path, &[]).await == (200, bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_somebody_removed_are_missed() {
    let world = World::new().await;
    let soon = |root: &std::path::Path| BucketOptions {
        list_every: Duration::from_millis(50),
        ..world.options(root)
    };
    let leader = Replica::of(soon, keys());
    leader.lead().await;
    let (_lead, leading) = watch::channel(true);
    let keeping = tokio::spawn(leader.storage().keep(leading));
    let gone = leader.publish("gone", "r1", b"gone").await;
    let short = leader.publish("short", "r1", b"short").await;
    let kept = leader.publish("kept", "r1", b"kept").await;
    world.remove(&gone.path).await;
    world.replace(&short.path, b"s").await;
    let mut lost = HashSet::new();
    while lost.len() < 2 {
        lost.extend(tokio::time::timeout(LONG, leader.storage().lost()).await.unwrap());
    }
    assert_eq!(lost, HashSet::from([owner("gone"), owner("short")]));
    assert_eq!(leader.bucket_look("gone", &gone).await, Stored::Missing);
    assert_eq!(leader.bucket_look("short", &short).await, Stored::Missing);
    assert_eq!(leader.bucket_look("kept", &kept).await, Stored::Whole);
    assert_eq!(leader.get(&gone.path, &[]).await.0, 404, "not from the cache either");
    keeping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_asks_whether_a_file_is_there_still() {
    let world = World::new().await;
    let leader = world.leader().await;
    let artifact = leader.publish("app", "r1", b"text").await;
    let asking = |root: &std::path::Path| BucketOptions { fresh: Duration::ZERO, ..world.options(root) };
    let (asking, trusting) = (Replica::of(asking, keys()), world.replica());
    for replica in [&asking, &trusting] {
        for _ in 0..2 {
            assert_eq!(replica.get(&artifact.path, &[]).await, (200, b"text".to_vec()));
        }
    }
    world.remove(&artifact.path).await;
    assert_eq!(asking.get(&artifact.path, &[]).await.0, 404);
    assert_eq!(trusting.get(&artifact.path, &[]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn superseded_files_go_and_only_while_the_process_leads() {
    let world = World::new().await;
    let retention = Policy { ttl: Duration::from_millis(1), records: 1 };
    let storage = StorageOptions { retention, ..StorageOptions::default() };
    let leader = Replica::of(|root| BucketOptions { storage, ..world.options(root) }, keys());
    leader.lead().await;
    let (_lead, leading) = watch::channel(true);
    let keeping = tokio::spawn(leader.storage().keep(leading));
    let mut newest = String::new();
    for bytes in [&b"one"[..], b"two", b"three"] {
        let artifact = leader.publish("app", "r1", bytes).await;
        leader.storage().named(&owner("app"), &artifact.path);
        newest = format!("flux/{}", artifact.path);
    }
    let gone = async { while world.files().await.len() > 1 {} };
    tokio::time::timeout(LONG, gone).await.unwrap();
    assert!(world.files().await.contains_key(&newest));
    assert_eq!(leader.storage().stats().swept, 2);

    // Another one leads now, and nobody has told this one's tasks yet.
    leader.leads.store(false, Ordering::Relaxed);
    let next = world.leader().await;
    let artifact = next.publish("app", "r1", b"four").await;
    assert!(leader.storage().forget(&owner("app")).await.is_err());
    assert!(leader.try_publish("app", "r2", b"five").await.is_err());
    assert_eq!(world.files().await.len(), 2);
    assert_eq!(next.get(&artifact.path, &[]).await.0, 200);
    keeping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_a_bucket_is_of_one_installation() {
    let world = World::new().await;
    let first = world.leader().await;
    first.bucket.claim("one").await.unwrap();
    drop(first);
    let next = world.leader().await;
    next.bucket.claim("one").await.unwrap();
    let refused = next.bucket.claim("two").await.unwrap_err().to_string();
    let file = format!("s3://{}/flux/owner", world.name);
    for part in [&file, "of one, and this is two", "--storage-bucket", "remove that file"] {
        assert!(refused.contains(part), "{refused}");
    }
    // Whoever does not lead any more takes nothing.
    world.remove("owner").await;
    next.leads.store(false, Ordering::Relaxed);
    let waiting = tokio::time::timeout(Duration::from_millis(300), next.bucket.claim("one"));
    assert!(waiting.await.is_err());
    assert!(world.files().await.is_empty());
    next.leads.store(true, Ordering::Relaxed);
    next.bucket.claim("two").await.unwrap();
    // What a file says is shown in one line.
    world.replace("owner", b"so\nme\x1b[31mbody\xff\n").await;
    let refused = next.bucket.claim("two").await.unwrap_err();
    assert_eq!(refused.found, "so me [31mbody\u{fffd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_objects_that_are_gone_go() {
    let world = World::new().await;
    let leader = world.leader().await;
    let live = leader.publish("live", "r1", b"live").await;
    let gone = leader.publish("gone", "r1", b"gone").await;
    let deleted = leader.publish("deleted", "r1", b"deleted").await;
    world.replace("ocirepository/notes", b"of somebody else").await;
    leader.storage().forget(&owner("deleted")).await.unwrap();
    assert_eq!(leader.get(&deleted.path, &[]).await.0, 404);
    drop(leader);
    let next = world.leader().await;
    let strangers = next.storage().strangers(&HashSet::from([owner("live")])).await.unwrap();
    assert_eq!(strangers, [owner("gone")]);
    next.storage().forget(&owner("gone")).await.unwrap();
    assert_eq!(next.get(&live.path, &[]).await.0, 200);
    assert_eq!(next.get(&gone.path, &[]).await.0, 404);
    let left: Vec<_> = world.files().await.into_keys().collect();
    assert_eq!(left, [format!("flux/{}", live.path), "flux/ocirepository/notes".to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_keeps_no_more_than_it_may_and_refuses_what_cannot_fit() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let bounded = |_: &std::path::Path| BucketOptions { cache_size: 250_000, ..world.options(folder.path()) };
    let leader = Replica::of(bounded, keys());
    leader.lead().await;
    let bytes = Seeded::new(3).bytes(100_000);
    let mut artifacts = Vec::new();
    for name in ["a", "b", "c", "d"] {
        artifacts.push(leader.publish(name, "r1", &bytes).await);
    }
    for artifact in artifacts.iter().chain(&artifacts) {
        assert!(leader.get(&artifact.path, &[]).await == (200, bytes.clone()));
        assert!(list(&folder.path().join(".bucket")).len() <= 2);
    }
    let error = leader.try_publish("large", "r1", &Seeded::new(4).bytes(250_001)).await.unwrap_err();
    assert!(error.to_string().contains("do not fit into --storage-cache-size"), "{error}");
    assert!(list(&folder.path().join(".drafts")).is_empty());
}

impl Replica {
    async fn bucket_look(&self, name: &str, artifact: &oci_crds::v1::Artifact) -> Stored {
        self.storage().look(&owner(name), artifact).await
    }
}
