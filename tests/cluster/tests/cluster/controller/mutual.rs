//! Artifacts by mutual TLS, as a consumer downloads them that has only the object.

use std::{path::PathBuf, process::Command};

use oci_artifact::name::Digest;
use oci_server::limits::REJECTIONS_LOGGED;
use oci_testkit::{
    control_plane::eventually,
    controller::Controller,
    tls::{Authority, Pair},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    push::{self, Image},
    tenant::{Tenant, fetch},
    world::{LONG, shard, started, was_well},
};

const OWN: &str = "spiffe://td/ns/oci-system/sa/oci-controller";
const CONSUMER: &str = "spiffe://td/ns/flux-system/sa/kustomize-controller";

/// Certificates of one trust domain, in files.
struct Domain {
    authority: Authority,
    folder: TempDir,
}

impl Domain {
    fn new() -> Self {
        let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
        let domain = Self { authority, folder };
        domain.put("ca.crt", &domain.authority.pem);
        domain.write("tls", &domain.authority.svid(&[OWN]));
        domain
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path("next"), text).unwrap();
        std::fs::rename(self.path("next"), self.path(name)).unwrap();
    }

    fn write(&self, name: &str, pair: &Pair) {
        self.put(&format!("{name}.key"), &pair.key);
        self.put(&format!("{name}.crt"), &pair.certificate);
    }

    /// The flags of a controller.
    fn flags(&self) -> [String; 3] {
        [("cert", "tls.crt"), ("key", "tls.key"), ("client-ca", "ca.crt")]
            .map(|(flag, file)| format!("--storage-tls-{flag}-file={}", self.path(file).display()))
    }

    /// A client in Go, as Flux's consumers are: what it downloads, or says.
    async fn go(&self, tenant: &Tenant<'_>, url: &str, pair: &Pair) -> Result<Vec<u8>, String> {
        self.write("client", pair);
        let (scheme, rest) = url.split_once("://").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut command: Command = tenant.plane.kubectl();
        command.env("KUBECONFIG", "/dev/null").arg(format!("--server={scheme}://{host}"));
        for (flag, file) in [
            ("certificate-authority", "ca.crt"),
            ("client-certificate", "client.crt"),
            ("client-key", "client.key"),
        ] {
            command.arg(format!("--{flag}={}", self.path(file).display()));
        }
        command.args(["get", &format!("--raw=/{path}")]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// A controller that serves so, and an object of its shard that is ready.
async fn serving(name: &str, domain: &Domain, flags: &[&str]) -> (Controller, Tenant<'static>, Value) {
    let tenant = Tenant::of_shard(name).await;
    let mut options = shard(name).await;
    options.arguments.extend(domain.flags());
    options.arguments.extend(flags.iter().map(|&flag| flag.to_owned()));
    let controller = started(options);
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let object = tenant.ready("app").await;
    (controller, tenant, object)
}

fn url(object: &Value) -> &str {
    object["status"]["artifact"]["url"].as_str().unwrap()
}

fn is_whole(object: &Value, bytes: &[u8]) {
    assert_eq!(object["status"]["artifact"]["digest"], Digest::of(bytes).to_string());
    assert_eq!(push::files(bytes).len(), 1);
}

#[tokio::test]
async fn controller_serves_artifacts_to_the_svids_that_flux_authorizes() {
    let domain = Domain::new();
    let id = "--authorized-artifact-client-spiffe-id=spiffe://self/ns/flux-system/";
    let (controller, tenant, object) = serving("mutual-spiffe", &domain, &[id]).await;
    // Flux's contract: the URL stays, and consumers that are told to know whom they speak to make it https.
    assert_eq!(
        url(&object),
        format!("{}/{}", controller.artifacts(), object["status"]["artifact"]["path"].as_str().unwrap())
    );
    let secure = url(&object).replacen("http://", "https://", 1);
    is_whole(&object, &domain.go(&tenant, &secure, &domain.authority.svid(&[CONSUMER])).await.unwrap());

    let stranger = domain.authority.svid(&["spiffe://td/ns/flux-system-evil/sa/x"]);
    for pair in [&stranger, &Authority::new().svid(&[CONSUMER])] {
        let said = domain.go(&tenant, &secure, pair).await.unwrap_err();
        assert!(said.contains("tls: ") || said.contains("connection reset"), "{said}");
    }
    for _ in 0..REJECTIONS_LOGGED + 10 {
        assert!(fetch(url(&object)).await.unwrap_err().contains("400"));
    }
    let log = controller.log();
    let said = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    assert_eq!(said("spiffe://td/ns/flux-system-evil/sa/x is not authorized"), 1, "{log}");
    assert_eq!(said("invalid peer certificate: "), 1, "{log}");
    assert_eq!(said("the client speaks HTTP without TLS"), REJECTIONS_LOGGED as usize, "{log}");
    let failures = format!(r#"handshake_failures_total{{listener="artifacts"}} {}"#, REJECTIONS_LOGGED + 12);
    assert!(controller.metrics().contains(&failures), "{}", controller.metrics());

    // The next pair is of another authority, which only those trust who see it.
    let next = Authority::new();
    domain.write("tls", &next.svid(&[OWN]));
    let both = format!("{}{}", domain.authority.pem, next.pem);
    domain.put("ca.crt", &both);
    eventually("the next certificate", LONG, async || {
        domain.put("ca.crt", &next.pem);
        let got = domain.go(&tenant, &secure, &next.svid(&[CONSUMER])).await;
        domain.put("ca.crt", &both);
        got
    })
    .await;
    was_well(&controller);
}

#[tokio::test]
async fn controller_advertises_https_to_clients_without_spiffe() {
    let domain = Domain::new();
    let (controller, tenant, object) = serving("mutual-plain", &domain, &[]).await;
    let base = controller.artifacts().replacen("http://", "https://", 1);
    assert!(url(&object).starts_with(&base), "{}", url(&object));
    assert!(object["status"]["url"].as_str().unwrap().starts_with(&base), "{object}");
    let bytes = domain.go(&tenant, url(&object), &domain.authority.svid(&[])).await.unwrap();
    is_whole(&object, &bytes);
    assert!(domain.go(&tenant, url(&object), &Authority::new().svid(&[])).await.is_err());
    was_well(&controller);
}

#[tokio::test]
async fn controller_does_not_start_with_files_that_cannot_serve() {
    let domain = Domain::new();
    std::fs::remove_file(domain.path("tls.key")).unwrap();
    let mut options = shard("mutual-refused").await;
    options.arguments.extend(domain.flags());
    let mut controller = Controller::start(options);
    assert_ne!(controller.wait_ended(), 0);
    let log = controller.log();
    assert!(log.contains("--storage-tls-key-file") && log.contains("tls.key` failed: No such file"), "{log}");
}
