//! The Secrets of one object, from files.

use std::sync::Arc;

use oci_decide::Observed;
use oci_registry::auth::CredentialSource;
use oci_source::material::{Material, MaterialFuture, Materials, SecretData};

use super::Input;
use crate::{
    context::Context,
    ui::{Printer, clean},
};

/// Finds what one object names among what was read.
pub(super) struct FileMaterials<'a> {
    input: &'a Input,
    namespace: String,
    secret: Option<String>,
    account: Option<String>,
    certificate: Option<String>,
    proxy: Option<String>,
    logins: Arc<dyn CredentialSource>,
    printer: Printer,
}

impl<'a> FileMaterials<'a> {
    pub(super) fn new(input: &'a Input, observed: &Observed, context: &Context) -> Self {
        let checked = observed.report.checked.as_ref();
        Self {
            input,
            namespace: observed.namespace.clone(),
            secret: checked.and_then(|checked| checked.secret.clone()),
            account: checked.and_then(|checked| checked.service_account.clone()),
            certificate: checked.and_then(|checked| checked.certificate.clone()),
            proxy: checked.and_then(|checked| checked.proxy.clone()),
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

    fn gather(&self) -> Material {
        const LOCAL: &str = "the local Docker logins are used instead";
        let mut names: Vec<&String> = self.secret.iter().collect();
        let mut all_known = true;
        if let Some(account) = &self.account {
            if let Some(secrets) = self.input.accounts.get(&(self.namespace.clone(), account.clone())) {
                names.extend(secrets);
            } else {
                all_known = false;
                self.note("ServiceAccount", account, LOCAL);
            }
        }
        let pull: Vec<SecretData> = names.iter().filter_map(|name| self.find(name, LOCAL)).collect();
        all_known &= pull.len() == names.len();
        Material {
            pull,
            certificate: self
                .certificate
                .as_ref()
                .and_then(|name| self.find(name, "no certificates but the system's are used")),
            proxy: self.proxy.as_ref().and_then(|name| self.find(name, "no proxy of its own is used")),
            logins: (!all_known).then(|| Arc::clone(&self.logins)),
        }
    }
}

impl Materials for FileMaterials<'_> {
    fn read(&self) -> MaterialFuture<'_> {
        let material = self.gather();
        Box::pin(async { Ok(material) })
    }
}
