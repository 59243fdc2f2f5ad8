//! Artifacts that others pushed, to registries that others wrote.

use std::{path::Path, process::Command};

use oci_testkit::{
    control_plane::Ran,
    real::{Distribution, Mode, Olareg, Options},
    tools,
};
use serde_json::json;

use super::{
    push::{DOCKER, FLUX, archive},
    tenant::{Tenant, is_ready},
    tls::secret,
};

/// A foreign program in a folder.
fn program(name: &str, folder: &Path) -> Command {
    let mut command = tools::command(name).unwrap();
    command.current_dir(folder).env("HOME", folder).env("DOCKER_CONFIG", folder);
    command
}

/// A file, pushed by our own program.
pub(super) async fn push_by_plugin(url: &str, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.yaml"), "one").unwrap();
    let mut push = Command::new(tools::program("kubectl-oci").unwrap());
    push.args(["push", "artifact", url, "--source=test", "--revision=v1", "--path"]).arg(folder.path());
    push.args(more).env("HOME", folder.path()).env("DOCKER_CONFIG", folder.path());
    Ran::of(push).await.succeeded();
}

/// Two layers of two types, pushed by oras.
async fn push_by_oras(folder: &Path, host: &str, more: &[&str]) {
    std::fs::write(folder.join("flux.tgz"), archive(&[("flux.yaml", "f")])).unwrap();
    std::fs::write(folder.join("docker.tgz"), archive(&[("docker.yaml", "d")])).unwrap();
    let mut oras = program("oras", folder);
    oras.args(["push", "--no-tty"]).args(more).arg(format!("{host}/org/app:v1"));
    oras.args([format!("flux.tgz:{FLUX}"), format!("docker.tgz:{DOCKER}")]);
    oras.args(["--annotation", "org.opencontainers.image.revision=main@sha1:0123456"]);
    Ran::of(oras).await.succeeded();
}

#[tokio::test]
async fn controller_takes_what_oras_and_crane_pushed() {
    let tenant = Tenant::new().await;
    let registry = Distribution::start(Mode::Plain).unwrap();
    let folder = tempfile::tempdir().unwrap();
    push_by_oras(folder.path(), &registry.host(), &["--plain-http"]).await;
    // crane makes Docker's types, and an index of two of them.
    let name = |tag: &str| format!("{}/org/app:{tag}", registry.host());
    for platform in ["linux/amd64", "linux/arm64"] {
        let tag = platform.replace('/', "-");
        let layer = folder.path().join(format!("{tag}.tgz"));
        std::fs::write(&layer, archive(&[(&tag, "x")])).unwrap();
        let mut append = program("crane", folder.path());
        append.args(["append", "--insecure", "--platform", platform, "-t", &name(&tag), "-f"]).arg(&layer);
        Ran::of(append).await.succeeded();
        let mut mutate = program("crane", folder.path());
        mutate.args(["mutate", "--insecure", "--set-platform", platform, "-t", &name(&tag), &name(&tag)]);
        Ran::of(mutate).await.succeeded();
    }
    let mut index = program("crane", folder.path());
    index.args(["index", "append", "--insecure", "-t", &name("index")]);
    index.args(["-m", &name("linux-arm64"), "-m", &name("linux-amd64")]);
    Ran::of(index).await.succeeded();

    let url = registry.url("org/app");
    let docker = json!({ "mediaType": DOCKER });
    let cases = [
        ("oras-first", json!({ "url": url, "ref": { "tag": "v1" } }), "flux.yaml"),
        (
            "oras-docker",
            json!({ "url": url, "ref": { "tag": "v1" }, "layerSelector": docker }),
            "docker.yaml",
        ),
        ("crane", json!({ "url": url, "ref": { "tag": "linux-arm64" } }), "linux-arm64"),
        ("index", json!({ "url": url, "ref": { "tag": "index" } }), "linux-amd64"),
    ];
    for (name, fields, _) in &cases {
        tenant.apply(name, fields).await;
    }
    for (name, _, file) in cases {
        let object = tenant.ready(name).await;
        assert_eq!(tenant.files(&object).await.into_keys().collect::<Vec<_>>(), [file], "{name}");
    }
    let object = tenant.get("oras-first").await;
    let metadata = &object["status"]["artifact"]["metadata"];
    assert_eq!(metadata["org.opencontainers.image.revision"], "main@sha1:0123456");
}

#[tokio::test]
async fn controller_reads_from_a_real_registry_that_wants_certificates() {
    let tenant = Tenant::new().await;
    let folder = tempfile::tempdir().unwrap();
    let registry = Distribution::start(Mode::MutualTls).unwrap();
    let tls = registry.tls.clone().unwrap();
    let files =
        [("ca.pem", &tls.ca_pem), ("cert.pem", &tls.client_cert_pem), ("key.pem", &tls.client_key_pem)];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let more = ["--ca-file=ca.pem", "--cert-file=cert.pem", "--key-file=key.pem"];
    push_by_oras(folder.path(), &registry.host(), &more).await;
    let (ca, cert, key) = (tls.ca_pem.as_str(), tls.client_cert_pem.as_str(), tls.client_key_pem.as_str());
    tenant.install(&secret("pair", &[("ca.crt", ca), ("tls.crt", cert), ("tls.key", key)])).await;
    let fields = json!({
        "url": registry.url("org/app"),
        "ref": { "tag": "v1" },
        "insecure": false,
        "certSecretRef": { "name": "pair" },
    });
    tenant.apply("app", &fields).await;
    tenant.ready("app").await;
}

#[tokio::test]
async fn controller_bears_a_registry_that_limits_it() {
    let tenant = Tenant::new().await;
    let registry = Olareg::start(Options { rate_limit: Some(4) }).unwrap();
    push_by_plugin(&registry.url("org/app:v1"), &[]).await;
    let name = |index: usize| format!("app-{index}");
    for index in 0..8 {
        let fields = json!({ "url": registry.url("org/app"), "ref": { "tag": "v1" } });
        tenant.apply(&name(index), &fields).await;
    }
    for index in 0..8 {
        tenant.until(&name(index), "to be ready in the end", is_ready).await;
    }
}
