//! What is worth saying although nothing is wrong.

use std::time::Duration;

use oci_artifact::name::Pattern;

use super::{
    Checked, Code, Operation, Path, Provider, Selection, Verification, Warning,
    fault::quote,
    given, parse,
    provider::{Fit, fit, registries},
};
use crate::v1::Spec;

/// Below this the registry is asked so often that it may start to refuse.
const BUSY: Duration = Duration::from_secs(10);

/// All advice about a spec that can be parsed, in the order of the fields; none about one that cannot.
pub(super) fn advice(spec: &Spec) -> Vec<Warning> {
    let Some(checked) = parse(spec, &mut Vec::new()) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    selection(spec, &checked, &mut warnings);
    provider(&checked, &mut warnings);
    verify(spec, &mut warnings);
    let mut say = |code, field: &str, text: &str| warnings.push(Warning::new(code, Path::spec(field), text));
    if checked.proxy.is_some() && matches!(checked.verify, Some(Verification::CosignKeyless { .. })) {
        say(
            Code::ProxyIgnored,
            "proxySecretRef",
            "the proxy is used for the registry, not for what cosign without keys fetches from the trust root",
        );
    }
    if !checked.interval.is_zero() && checked.interval < BUSY {
        say(Code::IntervalBusy, "interval", "the registry is asked very often; many registries limit that");
    }
    if given(spec.ignore.as_ref()).is_some() && checked.layer.operation == Operation::Copy {
        say(Code::IgnoreUnused, "ignore", "ignore rules do nothing where the layer is copied as it is");
    }
    if checked.insecure {
        say(
            Code::Insecure,
            "insecure",
            "plain HTTP: whoever is on the way to the registry can change the artifact",
        );
    }
    warnings
}

fn selection(spec: &Spec, checked: &Checked, warnings: &mut Vec<Warning>) {
    let reference = spec.reference.clone().unwrap_or_default();
    let fields = [&reference.tag, &reference.semver, &reference.digest];
    let mut say = |code, text: &str| warnings.push(Warning::new(code, Path::spec("ref"), text));
    if fields.iter().all(|text| given(text.as_ref()).is_none()) {
        say(
            Code::RefLatest,
            "nothing is selected, which means the tag `latest`; say which tag, semver or digest is wanted",
        );
        return;
    }
    if spec.verify.is_none() && !matches!(checked.selection, Selection::Digest(_)) {
        say(
            Code::MutableTag,
            "a tag can be moved to another artifact and no signature is asked for; add `spec.verify`, or select a digest",
        );
    }
}

fn provider(checked: &Checked, warnings: &mut Vec<Warning>) {
    let host = checked.repository.host();
    if checked.provider == Provider::Generic || fit(checked.provider, host) == Fit::Own {
        return;
    }
    let of = registries(checked.provider);
    let text = format!("`{host}` does not look like {of}; the cloud's identity is then not used");
    warnings.push(Warning::new(Code::ProviderForeign, Path::spec("provider"), text));
}

fn verify(spec: &Spec, warnings: &mut Vec<Warning>) {
    let Some(verify) = spec.verify.as_ref().filter(|verify| verify.secret_ref.is_none()) else {
        return;
    };
    for (index, identity) in verify.match_oidc_identity.iter().flatten().enumerate() {
        for (field, text) in [("issuer", &identity.issuer), ("subject", &identity.subject)] {
            if !text.is_empty() && is_open(text) {
                let path = Path::spec("verify.matchOIDCIdentity").index(index).field(field);
                let text =
                    format!("{} also matches in the middle of something longer; write `^…$`", quote(text));
                warnings.push(Warning::new(Code::UnanchoredIdentity, path, text));
            }
        }
    }
}

/// Whether a pattern can match inside something longer without saying so: one that ends in `.*` says so.
fn is_open(text: &str) -> bool {
    let anchored = |text: &str| Pattern::parse(text).is_ok_and(|pattern| pattern.is_anchored());
    Pattern::parse(text).is_ok()
        && !anchored(text)
        && !(text.ends_with(".*") && anchored(&format!("{text}$")))
}
