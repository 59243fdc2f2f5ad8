//! The chain of a signer's certificate, whatever the time.
//!
//! Specification: `signature-specification.md` of the Notary Project, "Certificate Requirements". A chain is complete, in
//! order from the signer's certificate to a self-signed one, and has nothing behind that. The signer's certificate may be
//! the self-signed one itself.

use x509_cert::{
    der::asn1::ObjectIdentifier,
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages},
};

use super::{NotationReason, certificate::Certificate, key::Algorithm};

const TIMESTAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// What a certificate must not be for if it signs artifacts: TLS servers and clients, mail, timestamps, OCSP.
const EXCLUDED: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4"),
    TIMESTAMPING,
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9"),
];

/// What is signed with the first certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Artifacts,
    Timestamps,
}

/// Refuses a chain that does not hold together, or is for something else. Whoever reads it bounds its length.
pub(super) fn check(chain: &[Certificate], purpose: Purpose) -> Result<(), NotationReason> {
    let Some((leaf, issuers)) = chain.split_first() else {
        return Err(NotationReason::ChainLength(0));
    };
    check_links(chain)?;
    for certificate in chain {
        certificate.check_extensions()?;
    }
    check_leaf(leaf, purpose)?;
    for (below, issuer) in issuers.iter().enumerate() {
        check_issuer(issuer, below, purpose)?;
    }
    Ok(())
}

fn check_links(chain: &[Certificate]) -> Result<(), NotationReason> {
    for pair in chain.windows(2) {
        let [certificate, issuer] = pair else { continue };
        if certificate.is_self_signed() {
            return Err(NotationReason::BehindRoot(certificate.whose()));
        }
        if !certificate.is_issued_by(issuer) {
            return Err(NotationReason::NotIssued {
                certificate: certificate.whose(),
                issuer: issuer.whose(),
            });
        }
    }
    match chain.last() {
        Some(root) if !root.is_self_signed() => Err(NotationReason::NoRoot(root.whose())),
        _ => Ok(()),
    }
}

fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), NotationReason> {
    if leaf.extension::<BasicConstraints>()?.is_some_and(|(_, constraints)| constraints.ca) {
        return Err(leaf.usage("is an authority's, which signs certificates only"));
    }
    let usage = key_usage(leaf, purpose)?;
    if !usage.digital_signature() {
        return Err(leaf.usage("is not for signatures: its key usage has no digital signature"));
    }
    let signs = |usage| matches!(usage, KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
    if !usage.0.into_iter().all(signs) {
        return Err(leaf.usage("has a key usage beside digital signature"));
    }
    let extended = leaf.extension::<ExtendedKeyUsage>()?;
    match purpose {
        Purpose::Artifacts => {
            let excluded = |usages: &ExtendedKeyUsage| usages.0.iter().any(|usage| EXCLUDED.contains(usage));
            if extended.is_some_and(|(_, usages)| excluded(&usages)) {
                return Err(leaf.usage("has an extended key usage for something else than artifacts"));
            }
        }
        Purpose::Timestamps => {
            let (critical, usages) =
                extended.ok_or_else(|| leaf.usage("has no extended key usage for timestamps"))?;
            if !critical || usages.0 != [TIMESTAMPING] {
                return Err(leaf.usage("has no critical extended key usage for timestamps alone"));
            }
        }
    }
    Algorithm::due(leaf.key()).map(drop)
}

/// `below` are the authorities between it and the signer's certificate.
fn check_issuer(issuer: &Certificate, below: usize, purpose: Purpose) -> Result<(), NotationReason> {
    let constraints = issuer.extension::<BasicConstraints>()?.map(|(_, constraints)| constraints);
    let constraints = constraints.filter(|constraints| constraints.ca);
    let constraints = constraints.ok_or_else(|| issuer.usage("is not an authority's"))?;
    if constraints.path_len_constraint.is_some_and(|most| usize::from(most) < below) {
        return Err(issuer.usage("allows fewer authorities below it"));
    }
    if !key_usage(issuer, purpose)?.key_cert_sign() {
        return Err(issuer.usage("is not for certificates: its key usage has no certificate signing"));
    }
    // As Go's verifier has it: what an authority may not do, nobody below it may.
    let allowed =
        |usages: &ExtendedKeyUsage| usages.0.iter().any(|usage| [TIMESTAMPING, ANY_USAGE].contains(usage));
    match issuer.extension::<ExtendedKeyUsage>()? {
        Some((_, usages)) if purpose == Purpose::Timestamps && !allowed(&usages) => {
            Err(issuer.usage("has no extended key usage for timestamps"))
        }
        _ => Ok(()),
    }
}

fn key_usage(certificate: &Certificate, purpose: Purpose) -> Result<KeyUsage, NotationReason> {
    let usage = certificate.extension::<KeyUsage>()?;
    let (critical, usage) = usage.ok_or_else(|| certificate.usage("has no key usage"))?;
    if purpose == Purpose::Artifacts && !critical {
        return Err(certificate.usage("has a key usage that is not critical"));
    }
    Ok(usage)
}
