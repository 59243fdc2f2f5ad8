//! The account and the Secrets of one object, from files.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ServiceAccount;
use oci_artifact::Class;
use oci_crds::{
    v1::{LocalReference, Verify},
    validate::Checked,
};
use oci_decide::{Failure, Observed, Step};
use oci_registry::auth::CredentialSource;
use oci_source::{
    identity::{Who, who},
    material::{AccountData, Material, MaterialFuture, Materials, SecretData, Trust, TrustFuture},
};

use super::Input;
use crate::{
    context::Context,
    ui::{Printer, clean},
};

/// Finds what one object names among what was read.
pub(super) struct FileMaterials<'a> {
    input: &'a Input,
    namespace: String,
    name: String,
    checked: Option<Checked>,
    secret: Option<String>,
    account: Option<String>,
    certificate: Option<String>,
    proxy: Option<String>,
    verify: Option<Verify>,
    logins: Arc<dyn CredentialSource>,
    printer: Printer,
}

impl<'a> FileMaterials<'a> {
    pub(super) fn new(input: &'a Input, observed: &Observed, context: &Context) -> Self {
        let checked = observed.report.checked.as_ref();
        Self {
            input,
            namespace: observed.namespace.clone(),
            name: observed.name.clone(),
            checked: checked.cloned(),
            secret: checked.and_then(|checked| checked.secret.clone()),
            account: checked.and_then(|checked| checked.service_account.clone()),
            certificate: checked.and_then(|checked| checked.certificate.clone()),
            proxy: checked.and_then(|checked| checked.proxy.clone()),
            verify: observed.spec.verify.clone(),
            logins: context.logins(),
            printer: context.printer,
        }
    }

    fn find(&self, name: &str, instead: &str) -> Option<SecretData> {
        let found = self.input.secrets.get(&(self.namespace.clone(), name.to_owned()));
        if found.is_none() {
            self.note("Secret", name, instead);
        }
        found.cloned()
    }

    fn note(&self, kind: &str, name: &str, instead: &str) {
        let name = clean(&format!("{}/{name}", self.namespace));
        self.printer.warning(format!("the {kind} {name} is not in the files: {instead}"));
    }

    fn gather(&self) -> Result<Material, Failure> {
        const LOCAL: &str = "the local Docker logins are used instead";
        let mut names: Vec<&String> = self.secret.iter().collect();
        let mut all_known = true;
        let mut account = None;
        if let Some(name) = &self.account {
            if let Some(found) = self.input.accounts.get(&(self.namespace.clone(), name.clone())) {
                let secrets: Vec<&String> =
                    found.image_pull_secrets.iter().flatten().map(|secret| &secret.name).collect();
                account = Some(self.account_data(name, found, !secrets.is_empty()));
                names.extend(secrets);
            } else {
                all_known = false;
                self.note("ServiceAccount", name, LOCAL);
            }
        }
        let pull: Vec<SecretData> = names.iter().filter_map(|name| self.find(name, LOCAL)).collect();
        all_known &= pull.len() == names.len();
        let material = Material {
            account,
            pull,
            certificate: self
                .certificate
                .as_ref()
                .and_then(|name| self.find(name, "no certificates but the system's are used")),
            proxy: self.proxy.as_ref().and_then(|name| self.find(name, "no proxy of its own is used")),
            logins: None,
        };
        // An identity is the cluster's; what asks for it can be judged here all the same.
        let who = self.checked.as_ref().map(|checked| who(checked, &material)).transpose();
        let whose = match who {
            _ if !all_known => None,
            Err(failure) => return Err(failure),
            Ok(Some(Who::Process(_))) => Some("the controller's own identity"),
            Ok(Some(Who::Account(_))) => Some("the identity of its ServiceAccount"),
            Ok(None | Some(Who::Secrets | Who::Nobody)) => None,
        };
        if let Some(whose) = whose {
            let name = clean(&format!("{}/{}", self.namespace, self.name));
            self.printer.warning(format!(
                "in a cluster, {name} logs in by {whose}: that cannot be checked here, {LOCAL}"
            ));
        }
        let logins = (!all_known || whose.is_some()).then(|| Arc::clone(&self.logins));
        Ok(Material { logins, ..material })
    }

    /// Without these nobody can say whether a signature is right.
    fn gather_trust(&self) -> Result<Trust, Failure> {
        let find = |reference: Option<&LocalReference>| match reference {
            Some(reference) => self.known(&reference.name).map(Some),
            None => Ok(None),
        };
        let verify = self.verify.as_ref();
        let secret = find(verify.and_then(|verify| verify.secret_ref.as_ref()))?;
        let root = match find(verify.and_then(|verify| verify.trusted_root_secret_ref.as_ref())) {
            Ok(root) => root,
            Err(_) if secret.is_some() => None,
            Err(failure) => return Err(failure),
        };
        Ok(Trust { secret, root })
    }

    fn known(&self, name: &str) -> Result<SecretData, Failure> {
        let found = self.input.secrets.get(&(self.namespace.clone(), name.to_owned()));
        found.cloned().ok_or_else(|| Failure {
            step: Step::Signature,
            class: Class::Terminal,
            message: format!(
                "the Secret {} is not in the files",
                clean(&format!("{}/{name}", self.namespace))
            ),
            hint: Some("add it to the files: without it no signature can be verified".to_owned()),
        })
    }

    fn account_data(&self, name: &str, account: &ServiceAccount, pull_secrets: bool) -> AccountData {
        AccountData {
            namespace: self.namespace.clone(),
            name: name.to_owned(),
            annotations: account.metadata.annotations.clone().unwrap_or_default(),
            pull_secrets,
            tokens: None,
        }
    }
}

impl Materials for FileMaterials<'_> {
    fn read(&self) -> MaterialFuture<'_> {
        let material = self.gather();
        Box::pin(async { material })
    }

    fn trust(&self) -> TrustFuture<'_> {
        let trust = self.gather_trust();
        Box::pin(async { trust })
    }
}
