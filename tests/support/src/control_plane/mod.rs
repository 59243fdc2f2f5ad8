//! A real kube-apiserver with etcd, on loopback, gone when dropped or when the test process ends in any way.
//!
//! ```no_run
//! # async fn example() {
//! use oci_testkit::control_plane::ControlPlane;
//!
//! let plane = ControlPlane::shared().await;              // one for all tests of an executable
//! let namespace = plane.namespace().await;               // a fresh one for each test, never deleted
//! let client = plane.client();                           // the administrator, for this test's runtime
//! plane.apply("apiVersion: v1\nkind: ConfigMap\n…").await;
//! let denied = plane.user("jane", &["developers"]);      // by client certificate, no rights until a role is bound
//! let seen = plane.run(&["get", "configmaps", "-n", &namespace]).await.succeeded();
//! # }
//! ```
//!
//! Tests that stop the server, or that change cluster-wide objects which others would notice, start their own. There is
//! no controller manager, unless it is asked for: nothing is garbage-collected, namespaces have no `default` account and
//! never finish terminating.

#![expect(clippy::panic, reason = "a test that has no server, or waits in vain, fails with the reason")]

mod eventually;
mod identity;
mod kubectl;
mod servers;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Namespace, ServiceAccount},
};
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, PostParams},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub use eventually::eventually;
use identity::{Authority, Identity};
pub use kubectl::Ran;
use servers::Attempt;
pub use servers::Error;

use crate::kept::Kept;

/// Ports tried, since another process may take one between choice and use.
const PORTS: usize = 5;

static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();

/// etcd and kube-apiserver.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order in which they are to go.
    controllers: Option<Kept>,
    api: Option<Kept>,
    etcd: Kept,
    folder: TempDir,
    authority: Authority,
    admin: Identity,
    port: u16,
}

impl ControlPlane {
    /// Starts one and waits until it is ready; a test that cannot have it fails with the reason.
    pub async fn start() -> Self {
        Self::try_start().await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts one that finishes deletions: namespaces end, and what belonged to something deleted goes with it. It also
    /// puts roles for people together.
    pub async fn start_with_controllers() -> Self {
        let mut plane = Self::start().await;
        let started = servers::controllers(plane.folder.path(), &plane.kubeconfig());
        plane.controllers = Some(started.unwrap_or_else(|error| panic!("{error}")));
        plane
    }

    /// The one that all tests of this executable share. Clients belong to the runtime of a test: make one in each.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// Starts one and waits until it is ready.
    pub async fn try_start() -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("control-plane-").tempdir()?;
        let authority = Authority::new();
        servers::prepare(folder.path(), &authority)?;
        std::fs::create_dir(folder.path().join("home"))?;
        let admin = Identity::Certificate(authority.user("admin", &["system:masters"]));
        let etcd = servers::etcd(folder.path())?;
        let mut plane = Self { controllers: None, api: None, etcd, folder, authority, admin, port: 0 };
        for _ in 0..PORTS {
            plane.port = servers::free_port()?;
            if matches!(plane.serve().await?, Attempt::Ready) {
                let config = plane.admin.kubeconfig(&plane.url(), plane.ca_pem());
                std::fs::write(plane.kubeconfig(), config.to_string())?;
                return Ok(plane);
            }
        }
        Err(Error::Start(std::io::Error::other("no free port")))
    }

    async fn serve(&mut self) -> Result<Attempt, Error> {
        let mut config = self.config();
        // The retries of this client would only hide the end of the server.
        config.default_retry = false;
        let client = Client::try_from(config)?;
        let api = self.api.insert(servers::api_server(self.folder.path(), self.port)?);
        servers::ready(&client, &mut self.etcd, api).await
    }

    /// Kills the API server; etcd goes on.
    pub fn stop_api_server(&mut self) {
        self.api = None;
    }

    /// Starts the API server again, on the same port and with the same data, and waits until it is ready.
    pub async fn start_api_server(&mut self) {
        match self.serve().await {
            Ok(Attempt::Ready) => {}
            Ok(Attempt::PortTaken) => panic!("port {} was taken meanwhile", self.port),
            Err(error) => panic!("{error}"),
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The authority of the server's and the users' certificates.
    pub fn ca_pem(&self) -> &str {
        &self.authority.pem
    }

    /// The administrator's configuration.
    pub fn config(&self) -> Config {
        self.config_of(&self.admin)
    }

    /// A client of the administrator, for the runtime of the caller.
    pub fn client(&self) -> Client {
        Client::try_from(self.config()).unwrap()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// A configuration of a user who has a client certificate with at most two groups.
    pub fn user_config(&self, name: &str, groups: &[&str]) -> Config {
        self.config_of(&Identity::Certificate(self.authority.user(name, groups)))
    }

    /// A client of such a user.
    pub fn user(&self, name: &str, groups: &[&str]) -> Client {
        Client::try_from(self.user_config(name, groups)).unwrap()
    }

    /// A kubeconfig of such a user.
    pub fn user_kubeconfig(&self, name: &str, groups: &[&str]) -> PathBuf {
        self.write_kubeconfig(&Identity::Certificate(self.authority.user(name, groups)))
    }

    /// A token of an existing `ServiceAccount`, for an hour.
    pub async fn service_account_token(&self, namespace: &str, name: &str) -> String {
        self.service_account_token_for(namespace, name, None).await
    }

    /// The same for so many seconds.
    pub async fn service_account_token_for(
        &self,
        namespace: &str,
        name: &str,
        seconds: Option<i64>,
    ) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let spec = TokenRequestSpec { expiration_seconds: seconds, ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        let answer = answer.unwrap_or_else(|error| panic!("token of account {namespace}/{name}: {error}"));
        answer.status.unwrap().token
    }

    /// A configuration that shows a token.
    pub fn config_with_token(&self, token: &str) -> Config {
        self.config_of(&Identity::Token(token.to_owned()))
    }

    /// A client that shows a token.
    pub fn client_with_token(&self, token: &str) -> Client {
        Client::try_from(self.config_with_token(token)).unwrap()
    }

    /// A kubeconfig that shows a token.
    pub fn kubeconfig_with_token(&self, token: &str) -> PathBuf {
        self.write_kubeconfig(&Identity::Token(token.to_owned()))
    }

    /// A new namespace; it is never deleted, because nothing here would finish that.
    pub async fn namespace(&self) -> String {
        let metadata = ObjectMeta { generate_name: Some("test-".to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let made = Api::all(self.client()).create(&PostParams::default(), &namespace).await.unwrap();
        made.metadata.name.unwrap()
    }

    /// Whether both servers run.
    pub fn runs(&mut self) -> bool {
        self.etcd.runs() && self.api.as_mut().is_some_and(Kept::runs)
    }

    /// Every request of an account so far, as Kubernetes' audit log has it. A watch is there from its beginning on.
    pub fn audited(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join(servers::AUDITED)).unwrap_or_default();
        // The last line may be in work.
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The end of the API server's log.
    pub fn log(&self) -> String {
        self.api.as_ref().map(Kept::said).unwrap_or_default()
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn config_of(&self, identity: &Identity) -> Config {
        let mut config = Config::new(self.url().parse().unwrap());
        config.root_cert = Some(vec![self.authority.der.clone()]);
        config.auth_info = identity.auth_info();
        config
    }

    fn write_kubeconfig(&self, identity: &Identity) -> PathBuf {
        let text = identity.kubeconfig(&self.url(), self.ca_pem()).to_string();
        let prefix: &Path = self.folder.path();
        let file = tempfile::Builder::new().suffix(".kubeconfig").tempfile_in(prefix).unwrap();
        std::fs::write(file.path(), text).unwrap();
        file.into_temp_path().keep().unwrap()
    }
}
