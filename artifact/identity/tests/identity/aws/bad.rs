//! Answers of ECR that are no logins.

use oci_artifact::{Class, Classify as _};
use oci_testkit::{planted::ECR_TOKEN_PASSWORD, scripted::Reply};
use serde_json::{Value, json};

use super::world::{HOST, KEYS, World, ecr_token, environment, said};

async fn told(host: &str, reply: Reply) -> (String, Class) {
    let world = World::with(move |_| reply.clone());
    let result = world.log_in(environment(&KEYS), host).await;
    let class = result.as_ref().unwrap_err().class();
    (said(result), class)
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "__type": code, "message": message }))
}

#[tokio::test]
async fn refusals_of_ecr_say_what_to_do() {
    const PUBLIC: &str = "public.ecr.aws";
    for (host, status, code, hint, class) in [
        (HOST, 400, "AccessDeniedException", "allows ecr:GetAuthorizationToken on resource *", Class::Denied),
        (PUBLIC, 400, "AccessDeniedException", "sts:GetServiceBearerToken; to pull, no login", Class::Denied),
        (HOST, 400, "ExpiredTokenException", "the credentials are over: get new ones", Class::Denied),
        (
            HOST,
            400,
            "UnrecognizedClientException",
            "or the region is not enabled for the account",
            Class::Denied,
        ),
        (HOST, 403, "InvalidSignatureException", "or the clock of this computer is wrong", Class::Denied),
        (HOST, 403, "SignatureDoesNotMatch", "or the clock of this computer is wrong", Class::Denied),
        (HOST, 400, "ThrottlingException", "", Class::Retry { after: None }),
        (HOST, 500, "ServerException", "", Class::Retry { after: None }),
    ] {
        let (text, found) = told(host, refusal(status, code, "no")).await;
        assert!(text.starts_with("getting a token of ECR"), "{text}");
        assert!(text.contains(" as keys in AWS_ACCESS_KEY_ID: https://api.ecr"), "{text}");
        assert!(text.contains(&format!("answered {status}: {code}: no [AuthenticationFailed]")), "{text}");
        assert!(text.contains(hint), "{text}");
        assert_eq!(found, class, "{code}");
    }
}

#[tokio::test]
async fn refusal_that_repeats_the_request_is_cut() {
    let message =
        format!("It does not match.\n\nThe Canonical String\nx-amz-security-token:{ECR_TOKEN_PASSWORD}");
    let (text, _) = told(HOST, refusal(403, "InvalidSignatureException", &message)).await;
    assert!(text.contains("InvalidSignatureException: It does not match. ["), "{text}");
}

#[tokio::test]
async fn unusable_answers_of_ecr_are_told() {
    let with = |password: &str, expires: f64| {
        Reply::json(200, &json!({ "authorizationData": [ecr_token(password, expires)] }))
    };
    let data = |data: Value| Reply::json(200, &json!({ "authorizationData": data }));
    for (reply, wanted) in [
        (Reply::text(200, ""), "it is not the JSON expected"),
        (Reply::text(200, "<html>"), "it is not the JSON expected"),
        (Reply::text(200, &"x".repeat((64 << 10) + 1)), "larger than the limit of 65536 bytes"),
        (data(json!([])), "it has no token"),
        (data(json!([{ "authorizationToken": "" }])), "its token is no user and password"),
        (data(json!([{ "authorizationToken": "QVdT" }])), "its token is no user and password"),
        (with("", 1e9), "its token is no user and password"),
        (with(&format!("{ECR_TOKEN_PASSWORD}\n"), 1e9), "its token is no user and password"),
        (with(&format!("{ECR_TOKEN_PASSWORD}\r\nx: y"), 1e9), "its token is no user and password"),
        (with(ECR_TOKEN_PASSWORD, 1.7e9), "it is over already, by the clock of this computer"),
        (with(ECR_TOKEN_PASSWORD, -1.0), "it is over already, by the clock of this computer"),
        (with(ECR_TOKEN_PASSWORD, 1e300), "its expiry is no time"),
        (Reply::text(307, "").header("location", "https://elsewhere.example/"), "answered 307"),
        (Reply::text(407, "<html>"), "answered 407"),
    ] {
        let (text, _) = told(HOST, reply).await;
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[tokio::test]
async fn far_future_is_no_reason_to_keep_a_token_for_long() {
    let far = json!({ "authorizationData": [ecr_token(ECR_TOKEN_PASSWORD, 2.5e11)] });
    let world = World::with(move |_| Reply::json(200, &far));
    let lookup = world.log_in(environment(&KEYS), HOST).await.unwrap();
    let minted = lookup.found.unwrap().minted.unwrap();
    assert_eq!((minted.until - minted.at).as_secs(), 3_600);
}

#[tokio::test]
async fn region_that_does_not_exist_is_told() {
    let text =
        said(World::start().log_in(environment(&KEYS), "012345678901.dkr.ecr.eu-west-9.amazonaws.com").await);
    assert!(text.starts_with("getting a token of ECR in eu-west-9 as keys in AWS_ACCESS_KEY_ID: "), "{text}");
}
