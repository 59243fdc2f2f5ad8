//! A bucket in the place of a volume: its flags, and what they may say.

use std::{fmt, str::FromStr};

use reqwest::Url;

use super::{Maybe, values, values::maybe};

/// Bytes of everything that comes before a file's own name in a bucket.
const PREFIX: usize = 200;

/// A bucket in the place of a volume.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Storage in a bucket")]
pub struct BucketArgs {
    /// Where artifacts are stored instead of a volume, so that every replica serves them: s3://BUCKET[/PREFIX],
    /// gs://BUCKET[/PREFIX] or az://CONTAINER[/PREFIX]. --storage-path is for temporary files then (variable
    /// STORAGE_BUCKET)
    #[arg(id = "storage_bucket", long = "storage-bucket", value_name = "URL")]
    #[arg(default_value = "", hide_default_value = true, value_parser = maybe(place))]
    pub place: Maybe<BucketPlace>,

    /// Where the bucket's service is, if it is not the cloud's usual one: for MinIO, Ceph, R2 and others that speak S3
    /// (variable STORAGE_BUCKET_ENDPOINT)
    #[arg(id = "storage_bucket_endpoint", long = "storage-bucket-endpoint", value_name = "URL")]
    #[arg(default_value = "", hide_default_value = true, value_parser = maybe(endpoint))]
    pub endpoint: Maybe<Url>,

    /// The region of a bucket in S3; AWS_REGION or AWS_DEFAULT_REGION if not given (variable
    /// STORAGE_BUCKET_REGION)
    #[arg(id = "storage_bucket_region", long = "storage-bucket-region", value_name = "REGION")]
    #[arg(default_value = "", hide_default_value = true, value_parser = maybe(region))]
    pub region: Maybe<String>,

    /// Most bytes of artifacts that are kept in --storage-path beside a bucket; an artifact that is larger is refused
    #[arg(
        id = "storage_cache_size",
        long = "storage-cache-size",
        value_name = "BYTES",
        default_value = "4Gi"
    )]
    #[arg(value_parser = values::bytes)]
    pub cache_size: u64,
}

impl BucketArgs {
    /// What its values say against each other, or against where artifacts are said to be found.
    pub(super) fn contradiction(&self, advertised: bool) -> Option<&'static str> {
        let Some(place) = &self.place else {
            return if self.endpoint.is_some() {
                Some("--storage-bucket-endpoint needs --storage-bucket")
            } else if self.region.is_some() {
                Some("--storage-bucket-region needs --storage-bucket")
            } else {
                None
            };
        };
        if self.region.is_some() && place.cloud != BucketCloud::S3 {
            return Some("--storage-bucket-region is for a bucket in S3 (s3://)");
        }
        // One name for all replicas: what a status says must not end with the pod that wrote it.
        (!advertised).then_some(
            "--storage-bucket needs --storage-adv-addr, the name of the Service in front of all replicas",
        )
    }
}

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketCloud {
    /// S3, or what speaks it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

impl BucketCloud {
    const ALL: [(&'static str, Self); 3] =
        [("s3://", Self::S3), ("gs://", Self::Gcs), ("az://", Self::Azure)];
}

/// A place in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlace {
    /// Whose it is.
    pub cloud: BucketCloud,
    /// Its name; a container's in Azure.
    pub bucket: String,
    /// What everything there begins with: empty, or with a slash at its end.
    pub prefix: String,
}

impl BucketPlace {
    /// The same bucket, one folder deeper.
    #[must_use]
    pub fn below(mut self, folder: &str) -> Self {
        self.prefix.push_str(folder);
        self.prefix.push('/');
        self
    }
}

impl fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = BucketCloud::ALL.iter().find(|(_, cloud)| *cloud == self.cloud);
        let (scheme, _) = scheme.unwrap_or(&BucketCloud::ALL[0]);
        write!(f, "{scheme}{}/{}", self.bucket, self.prefix)
    }
}

impl FromStr for BucketPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut known = BucketCloud::ALL.into_iter();
        let (rest, cloud) = known
            .find_map(|(scheme, cloud)| Some((text.strip_prefix(scheme)?, cloud)))
            .ok_or("it is none of s3://BUCKET[/PREFIX], gs://BUCKET[/PREFIX] and az://CONTAINER[/PREFIX]")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !is_bucket(bucket) {
            return Err(
                "the bucket's name has 3 to 222 characters: a-z, 0-9, and inside also `-`, `_` and `.`",
            );
        }
        if !is_prefix(prefix) {
            return Err(
                "the prefix has at most 200 characters: parts of a-z, A-Z, 0-9, `-`, `_` and `.` between slashes",
            );
        }
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self { cloud, bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
    }
}

fn is_bucket(name: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    (3..=222).contains(&bytes.len())
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|byte| plain(byte) || b"-_.".contains(byte))
        && !name.contains("..")
}

fn is_prefix(prefix: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(fits);
    prefix.len() <= PREFIX && (prefix.is_empty() || prefix.split('/').all(part))
}

fn place(text: &str) -> Result<BucketPlace, &'static str> {
    text.parse()
}

/// Where a service is: a scheme, a host, a port and perhaps a path.
fn endpoint(text: &str) -> Result<Url, String> {
    let url = values::url(text)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let plain = plain && url.query().is_none() && url.fragment().is_none();
    if plain { Ok(url) } else { Err("it has more than a host, a port and a path".to_owned()) }
}

fn region(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let region = (1..=64).contains(&text.len()) && text.bytes().all(fits);
    if region { Ok(text.to_owned()) } else { Err("it is no region such as eu-west-1") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_a_bucket_and_what_its_files_begin_with() {
        for (text, cloud, bucket, prefix) in [
            ("s3://artifacts", BucketCloud::S3, "artifacts", ""),
            ("s3://artifacts/", BucketCloud::S3, "artifacts", ""),
            ("gs://a.b_c-1/x", BucketCloud::Gcs, "a.b_c-1", "x/"),
            ("az://artifacts/flux/one/", BucketCloud::Azure, "artifacts", "flux/one/"),
        ] {
            let place: BucketPlace = text.parse().unwrap();
            assert_eq!((place.cloud, &*place.bucket, &*place.prefix), (cloud, bucket, prefix), "{text}");
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        let place: BucketPlace = "s3://artifacts/flux".parse().unwrap();
        assert_eq!(place.below("shard").prefix, "flux/shard/");
    }

    #[test]
    fn place_leads_nowhere_else() {
        for text in [
            "",
            "artifacts",
            "s3:artifacts",
            "s3://",
            "s3://ab",
            "s3://AB-cd",
            "s3://a..b",
            "s3://-ab",
            "s3://a b",
            "s3://user@host",
            "s3://artifacts//x",
            "s3://artifacts/..",
            "s3://artifacts/./x",
            "s3://artifacts/x//",
            "s3://artifacts/a?b",
            "s3://artifacts/a%2f",
            "https://artifacts",
            "file:///data",
            "S3://artifacts",
        ] {
            assert!(text.parse::<BucketPlace>().is_err(), "{text}");
        }
        assert!(format!("s3://artifacts/{}", "x".repeat(PREFIX)).parse::<BucketPlace>().is_ok());
        assert!(format!("s3://artifacts/{}", "x".repeat(PREFIX + 1)).parse::<BucketPlace>().is_err());
    }
}
