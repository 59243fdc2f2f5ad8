//! Errors of the HTTP library, told apart.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use url::Url;

use crate::{
    error::{Fault, TlsCause},
    origin::Origin,
    tls::innermost,
};

/// The origin of a URL for messages.
pub(crate) fn origin(url: &Url) -> String {
    Origin::of(url).map_or_else(|| url.scheme().to_owned(), |origin| origin.to_string())
}

/// What a failed exchange means.
pub(crate) fn classify(error: &reqwest::Error, url: &Url) -> Fault {
    let origin = origin(url);
    let detail = innermost(error);
    if let Some(tls) = find_tls(error) {
        let cause = cause(tls);
        return Fault::Tls { origin, detail: tls.to_string(), cause };
    }
    if error.is_builder() {
        Fault::Setup(detail)
    } else if error.is_connect() {
        Fault::Connect { origin, detail }
    } else {
        Fault::Broken { origin, detail, answered: false }
    }
}

fn cause(error: &TlsError) -> TlsCause {
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)) => {
            TlsCause::UnknownIssuer
        }
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure,
        ) => TlsCause::ClientCertificate,
        TlsError::InvalidMessage(_) => TlsCause::NotTls,
        _ => TlsCause::Other,
    }
}

/// The TLS library's error in a chain; it hides inside `io::Error`s, which do not show it as their source.
fn find_tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let mut next: Option<&'a (dyn StdError + 'static)> = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<TlsError>() {
            return Some(found);
        }
        let inside = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(inside) = inside
            && let Some(found) = find_tls(inside)
        {
            return Some(found);
        }
        next = current.source();
    }
    None
}
