//! Registries of Google (Artifact Registry, Container Registry, S3NS): an access token is the password.
//!
//! Flux 2.10, `fluxcd/pkg/auth/gcp`, with Application Default Credentials for the identity of this process.

mod gcloud;
mod gke;
mod hosts;
mod impersonation;
mod key_file;
mod metadata;
mod places;
mod sts;

use oci_artifact::name::{Cloud, Host};
use oci_registry::{Credential, Secret, WireErrors};

pub(crate) use self::gke::Gke;

use crate::{
    account::{Account, Role},
    context::Context,
    error::IdentityError,
    lease::{Access, Lease, Login, Proof},
};

/// What tokens are for, as Flux asks for them.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"];

/// The user whose password is an access token.
const USER: &str = "oauth2accesstoken";

/// A registry of this cloud.
pub(crate) struct Registry;

impl Registry {
    /// Reads the name of a registry; an error if it is not this cloud's.
    pub(crate) fn of(_: Context<'_>, host: &Host) -> Result<Self, IdentityError> {
        if Cloud::Gcp.owns(host) {
            return Ok(Self);
        }
        let expected = "they are called gcr.io, NAME.gcr.io, LOCATION-docker.pkg.dev or docker.s3nsregistry.fr, without \
                        a port";
        Err(IdentityError::Host { cloud: "gcp", host: host.clone(), expected })
    }
}

/// For whom an account's tokens are, where it does not say. GKE's own pool is not known yet, and is the only one.
pub(crate) fn audience(context: Context<'_>) -> Option<String> {
    match context.account.map(|account| &account.wish.role) {
        Some(Some(Role::Gcp { provider: Some(provider), .. })) => Some(resource(provider)),
        _ => None,
    }
}

/// The token of this process; it is good for storage, too.
pub(crate) async fn of_process(context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
    places::ask(context).await
}

/// What the cloud lets us in with.
pub(crate) async fn access(context: Context<'_>) -> Result<Lease<Access>, IdentityError> {
    match context.account {
        None => places::ask(context).await,
        Some(account) => of_account(context, account).await,
    }
}

/// What the registry takes.
pub(crate) fn login(access: &Access) -> Result<Lease<Login>, IdentityError> {
    let Proof::Token(token) = &access.proof else {
        return Err(IdentityError::Nothing { cloud: "gcp", passed: Vec::new() });
    };
    let credential = Credential::Basic { username: USER.to_owned(), password: token.value.clone() };
    Ok(Lease { value: Login { credential, origin: access.origin.clone() }, expires: token.expires })
}

/// The name of a pool's provider, as an audience.
fn resource(provider: &str) -> String {
    format!("//iam.googleapis.com/{provider}")
}

async fn of_account(context: Context<'_>, account: &Account) -> Result<Lease<Access>, IdentityError> {
    // A role of another cloud leads to that cloud's registry.
    let Some(Role::Gcp { service_account, provider }) = &account.wish.role else {
        return Err(IdentityError::Nothing { cloud: "gcp", passed: Vec::new() });
    };
    let (audience, usual) = if let Some(provider) = provider {
        (resource(provider), resource(provider))
    } else {
        let cluster = context.gke.cluster(context).await?;
        (cluster.audience(), cluster.pool())
    };
    let subject = account.token(|| usual).await?;
    let exchange = sts::Exchanged {
        audience: &audience,
        subject: &subject.value,
        subject_type: sts::JWT,
        url: sts::url()?,
        whose: &account.shown(),
    };
    let shown = account.shown();
    let Some(email) = service_account else {
        return Ok(lent(sts::token(context, &exchange, &SCOPES).await?, shown));
    };
    let principal = sts::token(context, &exchange, &SCOPES[..1]).await?;
    let target = impersonation::Target::of(email)?;
    let token = impersonation::token(context, &target, &principal.value).await?;
    Ok(lent(token, format!("{shown} as {email}")))
}

/// A token as an access, for as long as it is good.
fn lent(token: Lease<Secret<String>>, origin: String) -> Lease<Access> {
    let expires = token.expires;
    Lease { value: Access { proof: Proof::Token(token), origin }, expires }
}

/// Google's errors: RFC 6749 of its token services, `google.rpc.Code` of the others.
fn hint(_: u16, errors: &WireErrors) -> Option<&'static str> {
    let has = |codes: &[&str]| codes.iter().any(|code| errors.has(code));
    if has(&["invalid_grant"]) {
        Some("the key, the login or the token shown is no longer good, or the clocks differ: check both")
    } else if has(&["invalid_target"]) {
        Some("there is no such workload identity pool or provider: check its name, and whether it is enabled")
    } else if has(&["unauthorized_client", "access_denied"]) {
        Some("the provider of the pool does not take this token: check its issuer, audiences and conditions")
    } else if has(&["invalid_client"]) {
        Some("log in again with `gcloud auth application-default login`")
    } else if has(&["PERMISSION_DENIED"]) {
        Some(
            "give the identity roles/iam.workloadIdentityUser (or serviceAccountTokenCreator) on the service account",
        )
    } else if has(&["NOT_FOUND"]) {
        Some("there is no such service account: check its name and its project")
    } else {
        None
    }
}
