//! Certificates from files: the `..data` dance of a mounted Secret, and pairs that are wrong.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use oci_testkit::tls::Tls;
use oci_webhook::{
    http::Health,
    observe::Certificates,
    tls::{
        Served,
        reload::Watch,
        source::{Fault, FileError, Files, Material},
    },
};
use tempfile::TempDir;

use crate::{
    client::{Client, connector},
    reviews::{bytes, create, object},
    served::{Server, material, now},
};

/// A mounted Secret, as kubelet keeps it: `tls.crt -> ..data/tls.crt`, `..data -> ..<time>`.
struct Mount {
    folder: TempDir,
    number: usize,
}

impl Mount {
    fn new(tls: &Tls) -> Self {
        let mut mount = Self { folder: TempDir::new().unwrap(), number: 0 };
        mount.write(&material(tls));
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), mount.path(name)).unwrap();
        }
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn files(&self) -> Files {
        Files { certificate: self.path("tls.crt"), key: self.path("tls.key") }
    }

    /// All at once, by moving a symbolic link.
    fn write(&mut self, material: &Material) {
        self.number += 1;
        let name = format!("..{}", self.number);
        fs::create_dir(self.path(&name)).unwrap();
        fs::write(self.path(&name).join("tls.crt"), &material.certificate).unwrap();
        fs::write(self.path(&name).join("tls.key"), &material.key).unwrap();
        symlink(&name, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        let _ = fs::remove_dir_all(self.path(&format!("..{}", self.number - 1)));
    }
}

fn watch(files: Files) -> (Watch, Arc<Served>, Certificates) {
    let (served, metrics) = (Arc::new(Served::default()), Certificates::default());
    let serving = (Arc::clone(&served), Health::default());
    let watch = Watch::begin(files, serving, metrics.clone(), now).unwrap();
    (watch, served, metrics)
}

fn certificate(served: &Served) -> Vec<u8> {
    served.current().unwrap().key().cert[0].to_vec()
}

#[test]
fn watch_takes_another_pair() {
    let (one, two) = (Tls::new(), Tls::new());
    let mut mount = Mount::new(&one);
    let (mut watch, served, metrics) = watch(mount.files());
    let before = certificate(&served);
    watch.look(mount.files().read());
    assert_eq!(certificate(&served), before);
    assert_eq!(metrics.reloads.get(), 0);
    mount.write(&material(&two));
    watch.look(mount.files().read());
    assert_ne!(certificate(&served), before);
    assert_eq!((metrics.reloads.get(), metrics.reload_failures.get()), (1, 0));
    assert!(metrics.not_after.get() > 1.0e9);
}

#[test]
fn watch_keeps_the_old_pair_when_the_new_one_is_wrong() {
    let (one, two) = (Tls::new(), Tls::new());
    let mut mount = Mount::new(&one);
    let (mut watch, served, metrics) = watch(mount.files());
    let before = certificate(&served);
    let good = material(&two);
    let half = |text: &[u8]| text[..text.len() / 2].to_vec();
    let wrong = [
        Material { key: material(&one).key, ..good.clone() },
        Material { certificate: half(&good.certificate), ..good.clone() },
        Material { key: half(&good.key), ..good.clone() },
        Material { certificate: Vec::new(), ..good.clone() },
        Material { key: Vec::new(), ..good.clone() },
        Material { certificate: good.key.clone(), key: good.certificate.clone() },
        material(&Tls::expired()),
    ];
    for (number, material) in wrong.iter().enumerate() {
        mount.write(material);
        watch.look(mount.files().read());
        assert_eq!(certificate(&served), before, "{number}");
        assert_eq!(metrics.reload_failures.get(), number as u64 + 1);
    }
    fs::remove_file(mount.path("tls.crt")).unwrap();
    watch.look(mount.files().read());
    assert_eq!(certificate(&served), before);
    symlink("..data/tls.crt", mount.path("tls.crt")).unwrap();
    mount.write(&good);
    watch.look(mount.files().read());
    assert_ne!(certificate(&served), before);
    assert_eq!(metrics.reloads.get(), 1);
}

#[test]
fn files_name_their_fault() {
    let tls = Tls::new();
    let fault = |material: Material| material.identity(now()).unwrap_err();
    let good = material(&tls);
    assert_eq!(fault(Material { key: material(&Tls::new()).key, ..good.clone() }), Fault::Mismatch);
    assert_eq!(fault(Material { certificate: b"x".to_vec(), ..good.clone() }), Fault::NoCertificate);
    assert!(matches!(fault(Material { key: b"x".to_vec(), ..good.clone() }), Fault::KeyPem(_)));
    assert!(matches!(fault(material(&Tls::expired())), Fault::Expired(_)));
    let der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(fault(Material { certificate: der.into(), ..good.clone() }), Fault::Certificate(_)));
    let early = good.identity("1960-01-01T00:00:00Z".parse().unwrap()).unwrap_err();
    assert!(matches!(early, Fault::Early(_)));
    let files = Files { certificate: "/nowhere/tls.crt".into(), key: "/nowhere/tls.key".into() };
    let error = files.read().unwrap_err();
    assert!(matches!(error, FileError::Read { .. }));
    assert!(error.to_string().starts_with("reading `/nowhere/tls.crt` failed: "), "{error}");
    let error = files.identity(&material(&Tls::expired()), now()).unwrap_err().to_string();
    assert!(error.starts_with(
        "`/nowhere/tls.crt` with `/nowhere/tls.key` cannot be served: the certificate ended at"
    ));
}

#[test]
fn material_takes_a_chain() {
    let tls = Tls::new();
    let mut chain = material(&tls);
    chain.certificate.extend_from_slice(tls.ca_pem.as_bytes());
    assert_eq!(chain.identity(now()).unwrap().key().cert.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_under_load_loses_no_request() {
    let server = Server::start();
    let pairs: Vec<Tls> = (0..4).map(|_| Tls::new()).collect();
    let mut mount = Mount::new(&pairs[0]);
    let metrics = Certificates::default();
    let serving = (Arc::clone(&server.served), Health::default());
    let watch = Watch::begin(mount.files(), serving, metrics.clone(), now).unwrap();
    let watching = tokio::spawn(watch.run(Duration::from_millis(1)));
    let bundle: String = pairs.iter().map(|tls| tls.ca_pem.as_str()).collect();
    let (address, connector) = (server.running.address(), connector(&bundle));
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let body = bytes(&create(&object()));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (done, answered, connector, body) =
                (Arc::clone(&done), Arc::clone(&answered), connector.clone(), body.clone());
            tokio::spawn(async move {
                let mut client = Client::connect(address, &connector).await.unwrap();
                while !done.load(Ordering::Relaxed) {
                    // Half of them keep their connection over all rotations.
                    if number % 2 == 0 {
                        client = Client::connect(address, &connector).await.unwrap();
                    }
                    assert_eq!(client.post("/validate", &body).await.status, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 1..=100 {
        mount.write(&material(&pairs[round % pairs.len()]));
        let before = answered.load(Ordering::Relaxed);
        while metrics.reloads.get() < round as u64 || answered.load(Ordering::Relaxed) < before + 8 {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    watching.abort();
    assert_eq!(metrics.reload_failures.get(), 0);
    let fresh = Client::connect(address, &connector).await.unwrap();
    assert_eq!(fresh.certificate(), certificate(&server.served));
}
