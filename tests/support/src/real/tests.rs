//! The foreign registries and servers start, answer and end.

use std::time::Duration;

use reqwest::{Client, StatusCode};

use super::{Distribution, Mode, Moto, Olareg, Options, PASSWORD, ProxyPy, USER};
use crate::{net, planted, registry::Registry, tls::Tls};

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn distribution_answers_everyone() {
    let registry = Distribution::start(Mode::Plain).unwrap();
    let reply = client().get(format!("http://{}/v2/", registry.host())).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK, "{}", registry.log());
}

#[tokio::test]
async fn distribution_lets_only_the_user_of_the_file_in() {
    let registry = Distribution::start(Mode::Htpasswd).unwrap();
    let url = format!("http://{}/v2/", registry.host());
    assert_eq!(client().get(&url).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let reply = client().get(&url).basic_auth(USER, Some(PASSWORD)).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK, "{}", registry.log());
}

#[tokio::test]
async fn distribution_demands_the_client_certificate() {
    let registry = Distribution::start(Mode::MutualTls).unwrap();
    let tls = registry.tls.as_ref().unwrap();
    let root = reqwest::Certificate::from_pem(tls.ca_pem.as_bytes()).unwrap();
    let url = format!("https://{}/v2/", registry.host());
    let builder = || Client::builder().no_proxy().tls_certs_only([root.clone()]);
    assert!(builder().build().unwrap().get(&url).send().await.is_err());
    let pem = format!("{}{}", tls.client_key_pem, tls.client_cert_pem);
    let client = builder().identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap()).build().unwrap();
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::OK, "{}", registry.log());
}

#[tokio::test]
async fn distribution_shows_its_certificate() {
    let registry = Distribution::start(Mode::Tls).unwrap();
    let root = reqwest::Certificate::from_pem(registry.tls.as_ref().unwrap().ca_pem.as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let reply = client.get(format!("https://{}/v2/", registry.host())).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK, "{}", registry.log());
}

#[tokio::test]
async fn olareg_limits_the_rate() {
    let registry = Olareg::start(Options { rate_limit: Some(1) }).unwrap();
    let url = format!("http://{}/v2/", registry.host());
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(client().get(&url).send().await.unwrap().status());
    }
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn olareg_answers_referrers() {
    let registry = Olareg::start(Options::default()).unwrap();
    let digest = oci_artifact::name::Digest::of(b"none");
    let url = format!("http://{}/v2/org/app/referrers/{digest}", registry.host());
    assert_eq!(client().get(url).send().await.unwrap().status(), StatusCode::OK, "{}", registry.log());
}

/// A call that moto routes by the service and the region in the signature, which it does not check.
fn ecr(moto: &Moto, action: &str, body: &'static str) -> reqwest::RequestBuilder {
    let signed = "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/ecr/aws4_request, \
                  SignedHeaders=host, Signature=00";
    client()
        .post(moto.url())
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("AmazonEC2ContainerRegistry_V20150921.{action}"))
        .header("authorization", signed)
        .body(body)
}

#[tokio::test]
async fn moto_gives_web_identities_a_role_and_logins_to_registries() {
    let moto = Moto::start().unwrap();
    let form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=s&WebIdentityToken=t\
                &RoleArn=arn%3Aaws%3Aiam%3A%3A012345678901%3Arole%2Fpuller";
    let request = client().post(moto.url()).header("content-type", "application/x-www-form-urlencoded");
    let text = request.body(form).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("<AccessKeyId>ASIA") && text.contains("<SessionToken>"), "{text}");
    let request = ecr(&moto, "CreateRepository", r#"{"repositoryName":"org/app"}"#);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains(".dkr.ecr.eu-west-1.amazonaws.com/org/app"), "{text}");
    let text = ecr(&moto, "GetAuthorizationToken", "{}").send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#""authorizationToken": "QVdTO"#), "{text}; {}", moto.log());
    let leak = planted::leaks(text.as_bytes());
    assert_eq!(leak[0].secret, planted::ECR_PASSWORD, "the list knows what moto hands out");
}

#[tokio::test]
async fn proxy_py_passes_those_who_log_in() {
    let tls = Tls::new();
    let (plain, secure) = (Registry::start(), Registry::builder().tls(&tls).start());
    let proxy = ProxyPy::start("user", planted::PROXY_PASSWORD).unwrap();
    let root = reqwest::Certificate::from_pem(tls.ca_pem.as_bytes()).unwrap();
    let through = |proxy| {
        let builder = Client::builder().proxy(proxy).pool_max_idle_per_host(0);
        builder.tls_certs_only([root.clone()]).build().unwrap()
    };
    let stranger = through(reqwest::Proxy::all(proxy.url()).unwrap());
    let url = |registry: &Registry| format!("{}/v2/", registry.origin());
    let status = stranger.get(url(&plain)).send().await.unwrap().status();
    assert_eq!(status, StatusCode::PROXY_AUTHENTICATION_REQUIRED, "{}", proxy.log());
    assert!(stranger.get(url(&secure)).send().await.is_err());
    let login = reqwest::Proxy::all(proxy.url()).unwrap().basic_auth("user", planted::PROXY_PASSWORD);
    let user = through(login);
    for registry in [&plain, &secure] {
        let reply = user.get(url(registry)).send().await.unwrap();
        assert_eq!((reply.status(), registry.requests().len()), (StatusCode::OK, 1), "{}", proxy.log());
    }
    drop(user);
    let wanted = [format!("GET {}/v2/", plain.host()), format!("CONNECT {}", secure.host())];
    for _ in 0..1_000 {
        if proxy.seen().len() == wanted.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(proxy.seen(), wanted, "{}", proxy.log());
}

/// It leaves children behind when it is killed alone.
#[tokio::test]
async fn proxy_py_is_gone_when_it_is_dropped() {
    let proxy = ProxyPy::start("user", planted::PROXY_PASSWORD).unwrap();
    let address = proxy.url().replace("http://", "").parse().unwrap();
    assert!(net::is_open(address));
    drop(proxy);
    for _ in 0..1_000 {
        if !net::is_open(address) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("somebody still listens");
}
