//! Who an account is in a cloud: the annotations that each cloud's own tools know.

use std::collections::BTreeMap;

use oci_artifact::name::Cloud;

use super::{
    AccountFault,
    annotations::{shown, value},
};

pub(super) const AWS_ROLE: &str = "eks.amazonaws.com/role-arn";
pub(super) const AZURE_TENANT: &str = "azure.workload.identity/tenant-id";
pub(super) const AZURE_CLIENT: &str = "azure.workload.identity/client-id";
pub(super) const GCP_ACCOUNT: &str = "iam.gke.io/gcp-service-account";
pub(super) const GCP_PROVIDER: &str = "gcp.auth.fluxcd.io/workload-identity-provider";

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

/// Reads what the cloud needs to know.
pub(super) fn read(annotations: &BTreeMap<String, String>, cloud: Cloud) -> Result<Role, AccountFault> {
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
                checked(annotation, value, is_azure_id(value), "00000000-0000-0000-0000-000000000000")
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

/// Whether it can be a tenant or a client of Azure: one segment of a path, and no step up.
pub(crate) fn is_azure_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
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
