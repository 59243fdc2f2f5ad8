//! Small requests to token and metadata services: bounded, never redirected, past proxies where that is right.

use oci_artifact::{Class, Classify as _};
use oci_registry::{
    Fault, Options, Proxies,
    web::{Web, WebReply, WebRequest},
};
use oci_testkit::{
    net,
    proxy::Proxy,
    registry::{Act, Fault as Served, Match, Registry},
};
use url::Url;

use crate::support::quick;

fn at(registry: &Registry, path: &str) -> Url {
    Url::parse(&format!("{}{path}", registry.origin())).unwrap()
}

async fn get(registry: &Registry) -> Result<WebReply, Fault> {
    Web::new(&quick()).send(&WebRequest::get(at(registry, "/v2/"))).await
}

#[tokio::test]
async fn web_request_is_repeated_after_passing_faults_and_not_for_ever() {
    let registry = Registry::start();
    registry.fault(Served::times(2, Match::any(), Act::status(503)));
    assert_eq!(get(&registry).await.unwrap().status, 200);
    assert_eq!(registry.requests().len(), 3);
    registry.reset();
    registry.fault(Served::always(Match::any(), Act::status(500)));
    assert_eq!(get(&registry).await.unwrap().status, 500);
    assert_eq!(registry.requests().len(), 3);
}

#[tokio::test]
async fn web_answer_that_is_final_is_the_caller_s() {
    for code in [400, 401, 403, 404] {
        let registry = Registry::start();
        registry.fault(Served::always(Match::any(), Act::status(code)));
        assert_eq!(get(&registry).await.unwrap().status, code);
        assert_eq!(registry.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn web_request_waits_no_longer_than_is_sensible() {
    let registry = Registry::start();
    registry.fault(Served::always(Match::any(), Act::too_many_requests("3600")));
    let reply = get(&registry).await.unwrap();
    assert_eq!((reply.status, reply.retry_after.unwrap().as_secs()), (429, 3_600));
    assert_eq!(registry.requests().len(), 1);
}

#[tokio::test]
async fn web_answer_is_bounded() {
    let registry = Registry::start();
    let body = "a".repeat((64 << 10) + 1);
    registry.fault(Served::always(
        Match::any(),
        Act::Status { code: 200, headers: Vec::new(), body: body.into() },
    ));
    let Err(fault) = get(&registry).await else { panic!("it was read") };
    assert_eq!((fault.reason(), fault.class()), ("TooLarge", Class::Terminal));
}

#[tokio::test]
async fn web_request_is_never_redirected() {
    let (registry, other) = (Registry::start(), Registry::start());
    registry.fault(Served::always(
        Match::any(),
        Act::Redirect { to: format!("{}/v2/", other.origin()), status: 307 },
    ));
    assert_eq!(get(&registry).await.unwrap().status, 307);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn web_request_to_a_metadata_service_passes_proxies_by_and_is_sent_once() {
    let (registry, proxy) = (Registry::start(), Proxy::start());
    let options = Options {
        proxies: Proxies::only(oci_registry::Proxy::new(&proxy.url(), None, None).unwrap()),
        ..quick()
    };
    let web = Web::new(&options);
    web.send(&WebRequest::get(at(&registry, "/v2/"))).await.unwrap();
    assert_eq!(proxy.seen().len(), 1);
    registry.reset();
    registry.fault(Served::always(Match::any(), Act::status(503)));
    web.send(&WebRequest::put(at(&registry, "/v2/")).of_metadata()).await.unwrap();
    assert_eq!((proxy.seen().len(), registry.requests().len()), (1, 1));
    let nobody = Url::parse(&format!("http://{}/", net::refused())).unwrap();
    let Err(fault) = web.send(&WebRequest::get(nobody).of_metadata()).await else {
        panic!("somebody answered")
    };
    assert_eq!(fault.reason(), "ConnectFailed");
}

#[tokio::test]
async fn web_request_with_a_header_that_cannot_be_is_not_sent() {
    let registry = Registry::start();
    let request = WebRequest::get(at(&registry, "/v2/")).header("authorization", "Bearer hunter2\r\nx: y");
    let Err(fault) = Web::new(&quick()).send(&request).await else { panic!("it was sent") };
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
    assert!(registry.requests().is_empty());
}

#[tokio::test]
async fn web_headers_of_any_name_are_sent_and_those_of_the_answer_can_be_seen() {
    let registry = Registry::start();
    registry.fault(Served::always(Match::any(), Act::status(200).with_header("Metadata-Flavor", "Google")));
    let request = WebRequest::get(at(&registry, "/v2/")).header("x-of-a-file".to_owned(), "a");
    let reply = Web::new(&quick()).send(&request).await.unwrap();
    assert_eq!(reply.header("metadata-flavor"), Some("Google"));
    assert_eq!(reply.header("x-flavor"), None);
    assert_eq!(registry.requests()[0].header("x-of-a-file"), Some("a"));
}
