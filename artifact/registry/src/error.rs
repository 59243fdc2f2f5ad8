//! What can go wrong between us and a registry.
//!
//! An [`Error`] says what was attempted on what (`action`) and why it failed ([`Fault`]). Decisions are made on the
//! variants, never on the text.

use std::{fmt::Write as _, time::Duration};

use oci_artifact::{Class, Classify, limits::OverBudget, manifest, name::Digest};

use crate::{auth, proxy::Proxy, redirect::RedirectFault, wire_error::WireErrors};

/// A failed step of a registry operation.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {fault}")]
pub struct Error {
    /// What was attempted on what: `uploading layer sha256:ab…`.
    pub action: String,
    /// Why it failed.
    #[source]
    pub fault: Box<Fault>,
}

/// What a failed TLS handshake comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsCause {
    /// Nobody that we trust vouches for the certificate.
    UnknownIssuer,
    /// The registry refuses us without a client certificate, or does not know ours.
    ClientCertificate,
    /// The other side may not speak TLS at all.
    NotTls,
    /// Anything else; the error's text says it.
    Other,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The registry answered with a status that the step cannot use.
    #[error("{}", status_line(*.status, .errors, *.retry_after))]
    Status {
        /// HTTP status.
        status: u16,
        /// The registry's own words.
        errors: WireErrors,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// No connection: name lookup, refused, unreachable, reset while connecting.
    #[error("cannot connect to {origin}: {detail}")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        detail: String,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {origin} failed: {detail}")]
    Tls {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        detail: String,
        /// What would mend it, as far as the library's error tells.
        cause: TlsCause,
    },
    /// The connection broke while a request or an answer was under way.
    #[error("the connection to {origin} broke: {detail}")]
    Broken {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        detail: String,
        /// Whether the head of an answer had come.
        answered: bool,
    },
    /// Nothing, or far too little, came or went for too long.
    #[error("{}", stall_line(.origin, *.after, *.received))]
    Stalled {
        /// Scheme, host and port.
        origin: String,
        /// How long we waited.
        after: Duration,
        /// Bytes that came in that time.
        received: u64,
    },
    /// A proxy refused us, or could not be reached.
    #[error("cannot connect through the proxy {proxy}: {detail}")]
    Proxy {
        /// The proxy's scheme, host and port.
        proxy: String,
        /// The innermost cause.
        detail: String,
    },
    /// The whole operation's time is over.
    #[error("timed out")]
    Deadline,
    /// Bytes whose digest is not the one they were asked by.
    #[error("digest mismatch: asked for {expected}, got {actual}")]
    Digest {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// A different number of bytes than the descriptor says.
    #[error("size mismatch: the descriptor says {expected} bytes, got {actual}")]
    Size {
        /// What the descriptor says.
        expected: u64,
        /// What came; at least this much.
        actual: u64,
    },
    /// More bytes than we read of such a thing.
    #[error(transparent)]
    TooLarge(#[from] OverBudget),
    /// A redirect, `Location`, `Link` or token realm that we do not follow.
    #[error(transparent)]
    Redirect(#[from] RedirectFault),
    /// The registry broke the distribution specification.
    #[error("the registry broke the protocol: {0}")]
    Protocol(String),
    /// The manifest is unusable.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The source of credentials failed.
    #[error("{0}")]
    Credentials(auth::SourceError),
    /// Logging in failed.
    #[error(transparent)]
    Login(auth::LoginFault),
    /// A local file or folder.
    #[error("{what} `{path}`: {source}")]
    File {
        /// What was done.
        what: &'static str,
        /// To which path.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The client could not be set up.
    #[error("{0}")]
    Setup(String),
    /// What was asked for does not exist in an OCI layout folder.
    #[error("there is no `{wanted}` in the OCI layout; it has: {}", .found.join(", "))]
    NotInLayout {
        /// What was asked for.
        wanted: String,
        /// The names and digests of what it lists.
        found: Vec<String>,
    },
}

impl Fault {
    /// Says what was attempted.
    pub(crate) fn during(self, action: impl Into<String>) -> Error {
        Error { action: action.into(), fault: Box::new(self) }
    }

    /// Says that the answer had begun.
    pub(crate) fn after_an_answer(self) -> Self {
        match self {
            Self::Broken { origin, detail, .. } => Self::Broken { origin, detail, answered: true },
            other => other,
        }
    }

    /// Says that a failed connection was one to a proxy, if there is one: nothing else is connected to then.
    pub(crate) fn through(self, proxy: Option<&Proxy>) -> Self {
        match (self, proxy) {
            (Self::Connect { detail, .. }, Some(proxy)) => Self::Proxy { proxy: proxy.to_string(), detail },
            (other, _) => other,
        }
    }

    /// Whether the registry did not answer at all or not in time, so that asking it again soon is of no use to anybody.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Broken { answered: false, .. }
                | Self::Stalled { .. }
                | Self::Deadline
        )
    }

    /// The HTTP status, if the registry answered with one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl Error {
    /// Whether the thing that was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.fault.status() == Some(404) || matches!(*self.fault, Fault::NotInLayout { .. })
    }

    /// See [`Fault::is_unreachable`].
    pub fn is_unreachable(&self) -> bool {
        self.fault.is_unreachable()
    }
}

impl Classify for Error {
    fn reason(&self) -> &'static str {
        self.fault.reason()
    }

    fn class(&self) -> Class {
        self.fault.class()
    }

    fn hint(&self) -> Option<String> {
        self.fault.hint()
    }
}

impl Classify for Fault {
    fn reason(&self) -> &'static str {
        match self {
            Self::Status { status: 401 | 403, .. } => "AccessDenied",
            Self::Status { status: 404, .. } | Self::NotInLayout { .. } => "NotFound",
            Self::Status { status: 429, .. } => "TooManyRequests",
            Self::Status { .. } => "RegistryError",
            Self::Connect { .. } => "ConnectFailed",
            Self::Tls { .. } => "TLSFailed",
            Self::Broken { .. } => "ConnectionBroken",
            Self::Stalled { .. } | Self::Deadline => "Timeout",
            Self::Proxy { .. } => "ProxyFailed",
            Self::Digest { .. } => "DigestMismatch",
            Self::Size { .. } => "SizeMismatch",
            Self::TooLarge(_) => "TooLarge",
            Self::Redirect(_) => "RedirectRefused",
            Self::Protocol(_) => "ProtocolError",
            Self::Manifest(fault) => fault.reason(),
            Self::Credentials(fault) => fault.reason(),
            Self::Login(fault) => fault.reason(),
            Self::File { .. } => "FileFailed",
            Self::Setup(_) => "SetupFailed",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Status { status: 401 | 403, .. } => Class::Denied,
            Self::Status { status, retry_after, .. } if is_transient(*status) => {
                Class::Retry { after: *retry_after }
            }
            Self::Status { status: 409, .. } => Class::Conflict,
            Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Stalled { .. }
            | Self::Proxy { .. }
            | Self::Deadline => Class::Retry { after: None },
            Self::Credentials(fault) => fault.class(),
            Self::Login(fault) => fault.class(),
            Self::Status { .. }
            | Self::Tls { .. }
            | Self::Digest { .. }
            | Self::Size { .. }
            | Self::TooLarge(_)
            | Self::Redirect(_)
            | Self::Protocol(_)
            | Self::Manifest(_)
            | Self::File { .. }
            | Self::Setup(_)
            | Self::NotInLayout { .. } => Class::Terminal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Status { status: 401, .. } => {
                Some("log in with `kubectl oci login`, or pass `--creds user:password`".into())
            }
            Self::Status { status: 403, .. } => {
                Some("the login is not allowed to do this; check its rights on the repository".into())
            }
            Self::Status { status: 429, .. } => Some("the registry limits requests; try again later".into()),
            Self::Tls { cause: TlsCause::ClientCertificate, .. } => Some(
                "the registry wants a client certificate that it knows; pass `--cert-file` and `--key-file`"
                    .into(),
            ),
            Self::Tls { cause: TlsCause::UnknownIssuer, .. } => Some(
                "trust the registry's certificate authority with `--ca-file`, or pass `--insecure-registry`"
                    .into(),
            ),
            Self::Tls { .. } => Some("if the registry speaks plain HTTP, pass `--insecure-registry`".into()),
            Self::Deadline => Some("allow more time with `--timeout`".into()),
            Self::Manifest(fault) => fault.hint(),
            Self::Credentials(fault) => fault.hint(),
            Self::Login(fault) => fault.hint(),
            _ => None,
        }
    }
}

/// Statuses after which the same request may succeed.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn stall_line(origin: &str, after: Duration, received: u64) -> String {
    let seconds = after.as_secs();
    match received {
        0 => format!("no answer from {origin} for {seconds} s"),
        _ => format!("only {received} bytes from {origin} in {seconds} s"),
    }
}

fn status_line(status: u16, errors: &WireErrors, retry_after: Option<Duration>) -> String {
    let mut line = status.to_string();
    if errors.is_empty() {
        let phrase = reqwest::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
        let _ = write!(line, " {}", phrase.unwrap_or("unknown status"));
    } else {
        let _ = write!(line, " {errors}");
    }
    if let Some(after) = retry_after {
        let _ = write!(line, " (retry after {} s)", after.as_secs());
    }
    line
}
