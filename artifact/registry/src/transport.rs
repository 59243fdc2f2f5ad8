//! Sending one request until it is answered: login, redirects, retries, deadlines.
//!
//! Nothing here knows what a manifest or a blob is. Every wait has an end: connecting, an answer that does not come,
//! a body that stands still, and the whole operation's deadline.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oci_artifact::{
    Class, Classify as _, limits,
    name::{Host, Repository},
};
use reqwest::{Method, Response, StatusCode, header};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    auth::{
        Access, Authorization, Challenge, CredentialSource, LoginFault, Logins, Lookup, Scopes, other_way,
    },
    body::{self, IDLE},
    call::{Call, Place},
    endpoint::Endpoint,
    error::{Error, Fault},
    http_clients::HttpClients,
    http_date,
    options::Options,
    origin::Origin,
    redirect,
    redirect::RedirectFault,
    tls::Reach,
    wire_error::WireErrors,
};

/// Longest wait of our own choice.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Registries that are remembered while nobody uses them.
const ENDPOINTS: usize = 1_024;

/// Logins of one client, and what several clients share.
pub(crate) struct Transport {
    pub(crate) options: Arc<Options>,
    pub(crate) logins: Logins,
    shared: Arc<Shared>,
}

/// Connections, and what is known of each registry: nothing of it is anybody's secret.
#[derive(Default)]
struct Shared {
    endpoints: Mutex<HashMap<Host, Arc<Endpoint>>>,
    clients: HttpClients,
}

/// One repository as one caller uses it.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) repository: Repository,
    pub(crate) scopes: Scopes,
    /// When everything must be done.
    pub(crate) deadline: Option<Instant>,
    /// Longest silence of the other side.
    pub(crate) idle: Duration,
}

impl Session {
    /// Bounds a step by the operation's deadline.
    pub(crate) async fn in_time<T>(&self, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, step).await.unwrap_or(Err(Fault::Deadline)),
            None => step.await,
        }
    }
}

/// The head of an answer, and what its body is read with.
pub(crate) struct Reply {
    pub(crate) response: Response,
    /// Where it came from.
    pub(crate) url: Url,
    /// Longest wait for the next bytes.
    pub(crate) idle: Duration,
}

impl Transport {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            logins: Logins::new(Arc::clone(&options.credentials)),
            options: Arc::new(options),
            shared: Arc::default(),
        }
    }

    /// The same connections with other logins.
    pub(crate) fn with_credentials(&self, source: Arc<dyn CredentialSource>) -> Self {
        Self {
            logins: Logins::new(source),
            options: Arc::clone(&self.options),
            shared: Arc::clone(&self.shared),
        }
    }

    /// The HTTP client for this URL.
    pub(crate) fn http(&self, reach: Reach, url: &Url) -> Result<reqwest::Client, Fault> {
        self.shared.clients.get(&self.options, reach, url)
    }

    /// What is known of the repository's registry, for requests with this access.
    pub(crate) fn session(&self, repository: &Repository, access: Access) -> Session {
        let mut endpoints = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let host = repository.host();
        if endpoints.len() >= ENDPOINTS && !endpoints.contains_key(host) {
            endpoints.retain(|_, endpoint| Arc::strong_count(endpoint) > 1);
        }
        let endpoint = endpoints.entry(host.clone()).or_insert_with(|| Arc::new(Endpoint::new(host.clone())));
        Session {
            endpoint: Arc::clone(endpoint),
            repository: repository.clone(),
            scopes: Scopes::new(repository, access),
            deadline: self.options.deadline,
            idle: IDLE,
        }
    }

    /// Sends a request, again after passing faults, until an expected answer comes or waiting cannot help.
    pub(crate) async fn send(&self, session: &Session, call: &Call) -> Result<Reply, Error> {
        let mut attempt = 1;
        loop {
            let fault = match self.send_once(session, call).await {
                Ok(reply) => return Ok(reply),
                Err(fault) => fault,
            };
            let Some(pause) = self.pause(session, &fault, attempt) else {
                return Err(fault.during(&call.action));
            };
            tracing::debug!(action = %call.action, %fault, attempt, pause_ms = pause.as_millis(), "trying again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends a request once: for what cannot be repeated as it is.
    pub(crate) async fn send_once(&self, session: &Session, call: &Call) -> Result<Reply, Fault> {
        session.in_time(self.attempt(session, call)).await
    }

    /// How long to wait before the next try; `None` if there is none. A registry that limits requests is asked more
    /// often than a broken one, because waiting does help there.
    pub(crate) fn pause(&self, session: &Session, fault: &Fault, attempt: u32) -> Option<Duration> {
        let Class::Retry { after } = fault.class() else { return None };
        let limited = fault.status() == Some(429);
        let attempts = if limited { self.options.attempts.saturating_mul(2) } else { self.options.attempts };
        if attempt >= attempts || matches!(fault, Fault::Deadline) {
            return None;
        }
        let doubled = self.options.backoff.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_BACKOFF);
        // Between three and five quarters, so that parallel clients do not come back together.
        let jittered = doubled.mul_f64(0.75 + fastrand::f64() / 2.0);
        let pause = after.map_or(jittered, |after| after.max(jittered));
        let in_time = session.deadline.is_none_or(|deadline| pause < deadline - Instant::now());
        let worth_it = in_time && pause <= self.options.longest_pause;
        if limited && worth_it {
            session.endpoint.hold(pause);
        }
        worth_it.then_some(pause)
    }

    /// One try: the request, its redirects, and at most one answer to a challenge.
    async fn attempt(&self, session: &Session, call: &Call) -> Result<Reply, Fault> {
        session.endpoint.turn().await;
        let base = session.endpoint.base(&self.options).await?;
        let home = Origin::of(base);
        let mut url = match &call.place {
            Place::Path(path) => base
                .join(path)
                .map_err(|error| Fault::Protocol(format!("`{path}` is no path of a registry: {error}")))?,
            Place::Url(url) => url.clone(),
        };
        let mut rounds = Rounds::new();
        let mut authorization = self.known_authorization(session, &rounds).await?;
        let mut hops = 0;
        loop {
            let at_home = Origin::of(&url) == home;
            let shown = authorization.as_ref().filter(|_| at_home);
            let reply = self.exchange(session, call, &url, at_home, shown).await?;
            let status = reply.response.status();
            if call.expect.contains(&status.as_u16()) {
                return Ok(reply);
            }
            if let Some(location) = redirected(call, &reply.response)? {
                hops += 1;
                if hops > limits::REDIRECTS {
                    return Err(RedirectFault::TooMany(limits::REDIRECTS).into());
                }
                url = redirect::follow(&url, &location, session.endpoint.is_local(&self.options).await)?;
                continue;
            }
            // Only the registry's own challenge counts, never that of a place it sent us to.
            if at_home && hops == 0 {
                let stale = authorization.as_ref();
                if let Some(answer) = self.answer(session, &reply.response, stale, &mut rounds).await? {
                    authorization = Some(answer);
                    continue;
                }
            }
            return Err(self.refusal(session, call, reply, at_home && rounds.challenged).await);
        }
    }

    /// The header for a registry whose challenge is known already.
    async fn known_authorization(
        &self,
        session: &Session,
        rounds: &Rounds,
    ) -> Result<Option<Authorization>, Fault> {
        match session.endpoint.challenge() {
            Some(challenge) => self.login(session, &challenge, None, rounds).await,
            None => Ok(None),
        }
    }

    /// Answers a refusal with what was not shown yet, if there is any: first an answer to the challenge, then a
    /// credential that is minted anew, since the one before may have been revoked (ECR says 403 to those).
    async fn answer(
        &self,
        session: &Session,
        response: &Response,
        stale: Option<&Authorization>,
        rounds: &mut Rounds,
    ) -> Result<Option<Authorization>, Fault> {
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED && !rounds.challenged {
            rounds.challenged = true;
            if let Some(challenge) = Challenge::best(response.headers()) {
                session.endpoint.learn(challenge.clone());
                if let Some(answer) = self.login(session, &challenge, stale, rounds).await? {
                    return Ok(Some(answer));
                }
            }
        }
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && stale.is_some();
        match session.endpoint.challenge() {
            Some(challenge) if refused && !rounds.renewed => {
                rounds.renewed = true;
                match self.logins.renewed(&session.repository, rounds.begun).await? {
                    Some(_) => self.login(session, &challenge, stale, rounds).await,
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// The header that answers a challenge; `None` if we have nothing to show, or only `stale` again.
    async fn login(
        &self,
        session: &Session,
        challenge: &Challenge,
        stale: Option<&Authorization>,
        rounds: &Rounds,
    ) -> Result<Option<Authorization>, Fault> {
        let found = self.logins.credential(&session.repository).await?;
        let answer = match self.show(session, challenge, stale, &found).await {
            Err(Fault::Login(LoginFault::Refused { status: 401 | 403, .. })) if found.is_minted() => {
                let fresh = self.logins.renewed(&session.repository, rounds.begun).await?;
                Box::pin(self.show(session, challenge, stale, &fresh.unwrap_or(found))).await
            }
            answer => answer,
        }?;
        // The same header again would be refused again.
        Ok(answer.filter(|answer| stale.is_none_or(|stale| stale.expose() != answer.expose())))
    }

    pub(crate) async fn show(
        &self,
        session: &Session,
        challenge: &Challenge,
        stale: Option<&Authorization>,
        found: &Lookup,
    ) -> Result<Option<Authorization>, Fault> {
        if found.is_minted() {
            let has = || found.to_string();
            if session.endpoint.base(&self.options).await?.scheme() != "https" {
                return Err(Fault::Login(LoginFault::Plain { has: has() }));
            }
            if self.options.insecure && self.options.tls.ca.is_none() {
                return Err(Fault::Login(LoginFault::Unverified { has: has() }));
            }
        }
        // Boxed: rare, and large.
        let fetch = async |_: &_| Box::pin(self.fetch_token(session, challenge, found)).await;
        self.logins.answer(challenge, found, &session.scopes, stale, fetch).await
    }

    /// Reads an unexpected answer into a fault.
    pub(crate) async fn refusal(
        &self,
        session: &Session,
        call: &Call,
        reply: Reply,
        after_login: bool,
    ) -> Fault {
        let status = reply.response.status().as_u16();
        let retry_after = http_date::retry_after(reply.response.headers());
        let errors = if call.method == Method::HEAD {
            WireErrors::default()
        } else {
            WireErrors::parse(&body::read_start(reply, limits::ERROR_BODY_BYTES).await)
        };
        if status == 401 && after_login {
            return match self.logins.credential(&session.repository).await {
                Ok(found) => Fault::Login(LoginFault::Denied {
                    errors,
                    credential: found.to_string(),
                    cloud: other_way(session.repository.host(), &found),
                }),
                Err(fault) => fault,
            };
        }
        Fault::Status { status, errors, retry_after }
    }
}

/// What was tried in one attempt to satisfy the registry.
struct Rounds {
    begun: Instant,
    challenged: bool,
    renewed: bool,
}

impl Rounds {
    fn new() -> Self {
        Self { begun: Instant::now(), challenged: false, renewed: false }
    }
}

/// Where an answer sends us, if it does. Only GET and HEAD follow the kinds that change the method.
fn redirected(call: &Call, response: &Response) -> Result<Option<String>, Fault> {
    let reading = matches!(call.method, Method::GET | Method::HEAD);
    let follows = match response.status().as_u16() {
        301..=303 => reading,
        307 | 308 => true,
        _ => false,
    };
    if !follows {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    match location {
        Some(location) => Ok(Some(location.to_owned())),
        None => Err(Fault::Protocol("a redirect without a usable Location".into())),
    }
}
