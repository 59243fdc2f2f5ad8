//! The real webhook program with certificates that it issues itself: two replicas, with the token and the rights that
//! `deploy` gives them, and an API server that must never notice a renewal.

mod faults;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use k8s_openapi::api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use oci_testkit::{
    cases::good_spec,
    control_plane::{ControlPlane, eventually},
    planted, tools,
};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    objects::{apply, object, repositories, try_out},
    world::{asked, manifests},
};

const NAMESPACE: &str = "oci-system";
const SECRET: &str = "oci-webhook-tls";
const LONG: Duration = Duration::from_mins(2);

/// A running webhook; killed when dropped.
struct Replica {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Replica {
    /// With lifetimes that end within the test: a certificate is renewed after 20 s, the authority after 30 s.
    fn start_short(plane: &ControlPlane, token: &str, log: &Path) -> Self {
        Self::start(plane, token, log, &["--certificate-lifetime=30s", "--authority-lifetime=45s"])
    }

    fn start(plane: &ControlPlane, token: &str, log: &Path, more: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = tools::program("oci-webhook").unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(program);
        command.env("KUBECONFIG", plane.kubeconfig_with_token(token));
        command.arg(format!("--listen=127.0.0.1:{port}"));
        command.args(["--operations=127.0.0.1:0", "--self-signed", "--service-name=oci-webhook"]);
        command.args(["--namespace=oci-system", "--secret-name=oci-webhook-tls", "--san=127.0.0.1"]);
        command
            .args(["--webhook-configuration=oci-webhook", "--crd=ocirepositories.source.toolkit.fluxcd.io"]);
        command.arg("--tls-reload-interval=200ms").args(more);
        let output = File::create(log).unwrap();
        let errors = output.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().unwrap();
        Self { child, port, log: log.to_owned() }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        planted::assert_clean("the webhook's log", &fs::read(&self.log).unwrap_or_default());
    }
}

/// A PEM text of the Secret.
async fn held(client: &Client, key: &str) -> String {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let secret = secrets.get_opt(SECRET).await.unwrap();
    let data = secret.and_then(|secret| secret.data).unwrap_or_default();
    data.get(key).map(|value| String::from_utf8(value.0.clone()).unwrap()).unwrap_or_default()
}

/// The authorities that the API server trusts for admission and for conversion.
async fn trusted(client: &Client) -> [String; 2] {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let configuration = configurations.get("oci-webhook").await.unwrap();
    let webhook = configuration.webhooks.unwrap_or_default().remove(0);
    let admission = webhook.client_config.ca_bundle.map(|bundle| bundle.0).unwrap_or_default();
    let crd = crd(client).await;
    let conversion = crd.spec.conversion.and_then(|conversion| conversion.webhook?.client_config?.ca_bundle);
    let conversion = conversion.map(|bundle| bundle.0).unwrap_or_default();
    [admission, conversion].map(|text| String::from_utf8(text).unwrap())
}

type Crd = k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

async fn crd(client: &Client) -> Crd {
    Api::<Crd>::all(client.clone()).get(oci_crds::schema::NAME).await.unwrap()
}

/// Points the API server to a replica, for admission and conversion; whom it trusts stays.
async fn point(client: &Client, address: &str) {
    let url = |path: &str| Some(format!("https://{address}{path}"));
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    eventually("the configuration", LONG, async || {
        let mut configuration = configurations.get("oci-webhook").await?;
        for webhook in configuration.webhooks.iter_mut().flatten() {
            webhook.client_config.service = None;
            webhook.client_config.url = url("/validate");
        }
        configurations.replace("oci-webhook", &PostParams::default(), &configuration).await
    })
    .await;
    let config = json!({ "url": url("/convert"), "service": null });
    let patch = json!({ "spec": { "conversion": { "webhook": { "clientConfig": config } } } });
    let crds: Api<Crd> = Api::all(client.clone());
    crds.patch(oci_crds::schema::NAME, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
async fn self_issued_certificates_are_shared_published_and_renewed() {
    let plane = ControlPlane::start().await;
    let client = plane.client();
    plane.apply(&manifests(&plane, "overlays/ha").await).await;
    let token = plane.service_account_token(NAMESPACE, "oci-webhook").await;
    let logs = tempfile::tempdir().unwrap();
    let one = Replica::start_short(&plane, &token, &logs.path().join("one"));
    let two = Replica::start_short(&plane, &token, &logs.path().join("two"));
    point(&client, &one.address()).await;
    asked(&plane).await;
    published(&client).await;

    renews_unnoticed(&plane).await;

    // Somebody restores an old bundle.
    let stale = json!({ "spec": { "conversion": { "webhook": { "clientConfig": { "caBundle": null } } } } });
    let crds: Api<Crd> = Api::all(client.clone());
    crds.patch(oci_crds::schema::NAME, &PatchParams::default(), &Patch::Merge(stale)).await.unwrap();
    published(&client).await;
    // The other replica shows a certificate of the same authority.
    point(&client, &two.address()).await;
    asked(&plane).await;
    // Somebody breaks the Secret.
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let broken = json!({ "stringData": { "tls.crt": "nothing", "ca.key": "nothing" } });
    secrets.patch(SECRET, &PatchParams::default(), &Patch::Merge(broken)).await.unwrap();
    eventually("a new certificate", LONG, async || {
        let certificate = held(&client, "tls.crt").await;
        if certificate.contains("CERTIFICATE") { Ok(()) } else { Err(certificate) }
    })
    .await;
    published(&client).await;
    asked(&plane).await;
    has_no_more_rights_than_it_needs(&plane, &token).await;
}

/// Waits until the API server trusts the authorities in the Secret, in both places.
async fn published(client: &Client) {
    eventually("the bundle in both places", LONG, async || {
        let bundle = held(client, "ca.crt").await;
        let found = trusted(client).await;
        if bundle.contains("CERTIFICATE") && found.iter().all(|found| *found == bundle) {
            Ok(())
        } else {
            Err("differs")
        }
    })
    .await;
}

/// Writes and reads, each judged or converted by the webhook, until certificate and authority have changed: none fails.
async fn renews_unnoticed(plane: &ControlPlane) {
    let client = plane.client();
    let namespace = plane.namespace().await;
    let (v1, v1beta2) =
        (repositories(plane.client(), &namespace, "v1"), repositories(plane.client(), &namespace, "v1beta2"));
    apply(&v1, &object("app", "v1", &good_spec())).await.unwrap();
    let (mut certificates, mut bundles, mut calls) = (BTreeSet::new(), BTreeSet::new(), 0);
    let deadline = Instant::now() + LONG;
    while certificates.len() < 4 || bundles.len() < 4 {
        assert!(Instant::now() < deadline, "{} certificates, {} bundles", certificates.len(), bundles.len());
        for index in 0..20 {
            let name = format!("new-{index}");
            try_out(&v1, &object(&name, "v1", &good_spec())).await.unwrap();
            let bad = object(&name, "v1", &json!({ "url": "oci://ghcr.io/org/app", "interval": "0s" }));
            let refused = try_out(&v1, &bad).await.unwrap_err();
            assert!(refused.message.contains("spec.interval"), "{refused:?}");
            assert_eq!(v1beta2.get("app").await.unwrap().data["spec"], good_spec());
            calls += 3;
        }
        certificates.insert(held(&client, "tls.crt").await);
        bundles.insert(held(&client, "ca.crt").await);
    }
    assert!(calls > 100, "{calls} calls");
}

async fn has_no_more_rights_than_it_needs(plane: &ControlPlane, token: &str) {
    let client = plane.client_with_token(token);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    secrets.get(SECRET).await.unwrap();
    assert!(secrets.get("another").await.unwrap_err().to_string().contains("forbidden"));
    assert!(secrets.list(&ListParams::default()).await.unwrap_err().to_string().contains("forbidden"));
    let elsewhere: Api<Secret> = Api::namespaced(client.clone(), "default");
    assert!(elsewhere.get(SECRET).await.unwrap_err().to_string().contains("forbidden"));
    let repositories = repositories(client, "default", "v1");
    assert!(repositories.list(&ListParams::default()).await.unwrap_err().to_string().contains("forbidden"));
}
