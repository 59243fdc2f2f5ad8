//! An agent beside the container: EKS Pod Identity and ECS.
//!
//! Followed: "Container credential provider" of the SDK guide. `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` is a path at the
//! agent of ECS; `AWS_CONTAINER_CREDENTIALS_FULL_URI` a whole URL, by http only at addresses that never leave the machine.
//! The token for it is in `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oci_registry::{Secret, WireErrors, web::WebRequest};
use url::{Host, Url};

use super::{Ask, Found, expanded, hinted, setting};
use crate::{
    aws::{
        keys::{Written, is_word},
        site::web_url,
        words,
    },
    environment::Environment,
    error::IdentityError,
    exchange::Exchange,
    file,
    place::Miss,
};

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// Bytes of a token.
const TOKEN_BYTES: usize = 32 << 10;

/// The agent of ECS.
const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// The agent of EKS.
const EKS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 23);
/// The same, by IPv6.
const EKS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23);

/// The keys that the agent has.
pub(super) async fn look(ask: Ask<'_>) -> Result<Found, Miss> {
    let environment = ask.context.environment;
    let Some(url) = agent(environment)? else {
        return Err(Miss::nothing(format!("neither {FULL} nor {RELATIVE} is set")));
    };
    let near = is_near(&url);
    let mut request = WebRequest::get(url);
    if near {
        request = request.of_metadata();
    }
    if let Some(token) = token(environment)? {
        request = request.header("authorization", token.expose().as_str());
    }
    let exchange =
        Exchange { words: words::json, ..Exchange::new("getting keys of the container's role").hints(hint) };
    let written: Written = exchange.json(ask.context.web, &request).await?;
    let keys = written.lease().map_err(|detail| exchange.unusable(&request, detail))?;
    Ok(Found { keys, origin: format!("the container's role, by {}", request.origin()) })
}

fn hint(status: u16, _: &WireErrors) -> Option<&'static str> {
    matches!(status, 400..=404).then_some(
        "check the pod identity association of the pod's ServiceAccount (EKS) or the role of the task (ECS)",
    )
}

/// Where the agent is; `None` if there is none.
fn agent(environment: &Environment) -> Result<Option<Url>, IdentityError> {
    if let Some(path) = environment.variable(RELATIVE) {
        // A path of `//host` or `@host` would be somebody else.
        let url = Url::parse(&format!("http://{ECS}")).and_then(|base| base.join(path));
        let url = url.ok().filter(|url| {
            path.starts_with('/')
                && url.scheme() == "http"
                && url.host() == Some(Host::Ipv4(ECS))
                && url.port().is_none()
        });
        return url.map(Some).ok_or_else(|| setting(RELATIVE, "it is not a path"));
    }
    let Some(value) = environment.variable(FULL) else { return Ok(None) };
    let url = agent_url(value)?;
    if url.scheme() != "https" && !is_near(&url) {
        let hint = "use https, a loopback address, or the agents' own: 169.254.170.2, 169.254.170.23, [fd00:ec2::23]";
        let host = url.host_str().unwrap_or_default();
        return Err(hinted(FULL, format!("the token would go to {host} by http"), hint));
    }
    Ok(Some(url))
}

/// Agents may have a query.
fn agent_url(value: &str) -> Result<Url, IdentityError> {
    let (before, query) =
        value.split_once('?').map_or((value, None), |(before, query)| (before, Some(query)));
    let mut url = web_url(FULL, before)?;
    url.set_query(query.map(|query| query.split('#').next().unwrap_or_default()));
    Ok(url)
}

/// Whether it is on this machine, or an agent's own address.
fn is_near(url: &Url) -> bool {
    let near =
        |address: IpAddr| address.is_loopback() || address == ECS || address == EKS || address == EKS_V6;
    match url.host() {
        Some(Host::Ipv4(address)) => near(address.into()),
        Some(Host::Ipv6(address)) => near(address.into()),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What the agent wants to see.
fn token(environment: &Environment) -> Result<Option<Secret<String>>, IdentityError> {
    let (place, token) = if let Some(path) = environment.variable(TOKEN_FILE) {
        let path = expanded(environment, path);
        let bytes = file::read(TOKEN_FILE, &path)?;
        (file::shown(TOKEN_FILE, &path), String::from_utf8_lossy(bytes.expose()).trim().to_owned())
    } else if let Some(token) = environment.variable(TOKEN) {
        (TOKEN.to_owned(), token.trim().to_owned())
    } else {
        return Ok(None);
    };
    // `Basic …` has a blank.
    let fits = token.split(' ').all(|part| is_word(part, TOKEN_BYTES));
    let unfit = "its token is empty, too long, or has characters that no token has";
    if fits { Ok(Some(Secret::new(token))) } else { Err(setting(place, unfit)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent_of(name: &str, value: &str) -> Result<String, String> {
        let variables = [(name.to_owned(), value.to_owned())].into();
        let found = agent(&Environment { variables, ..Environment::default() });
        found.map(|url| url.unwrap().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn agent_is_near_or_behind_tls() {
        for url in [
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://169.254.170.2/x?id=1",
            "http://127.0.0.1:80/x",
            "http://127.9.9.9:8080/x",
            "http://[::1]:8080/x",
            "http://localhost:8080/x",
            "https://agent.example/x",
        ] {
            let found = agent_of(FULL, url).unwrap();
            assert_eq!(found, url.replace(":80/", "/"), "{url}");
        }
        for url in [
            "http://agent.example/x",
            "http://169.254.169.254/latest",
            "http://169.254.170.24/x",
            "http://localhost.example.org/x",
            "http://127.0.0.1.example.org/x",
            "http://[fd00:ec2::24]/x",
            "http://10.0.0.1/x",
            "http://0.0.0.0/x",
        ] {
            let error = agent_of(FULL, url).unwrap_err();
            assert!(error.contains("the token would go to"), "{error}");
        }
        for url in ["agent.example", "file:///etc/passwd", "http://127.0.0.1@agent.example/x", "/v1"] {
            assert!(agent_of(FULL, url).is_err(), "{url}");
        }
    }

    #[test]
    fn agent_of_ecs_has_a_path_only() {
        assert_eq!(
            agent_of(RELATIVE, "/v2/credentials/a?b=c").unwrap(),
            "http://169.254.170.2/v2/credentials/a?b=c"
        );
        for path in [
            "//agent.example/x",
            "/\\agent.example/x",
            "@agent.example/x",
            ".agent.example/x",
            ":80/x",
            "x",
            "http://agent.example/",
        ] {
            let error = agent_of(RELATIVE, path).unwrap_err();
            assert!(error.contains("it is not a path"), "{path}: {error}");
        }
    }
}
