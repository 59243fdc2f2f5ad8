//! Making certificates: an authority, and certificates that it signs.

use std::time::Duration;

use jiff::Timestamp;
use oci_server::tls::source::Material;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

use super::issue::Lifetimes;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("making a certificate failed: {0}")]
pub struct Error(#[from] rcgen::Error);

/// A new authority: its certificate and its key, in PEM.
pub fn found(lifetimes: &Lifetimes, now: Timestamp) -> Result<Material, Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    // The time tells two authorities apart that stand in one bundle.
    params.distinguished_name.push(DnType::CommonName, format!("oci-webhook authority {now:.0}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let begin = before(now, lifetimes.backdate());
    last(&mut params, begin, after(begin, lifetimes.authority));
    let certificate = params.self_signed(&key)?.pem().into_bytes();
    Ok(Material { certificate, key: key.serialize_pem().into_bytes() })
}

/// A certificate for `names` (host names or addresses) that an authority signs, no longer valid than the authority.
pub fn issue(
    authority: &CertificateDer<'_>,
    key: &str,
    until: Timestamp,
    names: &[String],
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Result<Material, Error> {
    let issuer = Issuer::from_ca_cert_der(authority, KeyPair::from_pem(key)?)?;
    let own = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "oci-webhook");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let begin = before(now, lifetimes.backdate());
    last(&mut params, begin, after(begin, lifetimes.leaf).min(until));
    let certificate = params.signed_by(&own, &issuer)?.pem().into_bytes();
    Ok(Material { certificate, key: own.serialize_pem().into_bytes() })
}

fn before(time: Timestamp, span: Duration) -> Timestamp {
    time.checked_sub(span).unwrap_or(time)
}

fn after(time: Timestamp, span: Duration) -> Timestamp {
    time.checked_add(span).unwrap_or(time)
}

/// Sets from when until when it holds, in the type of the certificate library. Before 1970 is 1970.
fn last(params: &mut CertificateParams, from: Timestamp, until: Timestamp) {
    let epoch = date_time_ymd(1970, 1, 1);
    let seconds = |time: Timestamp| Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default());
    params.not_before = epoch + seconds(from);
    params.not_after = epoch + seconds(until);
}
