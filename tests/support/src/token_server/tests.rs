//! The server itself: strict requests, who gets what. That a real registry takes its tokens is tested with the client.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Rights, TokenServer};
use crate::planted;

const SCOPE: &str = "repository:org/app:pull,push";

fn server() -> TokenServer {
    TokenServer::builder()
        .user("tester", planted::PASSWORD, Rights::Push)
        .user("reader", planted::READER_PASSWORD, Rights::Pull)
        .identity("tester", planted::IDENTITY_TOKEN)
        .public("org/public")
        .start()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn get(server: &TokenServer, pairs: &[(&str, &str)]) -> RequestBuilder {
    client().get(format!("{}?{}", server.realm(), encoded(pairs)))
}

fn post(server: &TokenServer, pairs: &[(&str, &str)]) -> RequestBuilder {
    let form = "application/x-www-form-urlencoded";
    client().post(server.realm()).header("content-type", form).body(encoded(pairs))
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let reply = request.send().await.unwrap();
    (reply.status().as_u16(), serde_json::from_str(&reply.text().await.unwrap()).unwrap())
}

/// The claims of the token in a good answer.
async fn claims(request: RequestBuilder) -> Value {
    let (status, reply) = answer(request).await;
    assert_eq!(status, 200, "{reply}");
    let token = reply["token"].as_str().unwrap();
    assert!(planted::leaks(token.as_bytes()).iter().any(|leak| leak.secret == planted::TOKEN_MARK));
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn token_is_for_what_the_user_may_do() {
    let server = server();
    let asked = [("service", server.service()), ("scope", SCOPE), ("scope", "repository:org/public:pull")];
    let public = json!({ "type": "repository", "name": "org/public", "actions": ["pull"] });
    let app = |actions: &[&str]| json!({ "type": "repository", "name": "org/app", "actions": actions });
    let all = claims(get(&server, &asked).basic_auth("tester", Some(planted::PASSWORD))).await;
    assert_eq!((&all["access"], &all["sub"]), (&json!([app(&["pull", "push"]), public]), &json!("tester")));
    assert_eq!(all["exp"].as_u64().unwrap() - all["iat"].as_u64().unwrap(), 300);
    let some = claims(get(&server, &asked).basic_auth("reader", Some(planted::READER_PASSWORD))).await;
    assert_eq!(some["access"], json!([app(&["pull"]), public]));
    let none = claims(get(&server, &asked)).await;
    assert_eq!((&none["access"], &none["sub"]), (&json!([public]), &json!("")));
}

#[tokio::test]
async fn identity_token_is_given_when_asked_for_and_taken_back() {
    let server = server();
    let service = ("service", server.service());
    let login = |request: RequestBuilder| request.basic_auth("tester", Some(planted::PASSWORD));
    let (_, plain) = answer(login(get(&server, &[service]))).await;
    assert_eq!(plain["refresh_token"], Value::Null);
    let (_, offline) =
        answer(login(get(&server, &[service, ("offline_token", "true"), ("client_id", "c")]))).await;
    assert_eq!(offline["refresh_token"], planted::IDENTITY_TOKEN);
    let by_password = [
        ("grant_type", "password"),
        service,
        ("client_id", "c"),
        ("access_type", "offline"),
        ("username", "tester"),
        ("password", planted::PASSWORD),
    ];
    let (status, reply) = answer(post(&server, &by_password)).await;
    assert_eq!((status, &reply["refresh_token"]), (200, &json!(planted::IDENTITY_TOKEN)));
    let by_token = |token| {
        let form = [("grant_type", "refresh_token"), service, ("client_id", "c"), ("refresh_token", token)];
        answer(post(&server, &form))
    };
    assert_eq!(by_token(planted::IDENTITY_TOKEN).await.0, 200);
    server.set_identity("tester", Some(planted::CHANGED_IDENTITY_TOKEN));
    assert_eq!(by_token(planted::IDENTITY_TOKEN).await.0, 401);
    assert_eq!(by_token(planted::CHANGED_IDENTITY_TOKEN).await.0, 200);
}

#[tokio::test]
async fn wrong_and_old_passwords_are_refused() {
    let server = server();
    let ask = |password| {
        answer(get(&server, &[("service", server.service())]).basic_auth("tester", Some(password)))
    };
    assert_eq!(ask(planted::WRONG_PASSWORD).await.0, 401);
    assert_eq!(ask(planted::PASSWORD).await.0, 200);
    server.set_password("tester", planted::CHANGED_PASSWORD);
    assert_eq!(ask(planted::PASSWORD).await.0, 401);
    assert_eq!(ask(planted::CHANGED_PASSWORD).await.0, 200);
    let seen: Vec<u16> = server.requests().iter().map(|asked| asked.status).collect();
    assert_eq!(seen, [401, 200, 401, 200]);
}

#[tokio::test]
async fn what_the_specification_does_not_know_is_refused() {
    let server = server();
    let service = ("service", server.service());
    for pairs in [
        &[][..],
        &[("service", "other")],
        &[service, service],
        &[service, ("scopes", SCOPE)],
        &[service, ("grant_type", "password")],
        &[service, ("scope", "org/app:pull")],
        &[service, ("scope", "repository:org/app:pul")],
        &[service, ("scope", "")],
        &[service, ("account", "reader")],
    ] {
        let request = get(&server, pairs).basic_auth("tester", Some(planted::PASSWORD));
        assert_eq!(answer(request).await.0, 400, "{pairs:?}");
    }
    let (grant, id) = (("grant_type", "refresh_token"), ("client_id", "c"));
    let token = ("refresh_token", planted::IDENTITY_TOKEN);
    for pairs in [
        &[grant, id, token][..],
        &[grant, service, token],
        &[grant, service, id],
        &[service, id, token],
        &[("grant_type", "magic"), service, id, token],
        &[grant, service, id, token, ("account", "tester")],
        &[grant, service, id, token, ("scope", SCOPE), ("scope", "repository:org/other:pull")],
    ] {
        assert_eq!(answer(post(&server, pairs)).await.0, 400, "{pairs:?}");
    }
    let good = [grant, service, id, token, ("scope", "repository:org/app:pull repository:org/other:pull")];
    assert_eq!(answer(post(&server, &good)).await.0, 200);
    let unsaid = client().post(server.realm()).body(encoded(&good)).send().await.unwrap();
    assert_eq!(unsaid.status(), 400, "without a content type");
    assert_eq!(client().put(server.realm()).send().await.unwrap().status(), 405);
}
