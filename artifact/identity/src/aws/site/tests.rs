use super::*;

fn with(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), ..Environment::default() }
}

fn site(host: &str, variables: &[(&str, &str)]) -> Site {
    Site::of(&with(variables), &Host::parse(host).unwrap()).unwrap()
}

fn error(host: &str, variables: &[(&str, &str)]) -> String {
    Site::of(&with(variables), &Host::parse(host).unwrap()).unwrap_err().to_string()
}

const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
const DUAL: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE");

/// Registry, STS, ECR.
const PARTITIONS: &str = "
dkr.ecr.eu-west-1.amazonaws.com           sts.eu-west-1.amazonaws.com      api.ecr.eu-west-1.amazonaws.com
dkr-ecr.eu-west-1.on.aws                  sts.eu-west-1.amazonaws.com      api.ecr.eu-west-1.amazonaws.com
dkr.ecr.us-gov-east-1.amazonaws.com       sts.us-gov-east-1.amazonaws.com  api.ecr.us-gov-east-1.amazonaws.com
dkr.ecr-fips.us-east-2.amazonaws.com      sts-fips.us-east-2.amazonaws.com ecr-fips.us-east-2.amazonaws.com
dkr-ecr-fips.us-gov-west-1.on.aws         sts.us-gov-west-1.amazonaws.com  ecr-fips.us-gov-west-1.amazonaws.com
dkr.ecr.cn-north-1.amazonaws.com.cn       sts.cn-north-1.amazonaws.com.cn  api.ecr.cn-north-1.amazonaws.com.cn
dkr-ecr.cn-north-1.on.amazonwebservices.com.cn sts.cn-north-1.amazonaws.com.cn api.ecr.cn-north-1.amazonaws.com.cn
dkr.ecr.eusc-de-east-1.amazonaws.eu       sts.eusc-de-east-1.amazonaws.eu  api.ecr.eusc-de-east-1.amazonaws.eu
dkr.ecr.us-isob-east-1.sc2s.sgov.gov      sts.us-isob-east-1.sc2s.sgov.gov api.ecr.us-isob-east-1.sc2s.sgov.gov
dkr.ecr.us-iso-east-1.c2s.ic.gov          sts.us-iso-east-1.c2s.ic.gov     api.ecr.us-iso-east-1.c2s.ic.gov
dkr.ecr-fips.us-iso-west-1.c2s.ic.gov     sts-fips.us-iso-west-1.c2s.ic.gov api.ecr-fips.us-iso-west-1.c2s.ic.gov
dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk     sts.eu-isoe-west-1.cloud.adc-e.uk api.ecr.eu-isoe-west-1.cloud.adc-e.uk
dkr.ecr.us-isof-south-1.csp.hci.ic.gov    sts.us-isof-south-1.csp.hci.ic.gov api.ecr.us-isof-south-1.csp.hci.ic.gov
";

#[test]
fn site_has_endpoints_in_every_partition() {
    for line in PARTITIONS.lines().filter(|line| !line.is_empty()) {
        let [host, sts, ecr] = line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let site = site(&format!("012345678901.{host}"), &[]);
        assert_eq!(Some(site.region.as_str()), sts.split('.').nth(1), "{host}");
        assert!(!site.public);
        assert_eq!(site.sts.as_str(), format!("https://{sts}/"), "{host}");
        assert_eq!(site.ecr.as_str(), format!("https://{ecr}/"), "{host}");
    }
}

#[test]
fn site_of_ecr_public_is_in_one_region() {
    for host in ["public.ecr.aws", "ecr-public.aws.com"] {
        let plain = site(host, &[]);
        assert_eq!((plain.region.as_str(), plain.public), ("us-east-1", true));
        assert_eq!(plain.sts.as_str(), "https://sts.us-east-1.amazonaws.com/");
        assert_eq!(plain.ecr.as_str(), "https://api.ecr-public.us-east-1.amazonaws.com/");
        assert_eq!(site(host, &[DUAL]).ecr.as_str(), "https://ecr-public.us-east-1.api.aws/");
    }
}

#[test]
fn site_takes_fips_and_dual_stack_from_the_environment() {
    let host = "012345678901.dkr.ecr.us-west-2.amazonaws.com";
    for (variables, sts, ecr) in [
        (&[FIPS][..], "sts-fips.us-west-2.amazonaws.com", "ecr-fips.us-west-2.amazonaws.com"),
        (&[DUAL], "sts.us-west-2.api.aws", "ecr.us-west-2.api.aws"),
        (&[FIPS, DUAL], "sts-fips.us-west-2.api.aws", "ecr-fips.us-west-2.api.aws"),
        (
            &[("AWS_USE_FIPS_ENDPOINT", "false")],
            "sts.us-west-2.amazonaws.com",
            "api.ecr.us-west-2.amazonaws.com",
        ),
    ] {
        let site = site(host, variables);
        assert_eq!(site.sts.host_str(), Some(sts));
        assert_eq!(site.ecr.host_str(), Some(ecr));
    }
    let china = site("012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn", &[DUAL]);
    assert_eq!(china.ecr.host_str(), Some("ecr.cn-north-1.api.amazonwebservices.com.cn"));
    let europe = site("012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu", &[DUAL]);
    assert_eq!(europe.ecr.host_str(), Some("api.ecr.eusc-de-east-1.api.amazonwebservices.eu"));
}

#[test]
fn site_takes_endpoints_from_the_environment() {
    let host = "012345678901.dkr.ecr.us-west-2.amazonaws.com";
    let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000");
    let own = ("AWS_ENDPOINT_URL_ECR", "https://ecr.example/api");
    let both = site(host, &[all, own, ("AWS_ENDPOINT_URL_ECR_PUBLIC", "https://other.example")]);
    assert_eq!((both.sts.as_str(), both.ecr.as_str()), ("http://127.0.0.1:5000/", "https://ecr.example/api"));
    let ignored = site(host, &[all, own, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]);
    assert_eq!(ignored, site(host, &[]));
    let public = site("public.ecr.aws", &[own, ("AWS_ENDPOINT_URL_ECR_PUBLIC", "https://other.example")]);
    assert_eq!(public.ecr.as_str(), "https://other.example/");
    for bad in
        ["ecr.example", "ftp://ecr.example", "https://u:hunter2@ecr.example", "https://e.example/?a=hunter2"]
    {
        let error = error(host, &[("AWS_ENDPOINT_URL_STS", bad)]);
        assert!(error.starts_with("AWS_ENDPOINT_URL_STS: it is not"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn site_refuses_what_only_looks_like_a_registry() {
    for host in [
        "ghcr.io",
        "012345678901.dkr.ecr.us-east-1.amazonaws.com.example.org",
        "prefix-012345678901.dkr.ecr.us-east-1.amazonaws.com",
        "012345678901.dkr.ecr.us-east-1.amazonaws.com:443",
        // `sts.s3.amazonaws.com` would be somebody's bucket.
        "012345678901.dkr.ecr.s3.amazonaws.com",
        "012345678901.dkr.ecr.s3-us-west-2.amazonaws.com",
        "012345678901.dkr.ecr.us-east-1a.amazonaws.com",
        "012345678901.dkr.ecr.east-1.amazonaws.com",
        "012345678901.dkr.ecr.us--1.amazonaws.com",
    ] {
        let error = error(host, &[]);
        assert!(error.starts_with(&format!("`{host}` is no registry of aws: they are called")), "{error}");
    }
}
