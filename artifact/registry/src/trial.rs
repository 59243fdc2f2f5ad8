//! Trying a login: at once, before it is kept, or step by step, to see at which one it is refused.

use std::sync::Arc;

use oci_artifact::name::Target;
use reqwest::{Method, StatusCode};
use url::Url;

use crate::{
    auth::{Access, Challenge, Credential, Fixed, LoginPlace, Scopes},
    call::Call,
    client::{Client, RepositoryClient},
    error::{Error, Fault},
    failure,
};

/// Where every registry answers; 401 if it wants a login.
const PING: &str = "/v2/";

/// A step of a request that needs a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asking the registry for nothing in particular.
    Ping,
    /// Reading how it wants to be told who asks.
    Challenge,
    /// Getting a token of the server that it named.
    Token,
    /// Asking for something of the repository.
    Request,
}

/// How a step went.
#[derive(Debug)]
pub struct Tried {
    /// Which.
    pub step: Step,
    /// What was seen, for people; never a secret.
    pub outcome: Result<String, Error>,
}

impl Client {
    /// Asks a registry whether it takes a login, as docker does before it keeps one: by its `/v2/` and, where it has one,
    /// its token server. `false` if it lets everybody in, so that the login proves nothing.
    pub async fn try_login(&self, place: &LoginPlace, credential: Credential) -> Result<bool, Error> {
        let client = self.with_credentials(Arc::new(Fixed::new(credential, "given to log in")));
        let mut session = client.transport.session(place.below(), Access::Pull);
        session.scopes = Scopes::none();
        let call = Call::new(Method::GET, PING.to_owned(), &[200], format!("asking {}", place.host()));
        client.transport.send(&session, &call).await?;
        Ok(session.endpoint.challenge().is_some())
    }
}

impl RepositoryClient {
    /// Does step by step what the first request of a command does, for a manifest or, without a target, for a tag. Ends
    /// with the step that fails. Nothing is tried again.
    pub async fn try_steps(&self, target: Option<&Target>) -> Vec<Tried> {
        let mut steps = Vec::new();
        let mut tell = |step, outcome: Result<String, Fault>, action: &str| {
            let failed = outcome.is_err();
            steps.push(Tried { step, outcome: outcome.map_err(|fault| fault.during(action)) });
            failed
        };
        let host = self.repository().host();
        let asking = format!("asking {host}");
        let challenge = match self.ping().await {
            Ok(Ping::Open(said)) => {
                tell(Step::Ping, Ok(said), "");
                None
            }
            Ok(Ping::Asks { said, challenge }) => {
                tell(Step::Ping, Ok(said), "");
                let Some(challenge) = challenge else {
                    let fault =
                        Fault::Protocol("it wants a login, but names no way that is known here".into());
                    tell(Step::Challenge, Err(fault), &asking);
                    return steps;
                };
                tell(Step::Challenge, Ok(shown(&challenge)), "");
                Some(challenge)
            }
            Err(fault) => {
                tell(Step::Ping, Err(fault), &asking);
                return steps;
            }
        };
        if let Some(challenge @ Challenge::Bearer { .. }) = challenge {
            let action = format!("getting a token for {}", self.repository());
            if tell(Step::Token, self.token(&challenge).await, &action) {
                return steps;
            }
        }
        steps.push(Tried { step: Step::Request, outcome: self.request(target).await });
        steps
    }

    async fn ping(&self) -> Result<Ping, Fault> {
        let (transport, session) = (&self.transport, &self.session);
        let call = Call::new(Method::GET, PING.to_owned(), &[200], String::new());
        let step = async {
            let base = session.endpoint.base(&transport.options).await?;
            let url = base.join(PING).map_err(|error| Fault::Protocol(error.to_string()))?;
            let reply = transport.exchange(session, &call, &url, true, None).await?;
            let from = failure::origin(&url);
            match reply.response.status() {
                StatusCode::OK => Ok(Ping::Open(format!("{from} answers (200) and asks for no login"))),
                StatusCode::UNAUTHORIZED => {
                    let challenge = Challenge::best(reply.response.headers());
                    if let Some(challenge) = &challenge {
                        session.endpoint.learn(challenge.clone());
                    }
                    Ok(Ping::Asks { said: format!("{from} answers (401) and asks for a login"), challenge })
                }
                _ => Err(transport.refusal(session, &call, reply, false).await),
            }
        };
        session.in_time(step).await
    }

    async fn token(&self, challenge: &Challenge) -> Result<String, Fault> {
        let (transport, session) = (&self.transport, &self.session);
        let step = async {
            let found = transport.logins.credential(&session.repository).await?;
            transport.show(session, challenge, None, &found).await?;
            let scopes: Vec<String> = session.scopes.texts().collect();
            Ok(match found.credential() {
                Credential::Bearer(_) => format!("none is needed (as {found})"),
                _ => format!("given for {} (as {found})", scopes.join(" ")),
            })
        };
        session.in_time(step).await
    }

    async fn request(&self, target: Option<&Target>) -> Result<String, Error> {
        let wanted = if let Some(target) = target {
            self.manifest(target).await.map(|found| format!("{} is there", found.digest))
        } else {
            let action = format!("listing the tags of {}", self.repository());
            let call = Call::new(Method::GET, self.path("tags/list?n=1"), &[200], action);
            self.transport.send(&self.session, &call).await.map(|_| "its tags are listed".to_owned())
        };
        match wanted {
            Err(error) if error.is_not_found() => Ok(format!(
                "let in, but there is nothing of that name, or not for this account ({})",
                error.fault
            )),
            wanted => wanted.map(|said| format!("let in: {said}")),
        }
    }
}

/// The answer to [`PING`].
enum Ping {
    Open(String),
    Asks { said: String, challenge: Option<Challenge> },
}

fn shown(challenge: &Challenge) -> String {
    match challenge {
        Challenge::Basic => "a user and a password with each request (Basic)".to_owned(),
        Challenge::Bearer { realm, service, .. } => {
            let escaped =
                |text: &str| text.chars().take(100).flat_map(char::escape_debug).collect::<String>();
            let server = Url::parse(realm).map_or_else(|_| escaped(realm), |url| failure::origin(&url));
            let service = service.as_deref().map(|service| format!(" for `{}`", escaped(service)));
            format!("a token of {server}{} (Bearer)", service.unwrap_or_default())
        }
    }
}
