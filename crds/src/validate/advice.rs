//! What is worth saying although nothing is wrong.

use std::time::Duration;

use super::{
    Checked, Code, Operation, Path, Provider, Selection, Verification, Warning,
    fault::quote,
    given,
    provider::{Fit, registries},
};
use crate::v1::Spec;

/// Below this the registry is asked so often that it may start to refuse.
const BUSY: Duration = Duration::from_secs(10);

/// All advice about a spec, in the order of the fields.
pub(super) fn advice(spec: &Spec, checked: &Checked) -> Vec<Warning> {
    let mut warnings = Vec::new();
    selection(spec, checked, &mut warnings);
    provider(checked, &mut warnings);
    verify(checked, &mut warnings);
    let mut say = |code, path, text: &str| warnings.push(Warning::new(code, Path::new(path), text));
    if checked.proxy.is_some() && matches!(checked.verify, Some(Verification::CosignKeyless { .. })) {
        say(
            Code::ProxyIgnored,
            "spec.proxySecretRef",
            "the proxy is used for the registry, not for what cosign without keys fetches from the trust root",
        );
    }
    if !checked.interval.is_zero() && checked.interval < BUSY {
        say(
            Code::IntervalBusy,
            "spec.interval",
            "the registry is asked very often; many registries limit that",
        );
    }
    if given(spec.ignore.as_ref()).is_some() && checked.layer.operation == Operation::Copy {
        say(Code::IgnoreUnused, "spec.ignore", "ignore rules do nothing where the layer is copied as it is");
    }
    if checked.insecure {
        say(
            Code::Insecure,
            "spec.insecure",
            "plain HTTP: whoever is on the way to the registry can change the artifact",
        );
    }
    warnings
}

fn selection(spec: &Spec, checked: &Checked, warnings: &mut Vec<Warning>) {
    let mut say = |code, text: &str| warnings.push(Warning::new(code, Path::new("spec.ref"), text));
    let selected = spec.reference.as_ref().is_some_and(|reference| {
        let fields = [&reference.tag, &reference.semver, &reference.digest];
        fields.iter().any(|text| given(text.as_ref()).is_some())
    });
    if !selected {
        say(
            Code::RefLatest,
            "nothing is selected, which means the tag `latest`; say which tag, semver or digest is wanted",
        );
    } else if spec.verify.is_none() && !matches!(checked.selection, Selection::Digest(_)) {
        say(
            Code::MutableTag,
            "a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest",
        );
    }
}

fn provider(checked: &Checked, warnings: &mut Vec<Warning>) {
    let host = checked.repository.host();
    if checked.provider == Provider::Generic || checked.provider.fit(host) == Fit::Own {
        return;
    }
    let of = registries(checked.provider);
    let text = format!("`{host}` does not look like {of}; the cloud's identity is then not used");
    warnings.push(Warning::new(Code::ProviderForeign, Path::new("spec.provider"), text));
}

fn verify(checked: &Checked, warnings: &mut Vec<Warning>) {
    let Some(Verification::CosignKeyless { identities, .. }) = &checked.verify else {
        return;
    };
    for (index, identity) in identities.iter().enumerate() {
        for (field, pattern) in identity.open() {
            let path = Path::new("spec.verify.matchOIDCIdentity").index(index).field(field);
            let pattern = quote(pattern.as_str());
            let text = format!("{pattern} also matches in the middle of something longer; write `^…$`");
            warnings.push(Warning::new(Code::UnanchoredIdentity, path, text));
        }
    }
}
