//! A third party's STS and ECR.

use std::sync::Arc;

use jiff::Timestamp;
use oci_artifact::name::{Cloud, Repository};
use oci_identity::{
    Environment, Identities, Plan,
    cache::{Limits, Nobody},
};
use oci_registry::{
    Options,
    auth::{CredentialSource as _, Lookup},
    web::Web,
};
use oci_testkit::{
    planted::{AWS_WEB_IDENTITY_TOKEN, ECR_PASSWORD, assert_clean},
    real::Moto,
};
use tempfile::tempdir;

use super::world::{HOST, KEYS, ROLE, Tokens, a_file, an_account, basic, environment};

/// The tokens of moto's ECR end in 2015; its keys for roles an hour from today.
fn now() -> Timestamp {
    "2014-12-31T00:00:00Z".parse().unwrap()
}

async fn log_in(moto: &Moto, environment: Environment, plan: Plan) -> Lookup {
    let url = ("AWS_ENDPOINT_URL".to_owned(), moto.url());
    let environment =
        Environment { variables: environment.variables.into_iter().chain([url]).collect(), ..environment };
    let web = Arc::new(Web::new(&Options::default()));
    let source =
        Identities::new(environment, Limits::default(), Arc::new(Nobody), now).source(plan, web, None);
    let lookup = source.credential(&Repository::parse(&format!("{HOST}/org/app")).unwrap()).await.unwrap();
    assert_clean("a lookup", format!("{lookup:?}").as_bytes());
    lookup
}

#[tokio::test]
async fn moto_lets_an_account_in_by_its_role() {
    let moto = Moto::start().unwrap();
    let plan = Plan::Account(an_account("app", &Arc::new(Tokens::default()), &[]));
    let lookup = log_in(&moto, environment(&[]), plan).await;
    let (user, password) = basic(&lookup);
    assert_eq!(user, "AWS");
    assert!(password.ends_with("-auth-token"), "{}", moto.log());
}

#[tokio::test]
async fn moto_lets_keys_and_web_identities_in() {
    let (moto, folder) = (Moto::start().unwrap(), tempdir().unwrap());
    let lookup = log_in(&moto, environment(&KEYS), Plan::Process(Cloud::Aws)).await;
    assert_eq!(basic(&lookup), ("AWS", ECR_PASSWORD), "{}", moto.log());
    let file = a_file(folder.path(), "token", AWS_WEB_IDENTITY_TOKEN);
    let variables = environment(&[("AWS_WEB_IDENTITY_TOKEN_FILE", &file), ("AWS_ROLE_ARN", ROLE)]);
    let lookup = log_in(&moto, variables, Plan::Process(Cloud::Aws)).await;
    assert_eq!(basic(&lookup).0, "AWS", "{}", moto.log());
}

#[tokio::test]
async fn moto_lets_a_role_of_a_profile_in() {
    let (moto, folder) = (Moto::start().unwrap(), tempdir().unwrap());
    let text = format!(
        "[profile a]\nrole_arn = {ROLE}\nsource_profile = b\nexternal_id = x\nduration_seconds = 900\n\
         [profile b]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        KEYS[0].1, KEYS[1].1
    );
    let file = a_file(folder.path(), "config", &text);
    let variables = environment(&[("AWS_PROFILE", "a"), ("AWS_CONFIG_FILE", &file)]);
    let lookup = log_in(&moto, Environment { desk: true, ..variables }, Plan::Process(Cloud::Aws)).await;
    assert_eq!(basic(&lookup).0, "AWS", "{}", moto.log());
    let origin = format!("ECR in eu-west-1, role {ROLE} by keys of profile `b`");
    assert_eq!(lookup.found.unwrap().origin, origin);
}
