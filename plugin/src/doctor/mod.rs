//! What is wrong with an installation, or with the way to a repository, and what to do about it.
//!
//! ```text
//! API server ──► installation: kind, programs, webhook, rights, Flux, objects ──┐
//! registry ────► repository: name, login step by step, artifact, signatures ────┴──► findings
//! ```

mod finding;
mod installation;
mod kind;
mod repository;
mod webhook;

pub(crate) use finding::{Finding, Findings};
pub(crate) use installation::installation;
pub(crate) use repository::repository;
