//! AWS as these tests have it: STS and ECR by their real names over TLS, strict about every parameter and signature.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use oci_artifact::name::{Cloud, Repository};
use oci_identity::{
    Environment, Identities, IdentitySource, Plan,
    account::{Account, AccountToken, AccountTokens, Facts, TokenFuture, Wish},
    cache::{Limits, Nobody},
};
use oci_registry::{
    Credential, Secret,
    auth::{CredentialSource as _, Lookup, SourceError},
    web::Web,
};
use oci_testkit::{
    planted::{
        AWS_SECRET_KEY, AWS_SESSION_TOKEN, AWS_WEB_IDENTITY_TOKEN, ECR_TOKEN_PASSWORD, OTHER_AWS_SECRET_KEY,
        assert_clean,
    },
    scripted::{Asked, Reply},
};
use serde_json::json;

use crate::internet::Internet;

/// A registry.
pub(super) const HOST: &str = "012345678901.dkr.ecr.eu-west-1.amazonaws.com";
pub(super) const ROLE: &str = "arn:aws:iam::012345678901:role/puller";
/// The id of the key that [`AWS_SECRET_KEY`] is the secret of.
pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// What `now` says, and the services believe.
pub(super) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// An hour from [`now`].
pub(super) const LATER: &str = "2026-01-01T13:00:00Z";

/// The names that lead to the services.
const NAMES: [&str; 13] = [
    "sts.eu-west-1.amazonaws.com",
    "api.ecr.eu-west-1.amazonaws.com",
    "sts.us-east-1.amazonaws.com",
    "api.ecr.us-east-1.amazonaws.com",
    "api.ecr-public.us-east-1.amazonaws.com",
    "sts-fips.us-east-2.amazonaws.com",
    "ecr-fips.us-east-2.amazonaws.com",
    "sts.us-gov-west-1.amazonaws.com",
    "ecr-fips.us-gov-west-1.amazonaws.com",
    "sts.cn-north-1.amazonaws.com.cn",
    "api.ecr.cn-north-1.amazonaws.com.cn",
    "sts.eusc-de-east-1.amazonaws.eu",
    "api.ecr.eusc-de-east-1.amazonaws.eu",
];

/// The services, and the only way to them.
pub(super) struct World {
    pub(super) aws: Internet,
}

impl World {
    /// With services that know [`KEY`] and [`AWS_WEB_IDENTITY_TOKEN`].
    pub(super) fn start() -> Self {
        Self::with(serve)
    }

    /// With other answers.
    pub(super) fn with(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self { aws: Internet::start(&NAMES, script) }
    }

    pub(super) fn web(&self) -> Arc<Web> {
        self.aws.web()
    }

    /// Logs this process in at a registry, once.
    pub(super) async fn log_in(&self, environment: Environment, host: &str) -> Result<Lookup, SourceError> {
        let source = identities(environment).source(Plan::Process(Cloud::Aws), self.web(), None);
        log_in(&source, host).await
    }

    /// The same, which must fail: the error and its hint, without secrets.
    pub(super) async fn fail(&self, environment: Environment) -> String {
        said(self.log_in(environment, HOST).await)
    }

    /// All requests, as `POST host/`.
    pub(super) fn lines(&self) -> Vec<String> {
        self.aws.lines()
    }
}

/// The error and its hint.
pub(super) fn said(result: Result<Lookup, SourceError>) -> String {
    use oci_artifact::Classify as _;
    let error = result.unwrap_err();
    let text = format!("{error} [{}] ({})", error.reason(), error.hint().unwrap_or_default());
    assert_clean("an error", text.as_bytes());
    assert_clean("an error's insides", format!("{error:?}").as_bytes());
    text
}

pub(super) fn identities(environment: Environment) -> Identities {
    Identities::new(environment, Limits::default(), Arc::new(Nobody), now)
}

pub(super) async fn log_in(source: &IdentitySource, host: &str) -> Result<Lookup, SourceError> {
    let lookup = source.credential(&Repository::parse(&format!("{host}/org/app")).unwrap()).await;
    if let Ok(lookup) = &lookup {
        assert_clean("a lookup", format!("{lookup} {lookup:?}").as_bytes());
    }
    lookup
}

/// The user and the password.
pub(super) fn basic(lookup: &Lookup) -> (&str, &str) {
    match lookup.credential() {
        Credential::Basic { username, password } => (username, password.expose()),
        other => panic!("{other:?}"),
    }
}

pub(super) fn assert_logged_in(lookup: &Lookup, origin: &str) {
    assert_eq!(basic(lookup), ("AWS", ECR_TOKEN_PASSWORD));
    assert_eq!(lookup.to_string(), format!("basic(AWS), {origin}"));
}

/// No metadata service, no home, and these variables.
pub(super) fn environment(variables: &[(&str, &str)]) -> Environment {
    let off = [("AWS_EC2_METADATA_DISABLED", "true")];
    let all = off.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: all.collect(), ..Environment::default() }
}

/// [`KEY`] in variables.
pub(super) const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", AWS_SECRET_KEY)];

/// A file with this text; its path.
pub(super) fn a_file(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Gives out one token, and remembers for whom.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) asked: Mutex<Vec<Vec<String>>>,
    pub(super) value: Option<String>,
}

impl AccountTokens for Tokens {
    fn token<'a>(&'a self, audiences: &'a [String], _: Option<Duration>) -> TokenFuture<'a> {
        self.asked.lock().unwrap().push(audiences.to_vec());
        let value = self.value.as_deref().unwrap_or(AWS_WEB_IDENTITY_TOKEN).to_owned();
        let expires = LATER.parse().unwrap();
        Box::pin(async move { Ok(AccountToken { value: Secret::new(value), expires }) })
    }
}

/// `team/NAME` with these annotations beside the role.
pub(super) fn an_account(name: &str, tokens: &Arc<Tokens>, annotations: &[(&str, &str)]) -> Account {
    let role = [("eks.amazonaws.com/role-arn", ROLE)];
    let all = role.iter().chain(annotations).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let facts = Facts { cloud: Some(Cloud::Aws), pull_secrets: false, used: true };
    let wish = Wish::read(&all.collect::<BTreeMap<_, _>>(), facts).unwrap().unwrap();
    let tokens: Arc<dyn AccountTokens> = Arc::clone(tokens) as _;
    Account { namespace: "team".into(), name: name.into(), wish, tokens }
}

/// The answers of STS and ECR.
pub(super) fn serve(asked: &Asked) -> Reply {
    if asked.method != "POST" || asked.path != "/" || !asked.query.is_empty() {
        return Reply::text(400, "not a call");
    }
    match asked.host.split('.').next().unwrap() {
        "sts" | "sts-fips" => sts(asked),
        _ => ecr(asked),
    }
}

fn sts(asked: &Asked) -> Reply {
    let fields: BTreeMap<String, String> = asked.form().into_iter().collect();
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let named = field("Version") == "2011-06-15" && !field("RoleSessionName").is_empty();
    let proven = match field("Action") {
        "AssumeRoleWithWebIdentity" => {
            field("WebIdentityToken") == AWS_WEB_IDENTITY_TOKEN && asked.header("authorization").is_none()
        }
        "AssumeRole" => is_signed(asked, "sts"),
        _ => false,
    };
    if !named || !proven {
        return refusal(403, "AccessDenied", "no");
    }
    // The keys are known by the role, so that a chain of roles can be told.
    let name = field("RoleArn").rsplit('/').next().unwrap().to_uppercase();
    role_keys(&format!("ASIA{name}"), LATER)
}

/// What STS answers.
pub(super) fn role_keys(id: &str, expires: &str) -> Reply {
    Reply::text(
        200,
        &format!(
            "<R xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><X><Credentials><AccessKeyId>{id}</AccessKeyId>\
             <SecretAccessKey>{OTHER_AWS_SECRET_KEY}</SecretAccessKey><SessionToken>{AWS_SESSION_TOKEN}</SessionToken>\
             <Expiration>{expires}</Expiration></Credentials></X></R>"
        ),
    )
}

/// An error of STS.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::text(status, &format!("<ErrorResponse xmlns=\"urn:x\">{error}</ErrorResponse>"))
}

fn ecr(asked: &Asked) -> Reply {
    let public = asked.host.contains("public");
    let (service, target) = if public {
        ("ecr-public", "SpencerFrontendService.GetAuthorizationToken")
    } else {
        ("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
    };
    let called = asked.header("x-amz-target") == Some(target)
        && asked.header("content-type") == Some("application/x-amz-json-1.1")
        && asked.body == b"{}";
    if !called {
        return Reply::json(400, &json!({ "__type": "UnknownOperationException" }));
    }
    if !is_signed(asked, service) {
        return Reply::json(403, &json!({ "__type": "InvalidSignatureException", "message": "wrong" }));
    }
    let data = ecr_token(ECR_TOKEN_PASSWORD, 1_767_312_000.5);
    let data = if public { data } else { json!([data]) };
    Reply::json(200, &json!({ "authorizationData": data }))
}

/// What ECR answers.
pub(super) fn ecr_token(password: &str, expires: f64) -> serde_json::Value {
    let token = BASE64_STANDARD.encode(format!("AWS:{password}"));
    json!({ "authorizationToken": token, "expiresAt": expires, "proxyEndpoint": "https://ignored.example" })
}

/// Whether the signature is that of AWS's own signer, for the region in the name, by keys that are known.
fn is_signed(asked: &Asked, service: &str) -> bool {
    let authorization = asked.header("authorization").unwrap_or_default();
    let id =
        authorization.split("Credential=").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let (secret, session) = match id {
        KEY => (AWS_SECRET_KEY, asked.header("x-amz-security-token").map(str::to_owned)),
        id if id.starts_with("ASIA") => (OTHER_AWS_SECRET_KEY, Some(AWS_SESSION_TOKEN.to_owned())),
        _ => return false,
    };
    let identity = Credentials::new(id, secret, session, None, "a test").into();
    let region = asked.host.split('.').find(|label| label.ends_with(|c: char| c.is_ascii_digit())).unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(now().as_second().try_into().unwrap());
    let params = v4::SigningParams::builder().identity(&identity).region(region).name(service).time(time);
    let params = params.settings(SigningSettings::default()).build().unwrap();
    let names = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
    let signed = names.unwrap_or_default().split(';').filter(|name| !name.starts_with("x-amz-date"));
    let signed = signed.filter(|name| *name != "x-amz-security-token");
    let signed = signed.map(|name| (name, asked.header(name).unwrap_or_default()));
    let url = format!("https://{}/", asked.host);
    let request = SignableRequest::new("POST", &url, signed, SignableBody::Bytes(&asked.body)).unwrap();
    let (instructions, _) = sign(request, &params.into()).unwrap().into_parts();
    let (headers, _) = instructions.into_parts();
    let same = |name| {
        headers.iter().any(|header| header.name() == name && asked.header(name) == Some(header.value()))
    };
    same("authorization") && same("x-amz-date")
}
