//! What we can prove to a registry.

use std::fmt;

use super::Secret;

/// One way to log in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// No credential.
    Anonymous,
    /// User and password, sent to the registry (Basic) or to its token server.
    Basic {
        /// The user's name, not a secret.
        username: String,
        /// The password or access token.
        password: Secret<String>,
    },
    /// An identity (refresh) token, exchanged at the token server by `grant_type=refresh_token`.
    Identity(Secret<String>),
    /// A ready bearer token for the registry itself.
    Bearer(Secret<String>),
}

/// The kind and the user's name; never the secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Basic { username, .. } => write!(f, "basic({username})"),
            Self::Identity(_) => f.write_str("identity token"),
            Self::Bearer(_) => f.write_str("bearer token"),
        }
    }
}
