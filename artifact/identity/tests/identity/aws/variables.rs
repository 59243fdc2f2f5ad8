//! Keys in variables.

use std::sync::Arc;

use futures_util::future::join_all;
use oci_artifact::name::{Cloud, Repository};
use oci_identity::Plan;
use oci_registry::{
    Access, Client, Options, Pem, Proxies,
    auth::{CredentialSource as _, Lookup},
};
use oci_testkit::{
    planted::{AWS_SECRET_KEY, AWS_SESSION_TOKEN, ECR_TOKEN_PASSWORD},
    proxy::Proxy,
    registry::{Auth, Registry},
    tls::Tls,
};

use super::world::{HOST, KEYS, World, assert_logged_in, environment, identities, log_in, said};

const ECR: &str = "POST api.ecr.eu-west-1.amazonaws.com/";

#[tokio::test]
async fn keys_in_variables_log_in_with_one_request() {
    let world = World::start();
    let lookup = world.log_in(environment(&KEYS), HOST).await.unwrap();
    assert_logged_in(&lookup, "ECR in eu-west-1, keys in AWS_ACCESS_KEY_ID");
    assert_eq!(world.lines(), [ECR]);
    assert!(world.aws.asked()[0].header("x-amz-security-token").is_none());
}

#[tokio::test]
async fn keys_of_a_session_carry_its_token() {
    let world = World::start();
    let session =
        [("AWS_SESSION_TOKEN", AWS_SESSION_TOKEN), ("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T12:30:00Z")];
    let lookup = world.log_in(environment(&[&KEYS[..], &session].concat()), HOST).await.unwrap();
    assert_logged_in(&lookup, "ECR in eu-west-1, keys in AWS_ACCESS_KEY_ID");
    assert_eq!(world.aws.asked()[0].header("x-amz-security-token"), Some(AWS_SESSION_TOKEN));
}

#[tokio::test]
async fn keys_that_are_over_are_not_shown() {
    let world = World::start();
    let over = [("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T11:59:59Z")];
    let text = world.fail(environment(&[&KEYS[..], &over].concat())).await;
    assert!(text.starts_with("AWS_CREDENTIAL_EXPIRATION: the keys in the environment are over"), "{text}");
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn keys_log_in_at_ecr_public_and_in_other_partitions() {
    let world = World::start();
    for (host, line, place) in [
        ("public.ecr.aws", "POST api.ecr-public.us-east-1.amazonaws.com/", "ECR Public in us-east-1"),
        ("ecr-public.aws.com", "POST api.ecr-public.us-east-1.amazonaws.com/", "ECR Public in us-east-1"),
        (
            "012345678901.dkr.ecr-fips.us-east-2.amazonaws.com",
            "POST ecr-fips.us-east-2.amazonaws.com/",
            "ECR in us-east-2",
        ),
        (
            "012345678901.dkr-ecr-fips.us-gov-west-1.on.aws",
            "POST ecr-fips.us-gov-west-1.amazonaws.com/",
            "ECR in us-gov-west-1",
        ),
        (
            "012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "POST api.ecr.cn-north-1.amazonaws.com.cn/",
            "ECR in cn-north-1",
        ),
        (
            "012345678901.dkr.ecr.eusc-de-east-1.amazonaws.eu",
            "POST api.ecr.eusc-de-east-1.amazonaws.eu/",
            "ECR in eusc-de-east-1",
        ),
    ] {
        let lookup = world.log_in(environment(&KEYS), host).await.unwrap();
        assert_logged_in(&lookup, &format!("{place}, keys in AWS_ACCESS_KEY_ID"));
        assert_eq!(world.lines().last().unwrap(), line);
    }
    assert_eq!(world.lines().len(), 6);
}

#[tokio::test]
async fn nothing_is_sent_to_hosts_that_only_look_like_registries() {
    let world = World::start();
    for host in [
        "ghcr.io",
        "012345678901.dkr.ecr.eu-west-1.amazonaws.com.example.org",
        "prefix-012345678901.dkr.ecr.eu-west-1.amazonaws.com",
        "012345678901.dkr.ecr.s3.amazonaws.com",
        "public.ecr.aws.example.org",
    ] {
        let text = said(world.log_in(environment(&KEYS), host).await);
        assert!(text.starts_with(&format!("`{host}` is no registry of aws: they are called")), "{text}");
        assert!(text.contains("[ForeignRegistry]"), "{text}");
    }
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn a_thousand_sources_with_one_identity_ask_once() {
    let world = World::start();
    let (identities, web) = (identities(environment(&KEYS)), world.web());
    let sources: Vec<_> =
        (0..1_000).map(|_| identities.source(Plan::Process(Cloud::Aws), Arc::clone(&web), None)).collect();
    // Registries of another account in the region are logged in to by the same token.
    let other = "111111111111.dkr.ecr.eu-west-1.amazonaws.com";
    let host = |index: usize| if index.is_multiple_of(2) { HOST } else { other };
    let all = join_all(sources.iter().enumerate().map(|(index, source)| log_in(source, host(index)))).await;
    for lookup in all {
        assert_logged_in(&lookup.unwrap(), "ECR in eu-west-1, keys in AWS_ACCESS_KEY_ID");
    }
    assert_eq!(world.lines(), [ECR]);
}

#[tokio::test]
async fn ecr_and_ecr_public_of_a_region_do_not_share() {
    let world = World::start();
    let source = identities(environment(&KEYS)).source(Plan::Process(Cloud::Aws), world.web(), None);
    log_in(&source, "012345678901.dkr.ecr.us-east-1.amazonaws.com").await.unwrap();
    let lookup = log_in(&source, "public.ecr.aws").await.unwrap();
    assert_logged_in(&lookup, "ECR Public in us-east-1, keys in AWS_ACCESS_KEY_ID");
    assert_eq!(world.lines().len(), 2);
}

#[tokio::test]
async fn token_that_the_registry_refuses_is_made_anew() {
    let world = World::start();
    let source = identities(environment(&KEYS)).source(Plan::Process(Cloud::Aws), world.web(), None);
    let lookup = log_in(&source, HOST).await.unwrap();
    let repository = Repository::parse(&format!("{HOST}/org/app")).unwrap();
    let minted = |lookup: &Lookup| lookup.found.as_ref().unwrap().minted.unwrap();
    source.refused(&repository, minted(&lookup));
    let again = log_in(&source, HOST).await.unwrap();
    assert!(minted(&again).at >= minted(&lookup).at);
    assert_eq!(world.lines(), [ECR, ECR]);
}

#[tokio::test]
async fn process_without_keys_says_where_it_looked() {
    let world = World::start();
    let lookup = world.log_in(environment(&[]), HOST).await.unwrap();
    assert_eq!(
        lookup.to_string(),
        "anonymous: environment: AWS_ACCESS_KEY_ID is not set; web identity (IRSA): AWS_WEB_IDENTITY_TOKEN_FILE is \
         not set; container (EKS Pod Identity, ECS): neither AWS_CONTAINER_CREDENTIALS_FULL_URI nor \
         AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is set; metadata service (EC2): AWS_EC2_METADATA_DISABLED is set"
    );
    assert!(world.lines().is_empty());
}

#[tokio::test]
async fn keys_with_a_line_end_are_refused_here() {
    let world = World::start();
    let secret = format!("{AWS_SECRET_KEY}\n");
    let variables = [KEYS[0], ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
    let text = world.fail(environment(&variables)).await;
    assert!(text.starts_with("keys in the environment: the secret access key is empty, too long"), "{text}");
    assert!(world.lines().is_empty());
}

/// The whole way, through one proxy: the registry asks for Basic, as ECR does.
#[tokio::test]
async fn pull_from_ecr_logs_in_by_keys() {
    let world = World::start();
    let tls = Tls::for_names(&[HOST]);
    let registry =
        Registry::builder().named(HOST).tls(&tls).auth(Auth::basic("AWS", ECR_TOKEN_PASSWORD)).start();
    registry.put_manifest("org/app", "v1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    let proxy = Proxy::leading([(HOST, registry.address())]);
    let source = identities(environment(&KEYS)).source(Plan::Process(Cloud::Aws), world.web(), None);
    let client = Client::new(Options {
        proxies: Proxies::only(oci_registry::Proxy::new(&proxy.url(), None, None).unwrap()),
        tls: oci_registry::Tls {
            ca: Some(Pem { origin: "the test".into(), text: tls.ca_pem.into_bytes() }),
            ..oci_registry::Tls::default()
        },
        credentials: Arc::new(source),
        ..Options::default()
    });
    let repository = Repository::parse(&format!("{HOST}/org/app")).unwrap();
    let tags = client.repository(&repository, Access::Pull).tags().await.unwrap();
    assert_eq!(tags.len(), 1);
    assert_eq!(world.lines(), [ECR]);
}
