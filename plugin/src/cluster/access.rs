//! From kubeconfig and flags to a client, by kubectl's rules.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::{
    Client, Config,
    config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use oci_registry::Proxies;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{sleep, timeout},
};

use super::error::{ClusterError, places};
use crate::global::ClusterFlags;

/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(30);
/// Times that a busy server is asked again, as client-go.
const BUSY: u32 = 10;
/// Pause before a busy server is asked again, where it names none, and the longest that it may name.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// What the process's surroundings say about clusters.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// `KUBECONFIG`: a list of files.
    pub(crate) kubeconfig: Option<OsString>,
    pub(crate) home: Option<PathBuf>,
    /// Whether this is a pod.
    pub(crate) in_cluster: bool,
    /// Whether a person can answer questions.
    pub(crate) interactive: bool,
}

/// A cluster that can be asked.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) client: Client,
    /// The URL of the API server.
    pub(crate) server: String,
    /// The namespace that is meant where none is named.
    pub(crate) namespace: String,
    /// Longest time of a request.
    pub(crate) request_timeout: Option<Duration>,
}

impl Access {
    /// One request. A server that is too busy is asked again.
    pub(super) async fn call<T>(
        &self,
        doing: impl Fn() -> String,
        request: impl AsyncFn() -> kube::Result<T>,
    ) -> Result<T, ClusterError> {
        let mut asked = 0;
        loop {
            tracing::debug!("{} at {}", doing(), self.server);
            let answered = match self.request_timeout {
                None => request().await,
                Some(limit) => timeout(limit, request()).await.map_err(|_| ClusterError::Unreachable {
                    doing: doing(),
                    server: self.server.clone(),
                    why: "no answer within --request-timeout".to_owned(),
                })?,
            };
            match answered {
                Err(kube::Error::Api(status)) if status.code == 429 && asked < BUSY => {
                    asked += 1;
                    let named = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
                    sleep(Duration::from_secs(named.into()).clamp(PAUSE.0, PAUSE.1)).await;
                }
                other => return other.map_err(|error| ClusterError::of(error, doing(), &self.server)),
            }
        }
    }
}

/// Makes a client. Runs the kubeconfig's credential plugin, if there is one. `proxies` are for servers for which the
/// kubeconfig names none.
pub(crate) async fn connect(
    flags: &ClusterFlags,
    around: &Surroundings,
    proxies: &Proxies,
) -> Result<Access, ClusterError> {
    let mut config = config(flags, around).await?;
    if config.proxy_url.is_none() {
        let url = environment_proxy(&config, proxies).map(|url| url.parse());
        config.proxy_url = url.transpose().map_err(KubeconfigError::ParseProxyUrl)?;
    }
    // Retries of the client could take minutes without a word.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let namespace = Some(namespace).filter(|name| !name.is_empty()).unwrap_or_else(|| "default".into());
    let client = client(config, &server).await?;
    let request_timeout = Some(flags.request_timeout).filter(|timeout| !timeout.is_zero());
    Ok(Access { client, server, namespace, request_timeout })
}

/// The namespace that is meant, which may need no cluster and no kubeconfig to be known.
pub(crate) async fn namespace(flags: &ClusterFlags, around: &Surroundings) -> String {
    if let Some(name) = &flags.namespace {
        return name.clone();
    }
    let known = config(flags, around).await.map(|config| config.default_namespace);
    known.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "default".into())
}

/// A plugin may ask a person, who may never answer: on a thread of its own, which the process does not wait for.
async fn client(config: Config, server: &str) -> Result<Client, ClusterError> {
    let (done, ready) = oneshot::channel();
    let runtime = Handle::current();
    std::thread::spawn(move || {
        let _entered = runtime.enter();
        // Nobody listens after a timeout.
        let _ = done.send(Client::try_from(config));
    });
    let doing = || format!("connecting to {server}");
    match ready.await {
        Ok(made) => made.map_err(|error| ClusterError::of(error, doing(), server)),
        Err(_) => Err(ClusterError::Reply { doing: doing(), why: "the client stopped unexpectedly".into() }),
    }
}

async fn config(flags: &ClusterFlags, around: &Surroundings) -> Result<Config, ClusterError> {
    let (files, named) = files(flags, around);
    let present: Vec<&PathBuf> = files.iter().filter(|path| named || path.exists()).collect();
    if present.is_empty() {
        if around.in_cluster {
            return Config::incluster().map_err(|error| ClusterError::Reply {
                doing: "using the pod's ServiceAccount".into(),
                why: error.to_string(),
            });
        }
        return Err(ClusterError::NoKubeconfig { looked: places(&files) });
    }
    let mut kubeconfig = Kubeconfig::default();
    for path in present {
        let next = Kubeconfig::read_from(path).map_err(|error| ClusterError::unreadable(path, error))?;
        kubeconfig = kubeconfig.merge(next)?;
    }
    kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
    select(kubeconfig, flags, around).await
}

/// Where the kubeconfig may be, and whether it must be there.
fn files(flags: &ClusterFlags, around: &Surroundings) -> (Vec<PathBuf>, bool) {
    if let Some(path) = &flags.kubeconfig {
        return (vec![path.clone()], true);
    }
    let listed = around.kubeconfig.as_deref().map(|list| std::env::split_paths(list).collect::<Vec<_>>());
    let listed: Vec<PathBuf> =
        listed.into_iter().flatten().filter(|path| !path.as_os_str().is_empty()).collect();
    if !listed.is_empty() {
        return (listed, false);
    }
    (around.home.iter().map(|home| home.join(".kube/config")).collect(), false)
}

async fn select(
    mut kubeconfig: Kubeconfig,
    flags: &ClusterFlags,
    around: &Surroundings,
) -> Result<Config, ClusterError> {
    let context = flags.context.clone().or_else(|| kubeconfig.current_context.clone());
    let context = context.ok_or(KubeconfigError::CurrentContextNotSet)?;
    let missing = |what, name: &str| ClusterError::NotInKubeconfig { what, name: name.to_owned() };
    let named = kubeconfig.contexts.iter().find(|named| named.name == context);
    let chosen =
        named.and_then(|named| named.context.as_ref()).ok_or_else(|| missing("context", &context))?;
    let cluster = flags.cluster.clone().unwrap_or_else(|| chosen.cluster.clone());
    let found = kubeconfig.clusters.iter().find(|named| named.name == cluster);
    let found = found.and_then(|named| named.cluster.as_ref()).ok_or_else(|| missing("cluster", &cluster))?;
    let proxy = found.proxy_url.clone().filter(|url| !url.is_empty());
    let users = &mut kubeconfig.auth_infos;
    if let Some(user) = &flags.user
        && !users.iter().any(|named| &named.name == user)
    {
        return Err(missing("user", user));
    }
    for user in users.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        // As kubectl: a plugin that would ask if it could is told that nobody is there.
        if let Some(exec) = &mut user.exec
            && !around.interactive
            && exec.interactive_mode != Some(ExecInteractiveMode::Always)
        {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let options = KubeConfigOptions {
        context: Some(context),
        cluster: flags.cluster.clone(),
        user: flags.user.clone(),
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // The library would look whether `NO_PROXY` names the proxy; what counts is whether it names the server.
    config.proxy_url = proxy.map(|url| url.parse()).transpose().map_err(KubeconfigError::ParseProxyUrl)?;
    if flags.impersonate.is_some() || !flags.impersonate_groups.is_empty() {
        config.auth_info.impersonate.clone_from(&flags.impersonate);
        config.auth_info.impersonate_groups = Some(flags.impersonate_groups.clone());
    }
    Ok(config)
}

/// The environment's proxy for a server, as in kubectl. It resolves the server's name, which the library calls `socks5`.
fn environment_proxy(config: &Config, proxies: &Proxies) -> Option<String> {
    let server = config.cluster_url.to_string().parse().ok()?;
    let url = proxies.for_url(&server)?.url();
    Some(url.expose().as_str().replacen("socks5h://", "socks5://", 1))
}

/// Whether a pod's credentials are mounted.
pub(crate) fn is_pod(service_host: bool) -> bool {
    service_host && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_proxy_is_that_of_foreign_servers() {
        let proxy = |server: &str, proxy: &str, no_proxy: &str| {
            let proxies = Proxies::environment(|name| match name {
                "HTTPS_PROXY" => Some(proxy.to_owned()),
                "NO_PROXY" => Some(no_proxy.to_owned()),
                _ => None,
            });
            environment_proxy(&Config::new(server.parse().unwrap()), &proxies.unwrap())
        };
        for (own, expected) in [
            ("http://me:secret@proxy:3128", "http://me:secret@proxy:3128/"),
            ("proxy:3128", "http://proxy:3128/"),
            ("socks5h://proxy", "socks5://proxy"),
            ("https://proxy", "https://proxy/"),
        ] {
            let found = proxy("https://api.example.com:6443", own, "10.0.0.0/8,other.com");
            assert_eq!(found.as_deref(), Some(expected));
        }
        for (server, exceptions) in [
            ("https://127.0.0.1:6443", ""),
            ("https://[::1]:6443", ""),
            ("https://localhost:6443", ""),
            ("https://api.example.com", "a.b, example.com"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3", "*"),
        ] {
            assert_eq!(proxy(server, "proxy:3128", exceptions), None, "{server} {exceptions}");
        }
    }
}
