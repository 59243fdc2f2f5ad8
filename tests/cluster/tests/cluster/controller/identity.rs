//! Accounts that log in by tokens of their own, made by the real API server under the shipped rights.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::{Api, api::PostParams};
use oci_testkit::{
    control_plane::{ControlPlane, eventually},
    registry::{Auth, Registry},
    tls::Tls,
};
use serde_json::{Value, json};

use super::{
    auth::{account, docker_config},
    push::Image,
    tenant::{Tenant, is_ready},
    tls::secret,
    world::{LONG, OBJECT_IDENTITY, shard, started},
};

/// The annotations that opt in.
const OPT_IN: [(&str, &str); 2] = [("provider", "kubernetes"), ("type", "jwt")];

/// An account whose annotations `credential.auth.fluxcd.io/…` are these.
fn annotated(name: &str, annotations: &[(&str, &str)]) -> Value {
    let mut account = account(name, &[]);
    account["metadata"]["annotations"] = prefixed(annotations);
    account
}

fn prefixed(annotations: &[(&str, &str)]) -> Value {
    let prefix = |name: &str| format!("credential.auth.fluxcd.io/{name}");
    let all: serde_json::Map<String, Value> =
        annotations.iter().map(|(name, text)| (prefix(name), json!(text))).collect();
    all.into()
}

/// The claims of a token, whose signature the API server judges later.
fn claims(token: &str) -> Option<Value> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Which tokens the registry takes, and which it was shown.
#[derive(Default)]
struct Door {
    /// `NAMESPACE:NAME` and the audience of each account that may come in.
    allowed: Mutex<BTreeSet<(String, String)>>,
    shown: Mutex<BTreeSet<String>>,
    revoked: Mutex<BTreeSet<String>>,
}

impl Door {
    fn fits(&self, token: &str) -> bool {
        self.shown.lock().unwrap().insert(token.to_owned());
        let Some(claims) = claims(token) else { return false };
        let subject = claims["sub"].as_str().unwrap_or_default();
        let allowed = self.allowed.lock().unwrap();
        let fits = |(account, audience): &(String, String)| {
            let audiences = claims["aud"].as_array();
            subject == format!("system:serviceaccount:{account}")
                && audiences.is_some_and(|all| all.contains(&json!(audience)))
        };
        allowed.iter().any(fits) && !self.revoked.lock().unwrap().contains(token)
    }

    /// Lets an account of the tenant in, with tokens for the registry.
    fn allow(&self, tenant: &Tenant<'_>, name: &str) {
        let account = format!("{}:{name}", tenant.namespace);
        self.allowed.lock().unwrap().insert((account, tenant.registry.host()));
    }

    fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().iter().cloned().collect()
    }

    fn revoke_shown(&self) {
        let shown = self.shown();
        self.revoked.lock().unwrap().extend(shown);
    }
}

/// What the API server says about a token for this audience.
async fn reviewed(plane: &ControlPlane, token: &str, audience: &str) -> String {
    let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: Some(vec![audience.to_owned()]) };
    let review = TokenReview { spec, ..TokenReview::default() };
    let answer = Api::all(plane.client()).create(&PostParams::default(), &review).await.unwrap();
    let status = answer.status.unwrap();
    assert_eq!(status.authenticated, Some(true), "{:?}", status.error);
    status.user.unwrap().username.unwrap()
}

/// A registry behind TLS that lets accounts in, and who they are.
fn guarded(auth: impl FnOnce(Arc<Door>) -> Auth) -> (Registry, Arc<Door>, Tls) {
    let (tls, door) = (Tls::new(), Arc::new(Door::default()));
    let registry = Registry::builder().tls(&tls).auth(auth(Arc::clone(&door))).start();
    (registry, door, tls)
}

fn by_token(door: Arc<Door>) -> Auth {
    Auth::token(move |token| door.fits(token))
}

async fn prepared(tenant: &Tenant<'_>, tls: &Tls) {
    Image::saying("one").push(&tenant.registry, "org/app", "v1");
    tenant.install(&secret("ca", &[("ca.crt", &tls.ca_pem)])).await;
}

/// With the shared controller, which may make tokens.
async fn tenant() -> (Tenant<'static>, Arc<Door>) {
    let (registry, door, tls) = guarded(by_token);
    let tenant = Tenant::with(registry).await;
    prepared(&tenant, &tls).await;
    (tenant, door)
}

/// The fields of an object that logs in as this account.
fn fields(account: &str) -> Value {
    json!({
        "insecure": null,
        "ref": { "tag": "v1" },
        "certSecretRef": { "name": "ca" },
        "serviceAccountName": account,
    })
}

#[tokio::test]
async fn identity_logs_in_by_the_accounts_token_and_uses_it_again() {
    let (tenant, door) = tenant().await;
    door.allow(&tenant, "puller");
    tenant.install(&annotated("puller", &OPT_IN)).await;
    tenant.install(&account("stranger", &[])).await;
    tenant.install(&annotated("other", &OPT_IN)).await;
    for name in ["puller", "stranger", "other"] {
        tenant.apply(name, &fields(name)).await;
    }
    let object = tenant.ready("puller").await;
    assert_eq!(tenant.files(&object).await["app.yaml"], "one");
    for name in ["stranger", "other"] {
        tenant.failed(name, "FetchFailed", "OCIArtifactPullFailed").await;
        tenant.delete(name).await;
        tenant.gone(name).await;
    }
    let own = format!("system:serviceaccount:{}:puller", tenant.namespace);
    let tokens: Vec<String> =
        door.shown().into_iter().filter(|token| claims(token).unwrap()["sub"] == own).collect();
    assert_eq!(tokens.len(), 1, "one token for the whole run");
    assert_eq!(reviewed(tenant.plane, &tokens[0], &tenant.registry.host()).await, own);
    let count = |event: &str| {
        let series = format!(
            "gotk_token_cache_events_total{{event_type=\"{event}\",kind=\"OCIRepository\",name=\"puller\",\
             namespace=\"{}\",operation=\"reconcile\"}} ",
            tenant.namespace
        );
        let text = tenant.controller().metrics();
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse::<u64>().ok())
    };
    assert_eq!(count("cache_miss"), Some(1));
    // A poll is one request with the token that is there.
    tenant.registry.reset();
    tenant.run("puller", "now").await;
    assert_eq!(tenant.registry.requests().len(), 1, "{:?}", tenant.registry.requests());
    assert_eq!(count("cache_miss"), Some(1));
    // One that is refused is replaced, once.
    door.revoke_shown();
    let before = door.shown().len();
    tenant.run("puller", "again").await;
    tenant.ready("puller").await;
    assert_eq!((door.shown().len() - before, count("cache_miss")), (1, Some(2)));
    tenant.delete("puller").await;
    tenant.gone("puller").await;
    eventually("the end of the series", LONG, async || {
        count("cache_miss").map_or(Ok(()), |count| Err(count.to_string()))
    })
    .await;
}

#[tokio::test]
async fn identity_has_the_audiences_and_the_time_that_it_asks_for() {
    let (tenant, door) = tenant().await;
    door.allow(&tenant, "puller");
    let audiences = format!("mirror.example,\n{}", tenant.registry.host());
    let more = [("audiences", audiences.as_str()), ("expiration", "20m")];
    tenant.install(&annotated("puller", &[OPT_IN, more].concat())).await;
    tenant.apply("app", &fields("puller")).await;
    tenant.ready("app").await;
    let claims = claims(&door.shown()[0]).unwrap();
    assert_eq!(claims["aud"], json!(["mirror.example", tenant.registry.host()]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 20 * 60);
}

#[tokio::test]
async fn identity_is_the_password_of_the_user_that_the_account_names() {
    let (registry, door, tls) =
        guarded(|door: Arc<Door>| Auth::token_of("robot", move |token| door.fits(token)));
    let tenant = Tenant::with(registry).await;
    prepared(&tenant, &tls).await;
    door.allow(&tenant, "puller");
    door.allow(&tenant, "nameless");
    tenant.install(&annotated("puller", &[&OPT_IN[..], &[("username", "robot")]].concat())).await;
    tenant.install(&annotated("nameless", &OPT_IN)).await;
    tenant.apply("app", &fields("puller")).await;
    tenant.apply("nameless", &fields("nameless")).await;
    tenant.ready("app").await;
    let message = tenant.failed("nameless", "FetchFailed", "OCIArtifactPullFailed").await;
    assert!(message.contains("credential.auth.fluxcd.io/username"), "{message}");
}

#[tokio::test]
async fn identity_is_not_shown_without_verified_tls() {
    let (registry, door, tls) = guarded(by_token);
    let tenant = Tenant::with(registry).await;
    prepared(&tenant, &tls).await;
    door.allow(&tenant, "puller");
    tenant.install(&annotated("puller", &OPT_IN)).await;
    let mut unverified = fields("puller");
    unverified["insecure"] = json!(true);
    unverified["certSecretRef"] = Value::Null;
    tenant.apply("unverified", &unverified).await;
    let message = tenant.failed("unverified", "FetchFailed", "OCIArtifactPullFailed").await;
    assert!(message.contains("is not verified") && message.contains("ca.crt"), "{message}");
    assert!(door.shown().is_empty());
}

#[tokio::test]
async fn identity_that_cannot_be_had_says_what_to_edit() {
    let (tenant, door) = tenant().await;
    let both = |more: &[(&'static str, &'static str)]| [&OPT_IN[..], more].concat();
    let mut beside = annotated("beside", &OPT_IN);
    beside["imagePullSecrets"] = json!([{ "name": "pull" }]);
    tenant.install(&docker_config("pull", &tenant.registry.host(), "tester", "s3cret-pass")).await;
    tenant.install(&beside).await;
    for (name, annotations) in [
        ("half", OPT_IN[..1].to_vec()),
        ("other-half", OPT_IN[1..].to_vec()),
        ("spiffe", vec![("provider", "spiffe"), ("type", "jwt")]),
        ("x509", vec![("provider", "spiffe"), ("type", "x509")]),
        ("unknown", vec![("provider", "vault"), ("type", "jwt")]),
        ("short", both(&[("expiration", "1m")])),
        ("cluster", both(&[("audiences", "https://kubernetes.default.svc")])),
    ] {
        tenant.install(&annotated(name, &annotations)).await;
    }
    let cases = [
        ("half", "AuthenticationFailed", "both are needed, or none"),
        ("other-half", "AuthenticationFailed", "both are needed, or none"),
        ("beside", "AuthenticationFailed", "beside imagePullSecrets"),
        ("spiffe", "AuthenticationFailed", "spiffe is not supported yet"),
        ("x509", "AuthenticationFailed", "x509 is not supported yet"),
        ("unknown", "AuthenticationFailed", "`vault` is not `kubernetes`"),
        ("short", "AuthenticationFailed", "no token for less than 10m"),
        ("absent", "AuthenticationFailed", "absent' not found"),
        (
            "cluster",
            "OCIArtifactPullFailed",
            "'https://kubernetes.default.svc' is that of this cluster's API server",
        ),
    ];
    for (name, ..) in cases {
        tenant.apply(name, &fields(name)).await;
    }
    for (name, reason, part) in cases {
        let message = tenant.failed(name, "FetchFailed", reason).await;
        assert!(message.contains(part) && message.contains(&tenant.namespace), "{name}: {message}");
    }
    // Of a cloud's identity nothing leaves for a registry that is not the cloud's.
    let mut foreign = fields("aws");
    foreign["provider"] = json!("aws");
    let mut role = account("aws", &[]);
    role["metadata"]["annotations"] =
        json!({ "eks.amazonaws.com/role-arn": "arn:aws:iam::012345678901:role/a" });
    tenant.install(&role).await;
    tenant.apply("foreign", &foreign).await;
    let message = tenant.failed("foreign", "FetchFailed", "AuthenticationFailed").await;
    assert!(message.contains("Amazon ECR only"), "{message}");
    assert!(door.shown().is_empty());
}

#[tokio::test]
async fn identity_is_used_as_soon_as_the_account_changes_and_by_its_users_only() {
    let (tenant, door) = tenant().await;
    for name in ["changed", "same"] {
        door.allow(&tenant, name);
        Image::saying("one").push(&tenant.registry, &format!("org/{name}"), "v1");
        tenant.install(&annotated(name, if name == "same" { &OPT_IN } else { &OPT_IN[..1] })).await;
        let mut fields = fields(name);
        fields["url"] = json!(tenant.registry.url(&format!("org/{name}")));
        tenant.apply(name, &fields).await;
    }
    tenant.ready("same").await;
    tenant.failed("changed", "FetchFailed", "AuthenticationFailed").await;
    tenant.registry.reset();
    tenant.install(&annotated("changed", &OPT_IN)).await;
    tenant.ready("changed").await;
    // A change of what does not matter is one too; nobody else is looked at.
    let digest = Image::saying("two").push(&tenant.registry, "org/changed", "v1");
    tenant.install(&annotated("changed", &[&OPT_IN[..], &[("expiration", "20m")]].concat())).await;
    let revision = format!("v1@{digest}");
    tenant
        .until("changed", "the new revision", |object| {
            is_ready(object) && object["status"]["artifact"]["revision"] == revision
        })
        .await;
    let others = tenant.registry.count(|request| request.path.starts_with("/v2/org/same/"));
    assert_eq!(others, 0, "{:?}", tenant.registry.requests());
    let longest = |token: &String| {
        let claims = claims(token).unwrap();
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert!(door.shown().iter().map(longest).any(|seconds| seconds == 20 * 60), "the kept token was used on");
}

/// A shard, and the flag for a controller of an account of its own that has the base rights.
async fn of_own_account(name: &str) -> (Tenant<'static>, Arc<Door>, oci_testkit::controller::Options) {
    let (registry, door, tls) = guarded(by_token);
    let mut tenant = Tenant::of_shard(name).await;
    tenant.registry = registry;
    prepared(&tenant, &tls).await;
    let plane = tenant.plane;
    tenant.install(&account(name, &[])).await;
    for role in ["oci-controller", "oci-controller-watch-credentials"] {
        bind(&tenant, name, role).await;
    }
    let mut options = shard(name).await;
    options.kubeconfig =
        plane.kubeconfig_with_token(&plane.service_account_token(&tenant.namespace, name).await);
    (tenant, door, options)
}

async fn bind(tenant: &Tenant<'_>, name: &str, role: &str) {
    let binding = format!("{name}-{role}-{}", tenant.namespace);
    let subject = format!("{}:{name}", tenant.namespace);
    let bind =
        ["create", "clusterrolebinding", &binding, "--clusterrole", role, "--serviceaccount", &subject];
    tenant.plane.run(&bind).await.succeeded();
}

#[tokio::test]
async fn identity_needs_a_right_that_is_given_apart() {
    let name = "no-tokens";
    let (tenant, door, options) = of_own_account(name).await;
    door.allow(&tenant, "puller");
    let _controller = started(options);
    tenant.install(&annotated("puller", &OPT_IN)).await;
    tenant.apply("app", &fields("puller")).await;
    let message = tenant.failed("app", "FetchFailed", "OCIArtifactPullFailed").await;
    let parts = ["serviceaccounts/token", "deploy/components/object-identity", "puller"];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    assert!(door.shown().is_empty());
    bind(&tenant, name, OBJECT_IDENTITY).await;
    tenant.ready("app").await;
}

#[tokio::test]
async fn identity_of_the_default_account_is_that_of_objects_that_name_none() {
    let name = "default-account";
    let (tenant, door, options) = of_own_account(name).await;
    bind(&tenant, name, OBJECT_IDENTITY).await;
    door.allow(&tenant, "standard");
    let _controller =
        started(options.with("--default-service-account=standard").with("--token-cache-max-size=0"));
    let mut nameless = fields("");
    nameless["serviceAccountName"] = Value::Null;
    tenant.apply("app", &nameless).await;
    let message = tenant.failed("app", "FetchFailed", "AuthenticationFailed").await;
    assert!(message.contains("standard' not found"), "{message}");
    tenant.install(&annotated("standard", &OPT_IN)).await;
    tenant.ready("app").await;
    // Whoever names an account uses that one.
    tenant.install(&account("plain", &[])).await;
    tenant.apply("other", &fields("plain")).await;
    tenant.failed("other", "FetchFailed", "OCIArtifactPullFailed").await;
}
