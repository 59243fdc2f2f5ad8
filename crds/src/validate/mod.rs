//! The rules for a spec, each written once: used at admission, by `kubectl oci lint` and by the controller.
//!
//! [`check`] parses everything that a spec says. It returns all faults, in the order of the fields, and the parsed
//! values ([`Checked`]) if the spec can be run at all. There are three kinds of finding ([`Kind`]): what cannot be run,
//! what could be run but is refused when it is new, and advice. [`judge`] decides what of that stops a write.

mod advice;
mod checked;
mod code;
mod fault;
mod judge;
mod layer;
mod names;
mod provider;
mod reference;
mod timing;
mod url;
mod verify;

pub use checked::{Checked, Layer, Operation, Provider, Selection, Verification};
pub use code::{Code, Kind, UnknownCode};
pub use fault::{Fault, Path, Warning};
pub use judge::{Judgement, judge};
pub use names::is_name;
pub use provider::Fit;
pub use timing::{DEFAULT_TIMEOUT, LONGEST_TIMEOUT, SHORTEST_INTERVAL};

pub(crate) use fault::quote;

use crate::v1::Spec;

/// What [`check`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every fault, in the order of the spec's fields.
    pub faults: Vec<Fault>,
    /// The parsed spec; `None` if some fault is [`Kind::Unusable`].
    pub checked: Option<Checked>,
}

/// Parses a spec and finds everything that is wrong with it.
pub fn check(spec: &Spec) -> Report {
    let mut faults = Vec::new();
    let checked = parse(spec, &mut faults);
    let usable = !faults.iter().any(|fault| fault.kind == Kind::Unusable);
    Report { faults, checked: checked.filter(|_| usable) }
}

impl Report {
    /// What is worth saying although it stops nothing; of a spec that cannot be run, nothing.
    fn advice(&self, spec: &Spec) -> Vec<Warning> {
        self.checked.as_ref().map(|checked| advice::advice(spec, checked)).unwrap_or_default()
    }
}

/// All rules, in the order of the fields. A rule that finds its part unusable returns `None` and says why in `faults`.
fn parse(spec: &Spec, faults: &mut Vec<Fault>) -> Option<Checked> {
    let repository = url::check(spec, faults);
    let selection = reference::check(spec, faults);
    let layer = layer::check(spec, faults);
    let provider = provider::check(spec, repository.as_ref(), faults);
    let secret = names::secret("spec.secretRef.name", spec.secret_ref.as_ref(), faults);
    let verify = verify::check(spec, faults);
    let service_account = names::service_account(spec, faults);
    let certificate = names::secret("spec.certSecretRef.name", spec.cert_secret_ref.as_ref(), faults);
    url::insecure(spec, faults);
    let proxy = names::secret("spec.proxySecretRef.name", spec.proxy_secret_ref.as_ref(), faults);
    let interval = timing::interval(spec, faults);
    let timeout = timing::timeout(spec, faults);
    Some(Checked {
        repository: repository?,
        selection: selection?,
        layer: layer?,
        provider: provider?,
        secret,
        verify,
        service_account,
        certificate,
        proxy,
        interval: interval?,
        timeout: timeout?,
        ignore: spec.ignore.clone(),
        insecure: spec.insecure.unwrap_or_default(),
        suspend: spec.suspend.unwrap_or_default(),
    })
}

/// The text, unless it is empty: to Go, an empty text is an absent one.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}
