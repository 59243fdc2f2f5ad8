//! Asking a registry for signatures, and what it means if none counts.

use oci_artifact::{
    Class, Classify as _,
    name::{Digest, Target},
};
use oci_registry::{Place, RepositoryClient};
use oci_verify::{AnyPolicy, Artifact, NotationReason, Reason, TrustRoot, Verdict, Verified};

use crate::{
    context::Context,
    error::{Doing as _, Error},
    ui::{self, clean},
};

/// An artifact that has not the signature that it should have.
#[derive(Debug, thiserror::Error)]
#[error("verifying {artifact} failed: {verdict}")]
pub(crate) struct Unverified {
    artifact: String,
    verdict: Verdict,
}

/// The verdict about an artifact of a repository.
pub(crate) async fn judge(
    repository: &RepositoryClient,
    policy: &AnyPolicy,
    mut artifact: Artifact,
    context: &Context,
) -> Verdict {
    oci_verify::judge(repository, policy, &mut artifact, context.now).await
}

/// Says whose signature an artifact has, or fails.
pub(crate) async fn verified(
    repository: &RepositoryClient,
    policy: &AnyPolicy,
    artifact: &Digest,
    context: &Context,
) -> Result<(), Error> {
    let verdict = judge(repository, policy, Artifact::new(artifact.clone()), context).await;
    let name = format!("{}@{artifact}", repository.repository());
    match &verdict {
        Verdict::Verified(verified) => {
            tell(&name, verified, context);
            Ok(())
        }
        _ => Err(Unverified::new(name, verdict).into()),
    }
}

/// The digest that a tag has, if it is signed as it should be: that very one is copied then.
pub(crate) async fn verified_target(
    source: &Place,
    target: &Target,
    policy: &AnyPolicy,
    doing: &dyn Fn() -> String,
    context: &Context,
) -> Result<Target, Error> {
    let Place::Registry(repository) = source else {
        return Err(Error::usage("a folder's signatures are not verified: verify where they come from"));
    };
    let digest = repository.resolve(target).await.doing(doing)?;
    Box::pin(verified(repository, policy, &digest, context)).await?;
    Ok(Target::Digest(digest))
}

/// Tells a person whose signature it is.
pub(crate) fn tell(artifact: &str, verified: &Verified, context: &Context) {
    let Verified { by, when, how, refused, let_pass, .. } = verified;
    let let_pass = let_pass.iter().map(|one| format!("let pass by the trust policy: {one}"));
    let told = refused.iter().map(ToString::to_string).chain(let_pass);
    for warning in told {
        context.printer.warning(clean(&warning));
    }
    let when = when.map(|when| format!(", at {when}")).unwrap_or_default();
    let text = clean(&format!("signed by {by}{when}"));
    context.printer.success(format!("{artifact} is {text} ({})", ui::clean(&how.format.to_string())));
}

impl Unverified {
    pub(crate) fn new(artifact: String, verdict: Verdict) -> Self {
        Self { artifact, verdict }
    }

    /// Whether the answer is "no", not "nobody knows".
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self.verdict, Verdict::Unavailable(_))
    }

    pub(crate) fn reason(&self) -> &'static str {
        reason(&self.verdict)
    }

    pub(crate) fn class(&self) -> Class {
        match &self.verdict {
            Verdict::Unavailable(unavailable) => Class::Retry { after: unavailable.after },
            _ => Class::Terminal,
        }
    }

    /// What to do, in this program's words.
    pub(crate) fn hint(&self) -> Option<String> {
        let rejected = match &self.verdict {
            Verdict::Rejected(rejected) => rejected,
            Verdict::Ignored(_) => {
                return Some(
                    "the controller takes such an artifact as it is; to have it verified, set the level to `strict`"
                        .into(),
                );
            }
            _ => return None,
        };
        rejected.refused.iter().find_map(|refusal| match &refusal.reason {
            Reason::KeyForIdentities => {
                Some("it was made with a key: pass the public one with `--key`".into())
            }
            Reason::CertificateForKeys => Some(
                "it was made without a key: pass `--certificate-identity` and `--certificate-oidc-issuer`"
                    .into(),
            ),
            Reason::UnknownLog(_) | Reason::Chain(_) | Reason::NoAuthority(_) => {
                let date = TrustRoot::PUBLIC_DATE;
                Some(format!(
                    "for a Sigstore of your own, or if the built-in trust root of {date} is too old, pass a \
                     `trusted_root.json` with `--trusted-root`"
                ))
            }
            Reason::Notation(NotationReason::Untrusted(_)) => {
                Some("if that authority is trusted, pass its root's certificate with `--certificate`".into())
            }
            other => other.hint(),
        })
    }
}

/// A word for what it came to, for programs: that of the signatures, if they are all refused for the same reason.
pub(super) fn reason(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Verified(_) => "Verified",
        Verdict::NotSigned => "NotSigned",
        Verdict::Ignored(_) => "NotVerified",
        Verdict::Unavailable(_) => "SignaturesUnavailable",
        Verdict::Rejected(rejected) => match rejected.refused.split_first() {
            Some((first, others))
                if others.iter().all(|other| other.reason.reason() == first.reason.reason()) =>
            {
                first.reason.reason()
            }
            _ => "SignatureRejected",
        },
    }
}
