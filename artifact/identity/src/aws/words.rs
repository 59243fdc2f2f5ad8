//! What AWS says when it refuses, and what to do about it.

use oci_registry::WireErrors;
use serde_json::Value;

use crate::xml;

/// The words of a JSON service.
pub(super) fn json(body: &[u8]) -> WireErrors {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        |names: [&str; 3]| names.into_iter().find_map(|name| said.get(name)?.as_str()).unwrap_or_default();
    // The name of the service may come before the code, a URL after it.
    let kind = text(["__type", "code", "Code"]).rsplit('#').next().unwrap_or_default();
    let code = kind.split(':').next().unwrap_or_default();
    WireErrors::one(code, first_line(text(["message", "Message", "errorMessage"])))
}

/// The words of STS, and of every storage service.
pub(crate) fn sts(body: &[u8]) -> WireErrors {
    let Ok(body) = std::str::from_utf8(body) else { return WireErrors::default() };
    let said = |name| xml::text(body, "Error", name).unwrap_or_default();
    WireErrors::one(&said("Code"), first_line(&said("Message")))
}

/// About signatures AWS repeats the whole request, with the session's token, below the first line.
fn first_line(message: &str) -> &str {
    let line = message.trim_start().lines().next().unwrap_or_default();
    line.split("The Canonical String").next().unwrap_or_default().trim_end()
}

/// What to do about a refusal of any service.
pub(super) fn hint(_: u16, errors: &WireErrors) -> Option<&'static str> {
    let is = |codes: &[&str]| codes.iter().any(|code| errors.has(code));
    if is(&["SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed"]) {
        Some("the secret access key is not that of the access key, or the clock of this computer is wrong")
    } else if is(&["ExpiredToken", "ExpiredTokenException", "ExpiredTokenIdentityException"]) {
        Some("the credentials are over: get new ones (or the clock of this computer is wrong)")
    } else if is(&["InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"]) {
        Some(
            "AWS does not know this access key: it was deleted or switched off, its session token is missing, it is of \
             another partition, or the region is not enabled for the account",
        )
    } else if is(&["RegionDisabledException"]) {
        Some("an administrator of the account must activate STS in this region")
    } else {
        None
    }
}

/// What to do about a refusal of `AssumeRoleWithWebIdentity`.
pub(super) fn web_identity(status: u16, errors: &WireErrors) -> Option<&'static str> {
    if errors.has("AccessDenied") {
        Some(
            "the trust policy of the role must allow sts:AssumeRoleWithWebIdentity to the issuer of the token, for its \
             subject (system:serviceaccount:NAMESPACE:NAME) and its audience (sts.amazonaws.com)",
        )
    } else if errors.has("InvalidIdentityToken") {
        Some(
            "IAM of the role's account needs an OIDC identity provider for the cluster that issued the token, with the \
             token's audience (sts.amazonaws.com)",
        )
    } else if errors.has("ExpiredTokenException") {
        Some("the account's token is over: check the clocks of this computer and of the cluster")
    } else {
        hint(status, errors)
    }
}

/// What to do about a refusal of `AssumeRole`.
pub(super) fn role(status: u16, errors: &WireErrors) -> Option<&'static str> {
    if errors.has("AccessDenied") {
        Some(
            "the trust policy of the role must allow sts:AssumeRole to this identity, and so must a policy of the \
             identity if it is of another account",
        )
    } else {
        hint(status, errors)
    }
}

/// What to do about a refusal of ECR.
pub(super) fn ecr(status: u16, errors: &WireErrors) -> Option<&'static str> {
    if errors.has("AccessDeniedException") {
        Some("give the identity a policy that allows ecr:GetAuthorizationToken on resource *")
    } else {
        hint(status, errors)
    }
}

/// What to do about a refusal of ECR Public.
pub(super) fn ecr_public(status: u16, errors: &WireErrors) -> Option<&'static str> {
    if errors.has("AccessDeniedException") {
        Some(
            "give the identity a policy that allows ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken; \
             to pull, no login is needed",
        )
    } else {
        hint(status, errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_json_services_lose_their_decoration() {
        for (body, said) in [
            (
                r#"{"__type":"com.amazon#AccessDeniedException:http://x","Message":"no"}"#,
                "AccessDeniedException: no",
            ),
            (r#"{"code":"InvalidRoleArn","message":"no"}"#, "InvalidRoleArn: no"),
            (r#"{"__type":"X"}"#, "X"),
            (r#"{"message":"only"}"#, "only"),
            (r#"{"a":1}"#, ""),
            ("<html>", ""),
            ("secret", ""),
        ] {
            assert_eq!(json(body.as_bytes()).to_string(), said, "{body}");
        }
    }

    #[test]
    fn words_about_signatures_do_not_repeat_the_request() {
        let message =
            "The request signature we calculated does not match.\n\nThe Canonical String was\n'POST\nhunter2";
        let body = serde_json::json!({ "__type": "InvalidSignatureException", "message": message });
        let said = json(body.to_string().as_bytes());
        assert_eq!(
            said.to_string(),
            "InvalidSignatureException: The request signature we calculated does not match."
        );
        assert!(hint(403, &said).is_some_and(|hint| hint.contains("clock")));
        let xml = format!(
            "<ErrorResponse><Error><Code>X</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        assert_eq!(sts(xml.as_bytes()).to_string(), "X: The request signature we calculated does not match.");
        let other = br#"{"message":"It does not match.\nThe String-to-Sign was hunter2"}"#;
        assert_eq!(json(other).to_string(), "It does not match.");
        let one_line = br#"{"message":"It does not match. The Canonical String was hunter2"}"#;
        assert_eq!(json(one_line).to_string(), "It does not match.");
    }

    #[test]
    fn words_of_sts_are_xml() {
        let body = b"<ErrorResponse xmlns='urn:x'><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                     <Message>Not authorized &amp; so</Message></Error><RequestId>1</RequestId></ErrorResponse>";
        assert_eq!(sts(body).to_string(), "AccessDenied: Not authorized & so");
        for other in [&b""[..], b"<html>", b"\xff\xfe", b"{}"] {
            assert_eq!(sts(other).to_string(), "");
        }
    }
}
