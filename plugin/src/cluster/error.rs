//! What can go wrong on the way to a cluster and in it.

use std::{
    error::Error as StdError,
    path::{Path, PathBuf},
};

use kube::{client::AuthError, config::KubeconfigError, core::Status};
use oci_artifact::{Class, Classify};

use super::kstatus::Condition;

/// Characters of what a credential plugin said.
const SAID: usize = 500;

/// Why a command about a cluster failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    /// There is nothing that says where the cluster is.
    #[error("no kubeconfig says where the cluster is (looked for {looked})")]
    NoKubeconfig { looked: String },
    /// A kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(#[from] KubeconfigError),
    /// A kubeconfig cannot be read. Its text is never quoted: it may hold a password.
    #[error("reading the kubeconfig `{}` failed: {why}", .path.display())]
    Unreadable { path: PathBuf, why: String },
    /// `--context` and the like name nothing.
    #[error("the kubeconfig has no {what} `{name}`")]
    NotInKubeconfig { what: &'static str, name: String },
    /// The kubeconfig's user cannot log in.
    #[error("logging in to {server} failed: {why}")]
    Login { server: String, why: String, hint: Option<String> },
    /// The API server does not answer.
    #[error("{doing} failed: cannot reach {server}: {why}")]
    Unreachable { doing: String, server: String, why: String },
    /// The API server says no.
    #[error("{doing} failed: {}", said(.status))]
    Refused { doing: String, status: Box<Status> },
    /// The object does not exist.
    #[error("{what} does not exist")]
    NotFound { what: String },
    /// The API server does not know the kind.
    #[error(
        "{doing} failed: the cluster at {server} does not serve OCIRepository (source.toolkit.fluxcd.io/v1)"
    )]
    NoApi { doing: String, server: String },
    /// The answer makes no sense.
    #[error("{doing} failed: {why}")]
    Reply { doing: String, why: String },
    /// Somebody deleted the object that is waited for.
    #[error("{what} was deleted while waiting for it")]
    Deleted { what: String },
    /// The object is suspended, so that nothing would happen.
    #[error("{what} is suspended")]
    Suspended { what: String },
    /// The controller's run failed.
    #[error("{what} is not ready: {}: {}", .why.reason, .why.message)]
    NotReady { what: String, why: Box<Condition>, stalled: bool },
    /// It took too long.
    #[error("{what} was not ready in time; {last}")]
    NotInTime { what: String, last: String },
}

/// What the API server said, or that it said nothing.
fn said(status: &Status) -> String {
    match status.message.trim() {
        "" => format!("the API server answered {} {}", status.code, status.reason),
        message if status.code == 401 => format!("{message} (401)"),
        message => message.to_owned(),
    }
}

impl ClusterError {
    /// Tells what an error of the client means.
    pub(crate) fn of(error: kube::Error, doing: String, server: &str) -> Self {
        let server = server.to_owned();
        match error {
            kube::Error::Api(status) => Self::answer(status, doing, server),
            kube::Error::Auth(error) => Self::login(&error, server),
            kube::Error::InferKubeconfig(error) => Self::Kubeconfig(error),
            kube::Error::Service(error) => match error.downcast_ref::<AuthError>() {
                Some(error) => Self::login(error, server),
                None => Self::Unreachable { doing, server, why: deepest(&*error) },
            },
            kube::Error::HyperError(error) => Self::Unreachable { doing, server, why: deepest(&error) },
            kube::Error::ReadEvents(error) => Self::Unreachable { doing, server, why: deepest(&error) },
            // The library would show the URL, which may hold a password.
            kube::Error::ProxyProtocolUnsupported { .. } => Self::Reply {
                doing,
                why: "a proxy-url must begin with http://, https:// or socks5://".into(),
            },
            other => Self::Reply { doing, why: other.to_string() },
        }
    }

    /// Tells why a kubeconfig cannot be read.
    pub(crate) fn unreadable(path: &Path, error: KubeconfigError) -> Self {
        let why = match error {
            KubeconfigError::ReadConfig(source, _) => source.to_string(),
            KubeconfigError::Parse(source) => match source.location() {
                Some(place) => format!("line {} is not what a kubeconfig has there", place.line()),
                None => "it is no kubeconfig".to_owned(),
            },
            other => other.to_string(),
        };
        Self::Unreadable { path: path.to_owned(), why }
    }

    fn answer(status: Box<Status>, doing: String, server: String) -> Self {
        // A path that nobody serves has no object that the answer could be about.
        let about = status.details.as_ref().filter(|details| !details.name.is_empty());
        match about {
            None if status.code == 404 => Self::NoApi { doing, server },
            Some(_) | None => Self::Refused { doing, status },
        }
    }

    /// Never what the plugin printed as credentials, nor its environment.
    fn login(error: &AuthError, server: String) -> Self {
        let (why, hint) = match error {
            AuthError::AuthExecStart(error) => {
                let hint = "install the program that `users[].user.exec.command` of the kubeconfig names";
                (format!("the kubeconfig's credential plugin cannot be started: {error}"), Some(hint.into()))
            }
            AuthError::AuthExecRun { out, .. } => {
                let stderr = String::from_utf8_lossy(&out.stderr);
                let said: String = stderr.trim().chars().take(SAID).collect();
                let colon = if said.is_empty() { "" } else { ": " };
                (format!("the kubeconfig's credential plugin failed ({}){colon}{said}", out.status), None)
            }
            AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
                ("the kubeconfig's credential plugin printed no ExecCredential".into(), None)
            }
            other => (other.to_string(), None),
        };
        Self::Login { server, why, hint }
    }

    /// Whether the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => status.code == 429 || status.code >= 500,
            _ => false,
        }
    }

    /// Whether the answer is "no" rather than "it could not be done": nothing is broken but what was asked for.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { status, .. } => status.is_invalid(),
            Self::NotReady { .. } | Self::Suspended { .. } | Self::Deleted { .. } => true,
            _ => false,
        }
    }

    /// Whether the API server no longer knows the version that a watch or a list goes on from.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.code == 410)
    }
}

/// The innermost cause, which says most.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut inner = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}

impl Classify for ClusterError {
    fn reason(&self) -> &'static str {
        match self {
            Self::NoKubeconfig { .. }
            | Self::Unreadable { .. }
            | Self::Kubeconfig(_)
            | Self::NotInKubeconfig { .. } => "KubeconfigInvalid",
            Self::Login { .. } => "LoginFailed",
            Self::Unreachable { .. } => "ClusterUnreachable",
            Self::Refused { .. } | Self::Reply { .. } => "ClusterRefused",
            Self::NotFound { .. } | Self::Deleted { .. } => "NotFound",
            Self::NoApi { .. } => "ApiMissing",
            Self::Suspended { .. } => "Suspended",
            Self::NotReady { .. } => "NotReady",
            Self::NotInTime { .. } => "Timeout",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Login { .. } => Class::Denied,
            Self::Refused { status, .. } if status.is_forbidden() || status.code == 401 => Class::Denied,
            Self::Refused { status, .. } if status.is_conflict() => Class::Conflict,
            Self::NotInTime { .. } => Class::Retry { after: None },
            error if error.is_passing() => Class::Retry { after: None },
            _ => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoKubeconfig { .. } => "name one with `--kubeconfig` or in KUBECONFIG",
            Self::Unreadable { .. } => "`kubectl config view` reads it too",
            Self::Kubeconfig(KubeconfigError::CurrentContextNotSet) => {
                "choose one with `--context` or `kubectl config use-context`"
            }
            Self::NotInKubeconfig { .. } => "`kubectl config get-contexts` lists what there is",
            Self::Unreachable { .. } => {
                "is the cluster running, and is it the one that is meant? `kubectl cluster-info` asks it too"
            }
            Self::Refused { status, .. } if status.code == 401 => "log in to the cluster again",
            Self::Refused { status, .. } if status.is_forbidden() => {
                "ask for a Role with that verb on `ocirepositories.source.toolkit.fluxcd.io`, or act as somebody else with `--as`"
            }
            Self::Refused { status, .. } if status.is_conflict() => {
                "`--force-conflicts` takes the fields over; whoever set them may set them again"
            }
            Self::NotFound { .. } => "`kubectl oci get -A` lists what there is",
            Self::NoApi { .. } => "install it: `kubectl oci install`, or Flux 2.6 or newer",
            Self::Suspended { .. } => "`kubectl oci resume` lets the controller go on",
            Self::NotReady { stalled: true, .. } => "it is not tried again until the object is changed",
            Self::NotReady { .. } => "the controller goes on trying",
            Self::NotInTime { .. } => "allow more time with `--timeout`, or do not wait: `--no-wait`",
            Self::Login { hint, .. } => return hint.clone(),
            Self::Kubeconfig(_) | Self::Refused { .. } | Self::Reply { .. } | Self::Deleted { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

/// The list of places where a kubeconfig was looked for.
pub(crate) fn places(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    if shown.is_empty() { "KUBECONFIG and a home folder".to_owned() } else { shown.join(", ") }
}
