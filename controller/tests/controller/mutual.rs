//! Mutual TLS of artifacts: who gets them, and certificates that change.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use oci_controller::{serve, storage::Storage};
use oci_server::{
    Connections, Options, Running,
    limits::Limits,
    tls::{Certificates, Clients, Served, mutual_config, reload::Watch, source::Files},
};
use oci_testkit::tls::{Authority, ExtendedKeyUsagePurpose, KeyUsagePurpose, Leaf, Pair};
use reqwest::{Certificate, Client, Identity, tls::Version};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::storage_volume::{Volume, now, publish};

const OWN: &str = "spiffe://td/ns/oci-system/sa/oci-controller";
const CONSUMER: &str = "spiffe://td/ns/flux-system/sa/kustomize-controller";

/// The files of a server, as a sidecar or a driver writes them.
struct Mount(TempDir);

impl Mount {
    fn new(own: &Pair, authorities: &str) -> Self {
        let mount = Self(TempDir::new().unwrap());
        mount.write(own, authorities);
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, own: &Pair, authorities: &str) {
        self.put("tls.crt", &own.certificate);
        self.put("tls.key", &own.key);
        self.put("ca.crt", authorities);
    }

    /// At once, so that nobody reads half of a file.
    fn put(&self, name: &str, text: &str) {
        fs::write(self.path("next"), text).unwrap();
        fs::rename(self.path("next"), self.path(name)).unwrap();
    }

    fn files(&self, ids: &[&str]) -> Files {
        let ids = ids.iter().map(|id| id.parse().unwrap()).collect();
        let clients = Some(Clients { authorities: self.path("ca.crt"), ids });
        Files { certificate: self.path("tls.crt"), key: self.path("tls.key"), clients }
    }
}

/// A server of one artifact.
struct Server {
    authority: Authority,
    mount: Mount,
    metrics: Certificates,
    connections: Connections,
    running: Running,
    path: String,
    watch: Option<Watch>,
    _volume: Volume,
}

const CONTENT: &[u8] = b"content";

impl Server {
    async fn start(ids: &[&str]) -> Self {
        Self::with(ids, serve::limits()).await
    }

    async fn with(ids: &[&str], limits: Limits) -> Self {
        let volume = Volume::new();
        let storage = volume.open();
        let path = publish(&storage, "app", "r1", CONTENT).await.path;
        let authority = Authority::new();
        let mount = Mount::new(&authority.svid(&[OWN]), &authority.pem);
        let (served, metrics, connections) =
            (Arc::new(Served::default()), Certificates::default(), Connections::default());
        let watch = Watch::begin(mount.files(ids), Arc::clone(&served), metrics.clone(), now).unwrap();
        let tls = Some(mutual_config(served).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = Options { tls, limits, connections: connections.clone() };
        let running = serve::serve(listener, Storage::Local(storage), options).unwrap();
        let watch = Some(watch);
        Self { authority, mount, metrics, connections, running, path, watch, _volume: volume }
    }

    fn address(&self) -> SocketAddr {
        self.running.address()
    }

    fn url(&self) -> String {
        format!("https://{}/{}", self.address(), self.path)
    }

    /// Waits for so many failed handshakes, and checks that there are no more.
    async fn turned_away(&self, count: usize) {
        while self.connections.open.get() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.connections.handshake_failures.get(), count as u64);
    }

    /// What a new client gets.
    async fn get(&self, pair: Option<&Pair>) -> Result<Vec<u8>, String> {
        download(&client(&self.authority.pem, pair), &self.url()).await
    }

    async fn serves(&self, pair: &Pair) -> bool {
        match self.get(Some(pair)).await {
            Ok(bytes) => {
                assert_eq!(bytes, CONTENT);
                true
            }
            Err(_) => false,
        }
    }
}

fn client(authorities: &str, pair: Option<&Pair>) -> Client {
    let roots = Certificate::from_pem_bundle(authorities.as_bytes()).unwrap();
    let mut builder = Client::builder().no_proxy().tls_certs_only(roots);
    if let Some(pair) = pair {
        builder = builder.identity(identity(pair));
    }
    builder.build().unwrap()
}

fn identity(pair: &Pair) -> Identity {
    Identity::from_pem(format!("{}{}", pair.key, pair.certificate).as_bytes()).unwrap()
}

async fn download(client: &Client, url: &str) -> Result<Vec<u8>, String> {
    let reply = client.get(url).send().await.map_err(|error| format!("{error:?}"))?;
    assert_eq!(reply.status(), 200);
    Ok(reply.bytes().await.map_err(|error| format!("{error:?}"))?.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_for_the_clients_whose_ids_are_authorized() {
    let exact = [CONSUMER];
    let below = ["spiffe://td/ns/flux-system/"];
    let domain = ["spiffe://td"];
    let own = ["spiffe://self/ns/flux-system/sa/kustomize-controller"];
    let own_below = ["spiffe://self/ns/flux-system/"];
    let own_domain = ["spiffe://self"];
    let several = ["spiffe://td/a", "spiffe://self/b/"];
    let table: [(&[&str], &[&str], &[&str]); 7] = [
        (
            &exact,
            &[CONSUMER],
            &[
                "spiffe://td/ns/flux-system/sa/kustomize-controller-evil",
                "spiffe://td/ns/flux-system/sa/kustomize-controller/evil",
                "spiffe://td/ns/flux-system/sa",
                "spiffe://other/ns/flux-system/sa/kustomize-controller",
                OWN,
            ],
        ),
        (
            &below,
            &[CONSUMER, "spiffe://td/ns/flux-system/a/b/c"],
            &[
                "spiffe://td/ns/flux-system",
                "spiffe://td/ns/flux-system-evil/sa/kustomize-controller",
                "spiffe://td/x/ns/flux-system/sa/kustomize-controller",
                "spiffe://other/ns/flux-system/sa/kustomize-controller",
            ],
        ),
        (
            &domain,
            &[CONSUMER, "spiffe://td/x"],
            &["spiffe://other/x", "spiffe://td.evil/x", "spiffe://self/x"],
        ),
        (&own, &[CONSUMER], &["spiffe://self/ns/flux-system/sa/kustomize-controller", OWN]),
        (&own_below, &[CONSUMER], &["spiffe://td/ns/flux-system-evil/x", OWN]),
        (&own_domain, &[CONSUMER, "spiffe://td/x"], &["spiffe://other/x", "spiffe://self/x"]),
        (&several, &["spiffe://td/a", "spiffe://td/b/x"], &["spiffe://td/b", "spiffe://td/a/x", CONSUMER]),
    ];
    for (ids, good, bad) in table {
        let server = Server::start(ids).await;
        for id in good {
            assert!(server.serves(&server.authority.svid(&[id])).await, "{ids:?} {id}");
        }
        for id in bad {
            assert!(!server.serves(&server.authority.svid(&[id])).await, "{ids:?} {id}");
        }
        server.turned_away(bad.len()).await;
    }
}

/// Certificates for `CONSUMER` that are no good, by what is wrong with them.
fn bad(server: &Server) -> Vec<(&'static str, Pair)> {
    let issue = |leaf: Leaf<'_>| server.authority.issue(&leaf);
    let svid = || Leaf {
        uris: &[CONSUMER],
        usages: &[KeyUsagePurpose::DigitalSignature],
        purpose: ExtendedKeyUsagePurpose::ClientAuth,
        ..Leaf::default()
    };
    let signer = &[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    let revoker = &[KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    vec![
        ("of another authority", Authority::new().svid(&[CONSUMER])),
        ("expired", issue(Leaf { expired: true, ..svid() })),
        ("for servers", issue(Leaf { purpose: ExtendedKeyUsagePurpose::ServerAuth, ..svid() })),
        ("two URIs", issue(Leaf { uris: &[CONSUMER, "spiffe://td/x"], ..svid() })),
        ("two URIs, one of them no ID", issue(Leaf { uris: &["https://td/x", CONSUMER], ..svid() })),
        ("the same URI twice", issue(Leaf { uris: &[CONSUMER, CONSUMER], ..svid() })),
        ("no URI", issue(Leaf { uris: &[], names: &["td"], ..svid() })),
        ("no name at all", issue(Leaf { uris: &[], ..svid() })),
        ("another URI", issue(Leaf { uris: &["https://td/x"], ..svid() })),
        ("the domain itself", issue(Leaf { uris: &["spiffe://td"], ..svid() })),
        ("a slash at the end", issue(Leaf { uris: &["spiffe://td/x/"], ..svid() })),
        ("dots", issue(Leaf { uris: &["spiffe://td/x/../y"], ..svid() })),
        ("capitals", issue(Leaf { uris: &["spiffe://TD/x"], ..svid() })),
        ("may sign certificates", issue(Leaf { usages: signer, ..svid() })),
        ("may sign revocations", issue(Leaf { usages: revoker, ..svid() })),
        ("not for signatures", issue(Leaf { usages: &[KeyUsagePurpose::KeyAgreement], ..svid() })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_not_for_clients_without_a_proper_svid() {
    let server = Server::start(&["spiffe://td"]).await;
    assert!(server.get(None).await.is_err());
    let bad = bad(&server);
    for (what, pair) in &bad {
        assert!(!server.serves(pair).await, "{what}");
    }
    server.turned_away(bad.len() + 1).await;
    // As go-spiffe: the extension may be missing.
    let bare = Leaf { uris: &[CONSUMER], purpose: ExtendedKeyUsagePurpose::ClientAuth, ..Leaf::default() };
    for pair in [server.authority.svid(&[CONSUMER]), server.authority.issue(&bare)] {
        assert!(server.serves(&pair).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_without_ids_are_for_all_clients_of_the_authorities() {
    let server = Server::start(&[]).await;
    let client = || Leaf { purpose: ExtendedKeyUsagePurpose::ClientAuth, ..Leaf::default() };
    assert!(server.serves(&server.authority.issue(&client())).await);
    assert!(server.serves(&server.authority.svid(&["spiffe://other/x"])).await);
    assert!(server.get(None).await.is_err());
    for pair in [
        Authority::new().issue(&client()),
        server.authority.issue(&Leaf { expired: true, ..client() }),
        server.authority.issue(&Leaf::default()),
    ] {
        assert!(!server.serves(&pair).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_served_by_tls_1_2_and_1_3_and_by_nothing_older() {
    let server = Server::start(&["spiffe://td"]).await;
    let pair = server.authority.svid(&[CONSUMER]);
    let roots = Certificate::from_pem_bundle(server.authority.pem.as_bytes()).unwrap();
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = Client::builder().no_proxy().tls_certs_only(roots.clone()).identity(identity(&pair));
        let client = client.tls_version_min(version).tls_version_max(version).build().unwrap();
        assert_eq!(download(&client, &server.url()).await.unwrap(), CONTENT, "{version:?}");
    }
    // The client's first message in TLS 1.1, with extensions for curve and signature.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 4, 3];
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 16]);
    hello.extend(extensions);
    let length = u8::try_from(hello.len()).unwrap();
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&record).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    // A fatal alert: protocol_version.
    assert_eq!((answer.first(), answer.get(5..)), (Some(&21), Some(&[2, 70][..])), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_told_that_tls_is_spoken() {
    let server = Server::start(&[CONSUMER]).await;
    let url = server.url().replace("https://", "http://");
    let reply = client(&server.authority.pem, None).get(&url).send().await.unwrap();
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.headers()["connection"], "close");
    assert_eq!(reply.text().await.unwrap(), "this port speaks HTTPS and nothing else");
    // One that sends a lot before it reads anything.
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("PUT / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(8_000));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(server.serves(&server.authority.svid(&[CONSUMER])).await);
    drop(stream);
    server.turned_away(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshake_that_never_ends_is_ended_and_in_nobodys_way() {
    let limits = Limits { handshake: Duration::from_secs(1), ..serve::limits() };
    let server = Server::with(&[CONSUMER], limits).await;
    let pair = server.authority.svid(&[CONSUMER]);
    let mut pending = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        // Nothing, the begin of a record, or a record whose message goes on.
        let begun: [&[u8]; 3] = [b"", &[22], &[22, 3, 1, 0, 4, 1, 0, 1, 0]];
        stream.write_all(begun[number % 3]).await.unwrap();
        pending.push(stream);
    }
    assert!(server.serves(&pair).await);
    for mut stream in pending {
        // An end or a reset, depending on what was sent.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    server.turned_away(200).await;
    assert!(server.serves(&pair).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_of_everything_under_load_loses_no_download() {
    let mut server = Server::start(&["spiffe://self/ns/flux-system/"]).await;
    let watching = tokio::spawn(server.watch.take().unwrap().run(Duration::from_millis(1)));
    let second = Authority::new();
    let bundle = format!("{}{}", server.authority.pem, second.pem);
    // Both are trusted before either signs anew, as SPIFFE rotates authorities.
    server.mount.put("ca.crt", &bundle);
    while server.metrics.reloads.get() < 1 {
        tokio::task::yield_now().await;
    }
    let (done, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let authority = if number % 4 < 2 { &server.authority } else { &second };
            let (bundle, pair, url) = (bundle.clone(), authority.svid(&[CONSUMER]), server.url());
            let (done, count) = (Arc::clone(&done), Arc::clone(&count));
            tokio::spawn(async move {
                let mut kept = client(&bundle, Some(&pair));
                while !done.load(Ordering::Relaxed) {
                    // Half of them keep their connection over all rotations.
                    if number % 2 == 0 {
                        kept = client(&bundle, Some(&pair));
                    }
                    assert_eq!(download(&kept, &url).await.unwrap(), CONTENT);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 2..=50 {
        let authority = if round % 2 == 0 { &second } else { &server.authority };
        // The certificate and its key, one after the other: whoever reads in between keeps what there was.
        let pair = authority.svid(&[OWN]);
        server.mount.put("tls.crt", &pair.certificate);
        server.mount.put("tls.key", &pair.key);
        let before = count.load(Ordering::Relaxed);
        while server.metrics.reloads.get() < round || count.load(Ordering::Relaxed) < before + 8 {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(server.connections.handshake_failures.get(), 0);
    watching.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn authority_that_is_no_longer_there_lets_nobody_in() {
    let mut server = Server::start(&["spiffe://td"]).await;
    let (old, second) = (server.authority.svid(&[CONSUMER]), Authority::new());
    let kept = client(&server.authority.pem, Some(&old));
    download(&kept, &server.url()).await.unwrap();
    server.mount.write(&server.authority.svid(&[OWN]), &second.pem);
    server.watch.as_mut().unwrap().look(server.mount.files(&["spiffe://td"]).read());
    assert!(!server.serves(&old).await);
    assert!(server.serves(&second.svid(&[CONSUMER])).await);
    // A connection is judged when it begins.
    assert_eq!(download(&kept, &server.url()).await.unwrap(), CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_that_is_broken_leaves_what_there_was() {
    let ids = ["spiffe://td/ns/flux-system/"];
    let mut server = Server::start(&ids).await;
    let (pair, next) = (server.authority.svid(&[CONSUMER]), Authority::new());
    let good = next.svid(&[OWN]);
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let other = Pair { key: next.svid(&[OWN]).key, ..good.clone() };
    let wrong = [
        (other, next.pem.clone()),
        (Pair { certificate: half(&good.certificate), ..good.clone() }, next.pem.clone()),
        (Pair { key: half(&good.key), ..good.clone() }, next.pem.clone()),
        (Pair { key: String::new(), ..good.clone() }, next.pem.clone()),
        (good.clone(), String::new()),
        (good.clone(), half(&next.pem)),
        (good.clone(), good.key.clone()),
        (good.clone(), format!("{}{}", next.pem, half(&next.pem))),
        // No SVID, or one of another trust domain.
        (next.svid(&[]), next.pem.clone()),
        (next.svid(&[OWN, "spiffe://td/x"]), next.pem.clone()),
        (next.svid(&["spiffe://other/x"]), next.pem.clone()),
        (next.issue(&Leaf { uris: &[OWN], expired: true, ..Leaf::default() }), next.pem.clone()),
    ];
    let files = server.mount.files(&ids);
    for (number, (own, authorities)) in wrong.iter().enumerate() {
        server.mount.write(own, authorities);
        server.watch.as_mut().unwrap().look(files.read());
        assert_eq!(server.metrics.reload_failures.get(), number as u64 + 1, "{number}");
        assert!(server.serves(&pair).await, "{number}");
    }
    for name in ["tls.crt", "tls.key", "ca.crt"] {
        server.mount.write(&good, &next.pem);
        fs::remove_file(server.mount.path(name)).unwrap();
        server.watch.as_mut().unwrap().look(files.read());
        assert!(server.serves(&pair).await, "{name}");
    }
    assert_eq!(server.metrics.reloads.get(), 0);
    server.mount.write(&good, &next.pem);
    server.watch.as_mut().unwrap().look(files.read());
    assert_eq!(server.metrics.reloads.get(), 1);
    let client = client(&next.pem, Some(&next.svid(&[CONSUMER])));
    assert_eq!(download(&client, &server.url()).await.unwrap(), CONTENT);
}

#[test]
fn files_that_cannot_serve_say_why() {
    let authority = Authority::new();
    let begin = |mount: &Mount, ids: &[&str]| {
        let served = Arc::new(Served::default());
        Watch::begin(mount.files(ids), served, Certificates::default(), now).unwrap_err().to_string()
    };
    let mount = Mount::new(&authority.svid(&[]), &authority.pem);
    let said = begin(&mount, &["spiffe://self"]);
    assert!(said.ends_with("cannot be served: the certificate is no SVID: it has no SPIFFE ID"), "{said}");
    mount.write(&authority.svid(&[OWN]), &authority.pem);
    let said = begin(&mount, &["spiffe://td", "spiffe://other/x"]);
    assert!(said.contains("of the trust domain `td`, so nobody can be known as spiffe://other/x"), "{said}");
    mount.put("ca.crt", "no certificate");
    let said = begin(&mount, &[]);
    assert!(
        said.starts_with("clients cannot be known by `")
            && said.ends_with("/ca.crt`: there is no certificate in it")
    );
    fs::remove_file(mount.path("ca.crt")).unwrap();
    assert!(begin(&mount, &[]).contains("ca.crt` failed: "));
}
