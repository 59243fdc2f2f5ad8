//! A token that the cluster writes into a file, and the role that it is for: IAM roles for service accounts (IRSA).
//!
//! Followed: "Assume role with web identity" of the SDK guide: `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`,
//! `AWS_ROLE_SESSION_NAME`. The file is read each time: the kubelet renews it.

use super::{Ask, Found, expanded, hinted};
use crate::{
    aws::{
        keys::is_word,
        sts::{self, Role},
    },
    error::IdentityError,
    file,
    place::Miss,
};

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
/// What sessions are called that nobody gave a name.
pub(super) const SESSION: &str = "kubectl-oci";
/// Bytes of a role's ARN, as IAM has it.
const ARN_BYTES: usize = 2_048;

/// The keys of the role in the environment.
pub(super) async fn look(ask: Ask<'_>) -> Result<Found, Miss> {
    let environment = ask.context.environment;
    let Some(path) = environment.variable(FILE) else {
        return Err(Miss::nothing(format!("{FILE} is not set")));
    };
    let arn = environment.variable(ROLE).ok_or_else(|| {
        let hint = "annotate the ServiceAccount of the pod with eks.amazonaws.com/role-arn";
        hinted(ROLE, format!("it is not set, but {FILE} is"), hint)
    })?;
    let role = role(ROLE, arn, environment.variable("AWS_ROLE_SESSION_NAME"))?;
    Ok(assume(ask, FILE, path, &role).await?)
}

/// A role of this name.
pub(super) fn role(place: &str, arn: &str, session: Option<&str>) -> Result<Role, IdentityError> {
    if !is_word(arn, ARN_BYTES) || !arn.starts_with("arn:") {
        return Err(hinted(place, "it is not the ARN of a role", "write arn:aws:iam::ACCOUNT:role/NAME"));
    }
    Ok(Role::new(arn, session.unwrap_or(SESSION)))
}

/// The keys of a role, by the token in a file that `place` names.
pub(super) async fn assume(
    ask: Ask<'_>,
    place: &str,
    path: &str,
    role: &Role,
) -> Result<Found, IdentityError> {
    let token = file::token(place, &expanded(ask.context.environment, path))?;
    let holder = format!("the token in `{path}`");
    let keys = sts::with_web_identity(ask, role, &holder, &token).await?;
    Ok(Found { keys, origin: format!("role {} by {holder}", role.arn) })
}
