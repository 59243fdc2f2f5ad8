//! Whether an artifact has the signature that its spec asks for: from the spec and its Secrets to a policy, and from a
//! verdict to a failure.

mod fingerprint;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

pub(crate) use fingerprint::fingerprint;
use oci_artifact::{Class, Classify, name::IdentityPattern};
use oci_crds::{v1::Verify, validate::Verification};
use oci_decide::{Failure, Judged, Observed, Resolved, Step};
use oci_verify::{
    About, AnyPolicy, CommonRoot, Identities, Keys, LetPass, NotationPolicy, Policy, Rejected, TrustRoot,
    Verdict,
};

use crate::{
    fingerprint::Fingerprint,
    material::{SecretData, Trust},
    pool::Pool,
};

/// The entry with a Sigstore's authorities and logs.
const ROOT: &str = "trusted_root.json";
/// Trusted roots that are kept as they were parsed.
const ROOTS: usize = 32;
/// How long one that nobody uses is kept.
const IDLE: Duration = Duration::from_hours(1);

/// Trusted roots by their bytes: parsing one takes longer than verifying a signature.
pub(crate) struct Roots {
    known: Mutex<Pool<Fingerprint, Arc<TrustRoot>>>,
    /// Of who names none.
    common: CommonRoot,
}

impl Roots {
    pub(crate) fn new(common: CommonRoot) -> Self {
        Self { known: Mutex::new(Pool::new(ROOTS, IDLE)), common }
    }

    fn parse(&self, bytes: &[u8], origin: &str) -> Result<Arc<TrustRoot>, Failure> {
        let (key, now) = (Fingerprint::of([Some(bytes)]), Instant::now());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = known.get(&key, now) {
            return Ok(Arc::clone(root));
        }
        let root = TrustRoot::parse(bytes).map(Arc::new).map_err(|error| {
            let message = format!("`{ROOT}` in secret '{origin}': {error}");
            Failure { message, ..Failure::new(Step::Signature, &error) }
        })?;
        known.put(key, Arc::clone(&root), now);
        Ok(root)
    }
}

/// Whose signature counts. `trust` is what the spec names.
pub(crate) fn policy(wanted: &Verification, trust: &Trust, roots: &Roots) -> Result<AnyPolicy, Failure> {
    match wanted {
        Verification::CosignKeys { .. } => {
            let secret = trust.secret.as_ref().ok_or_else(|| unread("public keys"))?;
            Ok(Policy::Keys(Keys::read(entries(secret))).into())
        }
        Verification::CosignKeyless { identities, trusted_root } => {
            let root = match (trusted_root, &trust.root) {
                (Some(_), Some(secret)) => roots.parse(root_of(secret)?, &secret.origin)?,
                (Some(_), None) => return Err(unread("trusted root")),
                (None, _) => roots.common.get().map_err(|error| Failure::new(Step::Signature, &error))?,
            };
            Ok(Policy::Keyless { identities: allowed(identities), root }.into())
        }
        Verification::Notation { .. } => {
            let secret = trust.secret.as_ref().ok_or_else(|| unread("trust policy"))?;
            let policy = NotationPolicy::read(entries(secret)).map_err(|error| {
                let message = format!("secret '{}': {error}", secret.origin);
                Failure { message, ..Failure::new(Step::Signature, &error) }
            })?;
            Ok(policy.into())
        }
    }
}

fn entries(secret: &SecretData) -> impl Iterator<Item = (&str, &[u8])> {
    secret.data.iter().map(|(name, value)| (name.as_str(), value.expose().as_slice()))
}

/// An empty list means anybody to Flux. Only an object that was stored without the webhook has one, and it is told so.
fn allowed(identities: &[IdentityPattern]) -> Identities {
    if identities.is_empty() { Identities::Anybody } else { Identities::OneOf(identities.to_vec()) }
}

fn root_of(secret: &SecretData) -> Result<&[u8], Failure> {
    let root = secret.data.get(ROOT).map(|value| value.expose().as_slice()).filter(|root| !root.is_empty());
    root.ok_or_else(|| {
        let hint = "put the file that `cosign trusted-root create` writes under that key";
        terminal(format!("secret '{}' has no key `{ROOT}`", secret.origin), Some(hint))
    })
}

/// No policy, where one is wanted.
pub(crate) fn unasked() -> Failure {
    terminal("nothing says whose signature counts".to_owned(), None)
}

/// What the artifact may be used by, or why it may not.
pub(crate) fn judge(wanted: &Verification, verdict: &Verdict) -> Result<Judged, Failure> {
    let (class, hint) = match verdict {
        Verdict::Verified(verified) => return Ok(Judged::Verified { let_pass: listed(&verified.let_pass) }),
        // The trust policy is the administrator's word, as in Flux.
        Verdict::Ignored(ignored) => return Ok(Judged::Ignored { why: ignored.to_string() }),
        // Somebody may sign it, right after it was pushed.
        Verdict::NotSigned => (
            Class::Retry { after: None },
            Some(format!("sign it, as with `{} sign`, or remove spec.verify", program(wanted))),
        ),
        Verdict::Rejected(rejected) => (rejected_class(rejected), hint(rejected)),
        Verdict::Unavailable(unavailable) => (Class::Retry { after: unavailable.after }, None),
    };
    Err(Failure { step: Step::Signature, class, message: verdict.to_string(), hint })
}

fn program(wanted: &Verification) -> &'static str {
    match wanted {
        Verification::CosignKeys { .. } | Verification::CosignKeyless { .. } => "cosign",
        Verification::Notation { .. } => "notation",
    }
}

fn listed(let_pass: &[LetPass]) -> Option<String> {
    let all: Vec<_> = let_pass.iter().map(ToString::to_string).collect();
    Some(all.join("; ")).filter(|all| !all.is_empty())
}

/// Tells the log what came of it; what is not insisted on is told at once, with each run that finds it so.
pub(crate) fn told(observed: &Observed, wanted: &Resolved, verdict: &Verdict) {
    let Observed { namespace, name, .. } = observed;
    let revision = &wanted.revision;
    match verdict {
        Verdict::Verified(verified) if verified.let_pass.is_empty() => {
            tracing::debug!(namespace, name, %revision, %verdict, "verified");
        }
        Verdict::Verified(_) | Verdict::Ignored(_) => {
            tracing::warn!(namespace, name, %revision, %verdict, "the policy of signatures lets pass");
        }
        Verdict::NotSigned | Verdict::Rejected(_) | Verdict::Unavailable(_) => {
            tracing::debug!(namespace, name, %revision, %verdict, "not verified");
        }
    }
}

/// What the policy itself lacks is not mended by another signature.
fn rejected_class(rejected: &Rejected) -> Class {
    let policy = rejected.refused.iter().any(|refusal| refusal.about == About::Policy);
    if policy { Class::Terminal } else { Class::Retry { after: None } }
}

/// What to do about the first reason that says something.
fn hint(rejected: &Rejected) -> Option<String> {
    rejected.refused.iter().find_map(|refusal| refusal.reason.hint())
}

/// Flux's default, where the API server did not fill it in.
fn provider(verify: &Verify) -> &str {
    verify.provider.as_deref().filter(|name| !name.is_empty()).unwrap_or("cosign")
}

/// The values of the entries with one of these endings, sorted.
fn values<'a>(secret: &'a SecretData, endings: &[&str]) -> Vec<&'a [u8]> {
    let fits = |name: &str| endings.iter().any(|ending| name.ends_with(ending));
    let entries = secret.data.iter().filter(|(name, _)| fits(name));
    let mut values: Vec<&[u8]> = entries.map(|(_, value)| value.expose().as_slice()).collect();
    values.sort_unstable();
    values
}

fn unread(what: &str) -> Failure {
    terminal(format!("the Secret with the {what} was not read"), None)
}

fn terminal(message: String, hint: Option<&str>) -> Failure {
    Failure { step: Step::Signature, class: Class::Terminal, message, hint: hint.map(str::to_owned) }
}
