//! The foreign registries start, answer and end.

use reqwest::{Client, StatusCode};

use super::{Distribution, Mode, Olareg, Options, PASSWORD, USER};

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
