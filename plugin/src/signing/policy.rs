//! Whose signature counts, as flags say it.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use oci_artifact::{
    limits::{Budget, CERTIFICATE_BYTES, TRUST_POLICY_BYTES, TRUSTED_ROOT_BYTES},
    name::{IdentityPattern, Pattern},
};
use oci_verify::{AnyPolicy, Identities, NotationPolicy, Policy, TrustRoot};

use super::key::public_keys;
use crate::{context::Context, error::Error};

/// Whose signature counts, for `verify`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Whose signature")]
pub(crate) struct PolicyArgs {
    /// Public key: a file, or a variable; can be repeated, one is enough
    #[arg(long, value_name = "FILE|env://VAR")]
    key: Vec<String>,
    /// Who signed without a key, by the certificate's subject; can be repeated
    #[arg(long, value_name = "SUBJECT", conflicts_with = "key")]
    certificate_identity: Vec<String>,
    /// The same as a regular expression
    #[arg(long, value_name = "PATTERN", conflicts_with = "key")]
    certificate_identity_regexp: Vec<String>,
    /// Who vouches for the subject: the issuer of its token; can be repeated
    #[arg(long, value_name = "URL", conflicts_with = "key")]
    certificate_oidc_issuer: Vec<String>,
    /// The same as a regular expression
    #[arg(long, value_name = "PATTERN", conflicts_with = "key")]
    certificate_oidc_issuer_regexp: Vec<String>,
    /// Authorities and logs, a `trusted_root.json` in place of the public Sigstore's
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    trusted_root: Option<PathBuf>,
    /// Notation's trust policy, a `trustpolicy.json`; it takes --certificate
    #[arg(
        long,
        visible_alias = "policy",
        value_name = "FILE",
        requires = "certificate",
        conflicts_with_all = ["key", "certificate_identity", "certificate_identity_regexp", "trusted_root"]
    )]
    trust_policy: Option<PathBuf>,
    /// A certificate of the trust policy's stores, PEM or DER; can be repeated
    #[arg(long, value_name = "FILE", requires = "trust_policy")]
    certificate: Vec<PathBuf>,
}

/// Whose signature counts, for commands that do something else afterwards.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Only what is signed")]
#[expect(clippy::struct_field_names, reason = "the names of the flags, beside those of other commands")]
pub(crate) struct VerifyArgs {
    /// Verify first, with this public key: a file, or a variable; can be repeated, one is enough
    #[arg(long, value_name = "FILE|env://VAR")]
    verify_key: Vec<String>,
    /// Verify first who signed, by the certificate's subject; can be repeated
    #[arg(long, value_name = "SUBJECT", conflicts_with = "verify_key")]
    verify_certificate_identity: Vec<String>,
    /// The same as a regular expression
    #[arg(long, value_name = "PATTERN", conflicts_with = "verify_key")]
    verify_certificate_identity_regexp: Vec<String>,
    /// Who vouches for the subject: the issuer of its token; can be repeated
    #[arg(long, value_name = "URL", conflicts_with = "verify_key")]
    verify_certificate_oidc_issuer: Vec<String>,
    /// The same as a regular expression
    #[arg(long, value_name = "PATTERN", conflicts_with = "verify_key")]
    verify_certificate_oidc_issuer_regexp: Vec<String>,
    /// Authorities and logs, a `trusted_root.json` in place of the public Sigstore's
    #[arg(long, value_name = "FILE", conflicts_with = "verify_key")]
    verify_trusted_root: Option<PathBuf>,
    /// Verify first by Notation's trust policy, a `trustpolicy.json`; it takes --verify-certificate
    #[arg(
        long,
        value_name = "FILE",
        requires = "verify_certificate",
        conflicts_with_all = [
            "verify_key", "verify_certificate_identity", "verify_certificate_identity_regexp", "verify_trusted_root",
        ]
    )]
    verify_trust_policy: Option<PathBuf>,
    /// A certificate of the trust policy's stores, PEM or DER; can be repeated
    #[arg(long, value_name = "FILE", requires = "verify_trust_policy")]
    verify_certificate: Vec<PathBuf>,
}

impl VerifyArgs {
    /// The policy, if one is asked for.
    pub(crate) fn policy(&self, context: &Context) -> Result<Option<AnyPolicy>, Error> {
        let args = PolicyArgs {
            key: self.verify_key.clone(),
            certificate_identity: self.verify_certificate_identity.clone(),
            certificate_identity_regexp: self.verify_certificate_identity_regexp.clone(),
            certificate_oidc_issuer: self.verify_certificate_oidc_issuer.clone(),
            certificate_oidc_issuer_regexp: self.verify_certificate_oidc_issuer_regexp.clone(),
            trusted_root: self.verify_trusted_root.clone(),
            trust_policy: self.verify_trust_policy.clone(),
            certificate: self.verify_certificate.clone(),
        };
        if args.is_empty() { Ok(None) } else { args.read("--verify-", context).map(Some) }
    }
}

impl PolicyArgs {
    pub(crate) fn is_empty(&self) -> bool {
        let lists = [
            &self.key,
            &self.certificate_identity,
            &self.certificate_identity_regexp,
            &self.certificate_oidc_issuer,
            &self.certificate_oidc_issuer_regexp,
        ];
        self.trusted_root.is_none() && self.trust_policy.is_none() && lists.iter().all(|list| list.is_empty())
    }

    /// The policy.
    pub(crate) fn policy(&self, context: &Context) -> Result<AnyPolicy, Error> {
        self.read("--", context)
    }

    /// The policy; flags begin with `prefix`.
    fn read(&self, prefix: &str, context: &Context) -> Result<AnyPolicy, Error> {
        if let Some(path) = &self.trust_policy {
            return Ok(notation(path, &self.certificate)?.into());
        }
        if !self.key.is_empty() {
            return Ok(Policy::Keys(public_keys(&self.key, context)?).into());
        }
        let subjects = patterns(&self.certificate_identity, &self.certificate_identity_regexp)?;
        let issuers = patterns(&self.certificate_oidc_issuer, &self.certificate_oidc_issuer_regexp)?;
        if subjects.is_empty() || issuers.is_empty() {
            return Err(Error::Usage {
                message: "it is not said whose signature counts".into(),
                hint: Some(format!(
                    "pass `{prefix}key FILE`, `{prefix}certificate-identity SUBJECT` and \
                     `{prefix}certificate-oidc-issuer URL`, or `{prefix}trust-policy FILE`"
                )),
            });
        }
        let pair = |issuer: &Pattern, subject: &Pattern| IdentityPattern {
            issuer: issuer.clone(),
            subject: subject.clone(),
        };
        let all = issuers.iter().flat_map(|issuer| subjects.iter().map(move |subject| pair(issuer, subject)));
        let root = match &self.trusted_root {
            Some(path) => trust_root(path)?,
            None => public_root()?,
        };
        Ok(Policy::Keyless { identities: Identities::OneOf(all.collect()), root }.into())
    }
}

fn patterns(exact: &[String], expressions: &[String]) -> Result<Vec<Pattern>, Error> {
    if exact.iter().chain(expressions).any(String::is_empty) {
        return Err(Error::usage("an empty identity or issuer would be anybody's"));
    }
    let exact = exact.iter().map(|text| Pattern::exactly(text));
    let all = exact.chain(expressions.iter().map(|text| Pattern::parse(text)));
    all.map(|pattern| pattern.map_err(|error| Error::usage(error.to_string()))).collect()
}

/// The public Sigstore's.
pub(super) fn public_root() -> Result<Arc<TrustRoot>, Error> {
    TrustRoot::public().map_err(|source| Error::TrustRoot { path: "trusted_root.json".into(), source })
}

fn trust_root(path: &Path) -> Result<Arc<TrustRoot>, Error> {
    let root = TrustRoot::parse(&read(path, TRUSTED_ROOT_BYTES, "the trusted root")?);
    root.map(Arc::new).map_err(|source| Error::TrustRoot { path: path.to_owned(), source })
}

/// The trust policy and its certificates: all of them can be used, or none is.
fn notation(path: &Path, certificates: &[PathBuf]) -> Result<NotationPolicy, Error> {
    let document = read(path, TRUST_POLICY_BYTES, "the trust policy")?;
    let mut entries = Vec::new();
    for path in certificates {
        entries.push((path.display().to_string(), read(path, CERTIFICATE_BYTES, "the certificate")?));
    }
    let entries = entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    let policy = NotationPolicy::new(&document, entries)
        .map_err(|source| Error::TrustPolicy { place: path.display().to_string(), source })?;
    match policy.faults().first() {
        Some(fault) => Err(Error::Certificate(Box::new(fault.clone()))),
        None => Ok(policy),
    }
}

/// A file, and at most `limit` bytes of it.
fn read(path: &Path, limit: usize, what: &'static str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| Budget::new(file, limit as u64, what).read_to_end(&mut bytes))
        .map_err(|source| Error::file("reading", path, source))?;
    Ok(bytes)
}
