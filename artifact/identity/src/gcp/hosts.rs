//! Google's own hosts: whatever a file says, keys and tokens go to no other.
//!
//! The forms are those that google-auth-library accepts for `token_url` and `service_account_impersonation_url`, for the
//! public cloud (`googleapis.com`) and for S3NS (`s3nsapis.fr`).

use url::Url;

use crate::error::IdentityError;

/// Domains of the services.
const DOMAINS: [&str; 2] = [".googleapis.com", ".s3nsapis.fr"];

/// A service that a file may name the URL of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// OAuth2 for keys and users: `token_uri`.
    OAuth,
    /// The Security Token Service: `token_url`.
    Sts,
    /// IAM credentials: `service_account_impersonation_url`.
    Iam,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::OAuth => "oauth2",
            Self::Sts => "sts",
            Self::Iam => "iamcredentials",
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::OAuth => "token_uri",
            Self::Sts => "token_url",
            Self::Iam => "service_account_impersonation_url",
        }
    }

    /// The URL, if it is this service's.
    pub(super) fn url(self, place: &str, text: &str) -> Result<Url, IdentityError> {
        let url = Url::parse(text).ok().filter(|url| self.owns(url));
        url.ok_or_else(|| IdentityError::Setting {
            place: place.to_owned(),
            detail: format!("its {} is no https URL of Google's", self.field()),
            hint: Some(
                "take the file from Google anew: a changed one would send the key or the token elsewhere",
            ),
        })
    }

    fn owns(self, url: &Url) -> bool {
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let Some(host) = url.host_str().filter(|_| plain) else { return false };
        if self == Self::OAuth && matches!(host, "accounts.google.com" | "www.googleapis.com") {
            return true;
        }
        DOMAINS.into_iter().filter_map(|domain| host.strip_suffix(domain)).any(|rest| self.is(rest))
    }

    /// `sts`, `sts.mtls`, `REGION.sts`, `sts.REGION`, `REGION-sts`, `sts-NAME.p` (Private Service Connect).
    fn is(self, rest: &str) -> bool {
        let name = self.name();
        let label =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let around = |rest: Option<&str>| rest.is_some_and(label);
        rest == name
            || around(rest.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')))
            || around(rest.strip_suffix(name).and_then(|rest| rest.strip_suffix('.')))
            || around(rest.strip_suffix(name).and_then(|rest| rest.strip_suffix('-')))
            || around(
                rest.strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('-'))
                    .and_then(|rest| rest.strip_suffix(".p")),
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_google_are_known() {
        for (service, url) in [
            (Service::OAuth, "https://oauth2.googleapis.com/token"),
            (Service::OAuth, "https://accounts.google.com/o/oauth2/token"),
            (Service::OAuth, "https://www.googleapis.com/oauth2/v4/token"),
            (Service::OAuth, "https://oauth2.s3nsapis.fr/token"),
            (Service::Sts, "https://sts.googleapis.com/v1/token"),
            (Service::Sts, "https://sts.googleapis.com:443/v1/token"),
            (Service::Sts, "https://STS.mtls.googleapis.com/v1/token"),
            (Service::Sts, "https://us-east1-sts.googleapis.com/v1/token"),
            (Service::Sts, "https://sts.us-east1.googleapis.com/v1/token"),
            (Service::Sts, "https://sts-mine.p.googleapis.com/v1/token"),
            (Service::Iam, "https://iamcredentials.googleapis.com/v1/x:generateAccessToken"),
        ] {
            assert!(service.url("f", url).is_ok(), "{url}");
        }
    }

    #[test]
    fn hosts_of_others_are_refused() {
        for url in [
            "http://sts.googleapis.com/v1/token",
            "https://sts.googleapis.com.example.org/v1/token",
            "https://sts.googleapis.com@example.org/v1/token",
            "https://u:p@sts.googleapis.com/v1/token",
            "https://sts.googleapis.com:8443/v1/token",
            "https://sts.googleapis.com./v1/token",
            "https://stsgoogleapis.com/v1/token",
            "https://xsts.googleapis.com/v1/token",
            "https://evil.sts.x.googleapis.com/v1/token",
            "https://storage.googleapis.com/bucket/sts",
            "https://iamcredentials.googleapis.com/v1/token",
            "https://example.org/sts.googleapis.com",
            "https://sts.googleapis.com/v1/token?to=x",
            "https://accounts.google.com/o/oauth2/token",
            "https://127.0.0.1/token",
            "file:///etc/passwd",
            "sts.googleapis.com",
            "",
        ] {
            let error = Service::Sts.url("f", url).unwrap_err().to_string();
            assert_eq!(error, "f: its token_url is no https URL of Google's", "{url}");
        }
    }
}
