//! Whether certificates were taken back: who would say so is not asked, and that is said.
//!
//! As in Notation a root cannot be taken back, and a certificate that names nobody who would say so counts as not
//! revoked. One that names somebody is refused where revocation is enforced: there is no answer, which is not a good one.

use x509_cert::{
    der::{asn1::ObjectIdentifier, oid::AssociatedOid as _},
    ext::pkix::AuthorityInfoAccessSyntax,
};

use super::{NotationReason, certificate::Certificate};

const CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");

/// Refuses a chain with a certificate about which somebody would have to be asked.
pub(super) fn check(chain: &[Certificate]) -> Result<(), NotationReason> {
    let below_root = chain.split_last().map(|(_, below)| below).unwrap_or_default();
    for certificate in below_root {
        if let Some(source_kind) = source(certificate) {
            return Err(NotationReason::Revocation { certificate: certificate.whose(), source_kind });
        }
    }
    Ok(())
}

fn source(certificate: &Certificate) -> Option<&'static str> {
    let ocsp = match certificate.extension::<AuthorityInfoAccessSyntax>() {
        Ok(access) => {
            access.is_some_and(|(_, access)| access.0.iter().any(|access| access.access_method == OCSP))
        }
        // What cannot be read may name anybody.
        Err(_) => certificate.has(AuthorityInfoAccessSyntax::OID),
    };
    if ocsp {
        return Some("OCSP");
    }
    certificate.has(CRL).then_some("CRL")
}
