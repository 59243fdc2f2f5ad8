//! Google: the desk of a person, and the metadata server of a machine.

use std::fs;

use oci_artifact::name::Cloud;
use oci_identity::Environment;
use oci_testkit::{
    net,
    planted::{CLIENT_SECRET, IDENTITY_TOKEN},
    scripted::{Asked, Reply, Scripted},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    gcp::{EMAIL, GAR, PLATFORM, USER},
    internet::{Internet, Puller, desk, environment, strict_get, token, undocumented},
};

const HOST: &str = "GCE_METADATA_HOST";

fn process(internet: &Internet, environment: Environment) -> Puller {
    Puller::process(internet, environment, Cloud::Gcp)
}

/// A machine whose metadata server answers so, after one request.
async fn on_machine(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Result<String, String> {
    let server = Scripted::start(script);
    let set = environment(&[(HOST, &server.address().to_string())]);
    let looked = process(&Internet::empty(), set).look(GAR).await;
    assert_eq!(server.asked().len(), 1);
    match looked {
        Ok(lookup) if lookup.found.is_some() => Ok(lookup.to_string()),
        Ok(lookup) => Err(lookup.passed.last().unwrap().to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn metadata(asked: &Asked) -> Reply {
    if asked.path != "/computeMetadata/v1/instance/service-accounts/default/token" {
        return undocumented();
    }
    let scopes = format!("{PLATFORM},{EMAIL}");
    let answer = json!({ "access_token": token("machine"), "expires_in": 3_599, "token_type": "Bearer" });
    strict_get(asked, &[("scopes", &scopes)], ("metadata-flavor", "Google"), &answer)
}

fn of_google(reply: Reply) -> Reply {
    reply.header("metadata-flavor", "Google")
}

#[tokio::test]
async fn gcp_machine_s_service_account_is_asked_as_documented() {
    let said = on_machine(|asked| of_google(metadata(asked))).await;
    assert_eq!(said, Ok(format!("basic({USER}), the service account of this machine")));
}

#[tokio::test]
async fn gcp_metadata_server_must_say_that_it_is_google_s() {
    let said = on_machine(metadata).await.unwrap_err();
    assert!(said.ends_with(" is no metadata server of Google"), "{said}");
    let said = on_machine(|asked| metadata(asked).header("metadata-flavor", "Amazon")).await.unwrap_err();
    assert!(said.ends_with(" is no metadata server of Google"), "{said}");
}

#[tokio::test]
async fn gcp_machine_without_a_service_account_is_passed_by() {
    let said = on_machine(|_| of_google(Reply::text(404, "no"))).await.unwrap_err();
    assert_eq!(said, "metadata server of Google: the machine has no service account");
    let nobody = environment(&[(HOST, &net::refused())]);
    let passed = process(&Internet::empty(), nobody).passed(GAR).await;
    assert_eq!(
        passed[..3],
        [
            "GOOGLE_APPLICATION_CREDENTIALS: it is not set",
            "application default credentials of gcloud: no files of a person are read here",
            "gcloud: no program is asked here",
        ]
    );
    assert!(
        passed[3].starts_with("metadata server of Google: nothing answers at http://127.0.0.1:"),
        "{passed:?}"
    );
}

#[tokio::test]
async fn gcp_metadata_server_that_misbehaves_is_an_error() {
    let redirect = || of_google(Reply::text(302, "").header("location", "http://evil.example/"));
    assert!(on_machine(move |_| redirect()).await.unwrap_err().contains("answered 302"));
    assert!(
        on_machine(|_| of_google(Reply::text(500, "no"))).await.unwrap_err().contains("answered 500: no")
    );
    let large = || of_google(Reply::text(200, &"a".repeat(65 << 10)));
    assert!(on_machine(move |_| large()).await.unwrap_err().contains("65536"));
    let bad = || of_google(Reply::json(200, &json!({ "access_token": format!("{}\n", token("machine")) })));
    assert!(on_machine(move |_| bad()).await.unwrap_err().contains("characters that no token has"));
    for host in ["a/b", "u@h", "h?x", "h#x", "a b"] {
        let internet = Internet::empty();
        let refused = process(&internet, environment(&[(HOST, host)])).refused(GAR).await;
        assert!(refused.text.starts_with("GCE_METADATA_HOST: it is no name"), "{refused:?}");
        assert!(internet.is_untouched());
    }
}

#[tokio::test]
async fn gcp_user_of_gcloud_logs_in_at_a_desk() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        r#"[ "$*" = "config config-helper --format=json(credential)" ] || exit 9
echo '{{"credential":{{"access_token":"{}","token_expiry":"2027-01-15T09:00:00Z"}}}}'"#,
        token("gcloud")
    );
    let at_desk = desk(&[], folder.path(), "gcloud", &script);
    let login = process(&Internet::empty(), at_desk).login(GAR).await;
    assert_eq!(login, (USER.to_owned(), token("gcloud")));
    let silent =
        desk(&[(HOST, &net::refused())], folder.path(), "gcloud", "echo 'ERROR: nobody' >&2; exit 1");
    let passed = process(&Internet::empty(), silent).passed(GAR).await;
    assert_eq!(passed[2], "gcloud: it gave no token: ERROR: nobody (`gcloud auth login` logs in)");
}

#[tokio::test]
async fn gcp_default_credentials_of_gcloud_come_before_gcloud() {
    let folder = TempDir::new().unwrap();
    let user = json!({
        "type": "authorized_user", "client_id": "c", "client_secret": CLIENT_SECRET, "refresh_token": IDENTITY_TOKEN,
    });
    let config = folder.path().join(".config/gcloud");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("application_default_credentials.json"), user.to_string()).unwrap();
    let answer = json!({ "access_token": token("user"), "expires_in": 3_599 });
    let internet = Internet::start(&["oauth2.googleapis.com"], move |_| Reply::json(200, &answer));
    let at_desk = desk(&[], folder.path(), "gcloud", "exit 9");
    assert_eq!(process(&internet, at_desk).login(GAR).await, (USER.to_owned(), token("user")));
    let named = [("CLOUDSDK_CONFIG", config.to_str().unwrap())];
    let elsewhere = Environment { home: None, ..desk(&named, folder.path(), "gcloud", "exit 9") };
    assert_eq!(process(&internet, elsewhere).login(GAR).await, (USER.to_owned(), token("user")));
}
