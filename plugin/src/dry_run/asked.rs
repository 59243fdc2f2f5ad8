//! The signature that the object of a file asks for.

use oci_crds::validate::{Verification, check};
use oci_source::material::SecretData;

use super::{Input, input::Item};
use crate::error::Error;

/// What one object asks for, and where the Secrets that it names are.
pub(crate) struct Asked<'a> {
    /// Whose signature.
    pub(crate) verification: Verification,
    namespace: String,
    input: &'a Input,
}

impl Asked<'_> {
    /// A Secret of the object's namespace.
    pub(crate) fn secret(&self, name: &str) -> Option<&SecretData> {
        self.input.secrets.get(&(self.namespace.clone(), name.to_owned()))
    }
}

impl Input {
    /// What the only object of the file at `place` asks for.
    pub(crate) fn asked(&self, place: &str) -> Result<Asked<'_>, Error> {
        let wrong = |why: &str, hint: &str| Error::Document {
            doing: "reading spec.verify of",
            place: place.to_owned(),
            why: why.to_owned(),
            hint: Some(hint.to_owned()),
        };
        let [Item { object, .. }] = self.items.as_slice() else {
            let found = format!("{} OCIRepository objects can be read there, not one", self.items.len());
            return Err(wrong(&found, "`kubectl oci lint -f` says what is wrong with a file"));
        };
        let checked = check(&object.spec).checked;
        let lint = "`kubectl oci lint -f` says what is wrong with it";
        let checked = checked.ok_or_else(|| wrong("the object cannot be used", lint))?;
        let add = "add `spec.verify`, or say with `--key` whose signature counts";
        let verification = checked.verify.ok_or_else(|| wrong("the object asks for no signature", add))?;
        Ok(Asked {
            verification,
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            input: self,
        })
    }
}
