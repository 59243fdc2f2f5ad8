//! Newer trust roots: the chain holds whole or not at all, and what was seen is never unseen.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use oci_artifact::name::Digest;
use oci_testkit::sigstore::{Instance, Kind, NOW, Owner, tuf::Tuf};
use oci_verify::{
    TrustRoot, TrustRootError,
    tuf::{Mirror, MirrorFuture, PUBLIC_ANCHOR, SAVED_BYTES, TufError, Updated, Updates},
};

use crate::desk::sigstore;

/// Files, or why there are none.
#[derive(Default)]
struct Shelf {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    away: Mutex<bool>,
}

impl Mirror for Shelf {
    fn fetch<'a>(&'a self, path: &'a str, _: u64) -> MirrorFuture<'a> {
        self.asked.lock().unwrap().push(path.to_owned());
        let found = self.files.lock().unwrap().get(path).cloned();
        let away = *self.away.lock().unwrap();
        Box::pin(async move { if away { Err("nobody is there".to_owned()) } else { Ok(found) } })
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

fn root() -> String {
    sigstore().trusted_root().to_string()
}

/// A repository, a mirror of it, and who asks it.
struct Desk {
    tuf: Tuf,
    shelf: Arc<Shelf>,
    updates: Updates,
}

impl Desk {
    fn new() -> Self {
        let tuf = Tuf::new();
        let updates = Updates::new(&tuf.anchor()).unwrap();
        let desk = Self { tuf, shelf: Arc::default(), updates };
        desk.publish(&root());
        desk
    }

    fn publish(&self, root: &str) {
        *self.shelf.files.lock().unwrap() = self.tuf.files(root);
    }

    fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.shelf.files.lock().unwrap().get_mut(path).unwrap());
    }

    async fn refresh(&mut self) -> Result<Updated, TufError> {
        self.refresh_at(0).await
    }

    async fn refresh_at(&mut self, seconds: i64) -> Result<Updated, TufError> {
        let mirror: Arc<dyn Mirror> = self.shelf.clone();
        self.updates.refresh(mirror, at(seconds)).await
    }

    async fn refused(&mut self) -> TufError {
        let before = self.updates.saved();
        let error = self.refresh().await.unwrap_err();
        assert_eq!(self.updates.saved(), before, "what is known stays");
        error
    }
}

fn digest(root: &str) -> Digest {
    Digest::of(root.as_bytes())
}

#[tokio::test]
async fn chain_leads_to_the_root_and_costs_two_requests_while_nothing_is_new() {
    let mut desk = Desk::new();
    let updated = desk.refresh().await.unwrap();
    assert_eq!((updated.root.digest(), updated.at), (&digest(&root()), at(0)));
    let path = format!("targets/{}.trusted_root.json", digest(&root()).hex());
    let all = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", &path];
    assert_eq!(std::mem::take(&mut *desk.shelf.asked.lock().unwrap()), all);
    assert_eq!(desk.refresh_at(60).await.unwrap().at, at(60));
    assert_eq!(*desk.shelf.asked.lock().unwrap(), ["2.root.json", "timestamp.json"]);
    let saved = String::from_utf8(desk.updates.saved().unwrap()).unwrap();
    assert!(!saved.contains(r#""1.snapshot.json":"#), "each file is kept once");
}

#[tokio::test]
async fn newer_root_is_taken_and_an_older_one_never_again() {
    let mut desk = Desk::new();
    let old = desk.shelf.files.lock().unwrap().clone();
    desk.tuf.version = 2;
    let newer = Instance::new().trusted_root().to_string();
    desk.publish(&newer);
    assert_eq!(desk.refresh().await.unwrap().root.digest(), &digest(&newer));
    *desk.shelf.files.lock().unwrap() = old;
    let rolled_back = TufError::RolledBack { role: "timestamp".to_owned(), offered: 1, known: 2 };
    assert_eq!(desk.refused().await, rolled_back);
    // A restart remembers, even when all of it has long expired.
    let saved = desk.updates.saved().unwrap();
    let mut updates = Updates::new(&desk.tuf.anchor()).unwrap();
    let remembered = updates.remember(&saved).await.unwrap();
    assert_eq!(updates.saved(), Some(saved));
    assert_eq!((remembered.root.digest(), remembered.at), (&digest(&newer), at(0)));
    let mirror: Arc<dyn Mirror> = desk.shelf.clone();
    assert_eq!(updates.refresh(mirror, at(60)).await.unwrap_err(), rolled_back);
}

#[tokio::test]
async fn chain_that_breaks_half_way_leaves_nothing_behind() {
    let mut desk = Desk::new();
    desk.refresh().await.unwrap();
    desk.tuf.version = 2;
    desk.publish(&root());
    desk.shelf.files.lock().unwrap().remove("2.targets.json");
    assert!(matches!(desk.refused().await, TufError::Fetch(_)));
}

#[tokio::test]
async fn anchors_and_memories_are_bounded() {
    let anchor = Updates::new(&vec![b' '; (256 << 10) + 1]);
    assert!(matches!(anchor, Err(TufError::Malformed(why)) if why.contains("larger than 262144 bytes")));
    let mut desk = Desk::new();
    let saved = desk.updates.remember(&vec![b' '; SAVED_BYTES + 1]).await;
    assert!(matches!(saved, Err(TufError::Saved(why)) if why.contains("larger than 4194304 bytes")));
}

#[tokio::test]
async fn expired_files_are_refused() {
    let mut desk = Desk::new();
    desk.tuf.expires = NOW - 1;
    desk.publish(&root());
    let expired = TufError::Expired { role: "timestamp".to_owned(), at: at(-1) };
    assert_eq!(desk.refused().await, expired);
    // The anchor itself, which leads nowhere newer.
    let mut desk = Desk::new();
    let error = desk.refresh_at(8 * 86_400).await.unwrap_err();
    assert_eq!(error, TufError::Expired { role: "root".to_owned(), at: at(7 * 86_400) });
    // A mirror that shows the same files for ever is found out.
    let mut desk = Desk::new();
    desk.refresh().await.unwrap();
    assert!(matches!(desk.refresh_at(8 * 86_400).await, Err(TufError::Expired { .. })));
}

#[tokio::test]
async fn files_of_other_keys_are_refused() {
    for role in ["timestamp", "snapshot", "targets"] {
        let mut desk = Desk::new();
        let thief = Owner::new(Kind::Ed25519);
        match role {
            "timestamp" => desk.tuf.timestamp = thief,
            "snapshot" => desk.tuf.snapshot = thief,
            _ => desk.tuf.targets = thief,
        }
        desk.publish(&root());
        assert_eq!(
            desk.refused().await,
            TufError::Signatures { role: role.to_owned(), found: 0, threshold: 1 }
        );
    }
    // A new root that the old one does not know.
    let mut desk = Desk::new();
    desk.tuf.root = Owner::new(Kind::Ed25519);
    desk.tuf.rotate(&[]);
    desk.publish(&root());
    assert!(matches!(desk.refused().await, TufError::Signatures { role, .. } if role == "root"));
}

#[tokio::test]
async fn new_keys_are_followed_and_never_forgotten() {
    let mut desk = Desk::new();
    desk.refresh().await.unwrap();
    let stolen = desk.shelf.files.lock().unwrap().clone();
    let before = std::mem::replace(&mut desk.tuf.root, Owner::new(Kind::Ed25519));
    let stolen_key = std::mem::replace(&mut desk.tuf.timestamp, Owner::new(Kind::Ed25519));
    desk.tuf.rotate(&[&before]);
    // The new keys are shown once, in front of a chain that does not hold.
    desk.publish(&root());
    desk.shelf.files.lock().unwrap().remove("timestamp.json");
    assert!(matches!(desk.refresh().await, Err(TufError::Fetch(_))));
    // Whoever has the old key hides them, in vain.
    drop(stolen_key);
    *desk.shelf.files.lock().unwrap() = stolen;
    let error = desk.refresh().await.unwrap_err();
    assert!(matches!(&error, TufError::Signatures { role, .. } if role == "timestamp"), "{error}");
    desk.publish(&root());
    desk.refresh().await.unwrap();
}

#[tokio::test]
async fn broken_missing_and_endless_files_are_refused() {
    let paths = ["timestamp.json", "1.snapshot.json", "1.targets.json"];
    let target = format!("targets/{}.trusted_root.json", digest(&root()).hex());
    for path in paths.into_iter().chain([target.as_str()]) {
        let mut desk = Desk::new();
        desk.shelf.files.lock().unwrap().remove(path);
        assert!(matches!(desk.refused().await, TufError::Fetch(_)), "{path}");
        let mut desk = Desk::new();
        desk.change(path, |bytes| bytes.truncate(20));
        let error = desk.refused().await;
        assert!(matches!(error, TufError::Malformed(_) | TufError::Mismatch(_)), "{path}: {error}");
        let mut desk = Desk::new();
        desk.change(path, |bytes| bytes.resize(2 << 20, b' '));
        assert!(matches!(desk.refused().await, TufError::Fetch(_)), "{path}");
    }
    let mut desk = Desk::new();
    let before = std::mem::replace(&mut desk.tuf.root, Owner::new(Kind::Ed25519));
    desk.tuf.rotate(&[&before]);
    desk.publish(&root());
    desk.change("2.root.json", |bytes| bytes.resize(300 << 10, b' '));
    assert!(matches!(desk.refused().await, TufError::Fetch(_)));
    let mut desk = Desk::new();
    desk.change(&target, |bytes| bytes[40] ^= 1);
    assert!(matches!(desk.refused().await, TufError::Mismatch(_)));
    let mut desk = Desk::new();
    *desk.shelf.away.lock().unwrap() = true;
    assert_eq!(desk.refused().await, TufError::Fetch("nobody is there".to_owned()));
}

#[tokio::test]
async fn root_that_is_signed_and_of_no_use_is_refused() {
    let mut desk = Desk::new();
    let mut empty = sigstore().trusted_root();
    empty["certificateAuthorities"] = serde_json::json!([]);
    desk.publish(&empty.to_string());
    assert_eq!(desk.refused().await, TufError::TrustRoot(TrustRootError::NoAuthority));
}

#[tokio::test]
async fn damaged_memory_is_refused() {
    let mut desk = Desk::new();
    assert_eq!(desk.updates.saved(), None);
    desk.refresh().await.unwrap();
    let saved = String::from_utf8(desk.updates.saved().unwrap()).unwrap();
    let anchor = desk.tuf.anchor();
    let mut told = Vec::new();
    for damaged in [
        String::new(),
        saved[..saved.len() / 2].to_owned(),
        saved.replace(&digest(&root()).hex()[..16], "0000000000000000"),
        saved.replacen(&format!("\"at\":{NOW}"), &format!("\"at\":{}", i64::MAX), 1),
        saved.replacen(&format!("\"at\":{NOW}"), &format!("\"at\":{}", NOW + 8 * 86_400), 1),
        " ".repeat((4 << 20) + 1),
    ] {
        assert_ne!(damaged, saved);
        let mut updates = Updates::new(&anchor).unwrap();
        told.push(updates.remember(damaged.as_bytes()).await.unwrap_err());
        assert_eq!(updates.saved(), None, "nothing of it is used");
    }
    assert!(matches!(told[4], TufError::Expired { .. }), "{told:?}");
    // Somebody else's memory.
    let mut updates = Updates::new(&Tuf::new().anchor()).unwrap();
    assert!(matches!(updates.remember(saved.as_bytes()).await, Err(TufError::Signatures { .. })));
}

#[test]
fn anchor_must_sign_itself() {
    Updates::new(PUBLIC_ANCHOR).unwrap();
    let mut anchor = Tuf::new().anchor();
    assert!(matches!(Updates::new(b"{}"), Err(TufError::Malformed(_))));
    assert!(matches!(Updates::new(&vec![b' '; 257 << 10]), Err(TufError::Malformed(_))));
    let place = anchor.windows(9).position(|window| window == b"\"expires\"").unwrap();
    anchor[place + 12] = b'3';
    assert!(matches!(Updates::new(&anchor), Err(TufError::Signatures { .. })));
}

#[test]
fn date_of_the_built_in_root_is_that_of_its_bytes() {
    // Another root needs another date: see `targets/trusted_root.json` of sigstore/root-signing.
    assert_eq!(TrustRoot::PUBLIC_DATE.to_string(), "2026-08-21");
    assert_eq!(TrustRoot::public().unwrap().digest().hex().get(..8), Some("6494e21e"));
}
