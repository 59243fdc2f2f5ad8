//! Who is who, and what a token is for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Rights, SERVICE, request::Asked};

/// Parameters of a GET ("Token Authentication Specification").
const OF_GET: [&str; 5] = ["service", "scope", "account", "client_id", "offline_token"];
/// Parameters of a POST ("OAuth2 Token Authentication").
const OF_POST: [&str; 8] =
    ["grant_type", "service", "client_id", "access_type", "scope", "refresh_token", "username", "password"];

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) users: BTreeMap<String, User>,
    pub(super) public: Vec<String>,
    pub(super) expires_in: u64,
}

#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) password: String,
    pub(super) identity: Option<String>,
    pub(super) rights: Rights,
}

/// What is answered with 200.
#[derive(Debug)]
pub(super) struct Grant {
    /// The user; empty for nobody.
    pub(super) subject: String,
    /// The `access` claims.
    pub(super) access: Value,
    /// The identity token, if it was asked for.
    pub(super) identity: Option<String>,
}

/// What is not.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 400: the request is not one of the specification.
    Malformed(String),
    /// 401.
    Unknown,
}

impl Rules {
    pub(super) fn user(&mut self, name: &str) -> &mut User {
        self.users.get_mut(name).unwrap()
    }

    pub(super) fn decide(&self, asked: &Asked) -> Result<Grant, Refusal> {
        let post = asked.method == "POST";
        check(asked, post).map_err(Refusal::Malformed)?;
        let subject = if post { self.by_form(asked) } else { self.by_header(asked) }?;
        let scopes: Vec<&str> = asked.all("scope").flat_map(|scopes| scopes.split(' ')).collect();
        let access =
            scopes.iter().map(|scope| self.access(scope, &subject)).collect::<Result<Vec<_>, _>>()?;
        let offline = if post {
            asked.one("access_type") == Some("offline")
        } else {
            asked.one("offline_token") == Some("true")
        };
        let identity = self.users.get(&subject).and_then(|user| user.identity.clone()).filter(|_| offline);
        let access = access.into_iter().flatten().collect();
        Ok(Grant { subject, access, identity })
    }

    /// The user of a GET, who is nobody without `Authorization`.
    fn by_header(&self, asked: &Asked) -> Result<String, Refusal> {
        let Some(header) = &asked.authorization else { return Ok(String::new()) };
        let (name, password) = basic(header).ok_or(Refusal::Unknown)?;
        if asked.one("account").is_some_and(|account| account != name) {
            return Err(Refusal::Malformed("`account` is not the user who logs in".to_owned()));
        }
        self.by_password(&name, &password)
    }

    fn by_form(&self, asked: &Asked) -> Result<String, Refusal> {
        let get =
            |name: &str| asked.one(name).ok_or_else(|| Refusal::Malformed(format!("`{name}` is missing")));
        match get("grant_type")? {
            "password" => self.by_password(get("username")?, get("password")?),
            "refresh_token" => {
                let token = get("refresh_token")?;
                let mut users = self.users.iter();
                let found = users.find(|(_, user)| user.identity.as_deref() == Some(token));
                found.map(|(name, _)| name.clone()).ok_or(Refusal::Unknown)
            }
            _ => Err(Refusal::Malformed("`grant_type` is neither `password` nor `refresh_token`".to_owned())),
        }
    }

    fn by_password(&self, name: &str, password: &str) -> Result<String, Refusal> {
        let user = self.users.get(name).filter(|user| user.password == password);
        user.map(|_| name.to_owned()).ok_or(Refusal::Unknown)
    }

    /// The part of `repository:NAME:ACTION,…` that the subject may have; `None` if there is none.
    fn access(&self, scope: &str, subject: &str) -> Result<Option<Value>, Refusal> {
        let malformed = || Refusal::Malformed(format!("`{scope}` is no scope"));
        let (kind, rest) = scope.split_once(':').ok_or_else(malformed)?;
        let (name, actions) = rest.rsplit_once(':').ok_or_else(malformed)?;
        let actions: BTreeSet<&str> = actions.split(',').collect();
        if name.is_empty() || !actions.iter().all(|action| ["pull", "push", "delete", "*"].contains(action)) {
            return Err(malformed());
        }
        let rights = self.users.get(subject).map(|user| user.rights);
        let may = |action: &str| match (rights, action) {
            (Some(Rights::Push), _) | (Some(Rights::Pull), "pull") => true,
            (None, "pull") => self.public.iter().any(|public| public == name),
            _ => false,
        };
        let given: Vec<&str> = actions.into_iter().filter(|action| may(action)).collect();
        let some = kind == "repository" && !given.is_empty();
        Ok(some.then(|| json!({ "type": kind, "name": name, "actions": given })))
    }
}

/// Whether the request is one of the specification.
fn check(asked: &Asked, post: bool) -> Result<(), String> {
    let (given, none) = if post { (&asked.form, &asked.query) } else { (&asked.query, &asked.form) };
    if !none.is_empty() {
        return Err("parameters in the wrong place".to_owned());
    }
    let known = if post { &OF_POST[..] } else { &OF_GET[..] };
    for (name, _) in given {
        if !known.contains(&name.as_str()) {
            return Err(format!("`{name}` is no parameter of a {}", asked.method));
        }
        // Several scopes are several parameters of a GET, and words of one parameter of a POST.
        let several = given.iter().filter(|(other, _)| other == name).count() > 1;
        if several && (post || name != "scope") {
            return Err(format!("`{name}` is given more than once"));
        }
    }
    if asked.one("service") != Some(SERVICE) {
        return Err(format!("`service` is not `{SERVICE}`"));
    }
    if post && asked.one("client_id").is_none_or(str::is_empty) {
        return Err("`client_id` is missing".to_owned());
    }
    if post && asked.authorization.is_some() {
        return Err("a POST has no `Authorization`".to_owned());
    }
    Ok(())
}

fn basic(header: &str) -> Option<(String, String)> {
    use base64::Engine as _;

    let decoded = base64::prelude::BASE64_STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}
