//! A repository of The Update Framework that leads to a `trusted_root.json`, and a mirror that serves it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{Kind, NOW, Owner, rfc3339, sha256};
use crate::scripted::{Reply, Scripted};

/// The owners of a repository's keys, one for each kind of file.
pub struct Tuf {
    /// Signs `root.json`.
    pub root: Owner,
    /// Signs `timestamp.json`.
    pub timestamp: Owner,
    /// Signs `snapshot.json`.
    pub snapshot: Owner,
    /// Signs `targets.json`.
    pub targets: Owner,
    /// The version of everything but `root.json`.
    pub version: u64,
    /// When everything expires, in seconds since 1970.
    pub expires: i64,
    /// All versions of `root.json`.
    roots: Vec<Vec<u8>>,
}

impl Default for Tuf {
    fn default() -> Self {
        Self::new()
    }
}

impl Tuf {
    /// Keys, the first `root.json`, version 1, and a week of life after [`NOW`].
    pub fn new() -> Self {
        let owner = || Owner::new(Kind::Ed25519);
        let (root, timestamp, snapshot, targets) = (owner(), owner(), owner(), owner());
        let expires = NOW + 7 * 86_400;
        let mut made = Self { root, timestamp, snapshot, targets, version: 1, expires, roots: Vec::new() };
        made.rotate(&[]);
        made
    }

    /// The first `root.json`.
    pub fn anchor(&self) -> Vec<u8> {
        self.roots[0].clone()
    }

    /// One more `root.json`, with the keys of this moment, signed by these too.
    pub fn rotate(&mut self, before: &[&Owner]) {
        let all = [
            ("root", &self.root),
            ("timestamp", &self.timestamp),
            ("snapshot", &self.snapshot),
            ("targets", &self.targets),
        ];
        let keys: BTreeMap<_, _> = all.iter().map(|(_, owner)| (id(owner), key(owner))).collect();
        let roles: BTreeMap<_, _> = all
            .iter()
            .map(|(role, owner)| (*role, json!({ "keyids": [id(owner)], "threshold": 1 })))
            .collect();
        let version = self.roots.len() + 1;
        let parts = json!({ "consistent_snapshot": true, "keys": keys, "roles": roles });
        let mut signers = vec![&self.root];
        signers.extend(before);
        let root = signed("root", version as u64, self.expires, parts, &signers);
        self.roots.push(root);
    }

    /// All files, by their paths.
    pub fn files(&self, trusted_root: &str) -> BTreeMap<String, Vec<u8>> {
        let (version, expires) = (self.version, self.expires);
        let digest = hex::encode(sha256(trusted_root.as_bytes()));
        let target = json!({ "length": trusted_root.len(), "hashes": { "sha256": digest } });
        let parts = json!({ "targets": { "trusted_root.json": target } });
        let targets = signed("targets", version, expires, parts, &[&self.targets]);
        let parts = json!({ "meta": { "targets.json": { "version": version } } });
        let snapshot = signed("snapshot", version, expires, parts, &[&self.snapshot]);
        let parts = json!({ "meta": { "snapshot.json": { "version": version } } });
        let timestamp = signed("timestamp", version, expires, parts, &[&self.timestamp]);
        let mut files = BTreeMap::from([
            ("timestamp.json".to_owned(), timestamp),
            (format!("{version}.snapshot.json"), snapshot),
            (format!("{version}.targets.json"), targets),
            (format!("targets/{digest}.trusted_root.json"), trusted_root.as_bytes().to_vec()),
        ]);
        for (index, root) in self.roots.iter().enumerate() {
            files.insert(format!("{}.root.json", index + 1), root.clone());
        }
        files
    }
}

/// The raw public key, which is at the end of the other form.
fn raw(owner: &Owner) -> &[u8] {
    &owner.spki[owner.spki.len() - 32..]
}

fn id(owner: &Owner) -> String {
    hex::encode(sha256(raw(owner)))
}

fn key(owner: &Owner) -> Value {
    json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": hex::encode(raw(owner)) } })
}

fn signed(kind: &str, version: u64, expires: i64, mut parts: Value, signers: &[&Owner]) -> Vec<u8> {
    parts["_type"] = json!(kind);
    parts["spec_version"] = json!("1.0.31");
    parts["version"] = json!(version);
    parts["expires"] = json!(rfc3339(expires));
    let message = canonical(&parts);
    let sign =
        |owner: &&Owner| json!({ "keyid": id(owner), "sig": hex::encode(owner.sign(message.as_bytes())) });
    let signatures: Vec<Value> = signers.iter().map(sign).collect();
    json!({ "signed": parts, "signatures": signatures }).to_string().into_bytes()
}

/// The form that is signed: sorted names, no space. Nothing that we write needs escapes.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let all: Vec<_> =
                sorted.iter().map(|(name, value)| format!("\"{name}\":{}", canonical(value))).collect();
            format!("{{{}}}", all.join(","))
        }
        Value::Array(all) => format!("[{}]", all.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// A server of files, each of which may misbehave.
pub struct Mirror {
    files: Arc<Mutex<BTreeMap<String, Reply>>>,
    server: Scripted,
}

impl Mirror {
    /// On a free port of the loopback interface.
    pub fn start(files: BTreeMap<String, Vec<u8>>) -> Self {
        let shared: Arc<Mutex<BTreeMap<String, Reply>>> = Arc::default();
        let files_of = Arc::clone(&shared);
        let server = Scripted::start(move |asked| {
            let path = asked.path.trim_start_matches("/tuf/");
            files_of.lock().unwrap().get(path).cloned().unwrap_or_else(|| Reply::text(404, "not here"))
        });
        let mirror = Self { files: shared, server };
        mirror.serve(files);
        mirror
    }

    /// Serves these files and no others.
    pub fn serve(&self, files: BTreeMap<String, Vec<u8>>) {
        let reply = |body| Reply::Answer { status: 200, headers: Vec::new(), body };
        *self.files.lock().unwrap() = files.into_iter().map(|(path, body)| (path, reply(body))).collect();
    }

    /// Answers something else in place of one file.
    pub fn answer(&self, path: &str, reply: Reply) {
        self.files.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/tuf", self.server.address())
    }

    /// The paths that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.server.asked().iter().map(|asked| asked.path.trim_start_matches("/tuf/").to_owned()).collect()
    }
}
