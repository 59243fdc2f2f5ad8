//! Buckets in a server that somebody else wrote.

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use oci_testkit::{planted::AWS_SECRET_KEY, real::Moto};
use reqwest::Method;

static MOTO: LazyLock<Moto> = LazyLock::new(|| Moto::start().unwrap());
static BUCKETS: AtomicUsize = AtomicUsize::new(0);

/// What moto wants to see before it takes a request for one to S3.
const SOMEBODY: &str =
    "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// What a process logs in with.
pub(crate) const LOGIN: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)];

/// A bucket that is not there yet.
pub(crate) struct Bucket(String);

impl Bucket {
    pub(crate) fn new() -> Self {
        Self(format!("artifacts-{}", BUCKETS.fetch_add(1, Ordering::Relaxed)))
    }

    /// `s3://BUCKET`.
    pub(crate) fn url(&self) -> String {
        format!("s3://{}", self.0)
    }

    /// Where its service is.
    pub(crate) fn endpoint() -> String {
        MOTO.url()
    }

    pub(crate) async fn ask(&self, method: Method, query: &str) -> String {
        self.send(method, query, String::new()).await
    }

    async fn send(&self, method: Method, query: &str, body: String) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method, format!("{}/{}{query}", MOTO.url(), self.0)).body(body);
        let answer = request.header("authorization", SOMEBODY).send().await.unwrap();
        assert!(answer.status().is_success(), "{}\n{}", answer.status(), MOTO.log());
        answer.text().await.unwrap()
    }

    pub(crate) async fn create(&self) {
        self.ask(Method::PUT, "").await;
    }

    /// Stores a text.
    pub(crate) async fn put(&self, key: &str, text: &str) {
        self.send(Method::PUT, &format!("/{key}"), text.to_owned()).await;
    }

    /// The keys of all artifacts.
    pub(crate) async fn files(&self) -> Vec<String> {
        self.keys().await.into_iter().filter(|key| key.contains("/ocirepository/")).collect()
    }

    /// The one folder that has an owner, and who that is; empty if there is none.
    pub(crate) async fn owner(&self) -> (String, String) {
        let keys = self.keys().await;
        match keys.iter().find_map(|key| key.strip_suffix("/owner")) {
            Some(folder) => (folder.to_owned(), self.ask(Method::GET, &format!("/{folder}/owner")).await),
            None => Default::default(),
        }
    }

    async fn keys(&self) -> Vec<String> {
        let list = self.ask(Method::GET, "?list-type=2").await;
        list.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    }
}
