//! What stands in files: objects of ours, and the Secrets and ServiceAccounts that they name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use oci_crds::{GROUP, KIND, VERSIONS, v1::OciRepository};
use oci_registry::Secret as Hidden;
use oci_source::material::SecretData;
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    error::Error,
    manifests::LintReport,
    yaml::{Documents, Id, Problem},
};

/// Lists within lists.
const NESTING: usize = 8;

/// One object of ours.
pub(crate) struct Item {
    pub(super) file: String,
    pub(super) object: OciRepository,
}

impl Item {
    /// `namespace/name`
    pub(super) fn name(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{}/{}", text(&self.object.metadata.namespace), text(&self.object.metadata.name))
    }
}

/// Namespace and name.
type Key = (String, String);

/// Everything that was read.
pub(crate) struct Input {
    namespace: String,
    pub(super) items: Vec<Item>,
    pub(super) secrets: BTreeMap<Key, SecretData>,
    pub(super) accounts: BTreeMap<Key, ServiceAccount>,
    pub(super) lint: LintReport,
}

impl Input {
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            items: Vec::new(),
            secrets: BTreeMap::new(),
            accounts: BTreeMap::new(),
            lint: LintReport::default(),
        }
    }

    /// Takes what is in a text. What cannot be read is left to the linter, which says where it stands.
    pub(super) fn objects(&mut self, file: &str, text: &str) -> Result<(), Error> {
        let trees = Documents::new(text).map_while(Result::ok);
        let values = trees.filter_map(|tree| tree.value(Id::ROOT).ok()).map(|(value, _)| value);
        values.into_iter().try_for_each(|value| self.take(file, value, 0))
    }

    /// Takes what is in a text that must be readable.
    pub(super) fn secrets(&mut self, file: &str, text: &str) -> Result<(), Error> {
        for document in Documents::new(text) {
            let value = document.and_then(|tree| tree.value(Id::ROOT));
            let (value, _) = value.map_err(|problem| unreadable(file, &problem))?;
            self.take(file, value, 0)?;
        }
        Ok(())
    }

    fn take(&mut self, file: &str, mut value: Value, depth: usize) -> Result<(), Error> {
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let ours = version.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/'));
        match (version.as_str(), kind.as_str()) {
            ("v1", "Secret") => self.secret(file, value),
            ("v1", "ServiceAccount") => self.account(file, value),
            (_, KIND) if ours.is_some_and(|version| VERSIONS.contains(&version)) => {
                self.item(file, value);
                Ok(())
            }
            (_, kind) if kind.ends_with("List") && depth < NESTING => {
                let items = value.get_mut("items").map(Value::take);
                let Some(Value::Array(items)) = items else { return Ok(()) };
                let of = kind.strip_suffix("List").filter(|of| !of.is_empty());
                items.into_iter().try_for_each(|mut item| {
                    // As kubectl: a typed list says for its items what they leave out.
                    if let (Some(of), Value::Object(fields)) = (of, &mut item) {
                        fields.entry("apiVersion").or_insert_with(|| version.as_str().into());
                        fields.entry("kind").or_insert_with(|| of.into());
                    }
                    self.take(file, item, depth + 1)
                })
            }
            _ => Ok(()),
        }
    }

    /// An object that cannot be decoded is refused by the linter.
    fn item(&mut self, file: &str, value: Value) {
        if let Ok(mut object) = OciRepository::deserialize(value) {
            let namespace = self.namespace(object.metadata.namespace.take());
            object.metadata.namespace = Some(namespace);
            self.items.push(Item { file: file.to_owned(), object });
        }
    }

    fn secret(&mut self, file: &str, value: Value) -> Result<(), Error> {
        // The decoder's own words may hold a value.
        let secret = Secret::deserialize(value).map_err(|_| Error::Document {
            doing: "reading a Secret in",
            place: file.to_owned(),
            why: "it has not the form of one".into(),
            hint: Some("the values of `data` are base64, those of `stringData` plain text".into()),
        })?;
        let (namespace, name) = self.key(secret.metadata);
        let mut data: BTreeMap<_, _> = secret
            .data
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, Hidden::new(value.0)))
            .collect();
        let plain = secret.string_data.unwrap_or_default().into_iter();
        data.extend(plain.map(|(key, text)| (key, Hidden::new(text.into_bytes()))));
        let (origin, kind) = (format!("{namespace}/{name}"), secret.type_.unwrap_or_default());
        self.secrets.insert((namespace, name), SecretData { origin, kind, data });
        Ok(())
    }

    fn account(&mut self, file: &str, value: Value) -> Result<(), Error> {
        let account = ServiceAccount::deserialize(value).map_err(|error| Error::Document {
            doing: "reading a ServiceAccount in",
            place: file.to_owned(),
            why: error.to_string(),
            hint: None,
        })?;
        self.accounts.insert(self.key(account.metadata.clone()), account);
        Ok(())
    }

    fn key(&self, metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Key {
        (self.namespace(metadata.namespace), metadata.name.unwrap_or_default())
    }

    fn namespace(&self, given: Option<String>) -> String {
        given.filter(|given| !given.is_empty()).unwrap_or_else(|| self.namespace.clone())
    }
}

/// A file of Secrets that is none.
pub(super) fn unreadable(file: &str, problem: &Problem) -> Error {
    let place = format!("{file}:{}", problem.mark.line);
    Error::Document { doing: "reading", place, why: problem.why.clone(), hint: None }
}
