//! Google: accounts of a cluster, as the Security Token Service and IAM document them.

use std::time::Duration;

use oci_artifact::name::Cloud;
use oci_identity::{
    Environment,
    account::{Account, Role},
};
use oci_testkit::scripted::{Asked, Reply, Scripted};
use serde_json::{Value, json};

use crate::internet::{
    Internet, NOW, Puller, Refused, account, environment, strict_form, token, undocumented,
};

pub(crate) const STS: &str = "sts.googleapis.com";
pub(crate) const IAM: &str = "iamcredentials.googleapis.com";
pub(crate) const GAR: &str = "europe-docker.pkg.dev";
pub(crate) const USER: &str = "oauth2accesstoken";
pub(crate) const PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
pub(crate) const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
const ACCOUNT: &str = "puller@team.iam.gserviceaccount.com";
const PROVIDER: &str = "projects/123/locations/global/workloadIdentityPools/pool/providers/cluster";

fn role(service_account: Option<&str>, provider: Option<&str>) -> Role {
    Role::Gcp { service_account: service_account.map(str::to_owned), provider: provider.map(str::to_owned) }
}

/// The Security Token Service for one who may have these scopes.
pub(crate) fn sts(asked: &Asked, audience: &str, subject: &str, scope: &str) -> Reply {
    if asked.line() != format!("POST {STS}/v1/token") {
        return undocumented();
    }
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", audience),
        ("subject_token", subject),
        ("scope", scope),
    ];
    let answer = json!({
        "access_token": token("sts"), "expires_in": 3_599, "token_type": "Bearer",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    });
    strict_form(asked, &fields, &answer)
}

/// IAM for one who shows `shown`.
pub(crate) fn iam(asked: &Asked, shown: &str, body: &Value) -> Reply {
    let fits = asked.line()
        == format!("POST {IAM}/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken")
        && asked.query.is_empty()
        && asked.header("authorization") == Some(&format!("Bearer {shown}"))
        && asked.header("content-type") == Some("application/json")
        && asked.json() == *body;
    if !fits {
        return undocumented();
    }
    Reply::json(200, &json!({ "accessToken": token("iam"), "expireTime": "2027-01-15T09:00:00Z" }))
}

pub(crate) fn impersonation() -> Value {
    json!({ "scope": [PLATFORM, EMAIL], "lifetime": "3600s" })
}

fn both() -> String {
    format!("{PLATFORM} {EMAIL}")
}

/// Google for accounts of the pool.
fn google(scope: String) -> impl Fn(&Asked) -> Reply + Send + Sync {
    move |asked| match asked.host.as_str() {
        STS => sts(asked, &format!("//iam.googleapis.com/{PROVIDER}"), &token("cluster"), &scope),
        _ => iam(asked, &token("sts"), &impersonation()),
    }
}

#[tokio::test]
async fn gcp_account_of_a_pool_logs_in_with_one_request() {
    let internet = Internet::start(&[STS], google(both()));
    let (account, tokens) = account(role(None, Some(PROVIDER)));
    let puller = Puller::account(&internet, Environment::default(), &account);
    for registry in [GAR, "gcr.io", "eu.gcr.io", "docker.s3nsregistry.fr"] {
        assert_eq!(puller.login(registry).await, (USER.to_owned(), token("sts")));
    }
    assert_eq!(internet.lines(), [format!("POST {STS}/v1/token")], "one token is for all registries");
    assert_eq!(tokens.asked(), [[format!("//iam.googleapis.com/{PROVIDER}")]]);
}

#[tokio::test]
async fn gcp_account_may_be_a_service_account() {
    let internet = Internet::start(&[STS, IAM], google(PLATFORM.to_owned()));
    let (mut account, tokens) = account(role(Some(ACCOUNT), Some(PROVIDER)));
    account.wish.audiences = vec!["mine".into()];
    let puller = Puller::account(&internet, Environment::default(), &account);
    assert_eq!(puller.login(GAR).await, (USER.to_owned(), token("iam")));
    assert_eq!(internet.lines().len(), 2);
    assert_eq!(tokens.asked(), [["mine"]]);
}

#[tokio::test]
async fn gcp_account_of_gke_is_in_the_cluster_s_own_pool() {
    let metadata = Scripted::start(|asked| {
        let value = match asked.path.strip_prefix("/computeMetadata/v1/") {
            Some("project/project-id") => "team",
            Some("instance/attributes/cluster-location") => "europe-west4",
            Some("instance/attributes/cluster-name") => "main\n",
            _ => return undocumented(),
        };
        if asked.header("metadata-flavor") != Some("Google") || !asked.query.is_empty() {
            return undocumented();
        }
        Reply::text(200, value).header("metadata-flavor", "Google")
    });
    let internet = Internet::start(&[STS], |asked| {
        let provider =
            "https://container.googleapis.com/v1/projects/team/locations/europe-west4/clusters/main";
        sts(asked, &format!("identitynamespace:team.svc.id.goog:{provider}"), &token("cluster"), &both())
    });
    let (account, tokens) = account(role(None, None));
    let set = environment(&[("GCE_METADATA_HOST", &metadata.address().to_string())]);
    let puller = Puller::account(&internet, set, &account);
    puller.crowd(1_000, GAR).await;
    assert_eq!((metadata.asked().len(), internet.lines().len()), (3, 1));
    assert_eq!(tokens.asked(), [["team.svc.id.goog"]]);
    let other = Account { name: "other".into(), ..account };
    puller.beside(&other).login(GAR).await;
    assert_eq!((metadata.asked().len(), internet.lines().len()), (3, 2), "the cluster is known");
}

#[tokio::test]
async fn gcp_account_outside_of_gke_is_told_what_is_missing() {
    let (account, tokens) = account(role(None, None));
    for (reply, said) in [
        (Reply::text(200, "team"), "it is no metadata server of Google"),
        (Reply::text(404, "no").header("metadata-flavor", "Google"), "answered 404"),
        (Reply::text(200, "a/../b").header("metadata-flavor", "Google"), "it is no name"),
        (Reply::text(200, "").header("metadata-flavor", "Google"), "it is no name"),
    ] {
        let metadata = Scripted::start(move |_| reply.clone());
        let set = environment(&[("GCE_METADATA_HOST", &metadata.address().to_string())]);
        let refused = Puller::account(&Internet::empty(), set, &account).refused(GAR).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
        assert!(refused.text.contains("gcp.auth.fluxcd.io/workload-identity-provider"), "{refused:?}");
    }
    assert!(tokens.asked().is_empty());
}

#[tokio::test]
async fn gcp_token_never_goes_to_a_look_alike() {
    let (account, tokens) = account(role(None, Some(PROVIDER)));
    for registry in [
        "gcr.io.example.org",
        "xgcr.io",
        "gcr.io:443",
        "us-docker.pkg.dev.example.org",
        "docker.pkg.dev",
        "my.docker.s3nsregistry.fr",
        "ghcr.io",
    ] {
        let internet = Internet::empty();
        for puller in [
            Puller::account(&internet, Environment::default(), &account),
            Puller::process(&internet, Environment::default(), Cloud::Gcp),
        ] {
            let refused = puller.refused(registry).await;
            assert_eq!(refused.reason, "ForeignRegistry", "{refused:?}");
        }
        assert!(internet.is_untouched(), "{registry}");
    }
    assert!(tokens.asked().is_empty());
}

async fn refused(sts: Reply, iam: Reply) -> Refused {
    let internet =
        Internet::start(&[STS, IAM], move |asked| if asked.host == STS { sts.clone() } else { iam.clone() });
    let (account, _) = account(role(Some(ACCOUNT), Some(PROVIDER)));
    Puller::account(&internet, Environment::default(), &account).refused(GAR).await
}

#[tokio::test]
async fn gcp_refusals_are_said_in_plain_words() {
    let oauth = |code: &str| Reply::json(400, &json!({ "error": code, "error_description": "no" }));
    for (code, hint) in [
        ("invalid_target", "no such workload identity pool"),
        ("invalid_grant", "clocks"),
        ("unauthorized_client", "issuer"),
    ] {
        let refused = refused(oauth(code), undocumented()).await;
        assert_eq!(
            refused.text,
            format!(
                "exchanging the token of ServiceAccount apps/puller at Google: https://{STS} answered 400: {code}: no"
            )
        );
        assert!(refused.hint.contains(hint), "{refused:?}");
    }
    let good = Reply::json(200, &json!({ "access_token": token("sts"), "expires_in": 3_599 }));
    for (status, code, hint) in [
        (403, "PERMISSION_DENIED", "roles/iam.workloadIdentityUser"),
        (404, "NOT_FOUND", "no such service account"),
    ] {
        let body = json!({ "error": { "code": status, "status": code, "message": "no" } });
        let refused = refused(good.clone(), Reply::json(status, &body)).await;
        assert!(
            refused.text.starts_with(&format!("getting a token of the service account {ACCOUNT}: ")),
            "{refused:?}"
        );
        assert!(refused.hint.contains(hint), "{refused:?}");
    }
}

#[tokio::test]
async fn gcp_answers_that_are_unusable_are_one_clear_error() {
    let good = json!({ "access_token": token("sts"), "expires_in": 3_599 });
    for (body, said) in [
        (
            json!({ "access_token": format!("{}\n", token("sts")), "expires_in": 1 }),
            "characters that no token has",
        ),
        (json!({ "access_token": "", "expires_in": 1 }), "it has no token"),
        (json!([]), "it is not the JSON expected"),
    ] {
        let refused = refused(Reply::json(200, &body), undocumented()).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
    }
    for (value, until, said) in [
        (token("iam"), "soon", "when its token ends"),
        (token("iam"), "2001-01-01T00:00:00Z", "it is over already"),
        (format!("{}\r\nx: y", token("iam")), "2027-01-15T09:00:00Z", "characters that no token has"),
    ] {
        let iam = Reply::json(200, &json!({ "accessToken": value, "expireTime": until }));
        let refused = refused(Reply::json(200, &good), iam).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
    }
}

#[tokio::test]
async fn gcp_login_lives_no_longer_than_its_token() {
    for (seconds, life) in [(100, Duration::from_secs(80)), (i64::MAX, Duration::from_hours(1))] {
        let answer = json!({ "access_token": token("sts"), "expires_in": seconds });
        let internet = Internet::start(&[STS], move |_| Reply::json(200, &answer));
        let (account, _) = account(role(None, Some(PROVIDER)));
        let puller = Puller::account(&internet, Environment::default(), &account);
        let minted = puller.look(GAR).await.unwrap().found.unwrap().minted.unwrap();
        assert_eq!(minted.until - minted.at, life, "{NOW} + {seconds}");
    }
}
