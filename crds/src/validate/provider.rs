//! `spec.provider`: whose identity logs in, and whether that can be meant for this registry.

use oci_artifact::name::{Cloud, Host, Repository};

use super::{Code, Fault, Path, Provider, fault::quote, given};
use crate::v1::Spec;

/// The provider.
pub(super) fn check(
    spec: &Spec,
    repository: Option<&Repository>,
    faults: &mut Vec<Fault>,
) -> Option<Provider> {
    let path = Path::new("spec.provider");
    let text = given(spec.provider.as_ref()).unwrap_or("generic");
    let provider = match text {
        "generic" => Provider::Generic,
        "aws" => Provider::Aws,
        "azure" => Provider::Azure,
        "gcp" => Provider::Gcp,
        other => {
            let message = format!("{} is none of generic, aws, azure and gcp", quote(other));
            faults.push(Fault::new(Code::ProviderUnknown, &path, Some(other), message));
            return None;
        }
    };
    let host = repository.map(Repository::host)?;
    if provider.fit(host) == Fit::Never && !has_static_credentials(spec) {
        let message =
            format!("{} logs in to {} only, which `{host}` is not", quote(text), registries(provider));
        let fault = Fault::new(Code::ProviderHost, &path, Some(&format!("{text} {host}")), message);
        faults.push(fault.hint("remove `provider`, or name a Secret with credentials in `spec.secretRef`"));
    }
    Some(provider)
}

/// Whether a provider can log in to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is one of its own.
    Own,
    /// It does not look like one, but a controller can be configured so that it is.
    Perhaps,
    /// It cannot be.
    Never,
}

impl Provider {
    /// The cloud whose identity logs in; `None` for `generic`.
    pub fn cloud(self) -> Option<Cloud> {
        match self {
            Self::Generic => None,
            Self::Aws => Some(Cloud::Aws),
            Self::Azure => Some(Cloud::Azure),
            Self::Gcp => Some(Cloud::Gcp),
        }
    }

    /// Whether it can log in there. Azure's registries can have a suffix that only the controller's configuration knows;
    /// but not that of another cloud.
    pub fn fit(self, host: &Host) -> Fit {
        let Some(cloud) = self.cloud() else {
            return Fit::Own;
        };
        match Cloud::of(host) {
            Some(owner) if owner == cloud => Fit::Own,
            None if cloud == Cloud::Azure => Fit::Perhaps,
            Some(_) | None => Fit::Never,
        }
    }
}

/// Whether something else than the cloud's identity may log in: its credentials would win.
fn has_static_credentials(spec: &Spec) -> bool {
    spec.secret_ref.is_some() || given(spec.service_account_name.as_ref()).is_some()
}

pub(super) fn registries(provider: Provider) -> &'static str {
    match provider {
        Provider::Generic => "any registry",
        Provider::Aws => "Amazon ECR",
        Provider::Azure => "Azure Container Registry",
        Provider::Gcp => "Google Artifact Registry and Container Registry",
    }
}
