//! Who logs in: Secrets, an account or this process in a cloud, or nobody. Decided from a spec and from what it names.
//!
//! The order is that of source-controller 1.10.1: a pull Secret, of the spec or of the account, wins over any identity;
//! what an account's annotations say must mean something even then.

use oci_artifact::{
    Class, Classify as _,
    name::{Cloud, Host},
};
use oci_crds::validate::{Checked, Fit};
use oci_decide::{Failure, Step};
use oci_identity::account::{Facts, Wish};

use crate::material::{AccountData, Material};

/// Who logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody.
    Nobody,
    /// The pull Secrets.
    Secrets,
    /// This process, by its own identity in a cloud.
    Process(Cloud),
    /// The account: in the cloud of its role, or by its own token.
    Account(Wish),
}

/// Decides who logs in. A failure is something that only an edit mends: nothing was sent to anybody.
pub fn who(checked: &Checked, material: &Material) -> Result<Who, Failure> {
    let cloud = checked.provider.cloud();
    let secrets = !material.pull.is_empty();
    let wish = match &material.account {
        Some(account) => wish(account, Facts { cloud, pull_secrets: account.pull_secrets, used: !secrets })?,
        None => None,
    };
    let who = match (secrets, wish, cloud) {
        (true, ..) => return Ok(Who::Secrets),
        (false, Some(wish), _) => Who::Account(wish),
        (false, None, Some(cloud)) => Who::Process(cloud),
        (false, None, None) => return Ok(Who::Nobody),
    };
    match cloud {
        // Azure's own login looks at the suffixes that only the environment of this process has.
        Some(cloud) if checked.provider.fit(checked.repository.host()) == Fit::Never => {
            Err(foreign(cloud, checked.repository.host()))
        }
        _ => Ok(who),
    }
}

fn wish(account: &AccountData, facts: Facts) -> Result<Option<Wish>, Failure> {
    Wish::read(&account.annotations, facts).map_err(|fault| Failure {
        step: Step::Identity,
        class: fault.class(),
        message: format!("service account '{}/{}': {fault}", account.namespace, account.name),
        hint: fault.hint(),
    })
}

fn foreign(cloud: Cloud, host: &Host) -> Failure {
    let (name, registries) = match cloud {
        Cloud::Aws => ("aws", "Amazon ECR"),
        Cloud::Azure => ("azure", "Azure Container Registry"),
        Cloud::Gcp => ("gcp", "Google Artifact Registry and Container Registry"),
    };
    Failure {
        step: Step::Identity,
        class: Class::Terminal,
        message: format!("provider {name} logs in to {registries} only, which `{host}` is not"),
        hint: Some("correct spec.url or spec.provider, or name a Secret in spec.secretRef".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oci_crds::{v1::Spec, validate::check};
    use oci_identity::account::Role;

    use super::*;
    use crate::material::tests::secret;

    const OPT_IN: [(&str, &str); 2] =
        [("credential.auth.fluxcd.io/provider", "kubernetes"), ("credential.auth.fluxcd.io/type", "jwt")];
    const ARN: (&str, &str) = ("eks.amazonaws.com/role-arn", "arn:aws:iam::012345678901:role/puller");
    const ECR: &str = "012345678901.dkr.ecr.eu-west-1.amazonaws.com";

    /// An account with these annotations, and whether it has pull Secrets.
    type Of<'a> = Option<(&'a [(&'a str, &'a str)], bool)>;

    fn judge(host: &str, provider: &str, secret_ref: bool, account: Of<'_>) -> Result<Who, Failure> {
        let spec: Spec = serde_json::from_value(serde_json::json!({
            "url": format!("oci://{host}/app"), "interval": "5m", "provider": provider, "serviceAccountName": "puller",
        }))
        .unwrap();
        let checked = check(&spec).checked.unwrap();
        let pull_secrets = account.is_some_and(|(_, pull_secrets)| pull_secrets);
        let secrets = usize::from(secret_ref) + usize::from(pull_secrets);
        let account = account.map(|(annotations, pull_secrets)| AccountData {
            namespace: "team".into(),
            name: "puller".into(),
            annotations: annotations
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect::<BTreeMap<_, _>>(),
            pull_secrets,
            tokens: None,
        });
        let pull = vec![secret("kubernetes.io/dockerconfigjson", &[]); secrets];
        who(&checked, &Material { account, pull, ..Material::default() })
    }

    fn own() -> Who {
        Who::Account(Wish { audiences: vec![], expiration: None, username: None, role: None })
    }

    fn of_role() -> Who {
        let role = Some(Role::Aws(ARN.1.into()));
        Who::Account(Wish { audiences: vec![], expiration: None, username: None, role })
    }

    #[test]
    fn who_logs_in_is_decided_in_order() {
        for (name, host, provider, secret_ref, account, expected) in [
            ("nothing", "r.example", "generic", false, None, Who::Nobody),
            (
                "an account that asks for nothing",
                "r.example",
                "generic",
                false,
                Some((&[][..], false)),
                Who::Nobody,
            ),
            ("a Secret", "r.example", "generic", true, None, Who::Secrets),
            ("a Secret of the account", "r.example", "generic", false, Some((&[], true)), Who::Secrets),
            ("an account that opted in", "r.example", "generic", false, Some((&OPT_IN, false)), own()),
            ("a Secret beside it", "r.example", "generic", true, Some((&OPT_IN, false)), Who::Secrets),
            (
                "annotations of a cloud without it",
                "r.example",
                "generic",
                false,
                Some((&[ARN], false)),
                Who::Nobody,
            ),
            ("a cloud", ECR, "aws", false, None, Who::Process(Cloud::Aws)),
            ("a cloud and a Secret", ECR, "aws", true, None, Who::Secrets),
            ("a cloud and a role", ECR, "aws", false, Some((&[ARN], false)), of_role()),
            ("a cloud, a role and a Secret", ECR, "aws", true, Some((&[ARN], false)), Who::Secrets),
            ("a cloud and pull Secrets", ECR, "aws", false, Some((&[], true)), Who::Secrets),
            ("a foreign registry and a Secret", "r.example", "aws", true, Some((&[], false)), Who::Secrets),
            (
                "Azure with a suffix of its own",
                "app.azure.example",
                "azure",
                false,
                None,
                Who::Process(Cloud::Azure),
            ),
        ] {
            assert_eq!(judge(host, provider, secret_ref, account), Ok(expected), "{name}");
        }
    }

    #[test]
    fn who_cannot_log_in_is_told_what_to_edit() {
        let half = &OPT_IN[..1];
        let spiffe = [("credential.auth.fluxcd.io/provider", "spiffe"), OPT_IN[1]];
        for (host, provider, secret_ref, account, expected) in [
            ("r.example", "generic", false, Some((half, false)), "both are needed, or none"),
            ("r.example", "generic", true, Some((half, false)), "both are needed, or none"),
            ("r.example", "generic", false, Some((&OPT_IN[..], true)), "beside imagePullSecrets"),
            ("r.example", "generic", false, Some((&spiffe[..], false)), "spiffe is not supported yet"),
            (ECR, "aws", false, Some((&[][..], false)), "eks.amazonaws.com/role-arn is missing"),
            ("r.example", "aws", false, None, "`r.example` is not"),
            (
                "012345678901.dkr.ecr.eu-west-1.amazonaws.com.r.example",
                "aws",
                false,
                Some((&[ARN][..], false)),
                "is not",
            ),
            ("gcr.io", "azure", false, None, "`gcr.io` is not"),
            ("r.example", "gcp", false, Some((&[][..], false)), "Google Artifact Registry"),
        ] {
            let failure = judge(host, provider, secret_ref, account).unwrap_err();
            assert_eq!((failure.step, failure.class), (Step::Identity, Class::Terminal), "{expected}");
            assert!(failure.message.contains(expected), "{expected}: {}", failure.message);
        }
    }
}
