//! `/v2/NAME/tags/list` and `/v2/NAME/referrers/DIGEST`.

use hyper::http::request::Parts;
use oci_artifact::name::Digest;
use serde_json::{Value, json};

use super::{
    answer::{self, Reply, With as _},
    route::query_value,
    service::Shared,
    store::Stored,
};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Tags in lexical order; a page ends with a relative `Link` to the next.
pub(super) fn tags(shared: &Shared, parts: &Parts, name: &str) -> Reply {
    let query = parts.uri.query();
    let asked = query_value(query, "n").and_then(|n| n.parse::<usize>().ok());
    let size = match (asked, shared.options.page_size) {
        (Some(asked), Some(most)) => Some(asked.min(most)),
        (asked, most) => asked.or(most),
    };
    let last = query_value(query, "last").unwrap_or_default();
    let store = shared.store.lock().unwrap();
    let Some(repository) = store.repositories.get(name) else {
        return answer::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let mut rest = repository.tags.keys().filter(|tag| last.is_empty() || **tag > last);
    let page: Vec<&String> = rest.by_ref().take(size.unwrap_or(usize::MAX)).collect();
    let more = rest.next().is_some();
    let reply = answer::json(200, &json!({ "name": name, "tags": page }));
    match (more, page.last(), size) {
        (true, Some(last), Some(size)) => {
            reply.with("link", &format!("</v2/{name}/tags/list?last={last}&n={size}>; rel=\"next\""))
        }
        _ => reply,
    }
}

/// The manifests of the repository whose subject is `digest`.
pub(super) fn referrers(shared: &Shared, parts: &Parts, name: &str, digest: &str) -> Reply {
    if !shared.has_referrers() {
        return answer::error(404, "NOT_FOUND", "page not found");
    }
    let Ok(digest) = Digest::parse(digest) else {
        return answer::error(400, "DIGEST_INVALID", "no digest");
    };
    let wanted = query_value(parts.uri.query(), "artifactType");
    let store = shared.store.lock().unwrap();
    let manifests: Vec<Value> = store
        .repositories
        .get(name)
        .into_iter()
        .flat_map(|repository| &repository.manifests)
        .filter(|(_, stored)| stored.subject.as_ref() == Some(&digest))
        .map(|(digest, stored)| describe(digest, stored))
        .filter(|descriptor| {
            wanted.as_deref().is_none_or(|wanted| descriptor["artifactType"].as_str() == Some(wanted))
        })
        .collect();
    let reply = answer::json(200, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }))
        .with("content-type", INDEX);
    if wanted.is_some() { reply.with("oci-filters-applied", "artifactType") } else { reply }
}

fn describe(digest: &Digest, stored: &Stored) -> Value {
    let document: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
    let mut descriptor = json!({
        "mediaType": stored.media_type,
        "digest": digest.to_string(),
        "size": stored.bytes.len(),
    });
    let config_type = document.get("config").and_then(|config| config.get("mediaType"));
    let artifact_type = document.get("artifactType").or(config_type);
    if let Some(artifact_type) = artifact_type {
        descriptor["artifactType"] = artifact_type.clone();
    }
    if let Some(annotations) = document.get("annotations") {
        descriptor["annotations"] = annotations.clone();
    }
    descriptor
}
