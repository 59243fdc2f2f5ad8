//! Files and Secrets with logins, and what identities are told.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use jiff::Timestamp;
use oci_artifact::name::{Cloud, Repository};
use oci_identity::{
    Environment, Identities, Plan,
    account::{Facts, Wish},
    cache::{Limits, Nobody},
};
use oci_registry::{
    auth::{CredentialSource as _, DockerConfig, PullFormat, PullSecret},
    web::Web,
};

use crate::{is_line, wire};

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a";
const GAR: &str = "europe-docker.pkg.dev/a/b";
const ACR: &str = "team.azurecr.io/a";

/// A file of Docker's, as a person's and as a Secret's.
pub(crate) fn dockers(bytes: &[u8]) {
    let repositories = ["registry.example/org/app", "docker.io/library/app", "localhost:5000/a/b"]
        .map(|text| Repository::parse(text).unwrap());
    match DockerConfig::parse(bytes, "a file") {
        Ok(config) => repositories.iter().for_each(|repository| drop(config.candidates(repository))),
        Err(error) => is_line(&error.to_string()),
    }
    for format in [PullFormat::DockerConfigJson, PullFormat::DockerCfg] {
        match PullSecret::parse(format, bytes, "a Secret") {
            Ok(secret) => repositories.iter().for_each(|repository| drop(secret.credential(repository))),
            Err(error) => is_line(&error.to_string()),
        }
    }
}

/// The annotations of a `ServiceAccount`.
pub(crate) fn accounts(bytes: &[u8]) {
    let Ok(annotations) = serde_json::from_slice::<BTreeMap<String, String>>(bytes) else { return };
    for cloud in [None, Some(Cloud::Aws), Some(Cloud::Azure), Some(Cloud::Gcp)] {
        for (pull_secrets, used) in [(false, true), (true, false)] {
            if let Err(error) = Wish::read(&annotations, Facts { cloud, pull_secrets, used }) {
                is_line(&error.to_string());
            }
        }
    }
}

/// A file that a cloud's variable names, or the answer of a metadata service; where that leads to more questions, the same
/// bytes are the answers.
pub(crate) fn identities(bytes: &[u8]) {
    // A person's file may name a program, which would be run.
    const PROGRAM: &[u8] = b"credential_process";
    if bytes.windows(PROGRAM.len()).any(|part| part == PROGRAM) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, bytes).unwrap();
    let file = file.to_str().unwrap();
    for (cloud, repository, variable) in [
        (Cloud::Gcp, GAR, "GOOGLE_APPLICATION_CREDENTIALS"),
        (Cloud::Gcp, GAR, "GCE_METADATA_HOST"),
        (Cloud::Aws, ECR, "AWS_CONFIG_FILE"),
        (Cloud::Aws, ECR, "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        (Cloud::Azure, ACR, "IDENTITY_ENDPOINT"),
    ] {
        wire::answering(&[bytes, bytes], async |options, address| {
            let value = match variable {
                "GCE_METADATA_HOST" => address.to_string(),
                "AWS_CONTAINER_CREDENTIALS_FULL_URI" | "IDENTITY_ENDPOINT" => format!("http://{address}/"),
                _ => file.to_owned(),
            };
            // Nobody else is asked: not the services of the machine on which this runs.
            let more = [("IDENTITY_HEADER", "mark"), ("AWS_EC2_METADATA_DISABLED", "true")];
            let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let variables = [(variable.to_owned(), value)].into_iter().chain(more).collect();
            let environment = Environment { variables, desk: cloud == Cloud::Aws, ..Environment::default() };
            let limits = Limits { entries: 0, longest: Duration::from_secs(1) };
            let identities = Identities::new(environment, limits, Arc::new(Nobody), || Timestamp::UNIX_EPOCH);
            let source = identities.source(Plan::Process(cloud), Arc::new(Web::new(&options)), None);
            if let Err(error) = source.credential(&Repository::parse(repository).unwrap()).await {
                is_line(&error.to_string());
            }
        });
    }
}
