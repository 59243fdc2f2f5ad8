//! What the Secret holds, and how each step changes it. Pure but for the keys that are drawn.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use k8s_openapi::ByteString;
use oci_server::tls::source::{Identity, Material, certificates, validity};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

use super::{
    authority::{self, Error},
    issue::{Facts, Leaf, Lifetimes, Span, Step},
};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";

/// The keys of the Secret's data that are ours.
pub const KEYS: [&str; 4] = [CERTIFICATE, KEY, BUNDLE, AUTHORITY_KEY];

/// An authority of the bundle.
#[derive(Clone, Debug)]
struct Authority {
    /// PEM.
    text: String,
    der: CertificateDer<'static>,
    span: Span,
}

/// What the Secret holds, as far as it makes sense.
#[derive(Clone, Default)]
pub struct Held {
    authorities: Vec<Authority>,
    /// Which of them the key belongs to, and the key.
    signer: Option<(usize, String)>,
    leaf: Option<(Material, Identity)>,
    /// What made no sense, for the log.
    pub complaints: Vec<String>,
}

/// Shows no key.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans: Vec<Span> = self.authorities.iter().map(|authority| authority.span).collect();
        f.debug_struct("Held").field("authorities", &spans).finish_non_exhaustive()
    }
}

impl Held {
    /// Reads the data of the Secret. What is missing or broken is left out and complained about.
    pub fn read(data: &BTreeMap<String, ByteString>, now: Timestamp) -> Self {
        let text = |key: &str| data.get(key).map(|value| value.0.clone());
        let mut held = Self::default();
        match text(BUNDLE).map(|bundle| bundle_of(&bundle)) {
            Some(Ok(authorities)) => held.authorities = authorities,
            Some(Err(complaint)) => held.complain(BUNDLE, &complaint),
            None => held.complain(BUNDLE, "it is missing"),
        }
        match text(AUTHORITY_KEY).map(|key| held.signer_of(key)) {
            Some(Ok(signer)) => held.signer = Some(signer),
            Some(Err(complaint)) => held.complain(AUTHORITY_KEY, &complaint),
            None => held.complain(AUTHORITY_KEY, "it is missing"),
        }
        match text(CERTIFICATE).zip(text(KEY)) {
            Some((certificate, key)) => {
                let material = Material { certificate, key };
                match material.identity(now) {
                    Ok(identity) => held.leaf = Some((material, identity)),
                    Err(fault) => held.complain(CERTIFICATE, &fault.to_string()),
                }
            }
            None => held.complain(CERTIFICATE, "it or its key is missing"),
        }
        held
    }

    fn complain(&mut self, key: &str, complaint: &str) {
        self.complaints.push(format!("{key}: {complaint}"));
    }

    /// The authority that a key belongs to.
    fn signer_of(&self, key: Vec<u8>) -> Result<(usize, String), String> {
        let key = String::from_utf8(key).map_err(|_| "it is no text".to_owned())?;
        let pair = KeyPair::from_pem(&key).map_err(|_| "it is no private key in PEM".to_owned())?;
        let public = pair.subject_public_key_info();
        let found = self.authorities.iter().position(|authority| {
            parse(&authority.der).is_some_and(|parsed| parsed.tbs_certificate.subject_pki.raw == public)
        });
        let index = found.ok_or_else(|| format!("it belongs to no authority of {BUNDLE}"))?;
        Ok((index, key))
    }

    /// The pair to serve.
    pub fn identity(&self) -> Option<&Identity> {
        self.leaf.as_ref().map(|(_, identity)| identity)
    }

    /// The bundle to publish, in PEM.
    pub fn bundle(&self) -> String {
        self.authorities.iter().map(|authority| authority.text.as_str()).collect()
    }

    /// What the next step is decided by.
    pub fn facts(&self, names: &[String], published: bool) -> Facts {
        Facts {
            authorities: self.authorities.iter().map(|authority| authority.span).collect(),
            signer: self.signer.as_ref().map(|(index, _)| *index),
            leaf: self.leaf.as_ref().map(|(_, identity)| self.leaf_facts(identity, names)),
            published,
        }
    }

    fn leaf_facts(&self, identity: &Identity, names: &[String]) -> Leaf {
        let span = Span { from: identity.not_before, until: identity.not_after };
        let der = identity.key().cert.first().cloned();
        let Some(parsed) = der.as_ref().and_then(parse) else {
            return Leaf { span, issuer: None, names: false };
        };
        let issuer = self.authorities.iter().position(|authority| {
            parse(&authority.der).is_some_and(|authority| {
                authority.subject() == parsed.issuer()
                    && parsed.verify_signature(Some(authority.public_key())).is_ok()
            })
        });
        let held = names_of(&parsed);
        Leaf { span, issuer, names: names.iter().all(|name| held.contains(name)) }
    }

    /// The data of the Secret behind a step. `None` if the step does not change it.
    pub fn after(
        &self,
        step: Step,
        names: &[String],
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Option<BTreeMap<String, ByteString>>, Error> {
        match step {
            Step::Wait | Step::Publish => Ok(None),
            Step::Begin(_) => {
                let authority = authority::found(lifetimes, now)?;
                let key = String::from_utf8_lossy(&authority.key).into_owned();
                let founded = Self::default().with(&authority);
                let leaf = founded.leaf(&key, 0, names, lifetimes, now)?;
                Ok(Some(data(&founded.bundle(), &key, &leaf)))
            }
            Step::Extend(_) => {
                let authority = authority::found(lifetimes, now)?;
                let key = String::from_utf8_lossy(&authority.key).into_owned();
                Ok(self.leaf.as_ref().map(|(leaf, _)| data(&self.with(&authority).bundle(), &key, leaf)))
            }
            Step::Renew(_) => {
                let Some((index, key)) = &self.signer else {
                    return Ok(None);
                };
                let leaf = self.leaf(key, *index, names, lifetimes, now)?;
                Ok(Some(data(&self.bundle(), key, &leaf)))
            }
            Step::Trim => {
                let mut rest = self.clone();
                rest.authorities.retain(|authority| now < authority.span.until);
                let parts = self.signer.as_ref().zip(self.leaf.as_ref());
                Ok(parts.map(|((_, key), (leaf, _))| data(&rest.bundle(), key, leaf)))
            }
        }
    }

    /// The same with another authority in front.
    fn with(&self, authority: &Material) -> Self {
        let mut authorities = bundle_of(&authority.certificate).unwrap_or_default();
        authorities.extend(self.authorities.iter().cloned());
        Self { authorities, ..self.clone() }
    }

    fn leaf(
        &self,
        key: &str,
        index: usize,
        names: &[String],
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<Material, Error> {
        let authority = self.authorities.get(index).ok_or(rcgen::Error::CouldNotParseCertificate)?;
        authority::issue(&authority.der, key, authority.span.until, names, lifetimes, now)
    }
}

fn data(bundle: &str, authority_key: &str, leaf: &Material) -> BTreeMap<String, ByteString> {
    let values = [
        (CERTIFICATE, leaf.certificate.clone()),
        (KEY, leaf.key.clone()),
        (BUNDLE, bundle.as_bytes().to_vec()),
        (AUTHORITY_KEY, authority_key.as_bytes().to_vec()),
    ];
    values.map(|(key, value)| (key.to_owned(), ByteString(value))).into()
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The authorities of a bundle, with the text of each alone.
fn bundle_of(text: &[u8]) -> Result<Vec<Authority>, String> {
    certificates(text).map_err(|fault| fault.to_string())?;
    let text = String::from_utf8_lossy(text);
    let mut authorities = Vec::new();
    for block in text.split_inclusive(END) {
        let Some((_, body)) = block.split_once(BEGIN) else {
            continue;
        };
        let text = format!("{BEGIN}{body}\n");
        let der = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| "it is no PEM".to_owned())?;
        let (from, until) = validity(&der).map_err(|fault| fault.to_string())?;
        authorities.push(Authority { text, der, span: Span { from, until } });
    }
    Ok(authorities)
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed)
}

/// The names and addresses that a certificate is for.
fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    names.collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let six = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
    four.or(six).ok().map(|address| address.to_string())
}
