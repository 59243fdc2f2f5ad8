//! From the flags of `create` to an object. Nothing is judged here: the rules of the API are.

use std::collections::BTreeMap;

use clap::Args;
use oci_crds::{
    GROUP, KIND,
    v1::{Identity, LayerSelector, LocalReference, Reference, Spec, Verify},
};
use serde_json::{Map, Value, json};

use crate::{args::split_list, error::Error};

/// What the object says; the names of the flags are those of `flux create source oci`.
#[derive(Args, Debug)]
#[command(next_help_heading = "Object")]
pub(crate) struct SpecArgs {
    #[arg(long, value_name = "URL", help = "Repository, without tag and digest: oci://HOST/REPOSITORY")]
    url: String,
    /// Take the artifact with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Take the highest version in this range, as in `>=1.0.0 <2.0.0`
    #[arg(long, value_name = "RANGE")]
    tag_semver: Option<String>,
    /// Of the tags for --tag-semver, look only at those that match this regular expression
    #[arg(long, value_name = "REGEX")]
    semver_filter: Option<String>,
    /// Take the artifact with this digest
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// How often the registry is asked for something new
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    interval: String,
    /// How long the registry may take
    #[arg(long, value_name = "DURATION")]
    fetch_timeout: Option<String>,
    /// Secret with the login (kubernetes.io/dockerconfigjson)
    #[arg(long, value_name = "SECRET")]
    secret_ref: Option<String>,
    /// ServiceAccount whose pull Secrets or identity log in
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// Secret with certificates (ca.crt, tls.crt, tls.key)
    #[arg(long, value_name = "SECRET")]
    cert_ref: Option<String>,
    /// Secret with a proxy (address, username, password)
    #[arg(long, value_name = "SECRET")]
    proxy_secret_ref: Option<String>,
    /// Cloud whose identity logs in: generic, aws, azure or gcp
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Speak plain HTTP to the registry
    #[arg(long)]
    insecure: bool,
    /// Ask for a signature: cosign or notation
    #[arg(long, value_name = "PROVIDER")]
    verify_provider: Option<String>,
    /// Secret with the keys or the trust policy of the signature
    #[arg(long, value_name = "SECRET", requires = "verify_provider")]
    verify_secret_ref: Option<String>,
    /// Issuer of the signer's identity, a regular expression
    #[arg(long, value_name = "REGEX", requires = "verify_provider", requires = "verify_subject")]
    verify_issuer: Option<String>,
    /// Signer's identity, a regular expression
    #[arg(long, value_name = "REGEX", requires = "verify_provider", requires = "verify_issuer")]
    verify_subject: Option<String>,
    /// Leave these paths out, in .gitignore syntax; comma separated or repeated
    #[arg(long, value_name = "PATTERNS")]
    ignore_paths: Vec<String>,
    /// Layer that is the content, and whether it is extracted or copied
    #[arg(long, value_name = "MEDIATYPE:extract|copy")]
    layer_selector: Option<String>,
    /// Labels; comma separated or repeated
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<String>,
}

impl SpecArgs {
    /// The object as it is applied: no field that was not asked for, so that others may set those.
    pub(crate) fn object(&self, namespace: &str, name: &str) -> Result<Value, Error> {
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(name));
        metadata.insert("namespace".into(), json!(namespace));
        let labels = self.labels()?;
        if !labels.is_empty() {
            metadata.insert("labels".into(), json!(labels));
        }
        let spec = self.spec()?;
        Ok(json!({ "apiVersion": format!("{GROUP}/v1"), "kind": KIND, "metadata": metadata, "spec": spec }))
    }

    fn spec(&self) -> Result<Spec, Error> {
        let secret = |name: &Option<String>| name.clone().map(|name| LocalReference { name });
        let ignore: Vec<String> = self.ignore_paths.iter().flat_map(|text| split_list(text)).collect();
        Ok(Spec {
            url: Some(self.url.clone()),
            reference: self.reference(),
            layer_selector: self.layer()?,
            provider: self.provider.clone(),
            secret_ref: secret(&self.secret_ref),
            verify: self.verify(),
            service_account_name: self.service_account.clone(),
            cert_secret_ref: secret(&self.cert_ref),
            proxy_secret_ref: secret(&self.proxy_secret_ref),
            interval: Some(self.interval.clone()),
            timeout: self.fetch_timeout.clone(),
            ignore: (!ignore.is_empty()).then(|| ignore.join("\n")),
            insecure: self.insecure.then_some(true),
            suspend: None,
        })
    }

    fn reference(&self) -> Option<Reference> {
        let reference = Reference {
            digest: self.digest.clone(),
            semver: self.tag_semver.clone(),
            semver_filter: self.semver_filter.clone(),
            tag: self.tag.clone(),
        };
        (reference != Reference::default()).then_some(reference)
    }

    fn layer(&self) -> Result<Option<LayerSelector>, Error> {
        let Some(text) = &self.layer_selector else { return Ok(None) };
        let (media_type, operation) = text.rsplit_once(':').ok_or_else(|| {
            Error::usage(format!("--layer-selector `{text}` is not like `application/tar+gzip:extract`"))
        })?;
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Ok(Some(LayerSelector { media_type: given(media_type), operation: given(operation) }))
    }

    fn verify(&self) -> Option<Verify> {
        let provider = self.verify_provider.clone()?;
        let identity = self.verify_issuer.clone().zip(self.verify_subject.clone());
        Some(Verify {
            provider: Some(provider),
            secret_ref: self.verify_secret_ref.clone().map(|name| LocalReference { name }),
            match_oidc_identity: identity.map(|(issuer, subject)| vec![Identity { issuer, subject }]),
            trusted_root_secret_ref: None,
        })
    }

    fn labels(&self) -> Result<BTreeMap<String, String>, Error> {
        let pairs = self.label.iter().flat_map(|text| split_list(text));
        let parse = |pair: String| {
            let wrong = || Error::usage(format!("--label `{pair}` is not like `team=web`"));
            let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
            Ok((key.to_owned(), value.to_owned()))
        };
        pairs.map(parse).collect()
    }
}
