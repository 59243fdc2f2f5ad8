//! etcd and kube-apiserver: their command lines, and when they are ready.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use super::identity::Authority;
use crate::{
    kept::{Kept, Start},
    tools::{self, Tool},
};

/// How long the API server gets to be ready; usually it takes four seconds.
const START: Duration = Duration::from_mins(1);
/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(2);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// Files of the API server in the folder of the control plane.
const CA: &str = "ca.pem";
const CERT: &str = "server.pem";
const KEY: &str = "server.key";
const ACCOUNTS: &str = "accounts.pem";
const ACCOUNTS_KEY: &str = "accounts.key";
/// What is written down of the requests, and where.
const AUDIT: &str = "audit.yaml";
pub(super) const AUDITED: &str = "audit.log";
/// Who asked for what, where it is an account; bodies are nobody's business.
const POLICY: &str = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
"rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]}"#;
/// A socket in the folder, which only this user may enter: no port to lose, no certificates to check. etcd wants it to
/// look like a host with a port.
const ETCD: &str = "unix://etcd.sock:0";
const PEER: &str = "unix://peer.sock:0";

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is missing.
    #[error(transparent)]
    Tool(#[from] tools::Error),
    /// A file or a process.
    #[error("starting the control plane: {0}")]
    Start(#[from] io::Error),
    /// A certificate that kube does not take.
    #[error("making a client of the control plane: {0}")]
    Client(#[from] kube::Error),
    /// It ended or did not become ready in time.
    #[error("`{name}` {what}; the end of its log:\n{said}")]
    Silent {
        /// The program.
        name: &'static str,
        /// What happened.
        what: String,
        /// The end of its output.
        said: String,
    },
}

/// What an attempt to start the API server came to.
pub(super) enum Attempt {
    Ready,
    /// Another process took the port in the meantime.
    PortTaken,
}

/// Writes the files that the API server reads.
pub(super) fn prepare(folder: &Path, authority: &Authority) -> io::Result<()> {
    let server = authority.server();
    let accounts = rcgen::KeyPair::generate().unwrap();
    std::fs::write(folder.join(CA), &authority.pem)?;
    std::fs::write(folder.join(CERT), server.cert)?;
    std::fs::write(folder.join(KEY), server.key)?;
    std::fs::write(folder.join(AUDIT), POLICY)?;
    std::fs::write(folder.join(ACCOUNTS), accounts.public_key_pem())?;
    std::fs::write(folder.join(ACCOUNTS_KEY), accounts.serialize_pem())
}

/// Starts etcd; the folder goes away with it, since a static control plane is never dropped.
pub(super) fn etcd(folder: &Path) -> Result<Kept, Error> {
    let program = Tool::named("etcd")?.find()?;
    let arguments = [
        "--name=test".to_owned(),
        "--data-dir=etcd".to_owned(),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        format!("--listen-client-urls={ETCD}"),
        format!("--advertise-client-urls={ETCD}"),
        format!("--listen-peer-urls={PEER}"),
    ];
    let (remove, log) = (Some(folder), "etcd.log");
    let arguments = &arguments;
    Ok(Kept::start(&Start { program: &program, arguments, environment: &[], folder, log, remove })?)
}

/// Starts the API server on `port`.
pub(super) fn api_server(folder: &Path, port: u16) -> Result<Kept, Error> {
    let program = Tool::named("kube-apiserver")?.find()?;
    let mut arguments = [
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.0.0.0/24",
        // The addresses of the service `kubernetes` are nobody's business here.
        "--endpoint-reconciler-type=none",
        // There is no controller that makes the accounts that it waits for.
        "--disable-admission-plugins=ServiceAccount",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend([
        format!("--secure-port={port}"),
        format!("--etcd-servers={ETCD}"),
        format!("--client-ca-file={CA}"),
        format!("--tls-cert-file={CERT}"),
        format!("--tls-private-key-file={KEY}"),
        format!("--service-account-key-file={ACCOUNTS}"),
        format!("--service-account-signing-key-file={ACCOUNTS_KEY}"),
        format!("--audit-policy-file={AUDIT}"),
        format!("--audit-log-path={AUDITED}"),
    ]);
    let (arguments, log) = (&arguments, "kube-apiserver.log");
    Ok(Kept::start(&Start { program: &program, arguments, environment: &[], folder, log, remove: None })?)
}

/// Starts those controllers of Kubernetes that finish deletions (of namespaces, and of what belongs to something
/// deleted), and the one that puts roles for people together.
pub(super) fn controllers(folder: &Path, kubeconfig: &Path) -> Result<Kept, Error> {
    let program = Tool::named("kube-controller-manager")?.find()?;
    let arguments = [
        "--controllers=namespace-controller,garbage-collector-controller,clusterrole-aggregation-controller"
            .to_owned(),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        format!("--kubeconfig={}", kubeconfig.display()),
    ];
    let (arguments, log) = (&arguments, "kube-controller-manager.log");
    Ok(Kept::start(&Start { program: &program, arguments, environment: &[], folder, log, remove: None })?)
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}

/// Waits until `/readyz` is `ok`.
pub(super) async fn ready(client: &Client, etcd: &mut Kept, api: &mut Kept) -> Result<Attempt, Error> {
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        if !etcd.runs() {
            return Err(silent("etcd", "ended".to_owned(), etcd));
        }
        if !api.runs() {
            if api.said().contains("address already in use") {
                return Ok(Attempt::PortTaken);
            }
            return Err(silent("kube-apiserver", "ended".to_owned(), api));
        }
        let question = http_request("/readyz");
        if matches!(timeout(ANSWER, client.request_text(question)).await, Ok(Ok(text)) if text == "ok") {
            return Ok(Attempt::Ready);
        }
        sleep(LOOK).await;
    }
    Err(silent("kube-apiserver", format!("is not ready after {} s", START.as_secs()), api))
}

fn http_request(path: &str) -> hyper::Request<Vec<u8>> {
    hyper::Request::get(path).body(Vec::new()).unwrap()
}

fn silent(name: &'static str, what: String, server: &Kept) -> Error {
    Error::Silent { name, what, said: server.said() }
}
