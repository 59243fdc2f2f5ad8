//! Names of Secrets and ServiceAccounts.

use super::{Code, Fault, Path, fault::quote, given};
use crate::v1::{LocalReference, Spec};

/// Longest name, in bytes.
const LONGEST: usize = 253;

/// The name of the Secret that a reference has, whose name stands at `path`.
pub(super) fn secret(
    path: &'static str,
    reference: Option<&LocalReference>,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let name = &reference?.name;
    check(&Path::new(path), name, "a Secret", faults)
}

/// The name of the ServiceAccount.
pub(super) fn service_account(spec: &Spec, faults: &mut Vec<Fault>) -> Option<String> {
    let name = given(spec.service_account_name.as_ref())?;
    check(&Path::new("spec.serviceAccountName"), name, "a ServiceAccount", faults)
}

fn check(path: &Path, name: &str, of: &str, faults: &mut Vec<Fault>) -> Option<String> {
    if is_name(name) {
        return Some(name.to_owned());
    }
    let message = if name.is_empty() {
        format!("the name of {of} is empty")
    } else {
        format!(
            "{} is no name of {of}: lower-case letters, digits, `-` and `.`, at most {LONGEST}",
            quote(name)
        )
    };
    faults.push(Fault::new(Code::NameInvalid, path, Some(name), message));
    None
}

/// Whether an object of Kubernetes can have this name: a DNS subdomain (RFC 1123) in lower case, of at most 253 bytes.
pub fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= LONGEST
        && name.split('.').all(|label| {
            label.bytes().all(|b| inner(b) || b == b'-')
                && label.bytes().next().is_some_and(inner)
                && label.bytes().last().is_some_and(inner)
        })
}
