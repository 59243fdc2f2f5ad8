//! Where AWS is asked for a registry: its region, and the endpoints of STS and ECR in every partition.
//!
//! Followed are the endpoint rules of the AWS SDKs for `ecr`, `ecr-public` and `sts`, and the settings that every SDK reads
//! ("AWS SDKs and Tools Reference Guide": service-specific endpoints, dual-stack and FIPS endpoints): `AWS_ENDPOINT_URL`,
//! `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`, `AWS_USE_FIPS_ENDPOINT`,
//! `AWS_USE_DUALSTACK_ENDPOINT`. `AWS_STS_REGIONAL_ENDPOINTS` is not among them: STS of the region is always the one.

use oci_artifact::name::{Ecr, Host};
use url::Url;

use crate::{environment::Environment, error::IdentityError};

/// What registries of AWS are called, for messages.
const EXPECTED: &str = "they are called `<12 digits>.dkr.ecr.<region>.amazonaws.com` (or end as another partition's), \
                        `public.ecr.aws` or `ecr-public.aws.com`";
/// The region in which ECR Public gives out tokens.
const PUBLIC_REGION: &str = "us-east-1";

/// The domains of one partition.
struct Partition {
    /// How its registries end.
    registries: &'static [&'static str],
    /// How its services end.
    services: &'static str,
    /// How they end where they have IPv6, too.
    dual_stack: &'static str,
}

const fn partition(
    registries: &'static [&'static str],
    services: &'static str,
    dual_stack: &'static str,
) -> Partition {
    Partition { registries, services, dual_stack }
}

const PARTITIONS: [Partition; 7] = [
    partition(&["amazonaws.com", "on.aws"], "amazonaws.com", "api.aws"),
    partition(
        &["amazonaws.com.cn", "on.amazonwebservices.com.cn"],
        "amazonaws.com.cn",
        "api.amazonwebservices.com.cn",
    ),
    partition(&["amazonaws.eu"], "amazonaws.eu", "api.amazonwebservices.eu"),
    partition(&["sc2s.sgov.gov"], "sc2s.sgov.gov", "api.aws.scloud"),
    partition(&["c2s.ic.gov"], "c2s.ic.gov", "api.aws.ic.gov"),
    partition(&["cloud.adc-e.uk"], "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    partition(&["csp.hci.ic.gov"], "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
];

/// Where a registry's AWS is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// Such as `eu-west-1`.
    pub(super) region: String,
    /// Whether it is ECR Public.
    pub(super) public: bool,
    /// STS.
    pub(super) sts: Url,
    /// ECR's own API, or ECR Public's.
    pub(super) ecr: Url,
}

impl Site {
    /// Of the registry; an error if it is none of AWS's.
    pub(super) fn of(environment: &Environment, host: &Host) -> Result<Self, IdentityError> {
        let foreign = || IdentityError::Host { cloud: "aws", host: host.clone(), expected: EXPECTED };
        let (region, suffix, fips, public) = match Ecr::of(host).ok_or_else(foreign)? {
            Ecr::Public => (PUBLIC_REGION.to_owned(), "amazonaws.com", false, true),
            Ecr::Private { region, suffix, fips, .. } => (region, suffix, fips, false),
        };
        // `s3.amazonaws.com` is no region's domain: whoever has a bucket called `sts` would be shown tokens.
        if !is_region(&region) {
            return Err(foreign());
        }
        let mut partitions = PARTITIONS.iter();
        let partition = partitions.find(|one| one.registries.contains(&suffix)).ok_or_else(foreign)?;
        let fips = fips || switched_on(environment, "AWS_USE_FIPS_ENDPOINT");
        let dual = switched_on(environment, "AWS_USE_DUALSTACK_ENDPOINT");
        let sts = partition.sts(&region, fips, dual);
        let ecr = if public { partition.public(dual) } else { partition.ecr(&region, fips, dual) };
        let own = if public { "AWS_ENDPOINT_URL_ECR_PUBLIC" } else { "AWS_ENDPOINT_URL_ECR" };
        Ok(Self {
            sts: endpoint(environment, "AWS_ENDPOINT_URL_STS", &sts)?,
            ecr: endpoint(environment, own, &ecr)?,
            region,
            public,
        })
    }

    /// Of a region, for services that are no registries.
    pub(super) fn of_region(environment: &Environment, region: &str) -> Result<Self, IdentityError> {
        // The order of the partitions above.
        const PREFIXES: [&str; 6] = ["cn-", "eusc-", "us-isob-", "us-iso-", "eu-isoe-", "us-isof-"];
        let at = PREFIXES.iter().position(|prefix| region.starts_with(prefix)).map_or(0, |at| at + 1);
        let partition = PARTITIONS.get(at).unwrap_or(&PARTITIONS[0]);
        let fips = switched_on(environment, "AWS_USE_FIPS_ENDPOINT");
        let dual = switched_on(environment, "AWS_USE_DUALSTACK_ENDPOINT");
        let (sts, ecr) = (partition.sts(region, fips, dual), partition.ecr(region, fips, dual));
        Ok(Self {
            sts: endpoint(environment, "AWS_ENDPOINT_URL_STS", &sts)?,
            ecr: endpoint(environment, "AWS_ENDPOINT_URL_ECR", &ecr)?,
            region: region.to_owned(),
            public: false,
        })
    }
}

impl Partition {
    /// `GovCloud` is a partition with the domains of the first one.
    fn is_first(&self) -> bool {
        self.services == "amazonaws.com"
    }

    fn ecr(&self, region: &str, fips: bool, dual: bool) -> String {
        let Self { services, dual_stack, .. } = self;
        // Only the first partitions and China have the newer names.
        match (fips, dual) {
            (false, false) => format!("api.ecr.{region}.{services}"),
            (true, false) if self.is_first() => format!("ecr-fips.{region}.{services}"),
            (true, false) => format!("api.ecr-fips.{region}.{services}"),
            (false, true) if self.is_first() || *services == "amazonaws.com.cn" => {
                format!("ecr.{region}.{dual_stack}")
            }
            (false, true) => format!("api.ecr.{region}.{dual_stack}"),
            (true, true) if self.is_first() => format!("ecr-fips.{region}.{dual_stack}"),
            (true, true) => format!("api.ecr-fips.{region}.{dual_stack}"),
        }
    }

    fn public(&self, dual: bool) -> String {
        let Self { services, dual_stack, .. } = self;
        if dual {
            format!("ecr-public.{PUBLIC_REGION}.{dual_stack}")
        } else {
            format!("api.ecr-public.{PUBLIC_REGION}.{services}")
        }
    }

    fn sts(&self, region: &str, fips: bool, dual: bool) -> String {
        // In `GovCloud` every STS is a FIPS endpoint, and has no other name.
        let service = if fips && !region.starts_with("us-gov-") { "sts-fips" } else { "sts" };
        let domain = if dual { self.dual_stack } else { self.services };
        format!("{service}.{region}.{domain}")
    }
}

/// `eu-west-1`, `us-isob-east-1`: words and a number.
fn is_region(region: &str) -> bool {
    let mut parts = region.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words: Vec<&str> = parts.collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && words.len() >= 2
        && words.iter().all(is_word)
}

pub(super) fn switched_on(environment: &Environment, variable: &str) -> bool {
    environment.variable(variable).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// What the environment says, or `host`.
fn endpoint(environment: &Environment, own: &'static str, host: &str) -> Result<Url, IdentityError> {
    let ignored = switched_on(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    let chosen = [own, "AWS_ENDPOINT_URL"]
        .into_iter()
        .find_map(|name| Some((name, environment.variable(name).filter(|_| !ignored)?)));
    match chosen {
        Some((name, value)) => web_url(name, value),
        None => web_url("the name of the region", &format!("https://{host}/")),
    }
}

/// An http or https URL without credentials, query and fragment.
pub(super) fn web_url(place: &str, value: &str) -> Result<Url, IdentityError> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(value).ok().filter(plain).ok_or_else(|| IdentityError::Setting {
        place: place.to_owned(),
        detail: "it is not an http or https URL, or has more than a host, a port and a path".to_owned(),
        hint: None,
    })
}

#[cfg(test)]
mod tests;
