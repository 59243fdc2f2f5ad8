//! The rights that the manifests give are those that the programs use, by Kubernetes' own audit log: one less, and
//! something would be denied; one more, and nobody needs it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    planted,
    registry::{Auth, Registry},
    tls::Tls,
};
use serde_json::{Value, json};

use super::{
    by_name, cluster,
    running::{LONG, ended, pod, wire},
};
use crate::{
    controller::{
        auth::{account, docker_config},
        push::Image,
        tenant::Tenant,
        tls::secret,
    },
    world::manifests_with,
};

/// Tries to write at the same moment as the controller; usually a few are enough.
const ROUNDS: usize = 200;
const ACCOUNTS: &str = "system:serviceaccount:";

/// Something that one may do, or did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    /// `NAMESPACE:NAME` of the account.
    account: String,
    verb: String,
    group: String,
    /// With the subresource.
    resource: String,
    /// Everywhere, or everything, if `None`.
    namespace: Option<String>,
    name: Option<String>,
}

impl Right {
    fn covers(&self, done: &Self) -> bool {
        let within = |may: &Option<String>, did: &Option<String>| may.is_none() || may == did;
        (&self.account, &self.verb, &self.group, &self.resource)
            == (&done.account, &done.verb, &done.group, &done.resource)
            && within(&self.namespace, &done.namespace)
            && within(&self.name, &done.name)
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(string).collect()
}

/// All that a rule allows, each by itself.
fn of_rule(rule: &Value, account: &str, namespace: Option<&str>) -> Vec<Right> {
    let (groups, resources, verbs) =
        (strings(&rule["apiGroups"]), strings(&rule["resources"]), strings(&rule["verbs"]));
    let mut names: Vec<Option<String>> = strings(&rule["resourceNames"]).into_iter().map(Some).collect();
    if names.is_empty() {
        names.push(None);
    }
    let mut rights = Vec::new();
    for (group, resource) in groups.iter().flat_map(|group| resources.iter().map(move |one| (group, one))) {
        for (verb, name) in verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
            rights.push(Right {
                account: account.to_owned(),
                verb: verb.clone(),
                group: group.clone(),
                resource: resource.clone(),
                namespace: namespace.map(str::to_owned),
                name: name.clone(),
            });
        }
    }
    rights
}

/// All that the roles allow to the accounts that they are bound to, each by itself.
fn allowed(objects: &BTreeMap<String, Value>) -> Vec<Right> {
    let mut rights = Vec::new();
    for binding in objects.values().filter(|object| string(&object["kind"]).ends_with("RoleBinding")) {
        let namespace = binding["metadata"]["namespace"].as_str().map(str::to_owned);
        let (kind, name) = (string(&binding["roleRef"]["kind"]), string(&binding["roleRef"]["name"]));
        let role = &objects[&format!("{kind} {}/{name}", namespace.clone().unwrap_or_default())];
        for subject in binding["subjects"].as_array().unwrap() {
            let account = format!("{}:{}", string(&subject["namespace"]), string(&subject["name"]));
            let rules = role["rules"].as_array().unwrap();
            rights.extend(rules.iter().flat_map(|rule| of_rule(rule, &account, namespace.as_deref())));
        }
    }
    rights
}

/// What the accounts did, from an entry of the log on.
fn done(plane: &ControlPlane, from: usize) -> BTreeSet<Right> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut all = BTreeSet::new();
    for entry in plane.audited().into_iter().skip(from) {
        let decision = &entry["annotations"]["authorization.k8s.io/decision"];
        assert_eq!(decision, "allow", "{entry}");
        let (what, user) = (&entry["objectRef"], string(&entry["user"]["username"]));
        let account = user.strip_prefix(ACCOUNTS).unwrap_or_default();
        // Paths such as that of the version are open to everybody.
        if !account.starts_with("oci-system:") || what.is_null() {
            continue;
        }
        let subresource = what["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
        all.insert(Right {
            account: account.to_owned(),
            verb: string(&entry["verb"]),
            group: string(&what["apiGroup"]),
            resource: string(&what["resource"]) + &subresource,
            namespace: text(&what["namespace"]),
            name: text(&what["name"]),
        });
    }
    all
}

/// What was done without a right, and rights without which all of it could be done.
fn faults(allowed: &[Right], done: &BTreeSet<Right>) -> Vec<String> {
    let covering = |done: &Right| allowed.iter().filter(|right| right.covers(done)).collect::<Vec<_>>();
    let missing = done.iter().filter(|done| covering(done).is_empty()).map(|done| format!("needs {done:?}"));
    let needed = |right: &&Right| done.iter().any(|done| covering(done) == [*right]);
    let useless = allowed.iter().filter(|right| !needed(right)).map(|right| format!("never needs {right:?}"));
    missing.chain(useless).collect()
}

/// An account that logs in by tokens of its own.
fn with_identity(name: &str) -> Value {
    let mut account = account(name, &[]);
    account["metadata"]["annotations"] = json!({
        "credential.auth.fluxcd.io/provider": "kubernetes", "credential.auth.fluxcd.io/type": "jwt",
    });
    account
}

/// An object of each kind of login, through its whole life.
async fn use_everything(plane: &ControlPlane) {
    let basic = Registry::builder().auth(Auth::basic("tester", planted::PASSWORD)).start();
    let tenant = Tenant::over(plane, basic).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.install(&docker_config("login", &tenant.registry.host(), "tester", planted::PASSWORD)).await;
    tenant.install(&account("puller", &["login"])).await;
    tenant.apply("secret", &json!({ "ref": { "tag": "v1" }, "secretRef": { "name": "login" } })).await;
    tenant.apply("account", &json!({ "ref": { "tag": "v1" }, "serviceAccountName": "puller" })).await;
    for name in ["secret", "account"] {
        tenant.ready(name).await;
        tenant.event(name, "NewArtifact").await;
    }
    tenant.delete("secret").await;
    tenant.gone("secret").await;

    let tls = Tls::new();
    let guarded = Registry::builder().tls(&tls).auth(Auth::token(|_| true)).start();
    let tenant = Tenant::over(plane, guarded).await;
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.install(&secret("ca", &[("ca.crt", &tls.ca_pem)])).await;
    tenant.install(&with_identity("self")).await;
    let by_token = json!({
        "insecure": null, "ref": { "tag": "v1" }, "certSecretRef": { "name": "ca" }, "serviceAccountName": "self",
    });
    tenant.apply("token", &by_token).await;
    tenant.ready("token").await;
}

/// Others write an object at the moment at which the controller does, until it had to read one once more.
async fn contend(plane: &ControlPlane, from: usize) {
    let tenant = Tenant::over(plane, Registry::start()).await;
    let has_read =
        || done(plane, from).iter().any(|done| done.resource == "ocirepositories" && done.verb == "get");
    for round in 0..ROUNDS {
        let name = format!("busy-{round}");
        tenant.apply(&name, &json!({})).await;
        for change in 0..5 {
            let annotations = json!({ "example.com/change": change.to_string() });
            tenant.patch(&name, &json!({ "metadata": { "annotations": annotations } })).await;
        }
        if has_read() {
            return;
        }
    }
    panic!("the controller met no conflict in {ROUNDS} objects");
}

/// The certificate that the webhook shows.
async fn certificate(plane: &ControlPlane) -> Option<Vec<u8>> {
    let secrets: Api<Secret> = Api::namespaced(plane.client(), "oci-system");
    secrets.get_opt("oci-webhook-tls").await.unwrap()?.data?.remove("tls.crt").map(|bytes| bytes.0)
}

#[tokio::test]
async fn rights_are_exactly_those_that_are_used() {
    let plane = cluster().await;
    let from = plane.audited().len();
    let manifests = manifests_with(&plane, "overlays/single", &["object-identity"]).await;
    plane.apply(&manifests).await;
    let often = ["--tls-reload-interval=200ms", "--certificate-lifetime=12s", "--authority-lifetime=30s"];
    let webhook = pod(&plane, "oci-webhook", &often).await;
    let controller = pod(&plane, "oci-controller", &[]).await;
    wire(&plane, webhook.port("https")).await;
    let first = certificate(&plane).await;
    use_everything(&plane).await;
    contend(&plane, from).await;
    eventually("a renewed certificate", LONG, async || {
        if certificate(&plane).await == first { Err("the first one") } else { Ok(()) }
    })
    .await;
    // Leases are renewed by time.
    let allowed = allowed(&by_name(&manifests));
    let done = eventually("every right to be used", LONG, async || {
        let done = done(&plane, from);
        let faults = faults(&allowed, &done);
        if faults.is_empty() { Ok(done) } else { Err(format!("{faults:#?}")) }
    })
    .await;
    for (index, right) in allowed.iter().enumerate() {
        let mut fewer = allowed.clone();
        fewer.remove(index);
        assert!(faults(&fewer, &done).iter().any(|fault| fault.starts_with("needs")), "without {right:?}");
    }
    ended(&plane, (webhook, vec![controller])).await;
}
