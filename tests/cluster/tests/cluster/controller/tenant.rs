//! A namespace with a registry of its own, and everything that a test asks about its objects.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::api::core::v1::Event;
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use oci_artifact::name::Digest;
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    controller::Controller,
    planted,
    registry::Registry,
};
use serde_json::{Value, json};

use super::{
    push,
    world::{LONG, plane, shared, was_well},
};
use crate::objects::{apply, object, repositories};

/// The conditions of an object that is well.
const GOOD: [&str; 3] = ["ArtifactInStorage", "Ready", "SourceVerified"];

/// For the search of a namespace at the end.
const SEARCH: Duration = Duration::from_secs(10);

/// A namespace with a registry of its own.
pub(crate) struct Tenant<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) namespace: String,
    pub(crate) registry: Registry,
    pub(crate) api: Api<DynamicObject>,
    shard: Option<String>,
    /// Whose log is looked at in the end.
    watched: Option<&'a Controller>,
}

impl Tenant<'static> {
    /// With the shared controller and a registry that everybody may read.
    pub(crate) async fn new() -> Self {
        Self::with(Registry::start()).await
    }

    /// With the shared controller.
    pub(crate) async fn with(registry: Registry) -> Self {
        let mut tenant = Tenant::over(plane().await, registry).await;
        tenant.watched = Some(shared().await);
        tenant
    }

    /// For objects of a shard, with a controller that the test starts.
    pub(crate) async fn of_shard(shard: &str) -> Self {
        let mut tenant = Tenant::over(plane().await, Registry::start()).await;
        tenant.shard = Some(shard.to_owned());
        tenant
    }
}

impl<'a> Tenant<'a> {
    /// On any control plane.
    pub(crate) async fn over(plane: &'a ControlPlane, registry: Registry) -> Self {
        let namespace = plane.namespace().await;
        let api = repositories(plane.client(), &namespace, "v1");
        Tenant { plane, namespace, registry, api, shard: None, watched: None }
    }

    /// Its objects are of this shard from now on.
    pub(crate) fn set_shard(&mut self, shard: &str) {
        self.shard = Some(shard.to_owned());
    }

    /// Its registry, for one that comes after it.
    pub(crate) fn into_registry(mut self) -> Registry {
        std::mem::replace(&mut self.registry, Registry::start())
    }

    /// The one that was there before its API server went away.
    pub(crate) fn again(plane: &'a ControlPlane, namespace: &str, registry: Registry) -> Self {
        let api = repositories(plane.client(), namespace, "v1");
        Tenant { plane, namespace: namespace.to_owned(), registry, api, shard: None, watched: None }
    }

    /// The controller whose objects these are.
    pub(crate) fn controller(&self) -> &'a Controller {
        self.watched.unwrap()
    }

    /// A spec for `app` in the registry that is polled every hour, with these fields over it; null leaves one out.
    pub(crate) fn spec(&self, fields: &Value) -> Value {
        let mut spec = json!({ "url": self.registry.url("org/app"), "interval": "1h", "insecure": true });
        for (name, value) in fields.as_object().unwrap() {
            spec[name] = value.clone();
        }
        spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        spec
    }

    /// Applies an object with [`Self::spec`].
    pub(crate) async fn apply(&self, name: &str, fields: &Value) -> Value {
        let mut object = object(name, "v1", &self.spec(fields));
        if let Some(shard) = &self.shard {
            object["metadata"]["labels"] = json!({ "sharding.fluxcd.io/key": shard });
        }
        value(apply(&self.api, &object).await.unwrap())
    }

    /// Patches an object as `kubectl patch --type=merge` does.
    pub(crate) async fn patch(&self, name: &str, patch: &Value) -> Value {
        value(self.api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap())
    }

    /// Asks for a run, and waits until it is done.
    pub(crate) async fn run(&self, name: &str, request: &str) -> Value {
        let annotation = json!({ "reconcile.fluxcd.io/requestedAt": request });
        self.patch(name, &json!({ "metadata": { "annotations": annotation } })).await;
        self.until(name, "the request to be handled", |object| {
            object["status"]["lastHandledReconcileAt"] == request
        })
        .await
    }

    /// Creates or changes anything else, such as a Secret, in the namespace.
    pub(crate) async fn install(&self, object: &Value) {
        let mut object = object.clone();
        object["metadata"]["namespace"] = json!(self.namespace);
        self.plane.apply(&object.to_string()).await;
    }

    /// Deletes an object, without waiting.
    pub(crate) async fn delete(&self, name: &str) {
        self.api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until the object is gone.
    pub(crate) async fn gone(&self, name: &str) {
        eventually("the end of the object", LONG, async || match self.api.get_opt(name).await {
            Ok(None) => Ok(()),
            Ok(Some(object)) => Err(value(object).to_string()),
            Err(error) => Err(error.to_string()),
        })
        .await;
    }

    /// The object.
    pub(crate) async fn get(&self, name: &str) -> Value {
        value(self.api.get(name).await.unwrap())
    }

    /// All objects of the namespace.
    pub(crate) async fn list(&self) -> Vec<Value> {
        self.api.list(&ListParams::default()).await.unwrap().items.into_iter().map(value).collect()
    }

    /// Waits for something about the object.
    pub(crate) async fn until(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name}: {what}"), LONG, async || {
            let object = value(self.api.get(name).await.map_err(|error| error.to_string())?);
            if fits(&object) { Ok(object) } else { Err(object["status"].to_string()) }
        })
        .await
    }

    /// Waits until the object is ready in its newest form, and checks that nothing bad is said about it.
    pub(crate) async fn ready(&self, name: &str) -> Value {
        let object = self.until(name, "to be ready", is_ready).await;
        for condition in object["status"]["conditions"].as_array().unwrap() {
            let kind = condition["type"].as_str().unwrap();
            assert!(GOOD.contains(&kind), "{name} is ready, and {condition}");
            assert_eq!(condition["status"], "True", "{condition}");
            assert_eq!(condition["observedGeneration"], object["metadata"]["generation"], "{condition}");
        }
        object
    }

    /// Waits until it is ready with this revision.
    pub(crate) async fn ready_at(&self, name: &str, revision: &str) -> Value {
        let what = format!("revision {revision}");
        self.until(name, &what, |object| {
            is_ready(object) && object["status"]["artifact"]["revision"] == revision
        })
        .await
    }

    /// Waits until the object has failed for this reason, in a condition of this type, and returns the message.
    pub(crate) async fn failed(&self, name: &str, kind: &str, reason: &str) -> String {
        let object = self
            .until(name, &format!("{kind} {reason}"), |object| {
                let found = condition(object, kind);
                found["status"] == "True" && found["reason"] == reason && is(object, "Ready", "False")
            })
            .await;
        condition(&object, kind)["message"].as_str().unwrap().to_owned()
    }

    /// Downloads the artifact as a consumer does: what is advertised is what is served.
    pub(crate) async fn download(&self, object: &Value) -> Vec<u8> {
        let artifact = &object["status"]["artifact"];
        let bytes = fetch(artifact["url"].as_str().unwrap()).await.unwrap();
        assert_eq!(artifact["digest"], Digest::of(&bytes).to_string(), "{artifact}");
        assert_eq!(artifact["size"], bytes.len(), "{artifact}");
        bytes
    }

    /// The files of the artifact.
    pub(crate) async fn files(&self, object: &Value) -> BTreeMap<String, String> {
        push::files(&self.download(object).await)
    }

    /// Events about the object, the oldest first.
    pub(crate) async fn events(&self, name: &str) -> Vec<Event> {
        let api: Api<Event> = Api::namespaced(self.plane.client(), &self.namespace);
        let fields = ListParams::default().fields(&format!("involvedObject.name={name}"));
        let mut events = api.list(&fields).await.unwrap().items;
        events
            .sort_by_key(|event| event.metadata.resource_version.clone().and_then(|v| v.parse::<u64>().ok()));
        events
    }

    /// Waits for an event.
    pub(crate) async fn event(&self, name: &str, reason: &str) -> Event {
        eventually(&format!("event {reason} about {name}"), LONG, async || {
            let events = self.events(name).await;
            let found = events.iter().rfind(|event| event.reason.as_deref() == Some(reason)).cloned();
            let reasons: Vec<_> = events.into_iter().map(|event| event.reason.unwrap_or_default()).collect();
            found.ok_or_else(|| format!("{reasons:?}"))
        })
        .await
    }
}

impl Drop for Tenant<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.shows_no_secret();
        if let Some(controller) = self.watched {
            was_well(controller);
        }
    }
}

impl Tenant<'_> {
    /// Looks for planted secrets in all statuses and events of the namespace, if its API server is still there.
    fn shows_no_secret(&self) {
        let search = async {
            let client = self.plane.client();
            let objects = repositories(client.clone(), &self.namespace, "v1");
            let events: Api<Event> = Api::namespaced(client, &self.namespace);
            let all = ListParams::default();
            let both = async { tokio::join!(objects.list(&all), events.list(&all)) };
            let Ok((objects, events)) = tokio::time::timeout(SEARCH, both).await else { return };
            for object in objects.into_iter().flat_map(|list| list.items) {
                let status = value(object)["status"].to_string();
                planted::assert_clean("a status", status.as_bytes());
            }
            for event in events.into_iter().flat_map(|list| list.items) {
                planted::assert_clean("an event", serde_json::to_string(&event).unwrap().as_bytes());
            }
        };
        // A runtime of its own: the test's is in use, and its clients with it.
        std::thread::scope(|scope| {
            let searched = scope.spawn(|| {
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(search);
            });
            if let Err(leak) = searched.join() {
                std::panic::resume_unwind(leak);
            }
        });
    }
}

/// Gets a URL; `Err` is any answer but 200.
pub(crate) async fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.map_err(|error| format!("{url}: {error}"))?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| format!("{url}: {error}"))?;
    if status == 200 { Ok(body.to_vec()) } else { Err(format!("{url}: {status}")) }
}

/// The object as JSON.
pub(crate) fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap()
}

/// A condition, null if there is none.
pub(crate) fn condition(object: &Value, kind: &str) -> Value {
    let all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.into_iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default()
}

/// Whether a condition has this status.
pub(crate) fn is(object: &Value, kind: &str, status: &str) -> bool {
    condition(object, kind)["status"] == status
}

/// Whether it is ready as it is written now.
pub(crate) fn is_ready(object: &Value) -> bool {
    is(object, "Ready", "True") && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}
