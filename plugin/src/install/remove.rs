//! Taking an installation away, in an order in which nothing blocks: first what the API server asks, then rights, so that
//! nobody writes finalizers any more, then the finalizers, and the rest.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::core::DynamicObject;
use oci_crds::{GROUP, KIND, conditions::metadata::FINALIZER, schema};
use serde_json::{Value, json};

use super::{NAMESPACE, OURS, PART_OF, apply::until, part_of, text};
use crate::{
    cluster::{Access, Anything, ClusterError, Filter, Kind, Named, Repositories},
    context::Context,
    error::Error,
};

/// Objects that are written at the same time.
const AT_ONCE: usize = 10;
/// Tries to write an object that others write too.
const TRIES: u32 = 5;
/// What a controller is started with that works on some objects only.
const SELECTOR: &str = "--watch-label-selector=";
/// What the API server calls.
const SERVICE: &str = "oci-webhook";
/// Whose chart or kustomization installed an object.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Kinds in the order in which they go.
const KINDS: [(&str, &str); 17] = [
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("apps/v1", "Deployment"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("cert-manager.io/v1", "Certificate"),
    ("cert-manager.io/v1", "Issuer"),
    ("policy/v1", "PodDisruptionBudget"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Namespace"),
];

/// What goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal {
    /// The CRD too, and with it every object, unless it is Flux's.
    pub(crate) crds: bool,
    /// Tell, and write nothing.
    pub(crate) dry_run: bool,
    /// Wait until all is gone.
    pub(crate) wait: bool,
}

/// Whose the CRD is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Ours,
    Others,
}

/// Removes what has our label.
pub(crate) async fn remove(access: Access, removal: Removal, context: &Context) -> Result<(), Error> {
    let remover = Remover { cluster: Anything::of(access.clone()), access, removal, context };
    let found = remover.gather().await?;
    let kind = remover.cluster.find(&crd()).await?;
    let owner = owner(kind.as_ref());
    let crd_goes = removal.crds && owner == Owner::Ours;
    if found.is_empty() && owner != Owner::Ours {
        context.printer.action("nothing is installed");
        return Ok(());
    }
    if owner == Owner::Ours || kind.as_ref().is_some_and(asks_us) {
        remover.converts_alone().await?;
    }
    for (object, _) in &found {
        remover.delete(object).await?;
    }
    let mut scopes: BTreeSet<Scope> = found.iter().filter_map(|(_, scope)| scope.clone()).collect();
    // The CRD is ours, so all objects were: also where the controllers are gone already.
    if crd_goes || (owner == Owner::Ours && scopes.is_empty()) {
        scopes = BTreeSet::from([None]);
    }
    if owner != Owner::Nobody {
        remover.release(scopes).await?;
    }
    if crd_goes {
        remover.delete(&crd()).await?;
    } else if owner != Owner::Nobody {
        context.printer.action(format!("{} and its objects stay", crd()));
    }
    let namespaces = found.into_iter().map(|(object, _)| object);
    let namespaces = namespaces.filter(|object| object.kind.name() == "Namespace");
    for last in namespaces.chain(crd_goes.then(crd)) {
        remover.gone(&last).await?;
    }
    Ok(())
}

/// Which objects a controller works on: a selector of labels, or all.
pub(crate) type Scope = Option<String>;

struct Remover<'a> {
    access: Access,
    cluster: Anything,
    removal: Removal,
    context: &'a Context,
}

impl Remover<'_> {
    /// All that has our label, in the order in which it goes; with controllers what they work on.
    async fn gather(&self) -> Result<Vec<(Named, Option<Scope>)>, Error> {
        let mut all = Vec::new();
        for (api_version, kind) in KINDS {
            let kind = Kind::new(api_version, kind);
            for object in self.cluster.list(&kind, &format!("{PART_OF}={OURS}")).await? {
                let labels = object.metadata.labels.as_ref();
                if labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == "Helm") {
                    let hint = "`helm list -A` names the release, `helm uninstall` removes it".to_owned();
                    return Err(Error::Usage {
                        message: "it was installed by Helm".into(),
                        hint: Some(hint),
                    });
                }
                let name = object.metadata.name.clone().unwrap_or_default();
                let namespace = object.metadata.namespace.clone();
                all.push((Named { kind: kind.clone(), namespace, name }, scope(&object)));
            }
        }
        Ok(all)
    }

    /// Without a webhook the API server converts by itself, or nobody could read an object that was stored in another
    /// version, nor delete a namespace that has one.
    async fn converts_alone(&self) -> Result<(), Error> {
        if self.removal.dry_run {
            return Ok(());
        }
        let conversion = json!({ "strategy": "None", "webhook": null });
        let patch = json!({ "spec": { "conversion": conversion } });
        self.cluster.merge(&crd(), &patch).await?;
        Ok(())
    }

    async fn delete(&self, what: &Named) -> Result<(), Error> {
        if self.removal.dry_run {
            self.context.printer.success(format!("{what} would be deleted"));
        } else if self.cluster.delete(what).await? {
            self.context.printer.success(format!("{what} deleted"));
        }
        Ok(())
    }

    /// Takes the finalizer off the objects that the controllers worked on: nobody is left who would do it when they are
    /// deleted.
    async fn release(&self, scopes: BTreeSet<Scope>) -> Result<(), Error> {
        let repositories = Repositories::everywhere(&self.access);
        for scope in scopes {
            let objects = match repositories.list(Filter { labels: scope.as_deref() }).await {
                // A CRD of Flux's before 2.6, by which no controller of ours has ever seen an object.
                Err(ClusterError::NoApi { .. }) => return Ok(()),
                listed => listed?,
            };
            let held = objects.into_iter().filter(|object| object.finalizers().any(|name| name == FINALIZER));
            let held: Vec<Named> = held.map(|object| named(object.namespace(), object.name())).collect();
            if held.is_empty() {
                continue;
            }
            let count = held.len();
            if self.removal.dry_run {
                self.context.printer.success(format!("{count} {KIND} would be released"));
                continue;
            }
            let released = stream::iter(held).map(async |object| self.release_one(&object).await);
            released.buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            self.context
                .printer
                .success(format!("{count} {KIND} released: deleting them needs no controller"));
        }
        Ok(())
    }

    async fn release_one(&self, object: &Named) -> Result<(), ClusterError> {
        for tries in 1.. {
            let Some(found) = self.cluster.find(object).await? else { return Ok(()) };
            let mut finalizers = found.metadata.finalizers.unwrap_or_default();
            finalizers.retain(|name| name != FINALIZER);
            // Whoever adds one in between is not undone.
            let version = found.metadata.resource_version;
            let patch = json!({ "metadata": { "finalizers": finalizers, "resourceVersion": version } });
            match self.cluster.merge(object, &patch).await {
                Err(ClusterError::Refused { status, .. }) if status.is_conflict() && tries < TRIES => {}
                other => return other.map(drop),
            }
        }
        Ok(())
    }

    async fn gone(&self, what: &Named) -> Result<(), Error> {
        if self.removal.dry_run || !self.removal.wait {
            return Ok(());
        }
        self.context.printer.waiting(format!("waiting until {what} is gone"));
        until(async || Ok(self.cluster.find(what).await?.is_none())).await
    }
}

fn owner(kind: Option<&DynamicObject>) -> Owner {
    kind.map_or(Owner::Nobody, |kind| match part_of(kind.metadata.labels.as_ref()) {
        Some(OURS) => Owner::Ours,
        _ => Owner::Others,
    })
}

/// Whether our webhook is to convert: also where Flux applied its own CRD over ours, since Flux says nothing about that.
fn asks_us(kind: &DynamicObject) -> bool {
    let service = kind.data.pointer("/spec/conversion/webhook/clientConfig/service");
    service
        .is_some_and(|service| text(service, "/namespace") == NAMESPACE && text(service, "/name") == SERVICE)
}

/// The CRD.
pub(crate) fn crd() -> Named {
    let kind = Kind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    Named { kind, namespace: None, name: schema::NAME.to_owned() }
}

fn named(namespace: &str, name: &str) -> Named {
    let kind = Kind::new(&format!("{GROUP}/v1"), KIND);
    Named { kind, namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

/// What a Deployment works on, if it is a controller's.
pub(crate) fn scope(object: &DynamicObject) -> Option<Scope> {
    let arguments = object.data.pointer("/spec/template/spec/containers/0/args")?.as_array()?;
    let mut arguments = arguments.iter().filter_map(Value::as_str);
    let is_controller = arguments.clone().any(|argument| argument.starts_with("--storage-path="));
    let selector = arguments.rfind(|argument| argument.starts_with(SELECTOR));
    is_controller.then(|| selector.and_then(|argument| argument.strip_prefix(SELECTOR)).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(arguments: &[&str]) -> DynamicObject {
        let container = json!({ "args": arguments });
        let spec = json!({ "template": { "spec": { "containers": [container] } } });
        let object = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "a" }, "spec": spec });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn scope_is_what_the_controller_was_started_with() {
        assert_eq!(scope(&deployment(&["--self-signed"])), None, "no controller");
        assert_eq!(scope(&deployment(&["--storage-path=/data"])), Some(None), "all objects");
        let twice = ["--watch-label-selector=a=b", "--storage-path=/data", "--watch-label-selector=!c"];
        assert_eq!(scope(&deployment(&twice)), Some(Some("!c".to_owned())), "the last one counts");
    }
}
