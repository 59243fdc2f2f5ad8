//! Google: files of Application Default Credentials.

use std::{fs, path::Path, sync::OnceLock};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use oci_artifact::name::Cloud;
use oci_identity::Environment;
use oci_testkit::{
    planted::{CLIENT_SECRET, IDENTITY_TOKEN},
    scripted::{Asked, Reply},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    gcp::{EMAIL, GAR, IAM, PLATFORM, USER, iam},
    internet::{Internet, NOW, Puller, environment, strict_form, token, undocumented},
};

const OAUTH: &str = "oauth2.googleapis.com";
const ACCOUNT: &str = "puller@team.iam.gserviceaccount.com";

fn key() -> &'static KeyPair {
    static KEY: OnceLock<KeyPair> = OnceLock::new();
    KEY.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

fn service_account() -> Value {
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    json!({
        "type": "service_account", "project_id": "team", "private_key_id": "k1", "private_key": pem(der.as_ref()),
        "client_email": ACCOUNT, "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": format!("https://{OAUTH}/token"), "universe_domain": "googleapis.com",
    })
}

fn user() -> Value {
    json!({
        "type": "authorized_user", "account": "", "client_id": "c", "client_secret": CLIENT_SECRET,
        "refresh_token": IDENTITY_TOKEN, "universe_domain": "googleapis.com",
    })
}

pub(crate) fn impersonation_url() -> String {
    format!("https://{IAM}/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken")
}

fn oauth_answer() -> Value {
    json!({ "access_token": token("oauth"), "expires_in": 3_599, "token_type": "Bearer" })
}

/// Google's token service for the signed JWT of the key.
fn signed(asked: &Asked) -> Reply {
    let form = asked.form();
    let assertion = form.iter().find(|(name, _)| name == "assertion").map_or("", |(_, value)| value);
    let (message, signature) = assertion.rsplit_once('.').unwrap_or_default();
    let read = |part: Option<&str>| -> Value {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part.unwrap_or_default()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    };
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key().public_key().as_ref());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let mut parts = message.split('.');
    let fits = asked.line() == format!("POST {OAUTH}/token")
        && public.verify(message.as_bytes(), &signature).is_ok()
        && read(parts.next()) == json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" })
        && read(parts.next())
            == json!({
                "iss": ACCOUNT, "scope": format!("{PLATFORM} {EMAIL}"), "aud": format!("https://{OAUTH}/token"),
                "iat": NOW - 10, "exp": NOW - 10 + 3_600,
            });
    if !fits {
        return undocumented();
    }
    let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
    strict_form(asked, &fields, &oauth_answer())
}

/// The same for the login of a user.
fn refreshed(asked: &Asked) -> Reply {
    if asked.line() != format!("POST {OAUTH}/token") {
        return undocumented();
    }
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "c"),
        ("client_secret", CLIENT_SECRET),
        ("refresh_token", IDENTITY_TOKEN),
    ];
    strict_form(asked, &fields, &oauth_answer())
}

/// A file, and the environment that names it.
pub(crate) struct Filed {
    _folder: TempDir,
    environment: Environment,
}

pub(crate) fn filed(content: impl AsRef<[u8]>) -> Filed {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("adc.json");
    fs::write(&path, content).unwrap();
    let environment = named(&path);
    Filed { _folder: folder, environment }
}

fn named(path: &Path) -> Environment {
    environment(&[("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().unwrap())])
}

pub(crate) fn puller(internet: &Internet, file: &Filed) -> Puller {
    Puller::process(internet, file.environment.clone(), Cloud::Gcp)
}

/// What is said of a file with which nothing may be sent.
pub(crate) async fn unusable(content: impl AsRef<[u8]>) -> String {
    let (internet, file) = (Internet::empty(), filed(content));
    let refused = puller(&internet, &file).refused(GAR).await;
    assert_eq!(refused.reason, "SettingInvalid", "{refused:?}");
    assert!(internet.is_untouched());
    refused.text
}

#[tokio::test]
async fn gcp_key_signs_for_one_token_for_everybody() {
    let (internet, file) = (Internet::start(&[OAUTH], signed), filed(service_account().to_string()));
    let puller = puller(&internet, &file);
    assert_eq!(puller.login(GAR).await, (USER.to_owned(), token("oauth")));
    puller.crowd(1_000, GAR).await;
    assert_eq!(internet.lines(), [format!("POST {OAUTH}/token")]);
    let origin = puller.look(GAR).await.unwrap().to_string();
    assert!(
        origin.contains(&format!("service account {ACCOUNT}, by GOOGLE_APPLICATION_CREDENTIALS (")),
        "{origin}"
    );
}

#[tokio::test]
async fn gcp_key_that_is_unusable_is_said_and_not_shown() {
    let with = |field: &str, value: &str| {
        let mut file = service_account();
        file[field] = json!(value);
        file.to_string()
    };
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    let cut = pem(&der.as_ref()[..600]);
    // An Ed25519 key (RFC 8410), which is no RSA key.
    let other = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                 -----END PRIVATE KEY-----\n";
    for bad in ["", "garbage", &cut, other, "-----BEGIN PRIVATE KEY-----\n\u{7}\n-----END PRIVATE KEY-----"] {
        let said = unusable(with("private_key", bad)).await;
        assert!(said.ends_with("its private_key is no RSA key in PEM"), "{said}");
    }
    for uri in [
        "https://evil.example/token",
        "http://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com.evil.example/",
    ] {
        let said = unusable(with("token_uri", uri)).await;
        assert!(said.ends_with("its token_uri is no https URL of Google's"), "{said}");
    }
}

#[tokio::test]
async fn gcp_file_that_is_unusable_is_said_and_not_shown() {
    for (content, said) in [
        ("garbage".to_owned(), "it is no JSON object with a `type`"),
        (format!("\"{CLIENT_SECRET}\""), "it is no JSON object with a `type`"),
        (json!({ "type": CLIENT_SECRET }).to_string(), "its `type` is none that we know"),
        (
            json!({ "type": "service_account", "private_key": CLIENT_SECRET }).to_string(),
            "it lacks what its `type` needs",
        ),
        (
            json!({ "type": "gdch_service_account" }).to_string(),
            "the type gdch_service_account is not supported here",
        ),
        (" ".repeat(65 << 10), "it is larger than 65536 bytes"),
    ] {
        let told = unusable(content).await;
        assert!(told.ends_with(said), "{told}");
    }
    let folder = TempDir::new().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("none.json")] {
        let internet = Internet::empty();
        let refused = Puller::process(&internet, named(&path), Cloud::Gcp).refused(GAR).await;
        assert!(refused.text.contains("it cannot be read"), "{refused:?}");
        assert!(internet.is_untouched());
    }
}

#[tokio::test]
async fn gcp_user_s_login_is_refreshed() {
    let (internet, file) = (Internet::start(&[OAUTH], refreshed), filed(user().to_string()));
    assert_eq!(puller(&internet, &file).login(GAR).await, (USER.to_owned(), token("oauth")));
    assert_eq!(internet.lines().len(), 1);
    let gone = json!({ "error": "invalid_grant", "error_description": "Token has been expired or revoked." });
    let internet = Internet::start(&[OAUTH], move |_| Reply::json(400, &gone));
    let refused = puller(&internet, &file).refused(GAR).await;
    assert!(
        refused.text.ends_with("answered 400: invalid_grant: Token has been expired or revoked."),
        "{refused:?}"
    );
}

#[tokio::test]
async fn gcp_user_may_be_a_service_account() {
    let file = filed(
        json!({
            "type": "impersonated_service_account", "source_credentials": user(), "delegates": ["d@x.example"],
            "service_account_impersonation_url": impersonation_url(),
        })
        .to_string(),
    );
    let internet = Internet::start(&[OAUTH, IAM], |asked| {
        let body = json!({ "scope": [PLATFORM, EMAIL], "lifetime": "3600s", "delegates": ["d@x.example"] });
        if asked.host == OAUTH { refreshed(asked) } else { iam(asked, &token("oauth"), &body) }
    });
    assert_eq!(puller(&internet, &file).login(GAR).await, (USER.to_owned(), token("iam")));
    assert_eq!(internet.lines().len(), 2);
    let foreign = json!({
        "type": "impersonated_service_account", "source_credentials": user(),
        "service_account_impersonation_url": "https://iamcredentials.example/x:generateAccessToken",
    });
    let said = unusable(foreign.to_string()).await;
    assert!(said.ends_with("its service_account_impersonation_url is no https URL of Google's"), "{said}");
    let nested = json!({
        "type": "impersonated_service_account", "service_account_impersonation_url": impersonation_url(),
        "source_credentials": { "type": "impersonated_service_account" },
    });
    assert!(unusable(nested.to_string()).await.contains("is not supported here"));
}
