//! Whether a client certificate is still good. Registries refuse one that is over, and few say why.

use jiff::Timestamp;
use oci_artifact::Class;
use oci_decide::{Failure, Step};
use oci_registry::Tls;
use x509_parser::pem::Pem;

/// Fails if the client's certificate has ended. What cannot be read is left to the connection, which says more about it;
/// so is one that has not begun, since our clock may be late.
pub(crate) fn not_over(tls: &Tls, now: Timestamp) -> Result<(), Failure> {
    let Some(certificate) = &tls.certificate else { return Ok(()) };
    let leaf =
        Pem::iter_from_buffer(&certificate.text).map_while(Result::ok).find(|pem| pem.label == "CERTIFICATE");
    let end = leaf
        .as_ref()
        .and_then(|leaf| leaf.parse_x509().ok())
        .map(|leaf| leaf.validity().not_after.timestamp());
    match end.and_then(|end| Timestamp::from_second(end).ok()) {
        Some(end) if end <= now => Err(Failure {
            step: Step::Certificates,
            class: Class::Terminal,
            message: format!("`{}` ended at {end}", certificate.origin),
            hint: Some("renew it, with its key".to_owned()),
        }),
        _ => Ok(()),
    }
}
