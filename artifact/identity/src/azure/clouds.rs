//! Azure's clouds: who owns a registry, where its tokens are made, and for what they are.
//!
//! The scopes are those of source-controller 1.10.1. Authorities: azure-sdk-for-go, `azcore/cloud`. Clouds of one's own
//! (Azure Stack): the file `AZURE_ENVIRONMENT_FILEPATH`, with the fields of cloud-provider-azure.

use std::path::Path;

use oci_artifact::name::{Cloud as Clouds, Host};
use serde::Deserialize;
use url::Url;

use crate::{environment::Environment, error::IdentityError, file};

const FILE: &str = "AZURE_ENVIRONMENT_FILEPATH";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const SCOPE: &str = "https://containerregistry.azure.net/.default";

/// The same in every cloud.
const STORAGE_SCOPE: &str = "https://storage.azure.com/.default";

/// One of Azure's clouds.
#[derive(Debug)]
pub(super) struct Cloud {
    /// Where tokens are made: an https origin.
    pub(super) authority: Url,
    /// What they are for.
    pub(super) scope: String,
}

/// What the file says of a cloud.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Custom {
    #[serde(rename = "containerRegistryDNSSuffix")]
    suffix: String,
    resource_manager_endpoint: String,
    token_audience: String,
    active_directory_endpoint: String,
}

impl Cloud {
    /// The cloud that the registry belongs to; an error if it is none of Azure's.
    pub(super) fn of(environment: &Environment, host: &Host) -> Result<Self, IdentityError> {
        let custom = custom(environment)?;
        let own = Clouds::Azure.owns(host);
        if !own && !custom.as_ref().is_some_and(|custom| custom.owns(host)) {
            let expected = match custom {
                None => "they are called NAME.azurecr.io, .cn, .de or .us, without a port",
                Some(_) => {
                    "they are called NAME.azurecr.io, .cn, .de or .us, or end with containerRegistryDNSSuffix of the \
                     file AZURE_ENVIRONMENT_FILEPATH"
                }
            };
            return Err(IdentityError::Host { cloud: "azure", host: host.clone(), expected });
        }
        let scope = match &custom {
            None => SCOPE.to_owned(),
            Some(custom) => custom.scope()?,
        };
        let set = environment.variable(AUTHORITY).map(|text| (AUTHORITY, text));
        let custom = custom.as_ref().map(|custom| (FILE, custom.active_directory_endpoint.as_str()));
        let (place, text) =
            set.or(custom.filter(|(_, text)| !text.is_empty())).unwrap_or(("", usual_authority(host.name())));
        Ok(Self { authority: authority(place, text)?, scope })
    }

    /// The cloud of a storage account, by the host of its service.
    pub(super) fn of_storage(environment: &Environment, host: &str) -> Result<Self, IdentityError> {
        let custom = custom(environment)?;
        let set = environment.variable(AUTHORITY).map(|text| (AUTHORITY, text));
        let custom = custom.as_ref().map(|custom| (FILE, custom.active_directory_endpoint.as_str()));
        let usual = usual_authority(host);
        let (place, text) = set.or(custom.filter(|(_, text)| !text.is_empty())).unwrap_or(("", usual));
        Ok(Self { authority: authority(place, text)?, scope: STORAGE_SCOPE.to_owned() })
    }

    /// The resource of the scope, for services that know no scopes.
    pub(super) fn resource(&self) -> &str {
        self.scope.strip_suffix("/.default").unwrap_or(&self.scope)
    }
}

impl Custom {
    /// A name under the suffix: at a dot, while Flux would take any name that ends so.
    fn owns(&self, host: &Host) -> bool {
        let suffix = self.suffix.trim_start_matches('.').to_ascii_lowercase();
        let under = host.name().strip_suffix(&suffix).and_then(|rest| rest.strip_suffix('.'));
        !suffix.is_empty() && host.port().is_none() && under.is_some_and(|name| !name.is_empty())
    }

    fn scope(&self) -> Result<String, IdentityError> {
        if self.resource_manager_endpoint.is_empty() || self.token_audience.is_empty() {
            return Err(setting(FILE, "it must have resourceManagerEndpoint and tokenAudience"));
        }
        Ok(format!("{}/.default", self.resource_manager_endpoint))
    }
}

fn custom(environment: &Environment) -> Result<Option<Custom>, IdentityError> {
    let Some(path) = environment.variable(FILE).map(Path::new) else { return Ok(None) };
    let text = file::read(FILE, path)?;
    let custom = serde_json::from_slice(text.expose());
    custom
        .map(Some)
        .map_err(|_| setting(&file::shown(FILE, path), "it is no JSON object with the names of a cloud"))
}

fn usual_authority(host: &str) -> &'static str {
    match host.rsplit('.').next() {
        Some("cn") => "https://login.chinacloudapi.cn/",
        Some("us") => "https://login.microsoftonline.us/",
        _ => "https://login.microsoftonline.com/",
    }
}

fn authority(place: &str, text: &str) -> Result<Url, IdentityError> {
    let url = Url::parse(text).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        url.scheme() == "https" && url.host_str().is_some() && plain && url.fragment().is_none()
    });
    let form = "the authority is no https URL such as https://login.microsoftonline.com/";
    url.ok_or_else(|| setting(place, form))
}

fn setting(place: &str, detail: &str) -> IdentityError {
    IdentityError::Setting { place: place.to_owned(), detail: detail.to_owned(), hint: None }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn of(host: &str, variables: &[(&str, &str)]) -> Result<(String, String), IdentityError> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment { variables: owned.collect(), ..Environment::default() };
        let cloud = Cloud::of(&environment, &Host::parse(host).unwrap())?;
        Ok((cloud.authority.to_string(), cloud.scope))
    }

    /// The same with a file of a cloud of one's own.
    fn with_file(host: &str, text: &str) -> Result<(String, String), IdentityError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("cloud.json");
        fs::write(&path, text).unwrap();
        of(host, &[(FILE, path.to_str().unwrap())])
    }

    const STACK: &str = r#"{"containerRegistryDNSSuffix":"azurecr.stack.example",
        "resourceManagerEndpoint":"https://management.stack.example",
        "tokenAudience":"https://management.stack.example/1"}"#;

    #[test]
    fn cloud_is_told_by_the_domain() {
        for (host, authority) in [
            ("app.azurecr.io", "https://login.microsoftonline.com/"),
            ("app.azurecr.de", "https://login.microsoftonline.com/"),
            ("app.azurecr.cn", "https://login.chinacloudapi.cn/"),
            ("app.azurecr.us", "https://login.microsoftonline.us/"),
        ] {
            assert_eq!(of(host, &[]).unwrap(), (authority.to_owned(), SCOPE.to_owned()), "{host}");
        }
    }

    #[test]
    fn cloud_takes_the_authority_of_the_environment() {
        let set = [(AUTHORITY, "https://login.microsoftonline.us")];
        assert_eq!(of("app.azurecr.io", &set).unwrap().0, "https://login.microsoftonline.us/");
        for bad in [
            "http://login.example/",
            "login.example",
            "https://u:p@login.example/",
            "https://a/?b",
            "https://a/#b",
        ] {
            let error = of("app.azurecr.io", &[(AUTHORITY, bad)]).unwrap_err().to_string();
            assert!(error.starts_with("AZURE_AUTHORITY_HOST: ") && !error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn cloud_of_one_s_own_is_read_from_the_file() {
        let (authority, scope) = with_file("app.azurecr.stack.example", STACK).unwrap();
        assert_eq!(scope, "https://management.stack.example/.default");
        assert_eq!(authority, "https://login.microsoftonline.com/");
        let with_login =
            STACK.replacen('{', r#"{"activeDirectoryEndpoint":"https://login.stack.example/","#, 1);
        assert_eq!(with_file("app.azurecr.io", &with_login).unwrap().0, "https://login.stack.example/");
    }

    #[test]
    fn cloud_of_one_s_own_owns_what_is_under_its_suffix_only() {
        for host in [
            "azurecr.stack.example",
            "appazurecr.stack.example",
            "app.azurecr.stack.example:443",
            "app.azurecr.stack.example.org",
            "ghcr.io",
        ] {
            assert!(matches!(with_file(host, STACK), Err(IdentityError::Host { .. })), "{host}");
        }
        for text in ["{}", r#"{"containerRegistryDNSSuffix":""}"#] {
            assert!(matches!(with_file("ghcr.io", text), Err(IdentityError::Host { .. })), "{text}");
        }
    }

    #[test]
    fn file_that_is_unusable_is_named() {
        for text in ["garbage", "[1]", r#"{"containerRegistryDNSSuffix":7}"#, "{}"] {
            let error = with_file("app.azurecr.io", text).unwrap_err().to_string();
            assert!(error.starts_with(FILE), "{error}");
        }
        let error = of("app.azurecr.io", &[(FILE, "/nowhere.json")]).unwrap_err().to_string();
        assert!(
            error.starts_with("AZURE_ENVIRONMENT_FILEPATH (/nowhere.json): it cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn cloud_owns_no_look_alikes() {
        for host in
            ["azurecr.io", "app.azurecr.io:443", "app.azurecr.io.example.org", "appazurecr.io", "ghcr.io"]
        {
            let error = of(host, &[]).unwrap_err();
            assert!(matches!(error, IdentityError::Host { .. }), "{error}");
        }
    }
}
