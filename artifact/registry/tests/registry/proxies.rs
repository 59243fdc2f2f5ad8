//! Proxies of one's own: everything goes through them, names included, and nothing goes past them. Proxies of the
//! environment: each URL has its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use oci_artifact::{Class as Outcome, Classify as _, name::Repository};
use oci_registry::{
    Access, Client, Error, Options, Pem, Proxies, Proxy, ProxyError, RepositoryClient, Secret, Tls,
};
use oci_testkit::{
    net,
    registry::{Act, Class, Fault, Match, Registry},
    tls,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::support::{NAME, download, quick, seed, tag};

/// A name that no resolver knows: only the proxy can find it.
const NOWHERE: &str = "registry.invalid";
const PASSWORD: &str = "hunter2";

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Socks,
    /// Asks for user and password.
    SocksLogin,
    /// Wants another password.
    Strict,
}

/// A proxy that leads to one registry whatever it is asked for, and keeps the heads of what it was asked.
struct Relay {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    async fn start(kind: Kind, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(relay(kind, stream, target, Arc::clone(&kept)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> String {
        self.heads.lock().unwrap().join("\n")
    }
}

async fn relay(kind: Kind, mut stream: TcpStream, target: SocketAddr, heads: Arc<Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 8192];
    let mut length = stream.read(&mut buffer).await.unwrap();
    if matches!(kind, Kind::SocksLogin) {
        stream.write_all(&[5, 2]).await.unwrap();
        length = stream.read(&mut buffer).await.unwrap();
        heads.lock().unwrap().push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        stream.write_all(&[1, 0]).await.unwrap();
        length = stream.read(&mut buffer).await.unwrap();
    } else if matches!(kind, Kind::Socks) {
        stream.write_all(&[5, 0]).await.unwrap();
        length = stream.read(&mut buffer).await.unwrap();
    }
    let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
    heads.lock().unwrap().push(head.clone());
    if matches!(kind, Kind::Strict) {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
        return;
    }
    let mut registry = TcpStream::connect(target).await.unwrap();
    match kind {
        Kind::Socks | Kind::SocksLogin => stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap(),
        _ if head.starts_with("CONNECT ") => stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap(),
        _ => registry.write_all(&buffer[..length]).await.unwrap(),
    }
    let _ = copy_bidirectional(&mut stream, &mut registry).await;
}

fn proxy(url: &str) -> Proxy {
    Proxy::new(url, Some("user".to_owned()), Some(Secret::new(PASSWORD.to_owned()))).unwrap()
}

fn open(host: &str, options: Options) -> RepositoryClient {
    let repository = Repository::parse(&format!("{host}/{NAME}")).unwrap();
    Client::new(options).repository(&repository, Access::Pull)
}

/// Options for plain HTTP through this proxy, tried once.
fn through(proxy: Proxy) -> Options {
    Options { proxies: Proxies::only(proxy), insecure: true, attempts: 1, ..quick() }
}

fn assert_proxy_failed(error: &Error, proxy: &str) {
    assert_eq!((error.reason(), error.class()), ("ProxyFailed", Outcome::Retry { after: None }), "{error}");
    assert!(!error.is_unreachable(), "says nothing about the registry");
    let shown = format!("{error} {error:?} {:?}", error.hint());
    assert!(shown.contains(proxy), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[tokio::test]
async fn http_proxy_gets_every_request_and_our_login() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let relay = Relay::start(Kind::Http, registry.address()).await;
    let client = open(NOWHERE, through(proxy(&format!("http://{}", relay.address))));
    client.manifest(&tag("v1")).await.unwrap();
    let heads = relay.heads();
    assert!(heads.starts_with(&format!("GET http://{NOWHERE}/v2/{NAME}/manifests/v1 ")), "{heads}");
    assert!(heads.contains("Basic dXNlcjpodW50ZXIy"), "{heads}");
    let to_the_registry = registry.requests();
    assert_eq!(to_the_registry.len(), 1);
    assert!(to_the_registry[0].authorization().is_none());
}

#[tokio::test]
async fn http_proxy_tunnels_tls_by_name() {
    let certificates = tls::Tls::for_names(&[NOWHERE]);
    let registry = Registry::builder().tls(&certificates).start();
    seed(&registry, "v1", b"content");
    let relay = Relay::start(Kind::Http, registry.address()).await;
    let ca = Some(Pem { origin: "ca.crt".into(), text: certificates.ca_pem.clone().into_bytes() });
    let options = Options {
        proxies: Proxies::only(proxy(&format!("http://{}", relay.address))),
        tls: Tls { ca, ..Tls::default() },
        ..quick()
    };
    open(NOWHERE, options).manifest(&tag("v1")).await.unwrap();
    assert!(relay.heads().starts_with(&format!("CONNECT {NOWHERE}:443 ")), "{}", relay.heads());
}

#[tokio::test]
async fn socks5_proxy_resolves_the_name() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let relay = Relay::start(Kind::Socks, registry.address()).await;
    let without_login = Proxy::new(&format!("socks5://{}", relay.address), None, None).unwrap();
    open(NOWHERE, through(without_login)).manifest(&tag("v1")).await.unwrap();
    assert!(relay.heads().contains(NOWHERE), "{}", relay.heads());
}

#[tokio::test]
async fn socks5_proxy_gets_our_login_and_still_resolves_the_name() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    for scheme in ["socks5", "socks5h"] {
        let relay = Relay::start(Kind::SocksLogin, registry.address()).await;
        let with_login = proxy(&format!("{scheme}://{}", relay.address));
        open(NOWHERE, through(with_login)).manifest(&tag("v1")).await.unwrap();
        let heads = relay.heads();
        assert!(heads.starts_with("\u{1}\u{4}user\u{7}hunter2"), "{heads}");
        assert!(heads.contains(NOWHERE), "{heads}");
    }
}

#[tokio::test]
async fn refused_proxy_is_told_apart_and_never_passed_by() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let nobody = net::refused();
    for scheme in ["http", "socks5"] {
        let options = through(proxy(&format!("{scheme}://{nobody}")));
        let error = open(&registry.host(), options).manifest(&tag("v1")).await.unwrap_err();
        assert_proxy_failed(&error, &format!("{scheme}://{nobody}"));
    }
    assert_eq!(registry.accepts(), 0);
}

#[tokio::test]
async fn proxy_that_wants_another_login_is_told_apart() {
    let registry = Registry::start();
    let relay = Relay::start(Kind::Strict, registry.address()).await;
    let url = format!("http://{}", relay.address);
    for insecure in [true, false] {
        let options = Options { insecure, ..through(proxy(&url)) };
        let error = open(&registry.host(), options).manifest(&tag("v1")).await.unwrap_err();
        assert_proxy_failed(&error, &url);
    }
    assert_eq!(registry.accepts(), 0);
}

#[test]
fn proxy_refuses_addresses_that_are_none_without_showing_them() {
    for (url, expected) in [
        ("", ProxyError::Url),
        ("proxy.example", ProxyError::Url),
        ("http://", ProxyError::Url),
        ("proxy.example:3128", ProxyError::Scheme),
        ("ftp://u:hunter2@proxy.example", ProxyError::Scheme),
        ("socks4://proxy.example", ProxyError::Scheme),
    ] {
        let error = Proxy::new(url, None, None).err().unwrap();
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains(PASSWORD));
    }
}

#[tokio::test]
async fn proxy_s_login_in_its_url_is_used_and_never_shown() {
    let registry = Registry::start();
    let relay = Relay::start(Kind::Strict, registry.address()).await;
    let url = format!("http://user:{PASSWORD}@{}/?{PASSWORD}", relay.address);
    let options = through(Proxy::new(&url, None, None).unwrap());
    let error = open(NOWHERE, options).manifest(&tag("v1")).await.unwrap_err();
    assert_proxy_failed(&error, &format!("http://{}", relay.address));
    assert!(relay.heads().contains("Basic dXNlcjpodW50ZXIy"), "{}", relay.heads());
}

/// The environment with this proxy for both schemes.
fn environment(proxy: &str, no_proxy: &'static str) -> Options {
    let proxies = Proxies::environment(|name| match name {
        "HTTP_PROXY" | "HTTPS_PROXY" => Some(proxy.to_owned()),
        "NO_PROXY" => Some(no_proxy.to_owned()),
        _ => None,
    });
    Options { proxies: proxies.unwrap(), insecure: true, attempts: 1, ..quick() }
}

/// An address of this computer that is none of its loopback ones.
fn unspecified(registry: &Registry) -> String {
    format!("0.0.0.0:{}", registry.address().port())
}

#[tokio::test]
async fn environment_s_proxy_is_used_with_the_login_in_it() {
    let certificates = tls::Tls::for_names(&[NOWHERE]);
    let (plain, secure) = (Registry::start(), Registry::builder().tls(&certificates).start());
    for (registry, first) in [(&plain, "GET http://"), (&secure, "CONNECT ")] {
        seed(registry, "v1", b"content");
        let relay = Relay::start(Kind::Http, registry.address()).await;
        let ca = Some(Pem { origin: "ca.crt".into(), text: certificates.ca_pem.clone().into_bytes() });
        let options = Options {
            insecure: first.starts_with("GET"),
            tls: Tls { ca, ..Tls::default() },
            ..environment(&format!("us%40er:p%2Fw@{}", relay.address), "other.example")
        };
        open(NOWHERE, options).manifest(&tag("v1")).await.unwrap();
        let heads = relay.heads();
        assert!(heads.starts_with(&format!("{first}{NOWHERE}")), "{heads}");
        assert!(heads.contains("Basic dXNAZXI6cC93"), "{heads}");
    }
}

#[tokio::test]
async fn environment_s_proxy_is_told_apart_when_it_fails() {
    let registry = Registry::start();
    let relay = Relay::start(Kind::Strict, registry.address()).await;
    let proxies = [relay.address.to_string(), net::refused()];
    for (proxy, insecure) in proxies.iter().flat_map(|proxy| [(proxy, true), (proxy, false)]) {
        let with_login = format!("http://user:{PASSWORD}@{proxy}");
        let options = Options { insecure, ..environment(&with_login, "127.0.0.1") };
        let error = open(&unspecified(&registry), options).manifest(&tag("v1")).await.unwrap_err();
        assert_proxy_failed(&error, &format!("http://{proxy}"));
    }
    assert_eq!(registry.accepts(), 0);
}

#[tokio::test]
async fn environment_s_proxy_is_not_for_this_computer_nor_for_exceptions() {
    let registry = Registry::start();
    seed(&registry, "v1", b"content");
    let nobody = format!("http://{}", net::refused());
    for (host, no_proxy, direct) in [
        (registry.host(), "", true),
        (unspecified(&registry), "", false),
        (unspecified(&registry), "0.0.0.0", true),
        (unspecified(&registry), "10.0.0.0/8, 0.0.0.0/32", true),
        (unspecified(&registry), "0.0.0.0:1", false),
    ] {
        let result = open(&host, environment(&nobody, no_proxy)).manifest(&tag("v1")).await;
        assert_eq!(result.is_ok(), direct, "{host} {no_proxy}");
    }
}

#[tokio::test]
async fn environment_s_proxy_leads_to_what_a_direct_registry_names() {
    let (registry, storage) = (Registry::start(), Registry::start());
    let layer = seed(&registry, "v1", b"content");
    seed(&storage, "v1", b"content");
    let relay = Relay::start(Kind::Http, storage.address()).await;
    let to = format!("http://{NOWHERE}{{path}}");
    registry.fault(Fault::always(Match::class(Class::Blob).method("GET"), Act::Redirect { to, status: 307 }));
    let client = open(&registry.host(), environment(&relay.address.to_string(), ""));
    assert_eq!(download(&client, &layer).await.unwrap(), b"content");
    assert!(relay.heads().starts_with(&format!("GET http://{NOWHERE}/v2/")), "{}", relay.heads());
}

#[tokio::test]
async fn registry_behind_a_proxy_leads_to_no_local_address_past_it() {
    let (registry, storage) = (Registry::start(), Registry::start());
    let layer = seed(&registry, "v1", b"content");
    seed(&storage, "v1", b"content");
    let relay = Relay::start(Kind::Http, registry.address()).await;
    for to in [storage.origin(), format!("http://{}", unspecified(&storage))] {
        let to = format!("{to}{{path}}");
        registry
            .fault(Fault::always(Match::class(Class::Blob).method("GET"), Act::Redirect { to, status: 307 }));
        let client = open(NOWHERE, environment(&relay.address.to_string(), "0.0.0.0"));
        let error = download(&client, &layer).await.unwrap_err();
        assert_eq!(error.reason(), "RedirectRefused", "{error}");
    }
    assert_eq!(storage.accepts(), 0);
}
