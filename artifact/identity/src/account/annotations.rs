//! Reading the annotations of an account.

use std::{collections::BTreeMap, time::Duration};

use oci_artifact::{duration, name::Cloud};

use super::AccountFault;

const PROVIDER: &str = "credential.auth.fluxcd.io/provider";
const TYPE: &str = "credential.auth.fluxcd.io/type";
const AUDIENCES: &str = "credential.auth.fluxcd.io/audiences";
const USERNAME: &str = "credential.auth.fluxcd.io/username";
const EXPIRATION: &str = "credential.auth.fluxcd.io/expiration";
const AWS_ROLE: &str = "eks.amazonaws.com/role-arn";
const AZURE_TENANT: &str = "azure.workload.identity/tenant-id";
const AZURE_CLIENT: &str = "azure.workload.identity/client-id";
const GCP_ACCOUNT: &str = "iam.gke.io/gcp-service-account";
const GCP_PROVIDER: &str = "gcp.auth.fluxcd.io/workload-identity-provider";

/// Audiences of one account that are read.
const AUDIENCES_READ: usize = 16;
/// Characters of one value.
const CHARACTERS: usize = 300;
/// Kubernetes gives no token for less.
const SHORTEST: Duration = Duration::from_mins(10);

/// What else counts for what an account may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The provider of the spec; `None` is `generic`.
    pub cloud: Option<Cloud>,
    /// Whether the account names pull Secrets.
    pub pull_secrets: bool,
    /// Whether the identity is what logs in: no Secret with credentials wins over it.
    pub used: bool,
}

/// What an account asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// For whom its tokens are; empty for the usual one.
    pub audiences: Vec<String>,
    /// How long they should hold.
    pub expiration: Option<Duration>,
    /// The user whose password the token is; for `generic`.
    pub username: Option<String>,
    /// Who it is in the cloud; `None` for `generic`.
    pub role: Option<Role>,
}

/// Who an account is in a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The ARN of a role.
    Aws(String),
    /// An application.
    Azure {
        /// Its tenant.
        tenant: String,
        /// Its client.
        client: String,
    },
    /// A principal of a workload identity pool.
    Gcp {
        /// The service account that it impersonates.
        service_account: Option<String>,
        /// The provider of the pool; `None` for that of the cluster (GKE).
        provider: Option<String>,
    },
}

impl Wish {
    /// Reads what an account's annotations ask for. `None` if that is nothing: a `generic` account that has not opted in.
    ///
    /// Annotations of clouds are looked at only where the spec names that cloud.
    pub fn read(annotations: &BTreeMap<String, String>, facts: Facts) -> Result<Option<Self>, AccountFault> {
        let opted_in = opted_in(annotations, facts)?;
        if !opted_in && facts.cloud.is_none() {
            return Ok(None);
        }
        let role = match facts.cloud {
            None => None,
            Some(cloud) => match role(annotations, cloud) {
                // Secrets log in: what is missing for an identity is not missed.
                Err(AccountFault::Missing { .. }) if !facts.used => return Ok(None),
                role => Some(role?),
            },
        };
        let audiences = audiences(annotations)?;
        let of_cluster = matches!(&role, Some(Role::Gcp { provider: None, .. }));
        if of_cluster && !audiences.is_empty() {
            return Err(AccountFault::Value {
                annotation: AUDIENCES,
                detail: format!("GKE's own pool has one audience; {GCP_PROVIDER} names another pool"),
            });
        }
        Ok(Some(Self {
            audiences,
            expiration: expiration(annotations)?,
            username: username(annotations)?,
            role,
        }))
    }
}

/// The value of an annotation, which must not be longer than anybody needs.
fn value<'a>(
    annotations: &'a BTreeMap<String, String>,
    annotation: &'static str,
) -> Result<Option<&'a str>, AccountFault> {
    let value = annotations.get(annotation).map(|value| value.trim()).filter(|value| !value.is_empty());
    match value {
        Some(value) if value.len() > CHARACTERS && annotation != AUDIENCES => {
            let detail = format!("it is longer than {CHARACTERS} bytes");
            Err(AccountFault::Value { annotation, detail })
        }
        value => Ok(value),
    }
}

fn opted_in(annotations: &BTreeMap<String, String>, facts: Facts) -> Result<bool, AccountFault> {
    let (provider, kind) = match (value(annotations, PROVIDER)?, value(annotations, TYPE)?) {
        (None, None) => return Ok(false),
        (Some(_), None) => return Err(AccountFault::Half { has: PROVIDER, lacks: TYPE }),
        (None, Some(_)) => return Err(AccountFault::Half { has: TYPE, lacks: PROVIDER }),
        (Some(provider), Some(kind)) => (provider, kind),
    };
    match (provider, kind) {
        (_, "x509") => return Err(AccountFault::Unsupported { what: "the credential type x509" }),
        ("spiffe", "jwt") => {
            return Err(AccountFault::Unsupported { what: "the credential provider spiffe" });
        }
        ("kubernetes", "jwt") => {}
        ("kubernetes" | "spiffe", other) => return Err(unknown(TYPE, other, "jwt")),
        (other, _) => return Err(unknown(PROVIDER, other, "kubernetes")),
    }
    if facts.pull_secrets {
        return Err(AccountFault::Beside { annotation: PROVIDER, other: "imagePullSecrets" });
    }
    Ok(true)
}

fn unknown(annotation: &'static str, value: &str, expected: &str) -> AccountFault {
    AccountFault::Value { annotation, detail: format!("`{}` is not `{expected}`", shown(value)) }
}

fn shown(value: &str) -> String {
    value.chars().take(100).flat_map(char::escape_debug).collect()
}

fn audiences(annotations: &BTreeMap<String, String>) -> Result<Vec<String>, AccountFault> {
    let text = value(annotations, AUDIENCES)?.unwrap_or_default();
    let mut audiences: Vec<String> = Vec::new();
    for audience in text.split([',', '\n']).map(str::trim).filter(|audience| !audience.is_empty()) {
        let fault = |detail| Err(AccountFault::Value { annotation: AUDIENCES, detail });
        if audience.len() > CHARACTERS || audience.contains(char::is_control) {
            return fault(format!("`{}` is no audience", shown(audience)));
        }
        if audiences.len() >= AUDIENCES_READ {
            return fault(format!("there are more than {AUDIENCES_READ}"));
        }
        if !audiences.iter().any(|known| known == audience) {
            audiences.push(audience.to_owned());
        }
    }
    Ok(audiences)
}

fn expiration(annotations: &BTreeMap<String, String>) -> Result<Option<Duration>, AccountFault> {
    let Some(text) = value(annotations, EXPIRATION)? else { return Ok(None) };
    let fault = |detail: String| AccountFault::Value { annotation: EXPIRATION, detail };
    let expiration = duration::parse(text)
        .map_err(|error| fault(format!("`{}` is no duration such as 30m: {error}", shown(text))))?;
    match expiration {
        Duration::ZERO => Ok(None),
        short if short < SHORTEST => Err(fault("Kubernetes gives no token for less than 10m".to_owned())),
        long if long > Duration::from_secs(1 << 32) => Err(fault("it is too long".to_owned())),
        expiration => Ok(Some(expiration)),
    }
}

fn username(annotations: &BTreeMap<String, String>) -> Result<Option<String>, AccountFault> {
    let Some(username) = value(annotations, USERNAME)? else { return Ok(None) };
    if username.contains(':') || username.contains(char::is_control) {
        let detail = "a user's name has no colon and no control characters".to_owned();
        return Err(AccountFault::Value { annotation: USERNAME, detail });
    }
    Ok(Some(username.to_owned()))
}

fn role(annotations: &BTreeMap<String, String>, cloud: Cloud) -> Result<Role, AccountFault> {
    let needed =
        |annotation, what| value(annotations, annotation)?.ok_or(AccountFault::Missing { annotation, what });
    let checked = |annotation, value: &str, fits: bool, form: &str| {
        let detail = || format!("`{}` is not of the form {form}", shown(value));
        if fits { Ok(value.to_owned()) } else { Err(AccountFault::Value { annotation, detail: detail() }) }
    };
    match cloud {
        Cloud::Aws => {
            let arn = needed(AWS_ROLE, "which role of AWS the account has")?;
            checked(AWS_ROLE, arn, is_role(arn), "arn:aws:iam::ACCOUNT:role/NAME").map(Role::Aws)
        }
        Cloud::Azure => {
            let id = |annotation, what| {
                let value = needed(annotation, what)?;
                let fits = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
                checked(annotation, value, fits, "00000000-0000-0000-0000-000000000000")
            };
            let tenant = id(AZURE_TENANT, "in which tenant of Azure the account's application is")?;
            let client = id(AZURE_CLIENT, "which application of Azure the account is")?;
            Ok(Role::Azure { tenant, client })
        }
        Cloud::Gcp => {
            let email = value(annotations, GCP_ACCOUNT)?.map(|email| {
                checked(GCP_ACCOUNT, email, is_email(email), "NAME@PROJECT.iam.gserviceaccount.com")
            });
            let provider = value(annotations, GCP_PROVIDER)?.map(|name| {
                let form = "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME";
                checked(GCP_PROVIDER, name, is_provider(name), form)
            });
            Ok(Role::Gcp { service_account: email.transpose()?, provider: provider.transpose()? })
        }
    }
}

/// `^arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}$`
fn is_role(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let fits = |part: Option<&str>, fits: &dyn Fn(&str) -> bool| part.is_some_and(fits);
    fits(parts.next(), &|part| part == "arn")
        && fits(parts.next(), &|part| {
            part.strip_prefix("aws")
                .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
        })
        && fits(parts.next(), &|part| part == "iam")
        && fits(parts.next(), &str::is_empty)
        && fits(parts.next(), &|part| is_number(part))
        && fits(parts.next(), &|part| {
            part.strip_prefix("role/").is_some_and(|name| {
                (1..=200).contains(&name.chars().count()) && !name.contains(char::is_control)
            })
        })
}

/// `^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$`
fn is_email(email: &str) -> bool {
    let word = |part: &str| {
        (1..=100).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    email
        .strip_suffix(".iam.gserviceaccount.com")
        .and_then(|rest| rest.split_once('@'))
        .is_some_and(|(name, project)| word(name) && word(project))
}

/// `^projects/\d{1,30}/locations/global/workloadIdentityPools/[^/]{1,100}/providers/[^/]{1,100}$`
fn is_provider(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let word = |part: &str| (1..=100).contains(&part.chars().count());
    matches!(
        parts.as_slice(),
        ["projects", number, "locations", "global", "workloadIdentityPools", pool, "providers", provider]
            if is_number(number) && word(pool) && word(provider)
    )
}

fn is_number(text: &str) -> bool {
    (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
