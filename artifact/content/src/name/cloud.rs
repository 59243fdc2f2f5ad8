//! Which cloud's registry a host is, and so whose credentials may go there.
//!
//! The rules are those of source-controller 1.10.1 (`auth/{aws,azure,gcp}` of fluxcd/pkg), and they hold for whole names:
//! a host that only contains such a name belongs to somebody else. As there, a host with a port is nobody's: clouds serve
//! on 443 only. Upper case is no question here, a [`Host`] has none.

use std::fmt;

use super::Host;

/// A cloud that has registries of its own: `spec.provider` without `generic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cloud {
    /// Amazon: Elastic Container Registry, private and public.
    Aws,
    /// Microsoft: Azure Container Registry.
    Azure,
    /// Google: Artifact Registry and its forerunner Container Registry; S3NS.
    Gcp,
}

/// As `spec.provider` and `--provider` have it.
impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
        })
    }
}

impl Cloud {
    /// The cloud that the registry belongs to.
    pub fn of(host: &Host) -> Option<Self> {
        [Self::Aws, Self::Azure, Self::Gcp].into_iter().find(|cloud| cloud.owns(host))
    }

    /// Whether the registry is one of this cloud's.
    pub fn owns(self, host: &Host) -> bool {
        let under = |domain: &str| {
            host.name().strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        };
        if host.port().is_some() {
            return false;
        }
        match self {
            Self::Aws => Ecr::of(host).is_some(),
            Self::Azure => ["azurecr.io", "azurecr.cn", "azurecr.de", "azurecr.us"].into_iter().any(under),
            Self::Gcp => {
                let name = host.name();
                matches!(name, "gcr.io" | "docker.s3nsregistry.fr")
                    || under("gcr.io")
                    || name.strip_suffix("-docker.pkg.dev").is_some_and(|rest| !rest.is_empty())
            }
        }
    }
}

/// A registry of Amazon's ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ecr {
    /// `<account>.dkr.ecr.<region>.<suffix>` and its FIPS and dual-stack forms.
    Private {
        /// Twelve digits.
        account: String,
        /// Such as `eu-west-1`.
        region: String,
        /// The domain below the region, which tells the partition: `amazonaws.com`, `amazonaws.com.cn`, `on.aws`.
        suffix: &'static str,
        /// Whether it is a FIPS endpoint.
        fips: bool,
    },
    /// `public.ecr.aws` or `ecr-public.aws.com`: one for all, its tokens come from `us-east-1`.
    Public,
}

/// Domains below the region.
const SUFFIXES: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

impl Ecr {
    /// Reads the name of an ECR registry.
    pub fn of(host: &Host) -> Option<Self> {
        if host.port().is_some() {
            return None;
        }
        if matches!(host.name(), "public.ecr.aws" | "ecr-public.aws.com") {
            return Some(Self::Public);
        }
        let (account, rest) = host.name().split_once('.')?;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // `dkr-ecr` is dual-stack; Flux takes each service with each domain.
        let (rest, fips) =
            [("dkr.ecr.", false), ("dkr-ecr.", false), ("dkr.ecr-fips.", true), ("dkr-ecr-fips.", true)]
                .into_iter()
                .find_map(|(service, fips)| Some((rest.strip_prefix(service)?, fips)))?;
        let (region, domain) = rest.split_once('.')?;
        let suffix = SUFFIXES.into_iter().find(|suffix| *suffix == domain)?;
        // No dot, and a first character that is a letter or a digit.
        if !region.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        Some(Self::Private { account: account.into(), region: region.into(), suffix, fips })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn cloud_owns_its_registries() {
        for (text, cloud) in [
            ("012345678901.dkr.ecr.us-east-1.amazonaws.com", Cloud::Aws),
            ("012345678901.DKR.ecr.us-east-1.amazonaws.com", Cloud::Aws),
            ("012345678901.dkr.ecr-fips.us-gov-east-1.amazonaws.com", Cloud::Aws),
            ("012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn", Cloud::Aws),
            ("012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu", Cloud::Aws),
            ("012345678901.dkr-ecr.eu-west-1.on.aws", Cloud::Aws),
            ("012345678901.dkr-ecr-fips.us-east-1.on.aws", Cloud::Aws),
            ("012345678901.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", Cloud::Aws),
            ("012345678901.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", Cloud::Aws),
            ("012345678901.dkr.ecr.us-iso-east-1.c2s.ic.gov", Cloud::Aws),
            ("012345678901.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", Cloud::Aws),
            ("012345678901.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", Cloud::Aws),
            ("public.ecr.aws", Cloud::Aws),
            ("ecr-public.aws.com", Cloud::Aws),
            ("app.azurecr.io", Cloud::Azure),
            ("app.azurecr.cn", Cloud::Azure),
            ("app.azurecr.de", Cloud::Azure),
            ("app.azurecr.us", Cloud::Azure),
            ("app.westeurope.data.azurecr.io", Cloud::Azure),
            ("gcr.io", Cloud::Gcp),
            ("eu.gcr.io", Cloud::Gcp),
            ("l.gcr.io", Cloud::Gcp),
            ("us-docker.pkg.dev", Cloud::Gcp),
            ("europe-west4-docker.pkg.dev", Cloud::Gcp),
            ("docker.s3nsregistry.fr", Cloud::Gcp),
        ] {
            assert_eq!(Cloud::of(&host(text)), Some(cloud), "{text}");
            for other in [Cloud::Aws, Cloud::Azure, Cloud::Gcp] {
                assert_eq!(other.owns(&host(text)), other == cloud, "{other:?} {text}");
            }
        }
    }

    #[test]
    fn cloud_owns_nothing_else() {
        for text in [
            "ghcr.io",
            "amazonaws.com",
            "dkr.ecr.us-east-1.amazonaws.com",
            "01234567890.dkr.ecr.us-east-1.amazonaws.com",
            "0123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "01234567890a.dkr.ecr.us-east-1.amazonaws.com",
            "prefix-012345678901.dkr.ecr.us-east-1.amazonaws.com",
            "prefix.012345678901.dkr.ecr.us-east-1.amazonaws.com",
            "012345678901.dkr.ecr.us-east-1.amazonaws.com.example.org",
            "012345678901.dkr.ecr.us-east-1.amazonaws.com-example.org",
            "012345678901.dkr.ecr.us-east-1.amazonaws.org",
            "012345678901.dkr.ecr.us-east-1.amazonaws.com.cn.cn",
            "012345678901.dkr.ecr.us-east-1.example.amazonaws.com",
            "012345678901.dkr.ecr.us-east-1.aws",
            "012345678901.dkr.ecr.amazonaws.com",
            "012345678901.dkr.ecr._.amazonaws.com",
            "012345678901.dkr.ecr.us-east-1.amazonaws.com:443",
            "012345678901.dkr_ecr.us-east-1.amazonaws.com",
            "012345678901.dkr.ecr-fipsx.us-east-1.amazonaws.com",
            "012345678901.dkrxecr.us-east-1.amazonaws.com",
            "012345678901.ecr.us-east-1.amazonaws.com",
            "public.ecr.aws:443",
            "public.ecr.aws.example.org",
            "my.public.ecr.aws",
            "ecr-public.aws.com.example.org",
            "ecr-public.us-east-1.aws.com",
            "azurecr.io",
            "app.azurecr.io:443",
            "app.azurecr.io.example.org",
            "app.azurecr.com",
            "appazurecr.io",
            "gcr.io:443",
            "gcr.io.example.org",
            "xgcr.io",
            "us.gcr.io.example.org",
            "us-docker.pkg.dev:443",
            "us-docker.pkg.dev.example.org",
            "docker.pkg.dev",
            "usdocker.pkg.dev",
            "us-npm.pkg.dev",
            "pkg.dev",
            "s3nsregistry.fr",
            "my.docker.s3nsregistry.fr",
            "u30p-docker.s3nsregistry.fr",
        ] {
            assert_eq!(Cloud::of(&host(text)), None, "{text}");
        }
    }

    #[test]
    fn ecr_tells_account_region_and_partition() {
        let private = |region: &str, suffix, fips| {
            Some(Ecr::Private { account: "012345678901".into(), region: region.into(), suffix, fips })
        };
        for (text, expected) in [
            ("012345678901.dkr.ecr.us-east-1.amazonaws.com", private("us-east-1", "amazonaws.com", false)),
            ("012345678901.dkr-ecr-fips.us-gov-west-1.on.aws", private("us-gov-west-1", "on.aws", true)),
            (
                "012345678901.dkr.ecr-fips.cn-north-1.amazonaws.com.cn",
                private("cn-north-1", "amazonaws.com.cn", true),
            ),
            ("public.ecr.aws", Some(Ecr::Public)),
            ("ecr-public.aws.com", Some(Ecr::Public)),
            ("app.azurecr.io", None),
        ] {
            assert_eq!(Ecr::of(&host(text)), expected, "{text}");
        }
    }
}
