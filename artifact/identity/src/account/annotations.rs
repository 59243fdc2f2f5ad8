//! Reading the annotations of an account.

use std::{collections::BTreeMap, time::Duration};

use oci_artifact::{duration, name::Cloud};

use super::{
    AccountFault, Role,
    role::{self, GCP_PROVIDER},
};

const PROVIDER: &str = "credential.auth.fluxcd.io/provider";
const TYPE: &str = "credential.auth.fluxcd.io/type";
const AUDIENCES: &str = "credential.auth.fluxcd.io/audiences";
const USERNAME: &str = "credential.auth.fluxcd.io/username";
const EXPIRATION: &str = "credential.auth.fluxcd.io/expiration";

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
            Some(cloud) => match role::read(annotations, cloud) {
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
pub(super) fn value<'a>(
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

pub(super) fn shown(value: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::{
        super::role::{AWS_ROLE, AZURE_CLIENT, AZURE_TENANT, GCP_ACCOUNT},
        *,
    };

    const OPT_IN: [(&str, &str); 2] = [(PROVIDER, "kubernetes"), (TYPE, "jwt")];

    fn read(annotations: &[(&str, &str)], cloud: Option<Cloud>) -> Result<Option<Wish>, AccountFault> {
        with(annotations, Facts { cloud, pull_secrets: false, used: true })
    }

    fn with(annotations: &[(&str, &str)], facts: Facts) -> Result<Option<Wish>, AccountFault> {
        let owned = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Wish::read(&owned.collect(), facts)
    }

    fn opted(more: &[(&'static str, &'static str)]) -> Result<Option<Wish>, AccountFault> {
        read(&[&OPT_IN[..], more].concat(), None)
    }

    #[test]
    fn wish_of_an_account_that_has_not_opted_in_is_nothing() {
        assert_eq!(read(&[], None), Ok(None));
        assert_eq!(read(&[(AUDIENCES, "a"), (AWS_ROLE, "nonsense")], None), Ok(None));
        assert_eq!(read(&[(PROVIDER, ""), (TYPE, " ")], None), Ok(None));
    }

    #[test]
    fn wish_needs_provider_and_type_together() {
        let half = |has, lacks| Err(AccountFault::Half { has, lacks });
        assert_eq!(read(&[(PROVIDER, "kubernetes")], None), half(PROVIDER, TYPE));
        assert_eq!(read(&[(TYPE, "jwt")], Some(Cloud::Gcp)), half(TYPE, PROVIDER));
        assert_eq!(
            read(&[(TYPE, "jwt")], None).unwrap_err().to_string(),
            "annotation credential.auth.fluxcd.io/type without credential.auth.fluxcd.io/provider: both are needed, \
             or none"
        );
    }

    #[test]
    fn wish_stands_beside_no_pull_secrets() {
        let facts = Facts { pull_secrets: true, ..Facts::default() };
        assert!(matches!(with(&OPT_IN, facts), Err(AccountFault::Beside { other: "imagePullSecrets", .. })));
        assert_eq!(with(&[], facts), Ok(None));
    }

    #[test]
    fn wish_says_what_is_not_supported() {
        for (provider, kind, what) in
            [("spiffe", "jwt", "spiffe"), ("spiffe", "x509", "x509"), ("kubernetes", "x509", "x509")]
        {
            let fault = read(&[(PROVIDER, provider), (TYPE, kind)], None).unwrap_err();
            assert!(matches!(fault, AccountFault::Unsupported { .. }), "{fault}");
            assert!(fault.to_string().contains(what), "{fault}");
        }
        let fault = read(&[(PROVIDER, "vault\n"), (TYPE, "jwt")], None).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "annotation credential.auth.fluxcd.io/provider: `vault` is not `kubernetes`"
        );
        assert!(read(&[(PROVIDER, "kubernetes"), (TYPE, "pem")], None).is_err());
    }

    #[test]
    fn wish_has_audiences_user_and_expiration() {
        let wish = opted(&[(AUDIENCES, " a, b\nc ,,a"), (USERNAME, "robot"), (EXPIRATION, "1h30m")]);
        let wish = wish.unwrap().unwrap();
        assert_eq!(wish.audiences, ["a", "b", "c"]);
        assert_eq!(wish.username.as_deref(), Some("robot"));
        assert_eq!(wish.expiration, Some(Duration::from_mins(90)));
        let plain = opted(&[(EXPIRATION, "0s")]).unwrap().unwrap();
        assert_eq!(plain, Wish { audiences: vec![], expiration: None, username: None, role: None });
    }

    #[test]
    fn wish_refuses_values_that_mean_nothing() {
        let long = "a".repeat(CHARACTERS + 1);
        let many = (0..=AUDIENCES_READ).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        for (annotation, value) in [
            (EXPIRATION, "soon"),
            (EXPIRATION, "5m"),
            (EXPIRATION, "-1h"),
            (EXPIRATION, "2000000h"),
            (USERNAME, "a:b"),
            (USERNAME, "a\u{7}b"),
            (USERNAME, &long),
            (AUDIENCES, "a\tb"),
            (AUDIENCES, &long),
            (AUDIENCES, &many),
        ] {
            let fault = read(&[&OPT_IN[..], &[(annotation, value)]].concat(), None).unwrap_err();
            assert!(
                matches!(&fault, AccountFault::Value { annotation: found, .. } if *found == annotation),
                "{fault}"
            );
        }
    }

    #[test]
    fn wish_of_a_cloud_needs_its_role() {
        let aws = |arn| read(&[(AWS_ROLE, arn)], Some(Cloud::Aws));
        let arn = "arn:aws-us-gov:iam::012345678901:role/team/puller";
        assert_eq!(aws(arn).unwrap().unwrap().role, Some(Role::Aws(arn.into())));
        for arn in [
            "arn:aws:iam::x:role/a",
            "arn:aws:iam::1:role/",
            "arn:aws:s3::1:role/a",
            "arn:gcp:iam::1:role/a",
            "role",
        ] {
            assert!(matches!(aws(arn), Err(AccountFault::Value { annotation: AWS_ROLE, .. })), "{arn}");
        }
        assert!(matches!(
            read(&[], Some(Cloud::Aws)),
            Err(AccountFault::Missing { annotation: AWS_ROLE, .. })
        ));
        let azure =
            read(&[(AZURE_TENANT, "t-1"), (AZURE_CLIENT, "c-1")], Some(Cloud::Azure)).unwrap().unwrap();
        assert_eq!(azure.role, Some(Role::Azure { tenant: "t-1".into(), client: "c-1".into() }));
        assert!(read(&[(AZURE_TENANT, "t-1")], Some(Cloud::Azure)).is_err());
        assert!(read(&[(AZURE_TENANT, "../x"), (AZURE_CLIENT, "c")], Some(Cloud::Azure)).is_err());
    }

    #[test]
    fn wish_of_gcp_knows_pools() {
        let pool = "projects/123/locations/global/workloadIdentityPools/p/providers/q";
        let email = "puller@team.iam.gserviceaccount.com";
        let gcp = |annotations: &[(&str, &str)]| read(annotations, Some(Cloud::Gcp));
        let role = |annotations: &[(&str, &str)]| gcp(annotations).unwrap().unwrap().role;
        let gke = Role::Gcp { service_account: None, provider: None };
        assert_eq!(role(&[]), Some(gke));
        let both = Role::Gcp { service_account: Some(email.into()), provider: Some(pool.into()) };
        assert_eq!(role(&[(GCP_ACCOUNT, email), (GCP_PROVIDER, pool)]), Some(both));
        for (annotation, value) in [
            (GCP_ACCOUNT, "puller@example.com"),
            (GCP_ACCOUNT, "a/b@team.iam.gserviceaccount.com"),
            (GCP_PROVIDER, "projects/x/locations/global/workloadIdentityPools/p/providers/q"),
            (GCP_PROVIDER, "projects/1/locations/global/workloadIdentityPools/p/providers/q/r"),
        ] {
            assert!(gcp(&[(annotation, value)]).is_err(), "{value}");
        }
        assert!(gcp(&[(AUDIENCES, "mine"), (GCP_PROVIDER, pool)]).is_ok());
        let fault = gcp(&[(AUDIENCES, "mine")]).unwrap_err();
        assert!(fault.to_string().contains("GKE's own pool"), "{fault}");
    }

    #[test]
    fn wish_of_a_cloud_is_not_missed_where_secrets_log_in() {
        let unused = Facts { cloud: Some(Cloud::Aws), pull_secrets: true, used: false };
        assert_eq!(with(&[], unused), Ok(None));
        assert!(with(&[(AWS_ROLE, "nonsense")], unused).is_err(), "what is there must still mean something");
    }
}
