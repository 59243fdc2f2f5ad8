//! From who logs in to a client that does: whose logins are shared, and what messages call them.

use std::{sync::Arc, time::Instant};

use oci_artifact::{Class, name::Cloud};
use oci_crds::validate::Checked;
use oci_decide::{Failure, Step};
use oci_identity::{Identities, Plan, account::Account};
use oci_registry::Client;

use crate::{
    clients::{Clients, Tenant},
    connection::Connection,
    credentials::PullSecrets,
    failure::Login,
    identity::{Who, who},
    material::{AccountData, Material},
};

/// What logs in, of which nothing was asked yet.
pub(crate) enum Way {
    Secrets(PullSecrets),
    Identity(Box<Plan>),
    Nobody,
}

impl Way {
    /// Decides it. `namespace` is the object's.
    pub(crate) fn of(checked: &Checked, material: &Material) -> Result<Self, Failure> {
        // What is in the Secrets is read first: one that cannot be read is no other way to log in.
        let secrets = PullSecrets::read(&material.pull)?;
        let plan = match (who(checked, material)?, secrets, &material.account) {
            (Who::Secrets, Some(secrets), _) => return Ok(Self::Secrets(secrets)),
            (Who::Process(cloud), ..) => Plan::Process(cloud),
            (Who::Account(wish), _, Some(account)) => {
                let AccountData { namespace, name, tokens, .. } = account;
                let Some(tokens) = tokens.clone() else { return Err(no_cluster(account)) };
                Plan::Account(Account { namespace: namespace.clone(), name: name.clone(), wish, tokens })
            }
            (Who::Nobody | Who::Secrets | Who::Account(_), ..) => return Ok(Self::Nobody),
        };
        Ok(Self::Identity(Box::new(plan)))
    }

    /// The client that logs in, and who that is.
    pub(crate) fn open(
        self,
        clients: &Clients,
        identities: Option<&Identities>,
        connection: &Connection,
        namespace: &str,
        checked: &Checked,
        now: Instant,
    ) -> Result<(Login, Client), Failure> {
        match self {
            Self::Nobody => Ok((Login::Nothing, clients.anonymous(connection, now))),
            Self::Secrets(secrets) => {
                let login = match secrets.find(&checked.repository) {
                    Some(found) => Login::Found(found.origin),
                    None => Login::NoEntry(secrets.names()),
                };
                let tenant = Tenant::Secrets(namespace.to_owned(), secrets.origins.clone());
                let fingerprint = secrets.fingerprint;
                Ok((login, clients.tenant(connection, tenant, Some(fingerprint), now, || Arc::new(secrets))))
            }
            Self::Identity(plan) => {
                let Some(identities) = identities else { return Err(no_identities()) };
                let shown = shown(&plan);
                let tenant = match &*plan {
                    Plan::Process(cloud) => Tenant::Process(*cloud),
                    Plan::Account(account) => Tenant::Account {
                        namespace: account.namespace.clone(),
                        name: account.name.clone(),
                        wish: account.wish.clone(),
                    },
                };
                let (web, way) = clients.web(connection, now);
                let source = || Arc::new(identities.source(*plan, web, way));
                Ok((Login::Identity(shown), clients.tenant(connection, tenant, None, now, source)))
            }
        }
    }
}

/// For messages.
fn shown(plan: &Plan) -> String {
    match plan {
        Plan::Process(Cloud::Aws) => "the controller's own identity in AWS".to_owned(),
        Plan::Process(Cloud::Azure) => "the controller's own identity in Azure".to_owned(),
        Plan::Process(Cloud::Gcp) => "the controller's own identity in Google Cloud".to_owned(),
        Plan::Account(account) => format!("service account '{}/{}'", account.namespace, account.name),
    }
}

fn no_cluster(account: &AccountData) -> Failure {
    Failure {
        step: Step::Identity,
        class: Class::Terminal,
        message: format!(
            "service account '{}/{}' logs in by a token that only its cluster can make",
            account.namespace, account.name
        ),
        hint: None,
    }
}

fn no_identities() -> Failure {
    Failure {
        step: Step::Identity,
        class: Class::Terminal,
        message: "only a controller in its cluster has the identity that logs in".to_owned(),
        hint: None,
    }
}
