//! Flags about who may download artifacts.

use std::path::PathBuf;

use oci_server::tls::{Clients, source::Files, spiffe::Allowed};

/// Who may download artifacts.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Mutual TLS of artifacts")]
pub struct ClientArgs {
    /// The certificate chain that artifacts are served with, in PEM; read again when it changes
    #[arg(long, value_name = "FILE")]
    pub storage_tls_cert_file: Option<PathBuf>,

    /// Its private key, in PEM
    #[arg(long, value_name = "FILE")]
    pub storage_tls_key_file: Option<PathBuf>,

    /// The authorities of clients, in PEM: whoever they have signed for may download artifacts, and nobody else
    #[arg(long, value_name = "FILE")]
    pub storage_tls_client_ca_file: Option<PathBuf>,

    /// Of these clients only that one: spiffe://DOMAIN/PATH, those below spiffe://DOMAIN/PATH/, or all of spiffe://DOMAIN,
    /// where DOMAIN may be self; can be repeated
    #[arg(long, value_name = "ID")]
    pub authorized_artifact_client_spiffe_id: Vec<Allowed>,
}

impl ClientArgs {
    /// The files, if artifacts are not for everybody.
    pub fn files(&self) -> Option<Files> {
        let clients = Clients {
            authorities: self.storage_tls_client_ca_file.clone()?,
            ids: self.authorized_artifact_client_spiffe_id.clone(),
        };
        Some(Files {
            certificate: self.storage_tls_cert_file.clone()?,
            key: self.storage_tls_key_file.clone()?,
            clients: Some(clients),
        })
    }

    /// Whether the URL of an artifact says that it is served by TLS. Not with SPIFFE: Flux's consumers know by a flag of
    /// theirs, and its contract is that the URL stays as it was.
    pub(super) fn is_told(&self) -> bool {
        self.files().is_some() && self.authorized_artifact_client_spiffe_id.is_empty()
    }

    /// What the values say against each other.
    pub(super) fn contradiction(&self) -> Option<String> {
        let files = [
            ("--storage-tls-cert-file", &self.storage_tls_cert_file),
            ("--storage-tls-key-file", &self.storage_tls_key_file),
            ("--storage-tls-client-ca-file", &self.storage_tls_client_ca_file),
        ];
        let named = |given: bool| -> Vec<_> {
            files.iter().filter(|(_, file)| file.is_some() == given).map(|(flag, _)| *flag).collect()
        };
        let (given, missing) = (named(true).join(" and "), named(false).join(" and "));
        let ids = !self.authorized_artifact_client_spiffe_id.is_empty();
        match (ids, given.is_empty(), missing.is_empty()) {
            (_, _, true) | (false, true, _) => None,
            (true, _, _) => Some(format!(
                "--authorized-artifact-client-spiffe-id needs {missing}: certificates are read from files, not from the \
                 SPIFFE Workload API"
            )),
            (false, false, _) => {
                Some(format!("{given} needs {missing}: artifacts are served by mutual TLS or by none"))
            }
        }
    }
}
