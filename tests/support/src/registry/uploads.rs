//! `/v2/NAME/blobs/uploads/…`: single POST, POST and PUT, chunks by PATCH, mount from another repository.

use std::io;

use hyper::{Method, http::request::Parts};
use oci_artifact::name::{Algorithm, Digest};

use super::{
    answer::{self, Reply, With as _},
    inbound::Inbound,
    route::query_value,
    service::Shared,
    store::Draft,
};

pub(super) async fn handle(
    shared: &Shared,
    parts: &Parts,
    body: &mut Inbound,
    name: &str,
    id: &str,
) -> io::Result<Reply> {
    if id.is_empty() {
        return match parts.method {
            Method::POST => open(shared, parts, body, name).await,
            _ => Ok(answer::error(405, "UNSUPPORTED", "method not allowed")),
        };
    }
    let Some(mut draft) = shared.store.lock().unwrap().uploads.remove(id) else {
        return Ok(unknown());
    };
    match parts.method {
        Method::GET => {
            let reply = progress(204, name, id, &draft);
            keep(shared, id, draft);
            Ok(reply)
        }
        Method::DELETE => Ok(answer::empty(204)),
        Method::PATCH => {
            let offset = parts.headers.get("content-range").and_then(|value| value.to_str().ok());
            let start = offset.and_then(|range| range.split('-').next()?.parse::<u64>().ok());
            let fits = offset.is_none() || start == Some(draft.length());
            let code = if fits { 202 } else { 416 };
            let received = if fits { receive(&mut draft, body).await } else { body.drain().await };
            let reply = progress(code, name, id, &draft);
            keep(shared, id, draft);
            received.map(|()| reply)
        }
        Method::PUT => {
            receive(&mut draft, body).await?;
            commit(shared, parts, name, draft)
        }
        _ => Ok(answer::error(405, "UNSUPPORTED", "method not allowed")),
    }
}

fn unknown() -> Reply {
    answer::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

async fn open(shared: &Shared, parts: &Parts, body: &mut Inbound, name: &str) -> io::Result<Reply> {
    let query = parts.uri.query();
    if let (Some(digest), Some(from)) = (query_value(query, "mount"), query_value(query, "from"))
        && let Ok(digest) = Digest::parse(&digest)
        && shared.options.mounts
    {
        let mut store = shared.store.lock().unwrap();
        if let Some(content) = store.blob(&from, &digest) {
            store.repository(name).blobs.insert(digest.clone(), content);
            return Ok(answer::created(&format!("/v2/{name}/blobs/{digest}"), &digest));
        }
    }
    if query_value(query, "digest").is_some() && shared.options.single_post {
        let mut draft = Draft::new();
        receive(&mut draft, body).await?;
        return commit(shared, parts, name, draft);
    }
    let id = shared.store.lock().unwrap().open_upload();
    Ok(progress(202, name, &id, &Draft::new()))
}

async fn receive(draft: &mut Draft, body: &mut Inbound) -> io::Result<()> {
    while let Some(bytes) = body.next().await? {
        draft.write(&bytes)?;
    }
    Ok(())
}

fn keep(shared: &Shared, id: &str, draft: Draft) {
    shared.store.lock().unwrap().uploads.insert(id.to_owned(), draft);
}

fn progress(code: u16, name: &str, id: &str, draft: &Draft) -> Reply {
    answer::empty(code)
        .with("location", &format!("/v2/{name}/blobs/uploads/{id}"))
        .with("range", &format!("0-{}", draft.length().saturating_sub(1)))
        .with("docker-upload-uuid", id)
}

fn commit(shared: &Shared, parts: &Parts, name: &str, draft: Draft) -> io::Result<Reply> {
    let named = query_value(parts.uri.query(), "digest").and_then(|text| Digest::parse(&text).ok());
    let algorithm = named.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let (content, digest) = draft.finish(algorithm)?;
    if named.as_ref() != Some(&digest) {
        return Ok(answer::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content"));
    }
    shared.store.lock().unwrap().repository(name).blobs.insert(digest.clone(), content);
    Ok(answer::created(&format!("/v2/{name}/blobs/{digest}"), &digest))
}
