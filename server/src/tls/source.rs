//! A certificate and its key, from PEM to what can be served.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use oci_artifact::limits::Budget;
use rustls::{crypto::aws_lc_rs, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Clients, Gate, spiffe::SvidFault};
use crate::limits::PEM_BYTES;

/// A certificate chain and its key, as PEM text.
#[derive(Clone, PartialEq, Eq)]
pub struct Material {
    /// The certificate, then those that it was signed with.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// Shows no key.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material").finish_non_exhaustive()
    }
}

/// A pair that can be served.
#[derive(Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    /// From when it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
    gate: Option<Arc<Gate>>,
}

impl Identity {
    /// What rustls serves.
    pub fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }

    /// Who may connect, if not everybody.
    pub(super) fn gate(&self) -> Option<&Arc<Gate>> {
        self.gate.as_ref()
    }

    /// The certificate of [`Self::key`].
    fn certificate(&self) -> Result<&CertificateDer<'static>, Fault> {
        self.key.cert.first().ok_or(Fault::NoCertificate)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { not_before, not_after, .. } = self;
        f.debug_struct("Identity")
            .field("not_before", not_before)
            .field("not_after", not_after)
            .finish_non_exhaustive()
    }
}

/// Why a pair cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is no PEM, or cut off.
    #[error("the certificate is no valid PEM: {0}")]
    CertificatePem(String),
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// What is in the PEM is no certificate.
    #[error("the certificate cannot be parsed: {0}")]
    Certificate(String),
    /// There is no private key, or the text is no PEM or cut off.
    #[error("there is no private key in valid PEM: {0}")]
    KeyPem(String),
    /// The key is of a kind that is not known, or broken.
    #[error("the private key cannot be used: {0}")]
    Key(String),
    /// Certificate and key do not belong together.
    #[error("the private key does not belong to the certificate; renew both together")]
    Mismatch,
    /// The certificate has ended.
    #[error("the certificate ended at {0}; renew it")]
    Expired(Timestamp),
    /// The certificate has not begun.
    #[error("the certificate begins at {0} only; is a clock wrong?")]
    Early(Timestamp),
    /// The certificate is no SVID, although clients are known by theirs.
    #[error("the certificate is no SVID: {0}")]
    Svid(#[from] SvidFault),
    /// Somebody of another trust domain is to be let in.
    #[error(
        "the certificate is of the trust domain `{own}`, so nobody can be known as {allowed}: authorities in a file are \
         trusted for one domain only"
    )]
    Domain {
        /// Who is to be let in.
        allowed: String,
        /// Our own trust domain.
        own: String,
    },
}

impl Material {
    /// Checks everything that can be checked without a client.
    pub fn identity(&self, now: Timestamp) -> Result<Identity, Fault> {
        let chain = certificates(&self.certificate)?;
        let (not_before, not_after) = validity(chain.first().ok_or(Fault::NoCertificate)?)?;
        let key =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| Fault::KeyPem(pem_error(&error)))?;
        let key =
            CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(
                |error| match error {
                    rustls::Error::InconsistentKeys(_) => Fault::Mismatch,
                    rustls::Error::InvalidCertificate(error) => Fault::Certificate(format!("{error:?}")),
                    error => Fault::Key(error.to_string()),
                },
            )?;
        if now < not_before {
            return Err(Fault::Early(not_before));
        }
        if now >= not_after {
            return Err(Fault::Expired(not_after));
        }
        Ok(Identity { key: Arc::new(key), not_before, not_after, gate: None })
    }
}

/// All certificates of a PEM text; at least one.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let chain = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Fault::CertificatePem(pem_error(&error)))?;
    if chain.is_empty() {
        return Err(Fault::NoCertificate);
    }
    for certificate in &chain {
        validity(certificate)?;
    }
    Ok(chain)
}

/// From when until when a certificate holds.
pub fn validity(certificate: &CertificateDer<'_>) -> Result<(Timestamp, Timestamp), Fault> {
    let (rest, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| Fault::Certificate(error.to_string()))?;
    if !rest.is_empty() {
        return Err(Fault::Certificate("there are bytes behind its end".to_owned()));
    }
    let at = |seconds| {
        Timestamp::from_second(seconds).map_err(|_| Fault::Certificate("its validity is no time".to_owned()))
    };
    let validity = parsed.validity();
    Ok((at(validity.not_before.timestamp())?, at(validity.not_after.timestamp())?))
}

/// What is wrong with a PEM text, without any of it.
fn pem_error(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it breaks off".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a section begins wrongly".to_owned(),
        pem::Error::Base64Decode(_) => "it is not Base64".to_owned(),
        pem::Error::NoItemsFound => "there is none".to_owned(),
        _ => "it cannot be read".to_owned(),
    }
}

/// Where a pair is on disk, and who may connect to its owner.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Who may connect; everybody if `None`.
    pub clients: Option<Clients>,
}

/// What is in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    pair: Material,
    /// Those of clients, in PEM.
    authorities: Option<Vec<u8>>,
}

/// Why the files give nothing that can be served.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// One of them cannot be read.
    #[error("reading `{}` failed: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pair can be read, but not served.
    #[error("`{}` with `{}` cannot be served: {fault}", certificate.display(), key.display())]
    Fault {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why.
        fault: Fault,
    },
    /// The authorities can be read, but nobody can be known by them.
    #[error("clients cannot be known by `{}`: {fault}", path.display())]
    Clients {
        /// Which file.
        path: PathBuf,
        /// Why.
        fault: Fault,
    },
}

impl Files {
    /// Reads all. Kubernetes exchanges them by moving a symbolic link, so the certificate is read again behind the others:
    /// if it is another one by then, so are they.
    pub fn read(&self) -> Result<Contents, FileError> {
        let mut certificate = read(&self.certificate)?;
        let mut rest = self.read_rest()?;
        for _ in 0..3 {
            let again = read(&self.certificate)?;
            if again == certificate {
                break;
            }
            certificate = again;
            rest = self.read_rest()?;
        }
        let (key, authorities) = rest;
        Ok(Contents { pair: Material { certificate, key }, authorities })
    }

    fn read_rest(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), FileError> {
        let authorities = self.clients.as_ref().map(|clients| read(&clients.authorities)).transpose()?;
        Ok((read(&self.key)?, authorities))
    }

    /// What can be served of it.
    pub fn identity(&self, contents: &Contents, now: Timestamp) -> Result<Identity, FileError> {
        let unfit = |fault| {
            let (certificate, key) = (self.certificate.clone(), self.key.clone());
            FileError::Fault { certificate, key, fault }
        };
        let mut identity = contents.pair.identity(now).map_err(unfit)?;
        if let (Some(clients), Some(authorities)) = (&self.clients, &contents.authorities) {
            let own = identity.certificate().map_err(unfit)?;
            let gate = Gate::new(authorities, &clients.ids, own).map_err(|fault| match fault {
                Fault::Svid(_) | Fault::Domain { .. } => unfit(fault),
                fault => FileError::Clients { path: clients.authorities.clone(), fault },
            })?;
            identity.gate = Some(Arc::new(gate));
        }
        Ok(identity)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| Budget::new(file, PEM_BYTES, "the PEM file").read_to_end(&mut bytes))
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}
