//! Signatures of requests.
//!
//! Followed: "AWS Signature Version 4 for API requests" (IAM User Guide), for POST requests with a body and without a
//! query, and for S3 ("Signature Calculations for the Authorization Header", S3's API reference). The tests compare every signature with that of the crate `aws-sigv4`.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use oci_registry::web::WebRequest;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::lease::Keys;

/// Who signs, for which service of which region, and when.
pub(crate) struct Signer<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) region: &'a str,
    pub(crate) service: &'static str,
    pub(crate) now: Timestamp,
}

impl Signer<'_> {
    /// A signed request. `target` is the operation of a JSON service.
    pub(crate) fn post(
        &self,
        url: &Url,
        content_type: &'static str,
        target: Option<&'static str>,
        body: String,
    ) -> WebRequest {
        let headers = self.headers(url, content_type, target, body.as_bytes());
        let mut request = WebRequest::post(url.clone(), content_type, body.into_bytes());
        for (name, value) in headers {
            // These two are set already, by the request and by the HTTP library.
            if !matches!(name, "content-type" | "host") {
                request = request.header(name, value);
            }
        }
        request
    }

    /// All headers that are signed, in their order, and the signature.
    fn headers(
        &self,
        url: &Url,
        content_type: &'static str,
        target: Option<&'static str>,
        body: &[u8],
    ) -> Vec<(&'static str, String)> {
        let time = self.now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = vec![
            ("content-type", content_type.to_owned()),
            ("host", authority(url)),
            ("x-amz-date", time.clone()),
        ];
        headers.extend(
            self.keys.session.as_ref().map(|session| ("x-amz-security-token", session.expose().clone())),
        );
        headers.extend(target.map(|target| ("x-amz-target", target.to_owned())));
        let start = format!("POST\n{}\n\n", encoded(url.path(), b"/"));
        let authorization = self.authorization(start, &headers, &time, &hex::encode(Sha256::digest(body)));
        headers.push(("authorization", authorization));
        headers
    }

    /// The headers that let a request to S3 in, beside `host`. `sha256` is the digest of its body, in hex.
    pub(crate) fn s3(&self, method: &str, url: &Url, sha256: &str) -> Vec<(&'static str, String)> {
        let time = self.now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = vec![
            ("host", authority(url)),
            ("x-amz-content-sha256", sha256.to_owned()),
            ("x-amz-date", time.clone()),
        ];
        headers.extend(
            self.keys.session.as_ref().map(|session| ("x-amz-security-token", session.expose().clone())),
        );
        // S3 takes a path as it is sent, and encodes no part of it again.
        let start = format!("{method}\n{}\n{}\n", url.path(), query(url));
        let authorization = self.authorization(start, &headers, &time, sha256);
        headers.push(("authorization", authorization));
        headers
    }

    /// `canonical` is the canonical request up to its query.
    fn authorization(
        &self,
        mut canonical: String,
        headers: &[(&'static str, String)],
        time: &str,
        sha256: &str,
    ) -> String {
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        for (name, value) in headers {
            // Writing to a string cannot fail.
            let _ = writeln!(canonical, "{name}:{value}");
        }
        let _ = write!(canonical, "\n{names}\n{sha256}");
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let digest = hex::encode(Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
        let first = format!("AWS4{}", self.keys.secret.expose());
        let parts = [day, self.region, self.service, "aws4_request", &text];
        let key = first.into_bytes();
        let signature = parts.iter().fold(key, |key, part| hmac(&key, part.as_bytes()));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
            self.keys.id.expose(),
            hex::encode(signature)
        )
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

/// What the HTTP library will send as `Host`: no port where it is the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Names and values of the query, encoded and in order.
fn query(url: &Url) -> String {
    let pairs =
        url.query_pairs().map(|(name, value)| format!("{}={}", encoded(&name, b""), encoded(&value, b"")));
    let mut pairs: Vec<String> = pairs.collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// A text with everything encoded but letters, digits, `-_.~` and these. A path is encoded once more by that: so it is for
/// all services but S3.
fn encoded(text: &str, plain: &[u8]) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{
            PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
            UriPathNormalizationMode, sign,
        },
        sign::v4,
    };
    use oci_testkit::planted::{AWS_SECRET_KEY, AWS_SESSION_TOKEN};

    use super::*;
    use crate::aws::keys::keys;

    const JSON: &str = "application/x-amz-json-1.1";
    const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

    /// The header `authorization` that others make of the same request.
    fn foreign(signer: &Signer<'_>, url: &Url, headers: &[(&'static str, String)], body: &[u8]) -> String {
        foreign_with(signer, "POST", url, headers, SignableBody::Bytes(body), SigningSettings::default())
    }

    fn foreign_with(
        signer: &Signer<'_>,
        method: &str,
        url: &Url,
        headers: &[(&'static str, String)],
        body: SignableBody<'_>,
        settings: SigningSettings,
    ) -> String {
        let keys = signer.keys;
        let session = keys.session.as_ref().map(|session| session.expose().clone());
        let identity =
            Credentials::new(keys.id.expose(), keys.secret.expose(), session, None, "a test").into();
        let time = UNIX_EPOCH + Duration::from_secs(signer.now.as_second().try_into().unwrap());
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(signer.region)
            .name(signer.service)
            .time(time)
            .settings(settings)
            .build()
            .unwrap();
        let own = ["authorization", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];
        let others = headers.iter().filter(|(name, _)| !own.contains(name));
        let others = others.map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new(method, url.as_str(), others, body).unwrap();
        let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
        let (headers, _) = instructions.into_parts();
        headers.iter().find(|header| header.name() == "authorization").unwrap().value().to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_sdk() {
        let long = "x".repeat(4_096);
        for (url, region, service, content_type, target, session, body) in [
            (
                "https://api.ecr.eu-west-1.amazonaws.com/",
                "eu-west-1",
                "ecr",
                JSON,
                Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
                None,
                "{}",
            ),
            (
                "https://api.ecr-public.us-east-1.amazonaws.com/",
                "us-east-1",
                "ecr-public",
                JSON,
                Some("SpencerFrontendService.GetAuthorizationToken"),
                Some(AWS_SESSION_TOKEN),
                "{}",
            ),
            (
                "http://127.0.0.1:5000/",
                "cn-north-1",
                "sts",
                FORM,
                None,
                Some(AWS_SESSION_TOKEN),
                "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam",
            ),
            (
                "https://sts.example:443/a%20b/c+d/~e/",
                "us-gov-west-1",
                "sts",
                FORM,
                None,
                Some("t"),
                long.as_str(),
            ),
            ("https://sts.example:8443/a(1)/'b'", "us-iso-east-1", "sts", FORM, None, None, ""),
        ] {
            let keys = keys("AKIAIOSFODNN7EXAMPLE", AWS_SECRET_KEY, session).unwrap();
            for second in [0, 1_800_000_000, 1_893_455_999, 4_102_444_800] {
                let now = Timestamp::from_second(second).unwrap();
                let (url, signer) = (Url::parse(url).unwrap(), Signer { keys: &keys, region, service, now });
                let headers = signer.headers(&url, content_type, target, body.as_bytes());
                let ours = headers.last().unwrap().1.clone();
                assert_eq!(ours, foreign(&signer, &url, &headers, body.as_bytes()), "{url} {second}");
            }
        }
    }

    #[test]
    fn signatures_for_s3_are_those_of_the_sdk() {
        let digest = hex::encode(Sha256::digest(b"a body"));
        for (method, url, session) in [
            ("GET", "https://artifacts.s3.eu-west-1.amazonaws.com/a/sha256%3A0f-1.tar.gz", None),
            ("PUT", "http://127.0.0.1:9000/artifacts/a/sha256%3A0f.tar.gz", Some(AWS_SESSION_TOKEN)),
            ("DELETE", "https://s3.example/artifacts/x", None),
            (
                "GET",
                "https://s3.example:8443/artifacts?list-type=2&prefix=a%2Fb&continuation-token=1%2F%2Ba%3D&max-keys=9",
                Some("t"),
            ),
        ] {
            let keys = keys("AKIAIOSFODNN7EXAMPLE", AWS_SECRET_KEY, session).unwrap();
            let (url, now) = (Url::parse(url).unwrap(), Timestamp::from_second(1_800_000_000).unwrap());
            let signer = Signer { keys: &keys, region: "eu-west-1", service: "s3", now };
            let headers = signer.s3(method, &url, &digest);
            let mut settings = SigningSettings::default();
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            let body = SignableBody::Precomputed(digest.clone());
            let theirs = foreign_with(&signer, method, &url, &headers, body, settings);
            assert_eq!(headers.last().unwrap().1, theirs, "{method} {url}");
        }
    }
}
