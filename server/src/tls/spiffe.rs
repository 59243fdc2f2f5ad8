//! SPIFFE IDs: of certificates, and of who is let in.
//!
//! The [SPIFFE ID](https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md) and
//! [X509-SVID](https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md) standards. Text in, values out; whether
//! a certificate is signed by anybody is judged before ([`Gate`](super::Gate)).

use std::{fmt, str::FromStr};

use rustls_pki_types::CertificateDer;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

const SCHEME: &str = "spiffe://";
/// What stands for the trust domain of our own certificate in an [`Allowed`].
const OWN: &str = "self";
/// Bytes of an ID, and of its trust domain.
const ID_BYTES: usize = 2_048;
const DOMAIN_BYTES: usize = 255;

/// Why a text is no SPIFFE ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// Another scheme, or none.
    #[error("it does not begin with `spiffe://`")]
    Scheme,
    /// More than 2048 bytes.
    #[error("it is longer than 2048 bytes")]
    Long,
    /// The trust domain is empty, too long, or has other characters.
    #[error("its trust domain is no name of lower-case letters, digits, dots, dashes and underscores")]
    Domain,
    /// A part of the path is empty, `.` or `..`, or has other characters.
    #[error(
        "a part of its path is empty, `.` or `..`, or has other characters than letters, digits, `.`, `-` and `_`"
    )]
    Path,
    /// There is no path: it names a trust domain, and nobody in it.
    #[error("it has no path")]
    NoPath,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    domain: String,
    /// With the slash at its begin.
    path: String,
}

impl Id {
    /// The trust domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.domain, self.path)
    }
}

impl FromStr for Id {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        let (domain, path) = split(text)?;
        let path = path.ok_or(IdFault::NoPath)?;
        segments(path)?;
        Ok(Self { domain: domain.to_owned(), path: format!("/{path}") })
    }
}

/// Who is let in, as Flux writes it: `spiffe://td/path` is one ID, `spiffe://td/path/` all below it, `spiffe://td` all of
/// the trust domain; `self` as `td` is the trust domain of our own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Our own if `None`.
    domain: Option<String>,
    path: Paths,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Paths {
    All,
    Exactly(String),
    /// With the slash at its end.
    Below(String),
}

impl Allowed {
    /// Whether this one is meant. `own` is our own trust domain.
    pub fn means(&self, id: &Id, own: &str) -> bool {
        let path = match &self.path {
            Paths::All => true,
            Paths::Exactly(path) => id.path == *path,
            Paths::Below(path) => id.path.starts_with(path.as_str()),
        };
        path && id.domain == self.domain.as_deref().unwrap_or(own)
    }

    /// Whether nobody of our own trust domain can be meant.
    pub fn is_foreign(&self, own: &str) -> bool {
        self.domain.as_ref().is_some_and(|domain| domain != own)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match &self.path {
            Paths::All => "",
            Paths::Exactly(path) | Paths::Below(path) => path,
        };
        write!(f, "{SCHEME}{}{path}", self.domain.as_deref().unwrap_or(OWN))
    }
}

impl FromStr for Allowed {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        let (domain, path) = split(text)?;
        let below = path.and_then(|path| path.strip_suffix('/'));
        let path = match (path, below) {
            (None, _) => Paths::All,
            // Whoever is in the domain has a path.
            (Some(""), _) => Paths::Below("/".to_owned()),
            (_, Some(folder)) => {
                segments(folder)?;
                Paths::Below(format!("/{folder}/"))
            }
            (Some(path), None) => {
                segments(path)?;
                Paths::Exactly(format!("/{path}"))
            }
        };
        Ok(Self { domain: (domain != OWN).then(|| domain.to_owned()), path })
    }
}

/// Trust domain, and what comes behind the slash, if there is one.
fn split(text: &str) -> Result<(&str, Option<&str>), IdFault> {
    let rest = text.strip_prefix(SCHEME).ok_or(IdFault::Scheme)?;
    if text.len() > ID_BYTES {
        return Err(IdFault::Long);
    }
    let (domain, path) = match rest.split_once('/') {
        Some((domain, path)) => (domain, Some(path)),
        None => (rest, None),
    };
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    let fits = (1..=DOMAIN_BYTES).contains(&domain.len()) && domain.bytes().all(letter);
    if fits { Ok((domain, path)) } else { Err(IdFault::Domain) }
}

fn segments(path: &str) -> Result<(), IdFault> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let fits = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(letter);
    if path.split('/').all(fits) { Ok(()) } else { Err(IdFault::Path) }
}

/// Why a certificate says of nobody who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SvidFault {
    /// It cannot be parsed, or has an extension twice.
    #[error("it cannot be parsed")]
    Malformed,
    /// No URI is among its names.
    #[error("it has no SPIFFE ID")]
    NoId,
    /// More than one URI is.
    #[error("it has several URIs, and a SPIFFE ID must be the only one")]
    SeveralUris,
    /// The URI is no SPIFFE ID.
    #[error("its URI is no SPIFFE ID: {0}")]
    Id(#[from] IdFault),
    /// It may sign certificates or revocations: it is an authority's.
    #[error("its key may sign certificates, as only an authority's may")]
    Authority,
    /// Its key is for something else.
    #[error("its key is not for signatures")]
    Usage,
}

/// Who it is that a certificate is of. That its `cA` is not set is for the verifier of chains to see.
pub fn id(certificate: &CertificateDer<'_>) -> Result<Id, SvidFault> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| SvidFault::Malformed)?;
    let names = parsed.subject_alternative_name().map_err(|_| SvidFault::Malformed)?;
    let mut uris = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let uri = uris.next().ok_or(SvidFault::NoId)?;
    if uris.next().is_some() {
        return Err(SvidFault::SeveralUris);
    }
    // The standard demands the extension; go-spiffe, and so Flux, does without.
    if let Some(usage) = parsed.key_usage().map_err(|_| SvidFault::Malformed)? {
        if usage.value.key_cert_sign() || usage.value.crl_sign() {
            return Err(SvidFault::Authority);
        }
        if !usage.value.digital_signature() {
            return Err(SvidFault::Usage);
        }
    }
    Ok(uri.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_means_what_flux_means() {
        let table = [
            ("spiffe://td/ns/a", "spiffe://td/ns/a", true),
            ("spiffe://td/ns/a", "spiffe://td/ns/a/b", false),
            ("spiffe://td/ns/a", "spiffe://td/ns/a-evil", false),
            ("spiffe://td/ns/a", "spiffe://td/ns", false),
            ("spiffe://td/ns/a", "spiffe://other/ns/a", false),
            ("spiffe://td/ns/a", "spiffe://td/NS/a", false),
            ("spiffe://td/ns/", "spiffe://td/ns/a", true),
            ("spiffe://td/ns/", "spiffe://td/ns/a/b", true),
            ("spiffe://td/ns/", "spiffe://td/ns", false),
            ("spiffe://td/ns/", "spiffe://td/ns-evil/a", false),
            ("spiffe://td/ns/", "spiffe://td/other/ns/a", false),
            ("spiffe://td/ns/", "spiffe://other/ns/a", false),
            ("spiffe://td", "spiffe://td/a", true),
            ("spiffe://td/", "spiffe://td/a/b", true),
            ("spiffe://td", "spiffe://td.evil/a", false),
            ("spiffe://td", "spiffe://own/a", false),
            ("spiffe://self", "spiffe://own/a", true),
            ("spiffe://self/a", "spiffe://own/a", true),
            ("spiffe://self/a/", "spiffe://own/a/b", true),
            ("spiffe://self/a", "spiffe://own/b", false),
            // A domain of that name is not meant.
            ("spiffe://self", "spiffe://self/a", false),
        ];
        for (allowed, id, expected) in table {
            let means = allowed.parse::<Allowed>().unwrap().means(&id.parse().unwrap(), "own");
            assert_eq!(means, expected, "{allowed} {id}");
        }
    }

    #[test]
    fn ids_are_written_as_the_standard_says() {
        let long = format!("spiffe://td/{}", "a".repeat(ID_BYTES - 12));
        let domain = format!("spiffe://{}/a", "d".repeat(DOMAIN_BYTES));
        for good in ["spiffe://td/a", "spiffe://t.d-1_x/A.b-c_9/...", &long, &domain] {
            assert_eq!(good.parse::<Id>().unwrap().to_string(), good);
            assert_eq!(good.parse::<Allowed>().unwrap().to_string(), good);
        }
        for good in ["spiffe://td", "spiffe://td/", "spiffe://td/a/", "spiffe://self", "spiffe://self/a/b"] {
            assert_eq!(good.parse::<Allowed>().unwrap().to_string(), good);
        }
        let (long, domain) = (format!("{long}a"), format!("spiffe://{}/a", "d".repeat(DOMAIN_BYTES + 1)));
        let both = [
            ("", IdFault::Scheme),
            ("self", IdFault::Scheme),
            ("td/a", IdFault::Scheme),
            ("https://td/a", IdFault::Scheme),
            ("SPIFFE://td/a", IdFault::Scheme),
            ("spiffe:/td/a", IdFault::Scheme),
            (&long, IdFault::Long),
            (&domain, IdFault::Domain),
            ("spiffe://", IdFault::Domain),
            ("spiffe:///a", IdFault::Domain),
            ("spiffe://TD/a", IdFault::Domain),
            ("spiffe://t d/a", IdFault::Domain),
            ("spiffe://td:1/a", IdFault::Domain),
            ("spiffe://u@td/a", IdFault::Domain),
            ("spiffe://*/a", IdFault::Domain),
            ("spiffe://td?a", IdFault::Domain),
            ("spiffe://td//a", IdFault::Path),
            ("spiffe://td/a//", IdFault::Path),
            ("spiffe://td/a//b", IdFault::Path),
            ("spiffe://td/./a", IdFault::Path),
            ("spiffe://td/a/..", IdFault::Path),
            ("spiffe://td/a/../", IdFault::Path),
            ("spiffe://td/*", IdFault::Path),
            ("spiffe://td/a%2fb", IdFault::Path),
            ("spiffe://td/a?b", IdFault::Path),
            ("spiffe://td/a#b", IdFault::Path),
            ("spiffe://td/ä", IdFault::Path),
            ("spiffe://td/a\0", IdFault::Path),
        ];
        for (bad, fault) in both {
            assert_eq!(bad.parse::<Id>(), Err(fault), "{bad}");
            assert_eq!(bad.parse::<Allowed>(), Err(fault), "{bad}");
        }
        for (bad, fault) in [
            ("spiffe://td", IdFault::NoPath),
            ("spiffe://td/", IdFault::Path),
            ("spiffe://td/a/", IdFault::Path),
        ] {
            assert_eq!(bad.parse::<Id>(), Err(fault), "{bad}");
        }
    }
}
