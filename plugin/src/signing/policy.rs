//! Whose signature counts, as flags say it.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use oci_artifact::{
    limits::{Budget, TRUSTED_ROOT_BYTES},
    name::{IdentityPattern, Pattern},
};
use oci_verify::{Identities, Policy, TrustRoot};

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
}

impl VerifyArgs {
    /// The policy, if one is asked for.
    pub(crate) fn policy(&self, context: &Context) -> Result<Option<Policy>, Error> {
        let args = PolicyArgs {
            key: self.verify_key.clone(),
            certificate_identity: self.verify_certificate_identity.clone(),
            certificate_identity_regexp: self.verify_certificate_identity_regexp.clone(),
            certificate_oidc_issuer: self.verify_certificate_oidc_issuer.clone(),
            certificate_oidc_issuer_regexp: self.verify_certificate_oidc_issuer_regexp.clone(),
            trusted_root: self.verify_trusted_root.clone(),
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
        self.trusted_root.is_none() && lists.iter().all(|list| list.is_empty())
    }

    /// The policy.
    pub(crate) fn policy(&self, context: &Context) -> Result<Policy, Error> {
        self.read("--", context)
    }

    /// The policy; flags begin with `prefix`.
    fn read(&self, prefix: &str, context: &Context) -> Result<Policy, Error> {
        if !self.key.is_empty() {
            return Ok(Policy::Keys(public_keys(&self.key, context)?));
        }
        let subjects = patterns(&self.certificate_identity, &self.certificate_identity_regexp)?;
        let issuers = patterns(&self.certificate_oidc_issuer, &self.certificate_oidc_issuer_regexp)?;
        if subjects.is_empty() || issuers.is_empty() {
            return Err(Error::Usage {
                message: "it is not said whose signature counts".into(),
                hint: Some(format!(
                    "pass `{prefix}key FILE`, or `{prefix}certificate-identity SUBJECT` and \
                     `{prefix}certificate-oidc-issuer URL`"
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
        Ok(Policy::Keyless { identities: Identities::OneOf(all.collect()), root })
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
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            Budget::new(file, TRUSTED_ROOT_BYTES as u64, "the trusted root").read_to_end(&mut bytes)
        })
        .map_err(|source| Error::file("reading the trusted root", path, source))?;
    let root = TrustRoot::parse(&bytes);
    root.map(Arc::new).map_err(|source| Error::TrustRoot { path: path.to_owned(), source })
}
