//! Roles of accounts.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use oci_artifact::{Class, Classify as _};
use oci_identity::Plan;
use oci_testkit::{planted::AWS_WEB_IDENTITY_TOKEN, scripted::Reply};

use super::world::{
    HOST, ROLE, Tokens, World, an_account, assert_logged_in, environment, identities, log_in, refusal,
    role_keys, said, serve,
};

const STS: &str = "POST sts.eu-west-1.amazonaws.com/";
const ECR: &str = "POST api.ecr.eu-west-1.amazonaws.com/";
const ORIGIN: &str =
    "ECR in eu-west-1, role arn:aws:iam::012345678901:role/puller of ServiceAccount team/app";

#[tokio::test]
async fn account_logs_in_by_its_role_with_two_requests() {
    let (world, tokens) = (World::start(), Arc::new(Tokens::default()));
    let plan = Plan::Account(an_account("app", &tokens, &[]));
    // Keys of the process are not the account's.
    let identities = identities(environment(&super::world::KEYS));
    let source = identities.source(plan, world.web(), None);
    assert_logged_in(&log_in(&source, HOST).await.unwrap(), ORIGIN);
    assert_logged_in(&log_in(&source, HOST).await.unwrap(), ORIGIN);
    assert_eq!(world.lines(), [STS, ECR]);
    let fields: BTreeMap<_, _> = world.aws.asked()[0].form().into_iter().collect();
    let wanted = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "app.team.eu-west-1.fluxcd.io"),
        ("WebIdentityToken", AWS_WEB_IDENTITY_TOKEN),
    ];
    assert_eq!(fields, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(*tokens.asked.lock().unwrap(), [["sts.amazonaws.com"]]);
}

#[tokio::test]
async fn account_s_own_audiences_are_taken() {
    let (world, tokens) = (World::start(), Arc::new(Tokens::default()));
    let account =
        an_account("app", &tokens, &[("credential.auth.fluxcd.io/audiences", "a.example, b.example")]);
    let source = identities(environment(&[])).source(Plan::Account(account), world.web(), None);
    assert_logged_in(&log_in(&source, HOST).await.unwrap(), ORIGIN);
    assert_eq!(*tokens.asked.lock().unwrap(), [["a.example", "b.example"]]);
}

#[tokio::test]
async fn a_thousand_sources_of_one_account_ask_once() {
    let (world, tokens) = (World::start(), Arc::new(Tokens::default()));
    let (identities, web) = (identities(environment(&[])), world.web());
    let account = || Plan::Account(an_account("app", &tokens, &[]));
    let sources: Vec<_> = (0..1_000).map(|_| identities.source(account(), Arc::clone(&web), None)).collect();
    let all = join_all(sources.iter().map(|source| log_in(source, HOST))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(world.lines(), [STS, ECR]);
    assert_eq!(tokens.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn accounts_share_nothing_but_registries_of_a_region_do() {
    let (world, tokens) = (World::start(), Arc::new(Tokens::default()));
    let identities = identities(environment(&[]));
    let source = |name| identities.source(Plan::Account(an_account(name, &tokens, &[])), world.web(), None);
    let (one, other) = (source("one"), source("other"));
    log_in(&one, HOST).await.unwrap();
    log_in(&one, "111111111111.dkr.ecr.eu-west-1.amazonaws.com").await.unwrap();
    assert_eq!(world.lines(), [STS, ECR]);
    let lookup = log_in(&other, HOST).await.unwrap();
    assert!(lookup.to_string().ends_with("ServiceAccount team/other"), "{lookup}");
    assert_eq!(world.lines(), [STS, ECR, STS, ECR]);
    log_in(&one, "012345678901.dkr.ecr.us-east-1.amazonaws.com").await.unwrap();
    let further = ["POST sts.us-east-1.amazonaws.com/", "POST api.ecr.us-east-1.amazonaws.com/"];
    assert_eq!(world.lines()[4..], further);
}

#[tokio::test]
async fn account_asks_sts_of_the_registry_s_partition() {
    for (host, sts, ecr) in [
        ("public.ecr.aws", "sts.us-east-1.amazonaws.com", "api.ecr-public.us-east-1.amazonaws.com"),
        (
            "012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "sts.cn-north-1.amazonaws.com.cn",
            "api.ecr.cn-north-1.amazonaws.com.cn",
        ),
        (
            "012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu",
            "sts.eusc-de-east-1.amazonaws.eu",
            "api.ecr.eusc-de-east-1.amazonaws.eu",
        ),
        (
            "012345678901.dkr.ecr-fips.us-east-2.amazonaws.com",
            "sts-fips.us-east-2.amazonaws.com",
            "ecr-fips.us-east-2.amazonaws.com",
        ),
        (
            "012345678901.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
            "sts.us-gov-west-1.amazonaws.com",
            "ecr-fips.us-gov-west-1.amazonaws.com",
        ),
    ] {
        let (world, tokens) = (World::start(), Arc::new(Tokens::default()));
        let plan = Plan::Account(an_account("app", &tokens, &[]));
        let source = identities(environment(&[])).source(plan, world.web(), None);
        log_in(&source, host).await.unwrap();
        assert_eq!(world.lines(), [format!("POST {sts}/"), format!("POST {ecr}/")]);
    }
}

/// What an account is told when STS answers so.
async fn told(reply: Reply) -> (String, Class) {
    let world =
        World::with(move |asked| if asked.host.starts_with("sts") { reply.clone() } else { serve(asked) });
    let plan = Plan::Account(an_account("app", &Arc::new(Tokens::default()), &[]));
    let source = identities(environment(&[])).source(plan, world.web(), None);
    let result = log_in(&source, HOST).await;
    let class = result.as_ref().unwrap_err().class();
    assert!(world.lines().iter().all(|line| line == STS), "nothing goes to ECR");
    (said(result), class)
}

#[tokio::test]
async fn refusals_of_sts_say_what_to_do() {
    for (status, code, hint, class) in [
        (
            403,
            "AccessDenied",
            "the trust policy of the role must allow sts:AssumeRoleWithWebIdentity",
            Class::Denied,
        ),
        (400, "InvalidIdentityToken", "needs an OIDC identity provider for the cluster", Class::Denied),
        (400, "ExpiredTokenException", "the account's token is over: check the clocks", Class::Denied),
        (403, "RegionDisabledException", "must activate STS in this region", Class::Denied),
        (400, "IDPCommunicationError", "", Class::Retry { after: None }),
        (400, "Throttling", "", Class::Retry { after: None }),
        (503, "ServiceUnavailable", "", Class::Retry { after: None }),
        (400, "ValidationError", "", Class::Denied),
    ] {
        let (text, found) = told(refusal(status, code, "in AWS's &lt;words&gt;")).await;
        let wanted = format!(
            "assuming {ROLE} in eu-west-1 for ServiceAccount team/app: https://sts.eu-west-1.amazonaws.com answered \
             {status}: {code}: in AWS's <words> [AuthenticationFailed] ("
        );
        assert!(text.starts_with(&wanted), "{text}");
        assert!(text.contains(hint), "{text}");
        assert_eq!(found, class, "{code}");
    }
}

#[tokio::test]
async fn unusable_answers_of_sts_are_told() {
    for (reply, said) in [
        (Reply::text(200, ""), "sent an unusable answer: it is not the XML expected"),
        (Reply::text(200, "{}"), "sent an unusable answer: it is not the XML expected"),
        (Reply::text(200, &"x".repeat((64 << 10) + 1)), "larger than the limit of 65536 bytes"),
        (role_keys("ASIA\n", "x"), "sent an unusable answer: the expiration is no time"),
        (role_keys("AS IA", "x"), "sent an unusable answer: the access key id is"),
        (role_keys("ASIAX", "2026-01-01T11:00:00Z"), "it is over already, by the clock of this computer"),
        (Reply::text(302, "").header("location", "https://elsewhere.example/"), "answered 302"),
        (Reply::text(403, "<html>proxy</html>"), "answered 403 [AuthenticationFailed]"),
    ] {
        let (text, _) = told(reply).await;
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[tokio::test]
async fn token_that_is_none_is_not_sent() {
    for token in ["", "\n", "a\nb", "a b", "a\r\nx: y", &"x".repeat(20_001)] {
        let tokens = Arc::new(Tokens { value: Some(token.to_owned()), ..Tokens::default() });
        let world = World::start();
        let plan = Plan::Account(an_account("app", &tokens, &[]));
        let source = identities(environment(&[])).source(plan, world.web(), None);
        let text = said(log_in(&source, HOST).await);
        assert!(text.starts_with("ServiceAccount team/app: its token is empty, too long, or has"), "{text}");
        assert!(world.lines().is_empty());
    }
}
