//! The way to a repository.

use std::net::SocketAddr;

use oci_artifact::{Classify as _, name::Reference};
use oci_registry::{Access, Client, Options, Step, Tried};
use oci_verify::{Found, Material, Wanted, discover};
use tokio::net::lookup_host;

use super::{Finding, Findings};
use crate::{args::RegistryArgs, context::Context, error::Error};

/// The port where none is named.
const HTTPS: u16 = 443;

/// Goes as far as it gets. An error is one of flags and files; what the registry does is a finding.
pub(crate) async fn repository(
    reference: &Reference,
    args: &RegistryArgs,
    context: &Context,
) -> Result<Findings, Error> {
    let repository = &reference.repository;
    let mut findings = Findings::default();
    findings.add(name(repository.host().name(), repository.host().port()).await);
    let credentials = context.credentials(args, repository.host()).await?;
    match credentials.credential(repository).await {
        Ok(lookup) => {
            let (who, found) = (format!("{:?}", lookup.credential()), lookup.found.is_some());
            findings.add(if found {
                Finding::good("login", format!("as {who}"))
            } else {
                Finding::note("login", "none was found: asking as nobody", "`kubectl oci login` keeps one")
            });
        }
        Err(error) => {
            let remedy = "`kubectl oci auth explain` shows who was asked";
            findings.add(Finding::fault("login", error.to_string(), remedy));
            return Ok(findings);
        }
    }
    let options = Options { credentials, ..context.trusting(&args.trust)? };
    let client = Client::new(options).repository(repository, Access::Pull);
    let target = reference.target_or_latest();
    for Tried { step, outcome } in client.try_steps(Some(&target)).await {
        match outcome {
            Ok(said) => findings.add(Finding::good(about(step), said)),
            Err(error) => {
                let remedy = error
                    .hint()
                    .unwrap_or_else(|| "correct the URL, or ask who runs the registry".to_owned());
                findings.add(Finding::fault(about(step), error.fault.to_string(), remedy));
                return Ok(findings);
            }
        }
    }
    let digest = match client.resolve(&target).await {
        Ok(digest) => digest,
        Err(error) => {
            findings.add(Finding::fault("artifact", error.to_string(), "push it, or correct the tag"));
            return Ok(findings);
        }
    };
    for (wanted, whose) in [(Wanted::Cosign, "Cosign"), (Wanted::Notation, "Notation")] {
        findings.extend(signatures(&discover(&client, &digest, wanted).await, whose));
    }
    Ok(findings)
}

fn about(step: Step) -> &'static str {
    match step {
        Step::Ping => "registry",
        Step::Challenge => "way to log in",
        Step::Token => "token",
        Step::Request => "artifact",
    }
}

async fn name(host: &str, port: Option<u16>) -> Finding {
    match lookup_host((host.trim_start_matches('[').trim_end_matches(']'), port.unwrap_or(HTTPS))).await {
        Ok(addresses) => {
            let all: Vec<String> = addresses.map(|address: SocketAddr| address.ip().to_string()).collect();
            Finding::good("name", format!("{host} is {}", all.join(", ")))
        }
        // A proxy may know it.
        Err(error) => Finding::note(
            "name",
            format!("{host} is not known here: {error}"),
            "correct the URL, or the DNS of this computer; behind a proxy this may be as it should be",
        ),
    }
}

/// What there is beside the artifact. Whose it is, `verify artifact` says.
fn signatures(found: &Material, whose: &str) -> Option<Finding> {
    let here = count(&found.bundles) + count(&found.legacy) + count(&found.notation);
    let missed = found.missed.first().map(|missed| missed.why.clone());
    let remedy = "the registry must answer this too, or nothing that asks for a signature is stored";
    if let Some(why) = missed.or_else(|| unreachable(found)) {
        return Some(Finding::fault(
            "signatures",
            format!("{whose}'s could not be looked up: {why}"),
            remedy,
        ));
    }
    (here > 0).then(|| {
        Finding::good("signatures", format!("{here} of {whose}; `kubectl oci verify artifact` judges them"))
    })
}

fn count<T>(found: &Found<T>) -> usize {
    match found {
        Found::Here(all) => all.len(),
        Found::Unreachable { .. } => 0,
    }
}

fn unreachable(found: &Material) -> Option<String> {
    match (&found.bundles, &found.legacy, &found.notation) {
        (Found::Unreachable { why, .. }, _, _)
        | (_, Found::Unreachable { why, .. }, _)
        | (_, _, Found::Unreachable { why, .. }) => Some(why.clone()),
        _ => None,
    }
}
