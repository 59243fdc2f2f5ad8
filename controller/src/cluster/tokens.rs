//! Tokens of `ServiceAccounts`, by `TokenRequest`.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use oci_artifact::{Class, Classify};
use oci_identity::{
    IdentityError,
    account::{AccountToken, AccountTokens, TokenFuture},
};
use oci_registry::{Secret, auth::SourceError};

use super::{
    audiences::ClusterAudiences,
    call::{CallError, Cause, call},
};

/// What gives the right that is missing.
const COMPONENT: &str = "deploy/components/object-identity/rbac.yaml";

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenFault {
    /// The token would be one for the API server.
    #[error(
        "{doing}: audience '{audience}' is that of this cluster's API server, and is not given to registries"
    )]
    OwnAudience {
        /// What was attempted, for whom.
        doing: String,
        /// The audience.
        audience: String,
    },
    /// Our own token says nothing of the API server's audiences.
    #[error("{doing}: the audiences of the API server are not known: {detail}")]
    Unknown {
        /// What was attempted, for whom.
        doing: String,
        /// Why not.
        detail: String,
    },
    /// The API server said no, or nothing.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The API server's answer cannot be used.
    #[error("{doing}: the API server sent an unusable answer: {detail}")]
    Answer {
        /// What was attempted, for whom.
        doing: String,
        /// What is wrong with it.
        detail: &'static str,
    },
}

impl Classify for TokenFault {
    fn reason(&self) -> &'static str {
        match self {
            Self::OwnAudience { .. } => "AudienceNotAllowed",
            Self::Unknown { .. } => "AudiencesUnknown",
            Self::Call(error) => error.reason(),
            Self::Answer { .. } => "TokenInvalid",
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::OwnAudience { .. } => Class::Terminal,
            Self::Unknown { .. } | Self::Answer { .. } => Class::Retry { after: None },
            Self::Call(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::OwnAudience { .. } => {
                Some("name the registry in the annotation credential.auth.fluxcd.io/audiences".to_owned())
            }
            Self::Call(CallError { cause: Cause::Forbidden(_), .. }) => Some(format!(
                "the controller may make no tokens: apply {COMPONENT}, which gives it `create` on `serviceaccounts/token`"
            )),
            Self::Call(error) => error.hint(),
            Self::Unknown { .. } | Self::Answer { .. } => None,
        }
    }
}

/// Makes tokens of one account.
pub struct ClusterTokens {
    client: Client,
    namespace: String,
    name: String,
    own: Arc<ClusterAudiences>,
}

impl ClusterTokens {
    /// Of the account `namespace/name`. No token is for those who are `own`.
    pub fn new(client: Client, namespace: &str, name: &str, own: Arc<ClusterAudiences>) -> Self {
        Self { client, namespace: namespace.to_owned(), name: name.to_owned(), own }
    }

    async fn make(
        &self,
        audiences: &[String],
        expiration: Option<Duration>,
    ) -> Result<AccountToken, TokenFault> {
        let doing = || {
            format!(
                "making a token of service account '{}/{}' for {}",
                self.namespace,
                self.name,
                audiences.join(", ")
            )
        };
        match self.own.find(audiences) {
            Ok(None) => {}
            Ok(Some(own)) => {
                return Err(TokenFault::OwnAudience { doing: doing(), audience: own.to_owned() });
            }
            Err(detail) => return Err(TokenFault::Unknown { doing: doing(), detail }),
        }
        let expiration = expiration.and_then(|wish| i64::try_from(wish.as_secs()).ok());
        let spec = TokenRequestSpec {
            audiences: audiences.to_vec(),
            expiration_seconds: expiration,
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let answer = async { api.create_token_request(&self.name, &PostParams::default(), &request).await };
        let unusable = |detail| TokenFault::Answer { doing: doing(), detail };
        let status = call(doing, answer).await?.status.ok_or_else(|| unusable("it has no status"))?;
        // It becomes a header.
        if status.token.is_empty() || !status.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable("it has no token"));
        }
        Ok(AccountToken { value: Secret::new(status.token), expires: status.expiration_timestamp.0 })
    }
}

impl AccountTokens for ClusterTokens {
    fn token<'a>(&'a self, audiences: &'a [String], expiration: Option<Duration>) -> TokenFuture<'a> {
        Box::pin(async move {
            self.make(audiences, expiration)
                .await
                .map_err(|fault| IdentityError::Token(SourceError::new(fault)))
        })
    }
}
