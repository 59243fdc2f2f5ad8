//! What a kubelet does with a Deployment, on loopback: the real program with the arguments, the environment, the volumes
//! and the account that the manifests give it. Only what a node would give it differs: addresses and folders.
//!
//! ```no_run
//! # async fn example(plane: &oci_testkit::control_plane::ControlPlane) {
//! use oci_testkit::kubelet::Pod;
//!
//! let mut pod = Pod::start(plane, "oci-webhook", &["--tls-reload-interval=200ms"]).await;
//! pod.wait_ready().await;                              // what its readiness probe asks
//! pod.port("https");                                   // where its port of that name is on loopback
//! assert_eq!(pod.terminate().await, 0);
//! # }
//! ```

#![expect(clippy::panic, reason = "a test whose pod does not run fails with the reason")]

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Container, EnvVar, PodSpec, Probe, Secret},
};
use kube::Api;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    control_plane::{ControlPlane, eventually},
    kept::{Kept, Start},
    planted, tools,
};

/// Where everything is installed.
pub const NAMESPACE: &str = "oci-system";
/// How long a pod gets to be ready or to end; usually it takes a second.
const PATIENCE: Duration = Duration::from_mins(1);
/// By which flag a program is told where a port of its container is.
const LISTEN: [(&str, &str, &str); 5] = [
    ("oci-controller", "http", "--storage-addr"),
    ("oci-controller", "metrics", "--metrics-addr"),
    ("oci-controller", "healthz", "--health-addr"),
    ("oci-webhook", "https", "--listen"),
    ("oci-webhook", "metrics", "--operations"),
];
/// What says where artifacts are downloaded: a Service that nobody has here.
const ADVERTISED: &str = "--storage-adv-addr=";

/// Pods so far: each has a name of its own.
static PODS: AtomicUsize = AtomicUsize::new(0);

/// A running pod; killed when dropped.
#[derive(Debug)]
pub struct Pod {
    // In the order in which they are to go.
    kept: Option<Kept>,
    folder: TempDir,
    ports: BTreeMap<String, u16>,
    probe: Probe,
    described: Box<(PodSpec, Container)>,
    /// How long it gets to end.
    grace: Duration,
    /// When it is killed.
    end: Option<Instant>,
}

impl Pod {
    /// Starts the first container of a Deployment, with more arguments.
    pub async fn start(plane: &ControlPlane, deployment: &str, more: &[&str]) -> Self {
        Self::behind(plane, deployment, more, None).await
    }

    /// The same, with its Service at that port of loopback; if `None`, the pod is its own.
    pub(crate) async fn behind(
        plane: &ControlPlane,
        deployment: &str,
        more: &[&str],
        service: Option<u16>,
    ) -> Self {
        let deployments: Api<Deployment> = Api::namespaced(plane.client(), NAMESPACE);
        let got = deployments.get(deployment).await.unwrap_or_else(|error| panic!("{deployment}: {error}"));
        let spec = got.spec.and_then(|spec| spec.template.spec).unwrap();
        let container = spec.containers[0].clone();
        let command = container.command.iter().flatten().next().cloned().unwrap_or_default();
        let program = command.trim_start_matches('/');
        let host = format!("{deployment}-{}", PODS.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::Builder::new().prefix("pod-").tempdir().unwrap();
        let mut environment = environment(plane, &container, &host).await;
        let arguments: Vec<String> =
            container.args.iter().flatten().map(|argument| expanded(argument, &environment)).collect();
        volumes(plane, &spec, &container, folder.path()).await;
        let names = container.ports.iter().flatten().filter_map(|port| port.name.clone());
        let ports: BTreeMap<String, u16> = names.zip(free()).collect();
        let service = service.or_else(|| ports.get("http").copied()).unwrap_or_default();
        let grace = u64::try_from(spec.termination_grace_period_seconds.unwrap_or(30)).unwrap();
        environment.insert("HOSTNAME".to_owned(), host);
        environment.insert("HOME".to_owned(), folder.path().display().to_string());
        environment.insert("TMPDIR".to_owned(), folder.path().join("tmp").display().to_string());
        if spec.automount_service_account_token != Some(false) {
            let account =
                spec.service_account_name.clone().unwrap_or_else(|| panic!("{deployment} has no account"));
            let token = plane.service_account_token(NAMESPACE, &account).await;
            let kubeconfig = plane.kubeconfig_with_token(&token);
            environment.insert("KUBECONFIG".to_owned(), kubeconfig.display().to_string());
        }
        let mut all: Vec<String> =
            arguments.iter().map(|argument| local(argument, &container, folder.path(), service)).collect();
        let listening = LISTEN.iter().filter(|(of, ..)| *of == program);
        all.extend(listening.map(|(_, name, flag)| format!("{flag}=127.0.0.1:{}", ports[*name])));
        all.extend(more.iter().map(|argument| (*argument).to_owned()));
        let start = Start {
            program: &built(program),
            arguments: &all,
            environment: &environment.into_iter().collect::<Vec<_>>(),
            folder: folder.path(),
            log: "log",
            remove: None,
        };
        let kept = Some(Kept::start(&start).unwrap());
        let probe = container.readiness_probe.clone();
        let probe = probe.unwrap_or_else(|| panic!("{deployment} has no readiness probe"));
        let described = Box::new((spec, container));
        Self { kept, folder, ports, probe, described, grace: Duration::from_secs(grace), end: None }
    }

    /// Where a port of the container is on loopback.
    pub fn port(&self, name: &str) -> u16 {
        *self.ports.get(name).unwrap_or_else(|| panic!("no port `{name}` among {:?}", self.ports))
    }

    /// Whether the readiness probe says so.
    pub async fn is_ready(&self) -> bool {
        let asked = self.probe.http_get.as_ref().unwrap();
        let name = serde_json::to_value(&asked.port).unwrap();
        let answer =
            self.answer(name.as_str().unwrap_or_default(), asked.path.as_deref().unwrap_or("/")).await;
        answer.starts_with("HTTP/1.1 200")
    }

    /// What a port of that name answers to a GET; nothing if nobody is there.
    pub async fn answer(&self, port: &str, path: &str) -> String {
        get(self.port(port), path).await.unwrap_or_default()
    }

    /// What a kubelet does every minute: files of Secrets that have changed are exchanged.
    pub async fn sync(&self, plane: &ControlPlane) {
        let (spec, container) = &*self.described;
        volumes(plane, spec, container, self.folder.path()).await;
    }

    /// Waits until it is ready.
    pub async fn wait_ready(&self) {
        eventually("a pod to be ready", PATIENCE, async || {
            if self.is_ready().await { Ok(()) } else { Err(format!("it said:\n{}", self.log())) }
        })
        .await;
    }

    /// Asks it to end, as when a pod is deleted.
    pub fn ask_to_end(&mut self) {
        let process = self.kept.as_ref().and_then(Kept::process).unwrap();
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -TERM {process}")]).status().unwrap();
        assert!(sent.success(), "kill -TERM {process}");
        self.end = Some(Instant::now() + self.grace);
    }

    /// Waits until it has ended, and returns the exit code; once its grace period is over, it is killed.
    pub async fn ended(&mut self) -> i32 {
        eventually("the end of a pod", PATIENCE, async || {
            if self.end.is_some_and(|end| end < Instant::now()) {
                drop(self.kept.take());
                return Ok(128 + 9);
            }
            let ended = self.kept.as_mut().and_then(Kept::ended);
            ended.ok_or_else(|| format!("it said:\n{}", self.log()))
        })
        .await
    }

    /// Asks it to end, waits, and returns the exit code.
    pub async fn terminate(&mut self) -> i32 {
        self.ask_to_end();
        self.ended().await
    }

    /// All that it wrote, which shows no secret.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        planted::assert_clean("the log of a pod", &bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        drop(self.kept.take());
        if !std::thread::panicking() {
            self.log();
        }
    }
}

fn built(program: &str) -> PathBuf {
    let name = LISTEN.iter().map(|(name, ..)| *name).find(|name| *name == program);
    let name = name.unwrap_or_else(|| panic!("no program of ours is `{program}`"));
    tools::program(name).unwrap_or_else(|error| panic!("{error}"))
}

/// An argument with folders of the container, and the name of the Service, replaced.
fn local(argument: &str, container: &Container, folder: &Path, service: u16) -> String {
    if argument.starts_with(ADVERTISED) {
        return format!("{ADVERTISED}127.0.0.1:{service}");
    }
    let mounts = container.volume_mounts.iter().flatten().map(|mount| mount.mount_path.as_str());
    for mount in mounts {
        if let Some((flag, rest)) = argument.split_once(&format!("={mount}")) {
            return format!("{flag}={}{mount}{rest}", folder.display());
        }
    }
    argument.to_owned()
}

/// Makes the volumes where they are mounted below the folder; those of Secrets have their files.
async fn volumes(plane: &ControlPlane, spec: &PodSpec, container: &Container, folder: &Path) {
    let secrets: Api<Secret> = Api::namespaced(plane.client(), NAMESPACE);
    std::fs::create_dir_all(folder.join("tmp")).unwrap();
    for mount in container.volume_mounts.iter().flatten() {
        let mounted = folder.join(mount.mount_path.trim_start_matches('/'));
        std::fs::create_dir_all(&mounted).unwrap();
        let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mount.name);
        let volume = volume.unwrap_or_else(|| panic!("no volume `{}`", mount.name));
        if let Some(name) = volume.secret.as_ref().and_then(|source| source.secret_name.as_deref()) {
            for (file, content) in secrets.get(name).await.unwrap().data.unwrap_or_default() {
                // Never seen half written.
                std::fs::write(mounted.join("new"), content.0).unwrap();
                std::fs::rename(mounted.join("new"), mounted.join(file)).unwrap();
            }
        }
    }
}

/// The variables of a container; later ones win.
async fn environment(plane: &ControlPlane, container: &Container, pod: &str) -> BTreeMap<String, String> {
    let secrets: Api<Secret> = Api::namespaced(plane.client(), NAMESPACE);
    let mut all = BTreeMap::new();
    for source in container.env_from.iter().flatten().filter_map(|source| source.secret_ref.as_ref()) {
        match secrets.get_opt(&source.name).await.unwrap() {
            Some(secret) => all.extend(
                secret
                    .data
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| (name, String::from_utf8(value.0).unwrap())),
            ),
            None => assert_eq!(source.optional, Some(true), "no Secret `{}`", source.name),
        }
    }
    for variable in container.env.iter().flatten() {
        if let Some(value) = value(plane, variable, pod).await {
            let value = expanded(&value, &all);
            all.insert(variable.name.clone(), value);
        }
    }
    all
}

async fn value(plane: &ControlPlane, variable: &EnvVar, pod: &str) -> Option<String> {
    let Some(source) = &variable.value_from else { return variable.value.clone() };
    if let Some(field) = &source.field_ref {
        return Some(match field.field_path.as_str() {
            "metadata.namespace" => NAMESPACE.to_owned(),
            "metadata.name" => pod.to_owned(),
            other => {
                panic!("`{}` is of the field `{other}`, which this kubelet does not know", variable.name)
            }
        });
    }
    let Some(source) = &source.config_map_key_ref else {
        panic!("`{}` has an unknown source", variable.name)
    };
    let maps: Api<ConfigMap> = Api::namespaced(plane.client(), NAMESPACE);
    let map = maps.get_opt(&source.name).await.unwrap();
    let found = map.and_then(|map| map.data?.remove(&source.key));
    assert!(found.is_some() || source.optional == Some(true), "no `{}` in `{}`", source.key, source.name);
    found
}

/// Fills in `$(NAME)`; one that is not known stays.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
}

/// Free ports, all at once, or one could be given twice.
fn free() -> Vec<u16> {
    let listeners: [TcpListener; 4] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// The whole answer to a GET.
async fn get(port: u16, path: &str) -> std::io::Result<String> {
    let answer = async {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(Duration::from_secs(5), answer).await?
}
