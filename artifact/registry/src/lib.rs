//! Talking to OCI registries: one [`Client`], bound by deadlines, sizes and origins.
//!
//! ```text
//! [ Client ] -> [ RepositoryClient ] -> manifests | blobs | upload | tags | referrers      what is asked
//!                      |
//!               [ Transport ] -> auth (challenge, login, token) | redirect | retry         how it is sent
//!                      |
//!               [ tls ] -> one HTTP client for the registry, one for places that it names, each with its proxy
//! ```
//!
//! Specifications followed: OCI distribution-spec 1.1, the distribution project's token specifications, RFC 9110.
//! Everything that a registry sends is untrusted: sizes are bounded, digests are checked before a caller sees bytes,
//! and secrets leave only towards the origin that they were issued for.

mod attach;
pub mod auth;
mod blobs;
mod body;
mod call;
mod carry;
mod client;
mod copy;
mod endpoint;
mod error;
mod exchange;
mod failure;
mod http_clients;
mod http_date;
pub mod layout;
mod link;
mod manifests;
mod options;
mod origin;
mod pages;
mod probe;
pub mod program;
mod proxy;
mod push;
mod redact;
mod redirect;
mod referrers;
mod source;
mod tags;
mod tls;
mod transport;
mod trial;
mod upload;
pub mod web;
mod wire_error;

pub use attach::{Listed, Referrer};
pub use auth::{Access, Credential, Secret};
pub use carry::{Carried, Wanted, carry};
pub use client::{Client, RepositoryClient};
pub use copy::{Copied, Place, copy};
pub use error::{Error, Fault, TlsCause};
pub use manifests::Fetched;
pub use options::{Options, Pem, Tls};
pub use origin::Origin;
pub use proxy::{Proxies, Proxy, ProxyError, VariableError};
pub use push::{Artifact, Pushed};
pub use redirect::RedirectFault;
pub use source::{BlobSource, ByteStream, FileSource, Opening};
pub use trial::{Step, Tried};
pub use upload::Uploaded;
pub use wire_error::{WireError, WireErrors};
