//! Buckets of a test's own, in a server that somebody else wrote, and what is put there.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use oci_controller::{
    serve,
    storage::{Bucket, BucketOptions, Storage, StorageOptions, Surroundings},
};
use oci_crds::v1::Artifact;
use oci_identity::Environment;
use oci_registry::Proxies;
use oci_server::{Options, Running};
use oci_source::store::{Published, Store as _, StoreError};
use oci_testkit::{planted::AWS_SECRET_KEY, real::Moto};
use reqwest::{Client, Method, Response};

use crate::storage_volume::{artifact, content, now, owner};

/// One server for all tests: each has a bucket of its own.
static MOTO: LazyLock<Moto> = LazyLock::new(|| Moto::start().unwrap());
static BUCKETS: AtomicUsize = AtomicUsize::new(0);

/// Longer than anything takes.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// What moto wants to see before it takes a request for one to S3.
const SOMEBODY: &str =
    "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// The keys that a process has in its environment.
pub(crate) fn keys() -> Environment {
    environment(&[("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)])
}

pub(crate) fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), ..Environment::default() }
}

/// A bucket of moto.
pub(crate) struct World {
    pub(crate) name: String,
    client: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        let number = BUCKETS.fetch_add(1, Ordering::Relaxed);
        let world =
            Self { name: format!("bucket-{number}"), client: Client::builder().no_proxy().build().unwrap() };
        let made = world.ask(Method::PUT, "", Vec::new()).await;
        assert_eq!(made.status(), 200, "{}", MOTO.log());
        world
    }

    /// The options of a process whose folder is `root`.
    pub(crate) fn options(&self, root: &Path) -> BucketOptions {
        BucketOptions {
            place: format!("s3://{}/flux", self.name).parse().unwrap(),
            endpoint: Some(MOTO.url().parse().unwrap()),
            region: None,
            root: root.to_owned(),
            cache_size: 16 << 20,
            storage: StorageOptions::default(),
            list_every: Duration::from_hours(1),
            fresh: Duration::from_hours(1),
        }
    }

    /// One more process.
    pub(crate) fn replica(&self) -> Replica {
        Replica::of(|root| self.options(root), keys())
    }

    /// One that leads.
    pub(crate) async fn leader(&self) -> Replica {
        let replica = self.replica();
        replica.lead().await;
        replica
    }

    /// A request of somebody else.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Response {
        let url = format!("{}/{}{path}", MOTO.url(), self.name);
        let request = self.client.request(method, url).header("authorization", SOMEBODY);
        request.header("content-type", "application/gzip").body(body).send().await.unwrap()
    }

    /// Sizes of all files, by their keys.
    pub(crate) async fn files(&self) -> BTreeMap<String, u64> {
        let body = self.ask(Method::GET, "?list-type=2", Vec::new()).await.text().await.unwrap();
        let files = oci_identity::xml::each(&body, "Contents");
        let text = |inside, name| oci_identity::xml::value(inside, name).unwrap();
        files.map(|inside| (text(inside, "Key"), text(inside, "Size").parse().unwrap())).collect()
    }

    /// Puts something else in the place of a file.
    pub(crate) async fn replace(&self, path: &str, bytes: &[u8]) {
        assert_eq!(self.ask(Method::PUT, &format!("/flux/{path}"), bytes.to_vec()).await.status(), 200);
    }

    pub(crate) async fn remove(&self, path: &str) {
        assert_eq!(self.ask(Method::DELETE, &format!("/flux/{path}"), Vec::new()).await.status(), 204);
    }
}

/// A process with a bucket: what it has on disk, and its server.
pub(crate) struct Replica {
    pub(crate) bucket: Bucket,
    pub(crate) leads: Arc<AtomicBool>,
    server: Running,
    _folder: tempfile::TempDir,
}

impl Replica {
    pub(crate) fn of(options: impl Fn(&Path) -> BucketOptions, environment: Environment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings { environment, proxies: Proxies::none(), now };
        let bucket = Bucket::open(options(folder.path()), surroundings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let limits = Options { limits: serve::limits(), ..Options::default() };
        let server = serve::serve(listener, Storage::Bucket(bucket.clone()), limits).unwrap();
        Self { bucket, leads: Arc::default(), server, _folder: folder }
    }

    pub(crate) async fn lead(&self) {
        self.leads.store(true, Ordering::Relaxed);
        let leads = Arc::clone(&self.leads);
        let led = self.bucket.lead(move || leads.load(Ordering::Relaxed));
        tokio::time::timeout(LONG, led).await.unwrap();
    }

    pub(crate) fn storage(&self) -> Storage {
        Storage::Bucket(self.bucket.clone())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Publishes, and returns what the status then says.
    pub(crate) async fn publish(&self, name: &str, revision: &str, bytes: &[u8]) -> Artifact {
        let published = self.try_publish(name, revision, bytes).await.unwrap();
        artifact(&published.path, bytes)
    }

    pub(crate) async fn try_publish(
        &self,
        name: &str,
        revision: &str,
        bytes: &[u8],
    ) -> Result<Published, StoreError> {
        let mut draft = self.bucket.draft()?;
        draft.write_all(bytes).unwrap();
        self.bucket.publish(&owner(name), draft, &content(revision, bytes)).await
    }

    /// A request; the status and the body.
    pub(crate) async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> (u16, Vec<u8>) {
        let client = Client::builder().no_proxy().build().unwrap();
        let mut request = client.get(format!("http://{}/{path}", self.address()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        // A cut connection is one of the answers.
        (status, response.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default())
    }
}
