//! Logs in to registries by an identity instead of a password: a cloud's, or a `ServiceAccount`'s own token.
//!
//! ```text
//!            ┌ who ─────────────────────────┐     ┌ access ───────────────┐     ┌ login ───────────────────┐
//! aws        │ role of the account          │ ──► │ keys of a role (STS)  │ ──► │ ECR's user and password  │
//! azure      │  or of this process:         │ ──► │ Entra ID token        │ ──► │ refresh token of the ACR │
//! gcp        │  files, variables, metadata  │ ──► │ OAuth2 token          │ ──► │ the same, as a password  │
//! generic    │ the account's token          │ ─────────────────────────────► │ bearer token or password │
//!            └──────────────────────────────┘     └───────────────────────┘     └──────────────────────────┘
//!                                                    both kept in one [`cache`]
//! ```
//!
//! An [`IdentitySource`] is the last of a chain of credential sources. Nothing is asked before a registry wants a login,
//! and nothing but the cloud's own hosts ever sees what came of it (`oci_artifact::name::Cloud`).
//!
//! Sources followed: object-level workload identity of Flux 2.10 (RFC-0010, `fluxcd/pkg/auth`), and for each exchange
//! the documentation that its module names.

pub mod account;
mod aws;
mod azure;
pub mod bucket;
pub mod cache;
mod context;
mod desk;
mod environment;
mod error;
mod exchange;
mod file;
mod gcp;
mod generic;
mod jwt;
mod lease;
mod metadata;
mod oauth;
mod place;
mod source;
pub mod xml;

pub use environment::Environment;
pub use error::IdentityError;
pub use source::{Identities, IdentitySource, Plan, on_behalf_of};
