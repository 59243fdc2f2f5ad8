//! A token server for registries that others wrote: distribution's "Token Authentication Specification" and "OAuth2 Token
//! Authentication", with signed tokens that the registry checks on its own.
//!
//! It is strict: what a client asks for must be what the specification knows, or the answer is 400.
//!
//! ```no_run
//! use oci_testkit::{planted, real::Distribution, token_server::{Rights, TokenServer}};
//!
//! let tokens = TokenServer::builder()
//!     .user("tester", planted::PASSWORD, Rights::Push)
//!     .user("reader", planted::READER_PASSWORD, Rights::Pull)
//!     .identity("tester", planted::IDENTITY_TOKEN)
//!     .public("org/public")                            // everyone may pull it
//!     .start();
//! let registry = Distribution::with_tokens(&tokens).unwrap();
//! tokens.end_next(1, -3600);                           // one token that is over before its announced time
//! tokens.set_password("tester", planted::CHANGED_PASSWORD);
//! assert_eq!(tokens.requests().len(), 0);
//! # let _ = registry;
//! ```

mod grant;
mod jwt;
mod request;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

pub use request::Asked;

use crate::listener::{self, Listener};
use {grant::Rules, jwt::Signer};

/// What the registry calls itself, and tokens are for.
const SERVICE: &str = "registry.test";
/// What the server calls itself.
const ISSUER: &str = "tokens.test";

/// What a user may do in every repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Nothing: a user of somebody else's.
    Nothing,
    /// Read.
    Pull,
    /// Read, write and delete.
    Push,
}

/// Configures a [`TokenServer`].
#[derive(Clone, Debug)]
pub struct Builder {
    rules: Rules,
}

impl Builder {
    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str, rights: Rights) -> Self {
        let user = grant::User { password: password.to_owned(), identity: None, rights };
        self.rules.users.insert(name.to_owned(), user);
        self
    }

    /// The identity token of a user: a refresh token, which is handed out on request and taken in place of the password.
    #[must_use]
    pub fn identity(mut self, user: &str, token: &str) -> Self {
        self.rules.user(user).identity = Some(token.to_owned());
        self
    }

    /// A repository that everyone may pull, with or without a login.
    #[must_use]
    pub fn public(mut self, repository: &str) -> Self {
        self.rules.public.push(repository.to_owned());
        self
    }

    /// Seconds that a token lives, announced as `expires_in` and signed as `exp`; 300 by default. A registry adds its
    /// leeway, as distribution [`LEEWAY`](crate::real::LEEWAY).
    #[must_use]
    pub fn expires_in(mut self, seconds: u64) -> Self {
        self.rules.expires_in = seconds;
        self
    }

    /// Starts it on a free port of the loopback interface.
    pub fn start(self) -> TokenServer {
        let (listener, address) = listener::bind();
        let state = State { rules: self.rules, other: (0, 0), issued: 0, asked: Vec::new() };
        let shared = Arc::new(Shared { signer: Signer::new(), state: Mutex::new(state) });
        let served = Arc::clone(&shared);
        let listener = Listener::start("testkit-tokens", listener, move |stream| {
            let shared = Arc::clone(&served);
            async move {
                let service = service_fn(move |request| request::serve(Arc::clone(&shared), request));
                // An error here is a client that went away.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
        TokenServer { shared, address, _listener: listener }
    }
}

#[derive(Debug)]
struct Shared {
    signer: Signer,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: Rules,
    /// How many of the next tokens end at another time than announced, and in how many seconds.
    other: (usize, i64),
    issued: usize,
    asked: Vec<Asked>,
}

/// A running token server; dropping it stops it.
#[derive(Debug)]
pub struct TokenServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    _listener: Listener,
}

impl TokenServer {
    /// Configures one; nobody may do anything yet.
    pub fn builder() -> Builder {
        Builder { rules: Rules { users: BTreeMap::new(), public: Vec::new(), expires_in: 300 } }
    }

    /// The realm: `http://127.0.0.1:PORT/token`.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The only service that it issues tokens for.
    pub fn service(&self) -> &'static str {
        SERVICE
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// The authority above the key that signs.
    pub fn ca_pem(&self) -> &str {
        self.shared.signer.ca_pem()
    }

    /// Every request since the start or the last [`Self::reset`].
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.state.lock().unwrap().asked.clone()
    }

    /// Forgets the requests.
    pub fn reset(&self) {
        self.shared.state.lock().unwrap().asked.clear();
    }

    /// Changes a user's password. Tokens in circulation stay good until they end: they are signed.
    pub fn set_password(&self, user: &str, password: &str) {
        password.clone_into(&mut self.shared.state.lock().unwrap().rules.user(user).password);
    }

    /// Changes a user's identity token; `None` takes it away.
    pub fn set_identity(&self, user: &str, token: Option<&str>) {
        self.shared.state.lock().unwrap().rules.user(user).identity = token.map(str::to_owned);
    }

    /// Lets the next `tokens` end in `seconds` (or that long ago, if negative), though announced with their full time.
    pub fn end_next(&self, tokens: usize, seconds: i64) {
        self.shared.state.lock().unwrap().other = (tokens, seconds);
    }
}
