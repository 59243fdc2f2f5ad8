//! Who we are to a registry: secrets, credentials, challenges and tokens.
//!
//! A registry is asked without credentials first; its 401 says how it wants to be told. Tokens are kept by the
//! fingerprint of the credential, the token server, the service and the scope, so tenants never share one.

mod chain;
mod challenge;
mod credential;
mod docker_config;
mod docker_files;
mod docker_store;
mod fetch;
mod helper;
mod login;
mod pull_secret;
mod scope;
mod secret;
mod source;
mod token;

pub use chain::Chain;
pub(crate) use challenge::Challenge;
pub use credential::Credential;
pub use docker_config::{CONFIG_BYTES, ConfigError, DockerConfig, EntryFault, Stored};
pub use docker_files::{DockerEnvironment, DockerFiles, FilesError};
pub use docker_store::{DockerStore, Kept, LoginPlace, PlaceFault, StoreError};
pub use helper::{HELPER_DEADLINE, HelperError, Helpers, get as ask_helper};
pub use login::LoginFault;
pub(crate) use login::{Authorization, Logins, other_way};
pub use pull_secret::{PULL_SECRET_BYTES, PullFormat, PullSecret};
pub use scope::Access;
pub(crate) use scope::Scopes;
pub use secret::Secret;
pub use source::{
    Anonymous, CredentialSource, Fixed, Found, LeftOut, Lookup, Minted, Passed, SourceError, SourceFuture,
};
