//! What both kinds of envelopes hold, and the rules about its attributes.
//!
//! Specification: `signature-specification.md` of the Notary Project, "Signed Attributes".

use jiff::Timestamp;

use super::{NotationReason, key::Algorithm};
use crate::reason::excerpt;

/// Names of attributes.
pub(super) mod attribute {
    pub(in super::super) const SCHEME: &str = "io.cncf.notary.signingScheme";
    pub(in super::super) const TIME: &str = "io.cncf.notary.signingTime";
    pub(in super::super) const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
    pub(in super::super) const EXPIRY: &str = "io.cncf.notary.expiry";
    pub(in super::super) const TIMESTAMP: &str = "io.cncf.notary.timestampSignature";
    pub(in super::super) const PLUGIN: &str = "io.cncf.notary.verificationPlugin";
    pub(in super::super) const PLUGIN_VERSION: &str = "io.cncf.notary.verificationPluginMinVersion";
}

/// A signature, taken apart. Nothing of it is true before the key was asked.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The bytes that were signed.
    pub(super) signed: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// The algorithm by its own name, to be compared with the key's.
    pub(super) algorithm: String,
    pub(super) attributes: Attributes,
    pub(super) content_type: String,
    pub(super) payload: Vec<u8>,
    /// Certificates, the signer's first.
    pub(super) chain: Vec<Vec<u8>>,
    /// A timestamp over the signature.
    pub(super) timestamp: Option<Vec<u8>>,
}

/// The signed attributes.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) scheme: String,
    pub(super) time: Option<Timestamp>,
    pub(super) authentic_time: Option<Timestamp>,
    pub(super) expiry: Option<Timestamp>,
    /// Those that must be understood.
    pub(super) critical: Vec<String>,
    /// Whether one names a plugin, and which one that is.
    pub(super) plugin: Option<&'static str>,
}

/// How the signer came to its certificate, and by whose word the time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// The signer's own; the time counts with a timestamp only.
    X509,
    /// An authority's, which says when.
    SigningAuthority { at: Timestamp },
}

impl Envelope {
    /// Refuses another algorithm than the one that is due.
    pub(super) fn check_algorithm(&self, due: Algorithm) -> Result<(), NotationReason> {
        if self.algorithm == due.name() {
            return Ok(());
        }
        Err(NotationReason::Algorithm { said: excerpt(&self.algorithm), due: due.name() })
    }
}

impl Attributes {
    /// The scheme, if all attributes are as it has them.
    pub(super) fn check(&self) -> Result<Scheme, NotationReason> {
        let fault = |name, fault| NotationReason::Attribute { name, fault };
        let (scheme, time) = match self.scheme.as_str() {
            "notary.x509" => {
                if self.authentic_time.is_some() {
                    return Err(fault(attribute::AUTHENTIC_TIME, "must not be there in this scheme"));
                }
                let time = self.time.ok_or(fault(attribute::TIME, "is missing"))?;
                (Scheme::X509, time)
            }
            "notary.x509.signingAuthority" => {
                if self.time.is_some() {
                    return Err(fault(attribute::TIME, "must not be there in this scheme"));
                }
                let at = self.authentic_time.ok_or(fault(attribute::AUTHENTIC_TIME, "is missing"))?;
                (Scheme::SigningAuthority { at }, at)
            }
            other => return Err(NotationReason::Scheme(excerpt(other))),
        };
        if self.expiry.is_some_and(|expiry| expiry <= time) {
            return Err(fault(attribute::EXPIRY, "is not after the time of signing"));
        }
        self.check_critical()?;
        Ok(scheme)
    }

    /// What must be critical is, and what is critical is understood.
    fn check_critical(&self) -> Result<(), NotationReason> {
        // It counts wherever it stands: to sign so that a plugin is needed is to say that this verifier is not enough.
        if let Some(plugin) = self.plugin {
            return Err(NotationReason::Plugin(plugin));
        }
        let mut due = vec![attribute::SCHEME];
        due.extend(self.expiry.map(|_| attribute::EXPIRY));
        due.extend(self.authentic_time.map(|_| attribute::AUTHENTIC_TIME));
        for name in &self.critical {
            let Some(index) = due.iter().position(|due| due == name) else {
                return Err(NotationReason::Critical(excerpt(name)));
            };
            due.remove(index);
        }
        match due.first() {
            Some(name) => Err(NotationReason::Attribute { name, fault: "is not marked as critical" }),
            None => Ok(()),
        }
    }
}
