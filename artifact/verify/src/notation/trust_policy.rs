//! `trustpolicy.json`: which signatures count for which repositories.
//!
//! Specification: `trust-store-trust-policy.md` of the Notary Project, version 1.0. As in Flux a statement that skips
//! verification may have stores and identities all the same; they mean nothing. Unlike there, fields that are unknown or
//! written in other case are refused: a rule that is not understood must not be passed over.

use std::collections::{BTreeMap, BTreeSet};

use oci_artifact::{
    limits::{TRUST_POLICY_BYTES, TRUST_STATEMENTS},
    name::Repository,
};
use serde::Deserialize;

use super::{
    error::{StatementFault, TrustPolicyError},
    identity::Subject,
    level::{Action, Check, Level},
};
use crate::{Part, json, reason::excerpt};

/// What stands for all repositories, and for everybody.
const ANY: &str = "*";

/// A whole trust policy.
#[derive(Clone, Debug)]
pub(crate) struct TrustPolicy(Vec<Statement>);

/// What holds for some repositories.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(super) name: String,
    scopes: Vec<Scope>,
    /// `None` where nothing is verified.
    pub(super) rules: Option<Rules>,
}

/// How signatures are verified.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(super) level: Level,
    /// Whether a timestamp is asked for only once a certificate expired.
    pub(super) timestamp_after_expiry: bool,
    pub(super) stores: BTreeSet<StoreType>,
    pub(super) identities: Identities,
}

/// What the certificates of a store are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StoreType {
    Authority,
    SigningAuthority,
    TimestampAuthority,
}

/// Who may sign.
#[derive(Clone, Debug)]
pub(crate) enum Identities {
    Anybody,
    /// Whoever has all that one of these names has. There may be none: identities of plugins are none of ours.
    OneOf(Vec<Subject>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Of(Repository),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    version: String,
    #[serde(default)]
    trust_policies: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    name: String,
    #[serde(default)]
    registry_scopes: Vec<String>,
    #[serde(default)]
    signature_verification: Verification,
    #[serde(default)]
    trust_stores: Vec<String>,
    #[serde(default)]
    trusted_identities: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Verification {
    #[serde(default)]
    level: String,
    #[serde(default, rename = "override")]
    changed: BTreeMap<String, String>,
    #[serde(default)]
    verify_timestamp: String,
}

impl TrustPolicy {
    /// Reads a `trustpolicy.json`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TrustPolicyError> {
        if bytes.len() > TRUST_POLICY_BYTES {
            return Err(TrustPolicyError::TooLarge);
        }
        let document: Document = json::read(bytes, Part::TrustPolicy).map_err(TrustPolicyError::Json)?;
        if document.version != "1.0" {
            return Err(TrustPolicyError::Version(excerpt(&document.version)));
        }
        if document.trust_policies.is_empty() {
            return Err(TrustPolicyError::NoStatements);
        }
        if document.trust_policies.len() > TRUST_STATEMENTS {
            return Err(TrustPolicyError::TooMany);
        }
        let mut statements: Vec<Statement> = Vec::new();
        for written in document.trust_policies {
            let statement = Statement::parse(&written)?;
            if statements.iter().any(|other| other.name == statement.name) {
                return Err(TrustPolicyError::DoubleName(excerpt(&statement.name)));
            }
            let used = |scope: &&Scope| statements.iter().any(|other| other.scopes.contains(scope));
            if let Some(scope) = statement.scopes.iter().find(used) {
                return Err(TrustPolicyError::DoubleScope(scope.describe()));
            }
            statements.push(statement);
        }
        Ok(Self(statements))
    }

    /// The statement about a repository: the one that names it, else the one about all.
    pub(super) fn about(&self, repository: &Repository) -> Option<&Statement> {
        let with = |wanted: Scope| self.0.iter().find(|statement| statement.scopes.contains(&wanted));
        with(Scope::of(repository.clone())).or_else(|| with(Scope::All))
    }
}

impl Statement {
    fn parse(written: &Written) -> Result<Self, TrustPolicyError> {
        let name = &written.name;
        if name.is_empty() {
            return Err(TrustPolicyError::Unnamed);
        }
        let parsed = Rules::parse(written).and_then(|rules| Ok((rules, scopes(&written.registry_scopes)?)));
        match parsed {
            Ok((rules, scopes)) => Ok(Self { name: excerpt(name), scopes, rules }),
            Err(fault) => Err(TrustPolicyError::Statement { name: excerpt(name), fault }),
        }
    }
}

impl Rules {
    fn parse(written: &Written) -> Result<Option<Self>, StatementFault> {
        let verification = &written.signature_verification;
        let timestamp_after_expiry = match verification.verify_timestamp.as_str() {
            "" | "always" => false,
            "afterCertExpiry" => true,
            other => return Err(StatementFault::VerifyTimestamp(excerpt(other))),
        };
        if verification.level == "skip" {
            let plain = verification.changed.is_empty();
            return if plain { Ok(None) } else { Err(StatementFault::OverrideOfSkip) };
        }
        Ok(Some(Self {
            level: level(verification)?,
            timestamp_after_expiry,
            stores: stores(&written.trust_stores)?,
            identities: identities(&written.trusted_identities)?,
        }))
    }
}

impl Scope {
    /// Docker Hub has two names.
    fn of(repository: Repository) -> Self {
        if repository.host().is_docker_hub()
            && let Ok(usual) = Repository::parse(&format!("docker.io/{}", repository.path()))
        {
            return Self::Of(usual);
        }
        Self::Of(repository)
    }

    fn describe(&self) -> String {
        match self {
            Self::All => ANY.to_owned(),
            Self::Of(repository) => excerpt(&repository.to_string()),
        }
    }
}

fn level(verification: &Verification) -> Result<Level, StatementFault> {
    if verification.level.is_empty() {
        return Err(StatementFault::NoLevel);
    }
    let named = Level::named(&verification.level);
    let mut level = named.ok_or_else(|| StatementFault::Level(excerpt(&verification.level)))?;
    for (check, action) in &verification.changed {
        let fault = |why| StatementFault::Override { check: excerpt(check), why };
        let known: Check = word(check).ok_or_else(|| fault("is no check"))?;
        let action: Action =
            word(action).ok_or_else(|| fault("has an action other than enforce, log, skip"))?;
        level = level.overridden(known, action).map_err(fault)?;
    }
    Ok(level)
}

/// A word of the specification.
fn word<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

fn stores(written: &[String]) -> Result<BTreeSet<StoreType>, StatementFault> {
    if written.is_empty() {
        return Err(StatementFault::NoStores);
    }
    if written.len() > TRUST_STATEMENTS {
        return Err(StatementFault::TooMany("stores"));
    }
    let mut types = BTreeSet::new();
    for store in written {
        let fault = || StatementFault::Store(excerpt(store));
        let (kind, name) = store.split_once(':').ok_or_else(fault)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(fault());
        }
        types.insert(match kind {
            "ca" => StoreType::Authority,
            "signingAuthority" => StoreType::SigningAuthority,
            "tsa" => StoreType::TimestampAuthority,
            _ => return Err(fault()),
        });
    }
    Ok(types)
}

fn identities(written: &[String]) -> Result<Identities, StatementFault> {
    if written.is_empty() {
        return Err(StatementFault::NoIdentities);
    }
    if written.len() > TRUST_STATEMENTS {
        return Err(StatementFault::TooMany("identities"));
    }
    if written.iter().any(|identity| identity == ANY) {
        let alone = written.len() == 1;
        return if alone { Ok(Identities::Anybody) } else { Err(StatementFault::AnybodyAndOthers) };
    }
    let mut subjects: Vec<(&str, Subject)> = Vec::new();
    for identity in written {
        let Some((kind, value)) = identity.split_once(':') else {
            return Err(StatementFault::Identity(excerpt(identity)));
        };
        // Others are for plugins, which there are none of.
        if kind != "x509.subject" {
            continue;
        }
        let subject = Subject::parse(value)
            .map_err(|error| StatementFault::Subject { identity: excerpt(identity), error })?;
        let overlaps =
            |(_, other): &&(&str, Subject)| subject.is_part_of(other) || other.is_part_of(&subject);
        if let Some((other, _)) = subjects.iter().find(overlaps) {
            return Err(StatementFault::Overlap(excerpt(other), excerpt(identity)));
        }
        subjects.push((identity, subject));
    }
    Ok(Identities::OneOf(subjects.into_iter().map(|(_, subject)| subject).collect()))
}

fn scopes(written: &[String]) -> Result<Vec<Scope>, StatementFault> {
    if written.is_empty() {
        return Err(StatementFault::NoScopes);
    }
    if written.len() > TRUST_STATEMENTS {
        return Err(StatementFault::TooMany("scopes"));
    }
    if written.iter().any(|scope| scope == ANY) {
        return if written.len() == 1 { Ok(vec![Scope::All]) } else { Err(StatementFault::AllAndOthers) };
    }
    let mut scopes = Vec::new();
    for text in written {
        let repository = Repository::parse(text).map_err(|_| StatementFault::Scope(excerpt(text)))?;
        let scope = Scope::of(repository);
        if scopes.contains(&scope) {
            return Err(StatementFault::DoubleScope(excerpt(text)));
        }
        scopes.push(scope);
    }
    Ok(scopes)
}
