//! Azure: where the identity of a process may be.

use std::fs;

use oci_artifact::name::Cloud;
use oci_identity::Environment;
use oci_testkit::{
    net,
    planted::CLIENT_SECRET,
    scripted::{Asked, Reply, Scripted},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::internet::{
    Internet, NOW, Puller, desk, environment, jwt, strict_form, strict_get, token, undocumented,
};

const LOGIN: &str = "login.microsoftonline.com";
const APP: &str = "app.azurecr.io";
const RESOURCE: &str = "https://containerregistry.azure.net";
const SCOPE: &str = "https://containerregistry.azure.net/.default";
const IMDS: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

/// A registry that takes whoever has a token, and Entra ID for the application `c` of tenant `t`.
fn internet(proof: &'static [(&'static str, &'static str)]) -> Internet {
    Internet::start(&[LOGIN, APP], move |asked| {
        let entra = token("entra");
        if asked.host == APP {
            let fields = [("grant_type", "access_token"), ("service", APP), ("access_token", entra.as_str())];
            return strict_form(asked, &fields, &json!({ "refresh_token": jwt("acr", NOW + 3_600) }));
        }
        if asked.path != "/t/oauth2/v2.0/token" {
            return undocumented();
        }
        let fields =
            [&[("client_id", "c"), ("scope", SCOPE), ("grant_type", "client_credentials")], proof].concat();
        strict_form(
            asked,
            &fields,
            &json!({ "token_type": "Bearer", "expires_in": 3_599, "access_token": entra }),
        )
    })
}

fn process(internet: &Internet, environment: Environment) -> Puller {
    Puller::process(internet, environment, Cloud::Azure)
}

/// A machine whose metadata service answers so, and the number of its requests.
async fn on_machine(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Result<(), String> {
    let (internet, imds) = (internet(&[]), Scripted::start(script));
    let set = environment(&[(IMDS, &format!("http://{}", imds.address()))]);
    let looked = process(&internet, set).look(APP).await;
    assert_eq!(imds.asked().len(), 1);
    match looked {
        Ok(lookup) if lookup.found.is_some() => Ok(()),
        Ok(lookup) => Err(lookup.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn managed() -> Value {
    json!({
        "access_token": token("entra"), "client_id": "c", "expires_in": "86400", "ext_expires_in": "86399",
        "expires_on": (NOW + 86_400).to_string(), "not_before": NOW.to_string(), "resource": RESOURCE,
        "token_type": "Bearer",
    })
}

#[tokio::test]
async fn azure_principal_of_the_environment_shows_its_secret() {
    let internet = internet(&[("client_secret", CLIENT_SECRET)]);
    let set = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", CLIENT_SECRET)];
    process(&internet, environment(&set)).login(APP).await;
    assert_eq!(internet.lines().len(), 2);
}

#[tokio::test]
async fn azure_principal_that_cannot_be_is_refused_before_anything_is_sent() {
    for (variables, said) in [
        (
            &[("AZURE_TENANT_ID", "t/../x"), ("AZURE_CLIENT_SECRET", CLIENT_SECRET)][..],
            "the tenant is no identifier",
        ),
        (
            &[("AZURE_TENANT_ID", "t\n"), ("AZURE_CLIENT_SECRET", CLIENT_SECRET)],
            "the tenant is no identifier",
        ),
        (
            &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")],
            "a certificate is not supported",
        ),
        (
            &[("AZURE_TENANT_ID", "t"), ("AZURE_PASSWORD", CLIENT_SECRET)],
            "a user and a password is not supported",
        ),
        (&[("AZURE_TENANT_ID", "t"), ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere")], "cannot be read"),
        (&[("AZURE_AUTHORITY_HOST", "http://login.example")], "the authority is no https URL"),
    ] {
        let internet = Internet::empty();
        let refused = process(&internet, environment(&[&[("AZURE_CLIENT_ID", "c")], variables].concat()))
            .refused(APP)
            .await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
        assert_eq!(refused.reason, "SettingInvalid");
        assert!(internet.is_untouched());
    }
}

#[tokio::test]
async fn azure_workload_identity_shows_the_token_of_its_file() {
    const MARKED: &str = "t0ken-in-circulation-file";
    assert_eq!(token("file"), MARKED);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    let set = [
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap()),
    ];
    let internet = internet(&[
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", MARKED),
    ]);
    fs::write(&path, format!("{MARKED}\n")).unwrap();
    process(&internet, environment(&set)).login(APP).await;
    assert_eq!(internet.lines().len(), 2);
    for (content, said) in [
        (String::new(), "it has no token"),
        (format!("{MARKED}\n{MARKED}\n"), "characters that no token has"),
        ("a".repeat(65 << 10), "it is larger than 65536 bytes"),
        ("\u{e4}".to_owned(), "characters that no token has"),
    ] {
        fs::write(&path, content).unwrap();
        let internet = Internet::empty();
        let refused = process(&internet, environment(&set)).refused(APP).await;
        assert!(refused.text.contains(said), "{said}: {refused:?}");
        assert!(internet.is_untouched());
    }
}

#[tokio::test]
async fn azure_managed_identity_is_asked_as_documented() {
    let query = [("api-version", "2018-02-01"), ("resource", RESOURCE)];
    let script = move |asked: &Asked| match asked.path.as_str() {
        "/metadata/identity/oauth2/token" => strict_get(asked, &query, ("metadata", "true"), &managed()),
        _ => undocumented(),
    };
    assert_eq!(on_machine(script).await, Ok(()));
}

#[tokio::test]
async fn azure_managed_identity_may_be_chosen_by_its_client() {
    let query = [("api-version", "2018-02-01"), ("resource", RESOURCE), ("client_id", "c")];
    let imds = Scripted::start(move |asked| strict_get(asked, &query, ("metadata", "true"), &managed()));
    let none = Scripted::start(|_| Reply::json(400, &json!({ "error": "invalid_request" })));
    let set = |server: &Scripted| {
        environment(&[(IMDS, &format!("http://{}", server.address())), ("AZURE_CLIENT_ID", "c")])
    };
    process(&internet(&[]), set(&imds)).login(APP).await;
    let refused = process(&internet(&[]), set(&none)).refused(APP).await;
    assert!(refused.hint.contains("assign the identity AZURE_CLIENT_ID"), "{refused:?}");
}

#[tokio::test]
async fn azure_managed_identity_of_app_service_is_asked_as_documented() {
    let query = [("api-version", "2019-08-01"), ("resource", RESOURCE)];
    let service = Scripted::start(move |asked| {
        if asked.path != "/msi/token" {
            return undocumented();
        }
        let answer = json!({
            "access_token": token("entra"), "expires_on": (NOW + 3_600).to_string(), "resource": RESOURCE,
            "token_type": "Bearer", "client_id": "c",
        });
        strict_get(asked, &query, ("x-identity-header", CLIENT_SECRET), &answer)
    });
    let endpoint = format!("http://{}/msi/token", service.address());
    let set = environment(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", CLIENT_SECRET)]);
    process(&internet(&[]), set).login(APP).await;
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn azure_machine_without_an_identity_is_passed_by() {
    let none = json!({ "error": "invalid_request", "error_description": "Identity not found" });
    let said = on_machine(move |_| Reply::json(400, &none)).await.unwrap_err();
    assert_eq!(
        said,
        "anonymous: service principal of the environment: AZURE_TENANT_ID, AZURE_CLIENT_ID are not set; workload \
         identity of Azure: AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE are not set; managed identity \
         of App Service: IDENTITY_ENDPOINT, IDENTITY_HEADER are not set; az: no program is asked here; managed identity \
         of Azure: the machine has none"
    );
    let nobody = environment(&[(IMDS, &format!("http://{}", net::refused()))]);
    let passed = process(&internet(&[]), nobody).passed(APP).await;
    assert!(
        passed[4].contains("managed identity of Azure: nothing answers at http://127.0.0.1:"),
        "{passed:?}"
    );
}

#[tokio::test]
async fn azure_metadata_service_that_misbehaves_is_an_error() {
    let redirect = |_: &Asked| Reply::text(302, "").header("location", "http://evil.example/");
    assert!(on_machine(redirect).await.unwrap_err().contains("answered 302"));
    assert!(on_machine(|_| Reply::text(500, "no")).await.unwrap_err().contains("answered 500: no"));
    assert!(
        on_machine(|_| Reply::text(200, &"a".repeat(65 << 10))).await.unwrap_err().contains("larger than")
    );
    let said = on_machine(|_| Reply::Stall).await.unwrap_err();
    assert!(said.contains("no answer from http://127.0.0.1:") && said.ends_with("for 5 s"), "{said}");
}

#[tokio::test]
async fn azure_user_of_az_logs_in_at_a_desk() {
    let folder = TempDir::new().unwrap();
    let script = format!(
        r#"[ "$*" = "account get-access-token --output json --scope {SCOPE}" ] || exit 9
echo '{{"accessToken":"{}","expires_on":{},"tokenType":"Bearer"}}'"#,
        token("entra"),
        NOW + 3_600
    );
    let at_desk = desk(&[], folder.path(), "az", &script);
    process(&internet(&[]), at_desk.clone()).login(APP).await;
    let nobody = format!("http://{}", net::refused());
    let mut elsewhere = Environment { desk: false, ..at_desk };
    elsewhere.variables.insert(IMDS.into(), nobody);
    assert_eq!(process(&Internet::empty(), elsewhere).passed(APP).await[3], "az: no program is asked here");
}

#[tokio::test]
async fn azure_user_who_is_not_logged_in_is_told_how() {
    let folder = TempDir::new().unwrap();
    let nobody = format!("http://{}", net::refused());
    let set = [(IMDS, nobody.as_str())];
    let at_desk = desk(&set, folder.path(), "az", "echo 'ERROR: nobody is here' >&2; exit 1");
    let passed = process(&Internet::empty(), at_desk).passed(APP).await;
    assert_eq!(passed[3], "az: it gave no token: ERROR: nobody is here (`az login` logs in)");
    let floods = desk(&set, folder.path(), "az", "head -c 1073741824 /dev/zero");
    let refused = process(&Internet::empty(), floods).refused(APP).await;
    assert_eq!(refused.text, "`az`: more than 65536 bytes of output");
}
