//! Certificates that have ended, and rights that are missing: told, and mended without a restart.

use std::{collections::BTreeMap, fs, time::Duration};

use k8s_openapi::{
    ByteString,
    api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use oci_testkit::control_plane::{ControlPlane, eventually};
use oci_webhook::{
    app::now,
    tls::{
        issue::{Lifetimes, Reason, Step},
        secret::Held,
    },
};
use serde_json::json;

use super::{Crd, LONG, NAMESPACE, Replica, SECRET, held, point, published, trusted};
use crate::{
    objects::{object, repositories, try_out},
    world::{asked, manifests},
};

/// What certificates are for here.
fn names() -> Vec<String> {
    ["oci-webhook.oci-system.svc", "oci-webhook.oci-system.svc.cluster.local", "127.0.0.1"]
        .map(str::to_owned)
        .into()
}

/// Writes data into the Secret.
async fn write(client: &Client, data: BTreeMap<String, ByteString>) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": SECRET }, "type": "kubernetes.io/tls", "data": data,
    });
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    secrets.patch(SECRET, &PatchParams::apply("test").force(), &Patch::Apply(secret)).await.unwrap();
}

/// Waits until a webhook has logged something.
async fn logged(replica: &Replica, parts: &[&str]) {
    eventually(&format!("a line with {parts:?}"), LONG, async || {
        let log = fs::read_to_string(&replica.log).unwrap();
        let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        if found { Ok(()) } else { Err(log) }
    })
    .await;
}

#[tokio::test]
async fn expired_certificates_are_replaced_and_trusted_again() {
    let plane = ControlPlane::start().await;
    let client = plane.client();
    plane.apply(&manifests(&plane, "overlays/ha").await).await;
    let short = Lifetimes { leaf: Duration::from_hours(1), authority: Duration::from_hours(2) };
    let long_ago = now() - Duration::from_hours(48);
    let begun = Held::default().after(Step::Begin(Reason::Missing), &names(), &short, long_ago);
    let ended = begun.unwrap().unwrap();
    let authority = ended["ca.crt"].clone();
    write(&client, ended).await;
    trust(&client, &authority).await;

    let token = plane.service_account_token(NAMESPACE, "oci-webhook").await;
    let logs = tempfile::tempdir().unwrap();
    let one = Replica::start(&plane, &token, &logs.path().join("one"), &[]);
    let two = Replica::start(&plane, &token, &logs.path().join("two"), &[]);
    point(&client, &one.address()).await;
    asked(&plane).await;
    published(&client).await;
    assert!(
        !trusted(&client).await.contains(&String::from_utf8(authority.0).unwrap()),
        "what has ended is out"
    );
    eventually("the end to be told", LONG, async || {
        let read = |replica: &Replica| fs::read_to_string(&replica.log).unwrap();
        let (one, two) = (read(&one), read(&two));
        if [&one, &two].iter().any(|log| log.contains("the certificate ended at")) {
            Ok(())
        } else {
            Err(one)
        }
    })
    .await;

    // A certificate that has ended while the authority holds: what is served meanwhile still holds, and nobody notices.
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let holds = Held::read(&secrets.get(SECRET).await.unwrap().data.unwrap(), now());
    let ended = holds.after(Step::Renew(Reason::Due), &names(), &short, long_ago).unwrap().unwrap();
    let certificate = String::from_utf8(ended["tls.crt"].0.clone()).unwrap();
    write(&client, ended).await;
    let api = repositories(client.clone(), &plane.namespace().await, "v1");
    let bad = object("bad", "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
    eventually("another certificate", LONG, async || {
        let refused = try_out(&api, &bad).await.unwrap_err();
        assert!(refused.message.contains("spec.interval"), "{refused:?}");
        if held(&client, "tls.crt").await == certificate { Err("the one that has ended") } else { Ok(()) }
    })
    .await;
    point(&client, &two.address()).await;
    asked(&plane).await;
}

/// Has the API server trust an authority in both places.
async fn trust(client: &Client, authority: &ByteString) {
    let config = json!({ "clientConfig": { "caBundle": authority } });
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let mut hook = config.clone();
    hook["name"] = json!(configurations.get("oci-webhook").await.unwrap().webhooks.unwrap()[0].name);
    let patch = Patch::Strategic(json!({ "webhooks": [hook] }));
    configurations.patch("oci-webhook", &PatchParams::default(), &patch).await.unwrap();
    let patch = Patch::Merge(json!({ "spec": { "conversion": { "webhook": config } } }));
    Api::<Crd>::all(client.clone())
        .patch(oci_crds::schema::NAME, &PatchParams::default(), &patch)
        .await
        .unwrap();
}

#[tokio::test]
async fn webhook_tells_each_right_that_it_lacks_and_goes_on_when_it_is_given() {
    let plane = ControlPlane::start().await;
    let client = plane.client();
    let manifests = manifests(&plane, "overlays/ha").await;
    plane.apply(&manifests).await;
    let token = plane.service_account_token(NAMESPACE, "oci-webhook").await;
    let (role, everywhere) = ("rolebinding/oci-webhook", "clusterrolebinding/oci-webhook");
    plane.run(&["delete", role, everywhere, "--namespace=oci-system"]).await.succeeded();
    let logs = tempfile::tempdir().unwrap();
    let webhook = Replica::start(&plane, &token, &logs.path().join("one"), &[]);
    let what_to_do = "`kubectl oci install` sets its roles again";
    let secret = r#"cannot get resource \"secrets\""#;
    logged(&webhook, &["reading Secret oci-system/oci-webhook-tls failed", secret, what_to_do]).await;
    plane.apply(&manifests).await;
    plane.run(&["delete", everywhere]).await.succeeded();
    let configuration = r#"cannot get resource \"validatingwebhookconfigurations\""#;
    let reading = "reading ValidatingWebhookConfiguration oci-webhook failed";
    logged(&webhook, &[reading, configuration, what_to_do]).await;
    plane.apply(&manifests).await;
    point(&client, &webhook.address()).await;
    asked(&plane).await;
    published(&client).await;
}
