//! Who may do what: Basic, or Bearer with a token endpoint of its own.
//!
//! Distribution's token specification: a request without a good token gets 401 with realm, service and scope; the
//! client asks the realm and comes back. Scopes are checked, tokens end, tokens can be revoked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{Method, http::request::Parts};

use super::{
    answer::{self, Reply, With as _},
    route::{Route, query_value, query_values},
};

/// How the registry wants to be addressed.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Everyone may do everything.
    #[default]
    None,
    /// User and password with every request.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token from `/token`.
    Bearer(Bearer),
    /// A token that somebody else made.
    Judged(Judge),
}

impl Auth {
    /// [`Auth::Basic`].
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.to_owned(), password: password.to_owned() }
    }

    /// [`Auth::Bearer`] for one user, without anonymous access.
    pub fn bearer(user: &str, password: &str) -> Self {
        Self::Bearer(Bearer { login: Some((user.to_owned(), password.to_owned())), ..Bearer::default() })
    }

    /// [`Auth::Bearer`] where everyone may pull and nobody may push.
    pub fn bearer_anonymous() -> Self {
        Self::Bearer(Bearer { anonymous_pull: true, ..Bearer::default() })
    }

    /// [`Auth::Judged`]: a bearer token that fits.
    pub fn token(fits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Judged(Judge { user: None, fits: Arc::new(fits) })
    }

    /// [`Auth::Judged`]: a token that fits, as the password of this user by Basic.
    pub fn token_of(user: &str, fits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Judged(Judge { user: Some(user.to_owned()), fits: Arc::new(fits) })
    }
}

/// Who judges tokens of others. There is no token endpoint.
#[derive(Clone)]
pub struct Judge {
    user: Option<String>,
    fits: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The rules of the token endpoint.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// User and password that the endpoint knows.
    pub login: Option<(String, String)>,
    /// The refresh token (identity token) that `grant_type=refresh_token` takes.
    pub refresh_token: Option<String>,
    /// Whether a client without credentials gets a token for `pull`.
    pub anonymous_pull: bool,
    /// Whether the user gets `pull` only, whatever was asked for.
    pub read_only: bool,
    /// Seconds until a token ends, announced as `expires_in`.
    pub expires_in: u64,
    /// The realm in place of the registry's own `/token`.
    pub realm: Option<String>,
}

impl Default for Bearer {
    fn default() -> Self {
        Self {
            login: None,
            refresh_token: None,
            anonymous_pull: false,
            read_only: false,
            expires_in: 300,
            realm: None,
        }
    }
}

/// The tokens in circulation.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<(u64, BTreeMap<String, Token>)>);

#[derive(Debug)]
struct Token {
    /// `repository:NAME:ACTION`.
    grants: BTreeSet<String>,
    ends: Instant,
}

impl Tokens {
    pub(super) fn revoke_all(&self) {
        self.0.lock().unwrap().1.clear();
    }

    fn issue(&self, grants: BTreeSet<String>, lifetime: Duration) -> String {
        let mut tokens = self.0.lock().unwrap();
        tokens.0 += 1;
        let name = format!("token-{}", tokens.0);
        tokens.1.insert(name.clone(), Token { grants, ends: Instant::now() + lifetime });
        name
    }

    fn grants(&self, token: &str) -> Option<BTreeSet<String>> {
        let tokens = self.0.lock().unwrap();
        let token = tokens.1.get(token)?;
        (Instant::now() < token.ends).then(|| token.grants.clone())
    }
}

/// `None` if the request may pass, else the refusal. `origin` is `http://host:port`.
pub(super) fn refuse(
    auth: &Auth,
    tokens: &Tokens,
    origin: &str,
    parts: &Parts,
    route: &Route,
) -> Option<Reply> {
    if matches!(route, Route::Token) {
        return None;
    }
    match auth {
        Auth::None => None,
        Auth::Basic { user, password } => {
            let good = basic(parts).is_some_and(|login| login == (user.clone(), password.clone()));
            (!good).then(|| unauthorized(r#"Basic realm="registry""#))
        }
        Auth::Bearer(rules) => refuse_token(rules, tokens, origin, parts, route),
        Auth::Judged(judge) => {
            let token = match &judge.user {
                None => authorization(parts, "Bearer"),
                Some(user) => basic(parts).filter(|(given, _)| given == user).map(|(_, token)| token),
            };
            let good = token.is_some_and(|token| (judge.fits)(&token));
            let bearer = || format!(r#"Bearer realm="{origin}/token",service="judged""#);
            let challenge = judge.user.as_ref().map_or_else(bearer, |_| r#"Basic realm="judged""#.to_owned());
            (!good).then(|| unauthorized(&challenge))
        }
    }
}

fn refuse_token(
    rules: &Bearer,
    tokens: &Tokens,
    origin: &str,
    parts: &Parts,
    route: &Route,
) -> Option<Reply> {
    let actions = Route::actions(&parts.method);
    let grants = authorization(parts, "Bearer").and_then(|token| tokens.grants(&token));
    let missing = match (&grants, route.repository()) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(grants), Some(name)) => {
            actions.iter().any(|action| !grants.contains(&format!("repository:{name}:{action}")))
        }
    };
    if !missing {
        return None;
    }
    let realm = rules.realm.clone().unwrap_or_else(|| format!("{origin}/token"));
    let service = origin.split_once("://").map_or(origin, |(_, host)| host);
    let mut challenge = format!(r#"Bearer realm="{realm}",service="{service}""#);
    if let Some(name) = route.repository() {
        challenge.push_str(",scope=\"");
        challenge.push_str(&["repository", name, &actions.join(",")].join(":"));
        challenge.push('"');
    }
    if grants.is_some() {
        challenge.push_str(r#",error="insufficient_scope""#);
    }
    Some(unauthorized(&challenge))
}

fn unauthorized(challenge: &str) -> Reply {
    answer::error(401, "UNAUTHORIZED", "authentication required").with("www-authenticate", challenge)
}

/// Answers `/token`; `form` is the body of a POST.
pub(super) fn token(auth: &Auth, tokens: &Tokens, parts: &Parts, form: &str) -> Reply {
    let Auth::Bearer(rules) = auth else {
        return answer::error(404, "NOT_FOUND", "this registry has no token endpoint");
    };
    let post = parts.method == Method::POST;
    let query = if post { Some(form) } else { parts.uri.query() };
    let login = if post { form_login(rules, form) } else { query_login(rules, parts) };
    let Some(may_push) = login else {
        return answer::error(401, "UNAUTHORIZED", "unknown user or wrong password");
    };
    let mut grants = BTreeSet::new();
    for scope in query_values(query, "scope").iter().flat_map(|scopes| scopes.split(' ')) {
        let Some((resource, actions)) = scope.rsplit_once(':') else {
            continue;
        };
        for action in actions.split(',').filter(|action| may_push || *action == "pull") {
            grants.insert(format!("{resource}:{action}"));
        }
    }
    let token = tokens.issue(grants, Duration::from_secs(rules.expires_in));
    let mut reply = serde_json::json!({
        "token": token,
        "access_token": token,
        "expires_in": rules.expires_in,
    });
    if let (true, Some(refresh)) = (post, &rules.refresh_token) {
        reply["refresh_token"] = refresh.as_str().into();
    }
    answer::json(200, &reply)
}

/// Whether a GET may push; `None` is a refusal.
fn query_login(rules: &Bearer, parts: &Parts) -> Option<bool> {
    match basic(parts) {
        Some(login) => (rules.login.as_ref() == Some(&login)).then_some(!rules.read_only),
        None => rules.anonymous_pull.then_some(false),
    }
}

/// Whether a POST may push; `None` is a refusal.
fn form_login(rules: &Bearer, form: &str) -> Option<bool> {
    let good = match query_value(Some(form), "grant_type")?.as_str() {
        "refresh_token" => {
            let given = query_value(Some(form), "refresh_token");
            given.is_some() && given == rules.refresh_token
        }
        "password" => {
            let given = query_value(Some(form), "username").zip(query_value(Some(form), "password"));
            given.is_some() && given == rules.login
        }
        _ => false,
    };
    good.then_some(!rules.read_only)
}

/// The value behind `scheme` in `Authorization`.
fn authorization(parts: &Parts, scheme: &str) -> Option<String> {
    let value = parts.headers.get("authorization")?.to_str().ok()?;
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim().to_owned())
}

fn basic(parts: &Parts) -> Option<(String, String)> {
    let decoded = STANDARD.decode(authorization(parts, "Basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}
