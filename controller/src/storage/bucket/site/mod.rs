//! The three clouds' ways to name a file in a bucket, and to list it.
//!
//! Followed: S3's API reference (`GetObject`, `PutObject`, `DeleteObject`, `ListObjectsV2`), Google's "XML API", which is
//! the same, and the Blob service's REST API of Azure (version 2021-12-02).

use std::fmt::Write as _;

use jiff::{
    Timestamp,
    fmt::rfc2822::{DateTimeParser, DateTimePrinter},
};
use oci_identity::{bucket::Service, xml};
use reqwest::Url;

use crate::args::{BucketCloud, BucketPlace};

/// The newest version whose answers are read here.
const AZURE_VERSION: &str = "2021-12-02";
/// Files in one page of a list; the most that all of them give.
const PAGE: u32 = 1_000;

/// Domains of S3 by the beginning of a region's name.
const DOMAINS: [(&str, &str); 5] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("", "amazonaws.com"),
];

/// What is wrong with the flags of a bucket, seen with the environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Nobody says in which region the bucket is.
    #[error(
        "--storage-bucket in S3 needs a region: --storage-bucket-region, or the variable AWS_REGION or AWS_DEFAULT_REGION"
    )]
    Region,
    /// Nobody says in which storage account the container is.
    #[error(
        "--storage-bucket in Azure needs an account: the variable AZURE_STORAGE_ACCOUNT, or --storage-bucket-endpoint"
    )]
    Account,
    /// An account that cannot be one.
    #[error(
        "AZURE_STORAGE_ACCOUNT is no name of a storage account, which has 3 to 24 characters: a-z and 0-9"
    )]
    AccountName,
}

/// A place in a bucket, and how it is spoken to.
#[derive(Clone, Debug)]
pub(super) struct Site {
    cloud: BucketCloud,
    /// The bucket, with a slash at its end.
    base: Url,
    prefix: String,
    /// For messages.
    shown: String,
}

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Below the prefix.
    pub(super) key: String,
    pub(super) size: u64,
    /// When it was written, in seconds since 1970.
    pub(super) modified: i64,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) files: Vec<Listed>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

impl Site {
    /// `variable` reads the environment.
    pub(super) fn of(
        place: &BucketPlace,
        endpoint: Option<&Url>,
        region: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Self, Service), SiteError> {
        let bucket = &place.bucket;
        let (base, service) = match place.cloud {
            BucketCloud::S3 => {
                let region = region.map(str::to_owned);
                let given =
                    region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
                // Others than AWS have one region, which is mostly called so.
                let usual = endpoint.map(|_| "us-east-1".to_owned());
                let region = given.or(usual).ok_or(SiteError::Region)?;
                let domain = DOMAINS.iter().find(|(start, _)| region.starts_with(start));
                let domain = domain.map_or("amazonaws.com", |(_, domain)| domain);
                // The certificate of S3 is for one label.
                let own = !bucket.contains(['.', '_']);
                let base = match endpoint {
                    None if own => format!("https://{bucket}.s3.{region}.{domain}/"),
                    None => format!("https://s3.{region}.{domain}/{bucket}/"),
                    Some(endpoint) => below(endpoint, bucket),
                };
                (base, Service::S3 { region })
            }
            BucketCloud::Gcs => {
                let base = endpoint.map(|endpoint| below(endpoint, bucket));
                (base.unwrap_or_else(|| format!("https://storage.googleapis.com/{bucket}/")), Service::Gcs)
            }
            BucketCloud::Azure => azure(bucket, endpoint, variable("AZURE_STORAGE_ACCOUNT"))?,
        };
        // Made of checked parts.
        let base = Url::parse(&base).map_err(|_| SiteError::AccountName)?;
        let (prefix, shown) = (place.prefix.clone(), place.to_string());
        Ok((Self { cloud: place.cloud, base, prefix, shown }, service))
    }

    /// Where a file is. Each cloud signs the path as it is sent, so there is one way to write it.
    pub(super) fn file(&self, key: &str) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{}{}", self.base.path(), encoded(&self.prefix, true), encoded(key, true));
        url.set_path(&path);
        url
    }

    /// A page of a list of everything that begins with `start`, below the prefix.
    pub(super) fn list(&self, start: &str, from: Option<&str>, most: Option<u32>) -> Url {
        let mut url = self.base.clone();
        if url.path().len() > 1 {
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
        }
        let start = encoded(&format!("{}{start}", self.prefix), false);
        let most = most.unwrap_or(PAGE);
        let mut query = match self.cloud {
            BucketCloud::Azure => format!("comp=list&maxresults={most}&prefix={start}&restype=container"),
            BucketCloud::S3 | BucketCloud::Gcs => format!("list-type=2&max-keys={most}&prefix={start}"),
        };
        if let Some(from) = from {
            let name = if self.cloud == BucketCloud::Azure { "marker" } else { "continuation-token" };
            // Writing to a string cannot fail.
            let _ = write!(query, "&{name}={}", encoded(from, false));
        }
        url.set_query(Some(&query));
        url
    }

    /// The headers of a request that a signature covers.
    pub(super) fn headers(&self, puts: bool, now: Timestamp) -> Vec<(&'static str, String)> {
        if self.cloud != BucketCloud::Azure {
            return Vec::new();
        }
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
        let mut headers = vec![("x-ms-date", date), ("x-ms-version", AZURE_VERSION.to_owned())];
        headers.extend(puts.then(|| ("x-ms-blob-type", "BlockBlob".to_owned())));
        headers
    }

    /// Reads a page.
    pub(super) fn page(&self, body: &[u8]) -> Option<Page> {
        let body = std::str::from_utf8(body).ok()?;
        let (root, file, key, size, next) = match self.cloud {
            BucketCloud::Azure => ("EnumerationResults", "Blob", "Name", "Content-Length", "NextMarker"),
            _ => ("ListBucketResult", "Contents", "Key", "Size", "NextContinuationToken"),
        };
        let mut page = Page::default();
        for inside in xml::each(body, file) {
            let key = xml::value(inside, key)?;
            let modified = xml::value(inside, "LastModified").or_else(|| xml::value(inside, "Last-Modified"));
            page.files.push(Listed {
                key: key.strip_prefix(&self.prefix)?.to_owned(),
                size: xml::value(inside, size)?.parse().ok()?,
                modified: modified.and_then(|text| seconds(&text)).unwrap_or_default(),
            });
        }
        page.next = xml::value(body, next).filter(|next| !next.is_empty());
        xml::each(body, root).next().map(|_| page)
    }

    /// For messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

fn azure(
    container: &str,
    endpoint: Option<&Url>,
    account: Option<String>,
) -> Result<(String, Service), SiteError> {
    let label = |url: &Url| url.domain().and_then(|host| host.split('.').next()).map(str::to_owned);
    let account = account.or_else(|| endpoint.and_then(label)).ok_or(SiteError::Account)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !(3..=24).contains(&account.len()) || !account.bytes().all(plain) {
        return Err(SiteError::AccountName);
    }
    let host = endpoint.and_then(|endpoint| endpoint.host_str()).map(str::to_owned);
    let host = host.unwrap_or_else(|| format!("{account}.blob.core.windows.net"));
    let base = endpoint
        .map_or_else(|| format!("https://{host}/{container}/"), |endpoint| below(endpoint, container));
    Ok((base, Service::Azure { account, host }))
}

fn below(endpoint: &Url, bucket: &str) -> String {
    format!("{}/{bucket}/", endpoint.as_str().trim_end_matches('/'))
}

fn seconds(text: &str) -> Option<i64> {
    let iso = text.parse::<Timestamp>().ok();
    iso.or_else(|| DateTimeParser::new().parse_timestamp(text).ok()).map(Timestamp::as_second)
}

/// A text with everything encoded but letters, digits, `-_.~` and perhaps slashes.
fn encoded(text: &str, slashes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || slashes && byte == b'/' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests;
