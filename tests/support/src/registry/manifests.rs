//! `/v2/NAME/manifests/…`.

use std::io;

use bytes::Bytes;
use hyper::{Method, http::request::Parts};
use oci_artifact::name::Digest;
use serde_json::Value;

use super::{
    answer::{self, Reply, With as _},
    inbound::Inbound,
    payload::Payload,
    service::Shared,
    store::{Content, Repository, Stored},
};

pub(super) async fn handle(
    shared: &Shared,
    parts: &Parts,
    body: &mut Inbound,
    name: &str,
    target: &str,
) -> io::Result<Reply> {
    match parts.method {
        Method::GET | Method::HEAD => Ok(get(shared, name, target)),
        Method::PUT => {
            let Some(bytes) = body.document().await? else {
                return Ok(answer::error(413, "SIZE_INVALID", "the manifest is larger than 4 MiB"));
            };
            let media_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
            Ok(put(shared, name, target, media_type.unwrap_or_default(), bytes))
        }
        Method::DELETE => Ok(delete(shared, name, target)),
        _ => Ok(answer::error(405, "UNSUPPORTED", "method not allowed")),
    }
}

fn unknown() -> Reply {
    answer::error(404, "MANIFEST_UNKNOWN", "manifest unknown")
}

fn get(shared: &Shared, name: &str, target: &str) -> Reply {
    let store = shared.store.lock().unwrap();
    let Some(repository) = store.repositories.get(name) else {
        return answer::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let found =
        repository.resolve(target).and_then(|digest| Some((repository.manifests.get(&digest)?, digest)));
    let Some((stored, digest)) = found else {
        return unknown();
    };
    answer::respond(200, Payload::new(Content::Memory(stored.bytes.clone())))
        .with("content-type", &stored.media_type)
        .with("docker-content-digest", &digest.to_string())
        .with("etag", &format!("\"{digest}\""))
}

fn put(shared: &Shared, name: &str, target: &str, media_type: &str, bytes: Bytes) -> Reply {
    let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
        return answer::error(400, "MANIFEST_INVALID", "the manifest is no JSON");
    };
    let digest = match Digest::parse(target) {
        Ok(named) => named,
        Err(_) => Digest::of(&bytes),
    };
    let mut hasher = oci_artifact::name::Hasher::new(digest.algorithm());
    hasher.update(&bytes);
    if hasher.finish() != digest {
        return answer::error(400, "DIGEST_INVALID", "the manifest has another digest");
    }
    let mut store = shared.store.lock().unwrap();
    let repository = store.repository(name);
    if let Some(missing) = missing(repository, &document) {
        return answer::error(400, "MANIFEST_BLOB_UNKNOWN", &format!("blob unknown to registry: {missing}"));
    }
    let subject = subject(&document);
    insert(
        repository,
        target,
        &digest,
        Stored { media_type: media_type.to_owned(), bytes, subject: subject.clone() },
    );
    let reply = answer::created(&format!("/v2/{name}/manifests/{digest}"), &digest);
    match subject {
        Some(subject) if shared.has_referrers() => reply.with("oci-subject", &subject.to_string()),
        _ => reply,
    }
}

/// Stores without any check; a target that is no digest becomes a tag.
pub(super) fn insert(repository: &mut Repository, target: &str, digest: &Digest, stored: Stored) {
    repository.manifests.insert(digest.clone(), stored);
    if Digest::parse(target).is_err() {
        repository.tags.insert(target.to_owned(), digest.clone());
    }
}

/// The digest of `subject`, if the manifest has one.
pub(super) fn subject(document: &Value) -> Option<Digest> {
    Digest::parse(document.get("subject")?.get("digest")?.as_str()?).ok()
}

/// The first config, layer or child that is not in the repository.
fn missing(repository: &Repository, document: &Value) -> Option<String> {
    let list = |key: &str| document.get(key).and_then(Value::as_array).into_iter().flatten();
    let blobs = document.get("config").into_iter().chain(list("layers"));
    for descriptor in blobs.filter(|descriptor| descriptor.get("urls").is_none()) {
        let text = descriptor.get("digest").and_then(Value::as_str).unwrap_or_default();
        if !Digest::parse(text).is_ok_and(|digest| repository.blobs.contains_key(&digest)) {
            return Some(text.to_owned());
        }
    }
    for descriptor in list("manifests") {
        let text = descriptor.get("digest").and_then(Value::as_str).unwrap_or_default();
        if !Digest::parse(text).is_ok_and(|digest| repository.manifests.contains_key(&digest)) {
            return Some(text.to_owned());
        }
    }
    None
}

fn delete(shared: &Shared, name: &str, target: &str) -> Reply {
    if !shared.options.deletes {
        return answer::error(405, "UNSUPPORTED", "the operation is unsupported");
    }
    let mut store = shared.store.lock().unwrap();
    let repository = store.repository(name);
    let Some(digest) = repository.resolve(target) else {
        return unknown();
    };
    if Digest::parse(target).is_ok() {
        repository.manifests.remove(&digest);
        repository.tags.retain(|_, tagged| *tagged != digest);
    } else {
        repository.tags.remove(target);
    }
    answer::empty(202)
}
