//! The overlay whose certificates come from cert-manager, which itself is not there: the test does what it would do for
//! the objects that the overlay has of it.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, ListParams, Patch, PatchParams},
};
use oci_testkit::control_plane::{ControlPlane, eventually};
use oci_webhook::{
    app::now,
    tls::{
        issue::{Lifetimes, Reason, Step},
        secret::Held,
    },
};
use serde_json::{Value, json};

use super::{
    api, cluster, lifecycle, namespaced, plugin,
    running::{LONG, ended, pod, tenant, wire},
};
use crate::{objects::repositories, world::asked};

const API: &str = "cert-manager.io/v1";
const INJECT: &str = "cert-manager.io/inject-ca-from";

/// cert-manager, as much of it as is needed: an authority that signs, and objects that are told of it.
struct CertManager<'p> {
    plane: &'p ControlPlane,
    /// Secret and names of the certificate.
    secret: String,
    names: Vec<String>,
    data: BTreeMap<String, ByteString>,
}

impl<'p> CertManager<'p> {
    /// Issues the webhook's Certificate, which is signed by an authority that is a Certificate too.
    async fn begin(plane: &'p ControlPlane) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let spec = spec(plane, "Certificate", |one| one.name_any() == "oci-webhook").await;
        let issuer = issuer(plane, &spec).await;
        let signer = &issuer["ca"]["secretName"];
        let authority =
            self::spec(plane, "Certificate", |one| one.data["spec"]["secretName"] == *signer).await;
        // Renewed with its key, so that what it has signed stays trusted.
        let kept = (&authority["isCA"], &authority["privateKey"]["rotationPolicy"]);
        assert_eq!(kept, (&json!(true), &json!("Never")));
        assert_eq!(self::issuer(plane, &authority).await, json!({ "selfSigned": {} }));
        let names = serde_json::from_value(spec["dnsNames"].clone()).unwrap();
        let mut begun = Self { plane, secret: text(&spec["secretName"]), names, data: BTreeMap::new() };
        begun.step(&Held::default(), Step::Begin(Reason::Missing)).await;
        begun
    }

    async fn step(&mut self, held: &Held, step: Step) {
        let after = held.after(step, &self.names, &Lifetimes::default(), now());
        self.data = after.unwrap().unwrap();
        let mut data = self.data.clone();
        // The authority's key is elsewhere.
        data.remove("ca.key");
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": self.secret }, "type": "kubernetes.io/tls",
            "data": data,
        });
        let secrets: Api<Secret> = Api::namespaced(self.plane.client(), "oci-system");
        let parameters = PatchParams::apply("cert-manager").force();
        secrets.patch(&self.secret, &parameters, &Patch::Apply(secret)).await.unwrap();
    }

    /// A new certificate of the same authority, or of a new one.
    async fn renew(&mut self, step: Step) {
        let held = Held::read(&self.data, now());
        self.step(&held, step).await;
    }

    /// Has everything trust the authority that says whose it wants.
    async fn inject(&self) {
        let (mut wanted, config) = (0, json!({ "caBundle": self.data["ca.crt"] }));
        let conversion = json!({ "webhook": { "clientConfig": config } });
        for (api_version, kind) in [
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ] {
            let all = api(self.plane, api_version, kind);
            for object in all.list(&ListParams::default()).await.unwrap() {
                let from = object.metadata.annotations.as_ref().and_then(|all| all.get(INJECT));
                if from.is_none_or(|from| from != "oci-system/oci-webhook") {
                    continue;
                }
                wanted += 1;
                let patch = match object.data["webhooks"].as_array() {
                    Some(hooks) => {
                        json!({ "webhooks": hooks.iter().map(|hook| trusting(hook, &config)).collect::<Vec<_>>() })
                    }
                    None => json!({ "spec": { "conversion": conversion } }),
                };
                all.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
            }
        }
        assert_eq!(wanted, 2, "admission and conversion");
    }
}

/// A webhook of a configuration, with another authority.
fn trusting(hook: &Value, config: &Value) -> Value {
    let mut hook = hook.clone();
    hook["clientConfig"]["caBundle"] = config["caBundle"].clone();
    hook
}

/// What an object of cert-manager asks for, once it is there.
async fn spec(plane: &ControlPlane, kind: &str, is: impl Fn(&DynamicObject) -> bool) -> Value {
    let all = namespaced(plane, API, kind);
    let found = eventually(kind, LONG, async || {
        let list = all.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        list.items.into_iter().find(|one| is(one)).ok_or_else(|| "not there".to_owned())
    })
    .await;
    found.data["spec"].clone()
}

/// The issuer that a Certificate names.
async fn issuer(plane: &ControlPlane, certificate: &Value) -> Value {
    spec(plane, "Issuer", |one| certificate["issuerRef"]["name"] == one.name_any()).await
}

#[tokio::test]
async fn cert_manager_gives_the_webhook_its_certificates_and_renews_them() {
    let plane = cluster().await;
    lifecycle::cert_manager(&plane).await;
    let start = async {
        let manager = CertManager::begin(&plane).await;
        let webhook = pod(&plane, "oci-webhook", &["--tls-reload-interval=200ms"]).await;
        (manager, webhook, pod(&plane, "oci-controller", &[]).await)
    };
    let install = ["install", "--overlay=cert-manager", "--timeout=1m"];
    let (told, (mut manager, webhook, controller)) = tokio::join!(plugin(&plane, &install), start);
    assert_eq!(told.code, 0, "{told}");
    manager.inject().await;
    wire(&plane, webhook.port("https")).await;
    let tenant = tenant(&plane).await;
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    let older = repositories(plane.client(), &tenant.namespace, "v1beta2");
    assert_eq!(older.get("app").await.unwrap().data["status"]["artifact"], object["status"]["artifact"]);

    // The certificate is renewed: whoever trusted the one before trusts this one.
    let bad = object_with_no_interval(&tenant.namespace);
    manager.renew(Step::Renew(Reason::Due)).await;
    webhook.sync(&plane).await;
    eventually("another certificate", LONG, async || {
        let refused = plane.try_apply(&bad).await;
        assert!(refused.code != 0 && refused.stderr.contains("spec.interval"), "{refused}");
        older.get("app").await.unwrap();
        if webhook.log().contains("another certificate is served") { Ok(()) } else { Err(webhook.log()) }
    })
    .await;
    // Another authority, such as after somebody deleted its Secret.
    manager.renew(Step::Begin(Reason::Missing)).await;
    webhook.sync(&plane).await;
    manager.inject().await;
    asked(&plane).await;
    older.get("app").await.unwrap();
    drop(tenant);
    ended(&plane, (webhook, vec![controller])).await;
}

fn object_with_no_interval(namespace: &str) -> String {
    let mut object =
        crate::objects::object("bad", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
    object["metadata"]["namespace"] = json!(namespace);
    object.to_string()
}
