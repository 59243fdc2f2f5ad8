//! What the Sigstore crates do not check of a signer's certificate, or not as a reason of its own.

use jiff::Timestamp;
use x509_cert::{
    Certificate,
    der::{Decode as _, oid::ObjectIdentifier},
    ext::pkix::{ExtendedKeyUsage, KeyUsage},
};

use crate::{Part, Reason};

const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// A signer's certificate.
#[derive(Debug)]
pub(crate) struct Leaf {
    certificate: Certificate,
    window: Window,
}

/// When a certificate holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Leaf {
    pub(crate) fn parse(der: &[u8]) -> Result<Self, Reason> {
        let certificate =
            Certificate::from_der(der).map_err(|error| Reason::malformed(Part::Certificate, &error))?;
        let window = Window::of(&certificate)?;
        Ok(Self { certificate, window })
    }

    pub(crate) fn window(&self) -> Window {
        self.window
    }

    /// Refuses a certificate that is not for signatures (RFC 5280, 4.2.1.3) over code (4.2.1.12).
    pub(crate) fn check_usage(&self) -> Result<(), Reason> {
        let malformed = |error| Reason::malformed(Part::Certificate, &error);
        let usage = self.certificate.tbs_certificate.get::<KeyUsage>().map_err(malformed)?;
        if !usage.is_some_and(|(_, usage)| usage.digital_signature()) {
            return Err(Reason::KeyUsage);
        }
        let usage = self.certificate.tbs_certificate.get::<ExtendedKeyUsage>().map_err(malformed)?;
        if !usage.is_some_and(|(_, usage)| usage.0.contains(&CODE_SIGNING)) {
            return Err(Reason::ExtendedKeyUsage);
        }
        Ok(())
    }
}

impl Window {
    /// When a certificate holds.
    pub(crate) fn of(certificate: &Certificate) -> Result<Self, Reason> {
        let validity = &certificate.tbs_certificate.validity;
        let time = |time: x509_cert::time::Time| {
            Timestamp::try_from(time.to_system_time())
                .map_err(|error| Reason::malformed(Part::Certificate, &error))
        };
        Ok(Self { from: time(validity.not_before)?, until: time(validity.not_after)? })
    }

    /// The first moment.
    pub(crate) fn from(self) -> Timestamp {
        self.from
    }

    /// The last.
    pub(crate) fn until(self) -> Timestamp {
        self.until
    }

    /// Refuses a time at which the certificate did not hold, or that has not come yet.
    pub(crate) fn check(self, at: Timestamp, now: Timestamp) -> Result<(), Reason> {
        if at > now {
            return Err(Reason::Future { at });
        }
        if at < self.from || at > self.until {
            return Err(Reason::OutsideCertificate { at, from: self.from, until: self.until });
        }
        Ok(())
    }
}

/// A claim of the certificate, whose characters are those that are seen.
pub(crate) fn claim(name: &'static str, value: Option<&str>) -> Result<String, Reason> {
    let value = value.filter(|value| !value.is_empty()).ok_or(Reason::NoIdentity(name))?;
    if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Reason::IdentityCharacters(name));
    }
    Ok(value.to_owned())
}
