//! Who may connect: clients whose certificate is signed by the authorities of a file, and of these perhaps only some.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, Error, OtherError, RootCertStore,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerified, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::{
    source::{Fault, certificates},
    spiffe::{self, Allowed, Id, SvidFault},
};

/// Which clients are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// The file of the authorities that sign their certificates, in PEM.
    pub authorities: PathBuf,
    /// Who of them; all if this is empty. These must be in the trust domain of our own certificate: the file does not
    /// say of which domain an authority is, so each of them could make itself out to be of any.
    pub ids: Vec<Allowed>,
}

/// Why a client is not let in although an authority has signed for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error("the client's certificate is no SVID: {0}")]
    Svid(#[from] SvidFault),
    #[error("{0} is not authorized")]
    Id(Id),
}

/// Judges clients.
#[derive(Debug)]
pub struct Gate {
    chains: Arc<dyn ClientCertVerifier>,
    ids: Option<Ids>,
}

/// Who is let in.
#[derive(Debug)]
struct Ids {
    /// Our own trust domain.
    own: String,
    allowed: Vec<Allowed>,
}

impl Gate {
    /// Lets in whom these authorities, in PEM, sign for, and of them only who is allowed. `own` is our own certificate.
    pub(super) fn new(
        authorities: &[u8],
        allowed: &[Allowed],
        own: &CertificateDer<'_>,
    ) -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(authorities)? {
            roots.add(authority).map_err(|error| Fault::Certificate(error.to_string()))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chains = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| Fault::Certificate(error.to_string()))?;
        if allowed.is_empty() {
            return Ok(Self { chains, ids: None });
        }
        let own = spiffe::id(own)?.domain().to_owned();
        if let Some(foreign) = allowed.iter().find(|allowed| allowed.is_foreign(&own)) {
            return Err(Fault::Domain { allowed: foreign.to_string(), own });
        }
        Ok(Self { chains, ids: Some(Ids { own, allowed: allowed.to_vec() }) })
    }

    /// What judges chains and signatures.
    pub(super) fn chains(&self) -> &dyn ClientCertVerifier {
        self.chains.as_ref()
    }

    /// Whether this client is let in. The chain comes first: nothing else is read of what nobody has signed.
    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chains.verify_client_cert(certificate, chain, now)?;
        if let Some(ids) = &self.ids {
            ids.judge(certificate).map_err(|refusal| {
                Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
            })?;
        }
        Ok(verified)
    }
}

impl Ids {
    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Refusal> {
        let id = spiffe::id(certificate)?;
        if self.allowed.iter().any(|allowed| allowed.means(&id, &self.own)) {
            Ok(())
        } else {
            Err(Refusal::Id(id))
        }
    }
}
