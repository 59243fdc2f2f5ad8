//! Asking a token server.

use oci_artifact::limits;
use reqwest::{Method, header};
use tokio::time::Instant;
use url::Url;

use super::{Authorization, Challenge, Credential, LoginFault, Lookup, login::other_way, token::Token};
use crate::{
    body,
    call::{Call, Payload},
    error::Fault,
    failure,
    origin::Origin,
    redirect,
    transport::{Session, Transport},
    wire_error::WireErrors,
};

/// How we name ourselves to OAuth2 token servers.
const CLIENT_ID: &str = "kubectl-oci";

impl Transport {
    /// A fresh token for the session's scopes. The realm is checked first: it may not be a downgrade from https, and
    /// not a local place unless the registry is one itself. Redirects are not followed.
    pub(crate) async fn fetch_token(
        &self,
        session: &Session,
        challenge: &Challenge,
        found: &Lookup,
    ) -> Result<Token, Fault> {
        let Challenge::Bearer { realm, service, .. } = challenge else {
            return Err(Fault::Protocol("no token server in the challenge".into()));
        };
        let base = session.endpoint.base(&self.options).await?;
        let mut url = Url::parse(realm)
            .map_err(|_| Fault::Protocol(format!("the token realm `{}` is no URL", shown(realm))))?;
        redirect::check(base.scheme(), &url, session.endpoint.is_local(&self.options).await)?;
        let at_home = Origin::of(&url) == Origin::of(base);
        let scopes: Vec<String> = session.scopes.texts().collect();
        let (call, authorization) = match found.credential() {
            Credential::Identity(token) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT_ID);
                form.append_pair("refresh_token", token.expose());
                form.extend_pairs(service.iter().map(|service| ("service", service)));
                // Each parameter once (RFC 6749 §3.2): scopes are words of one.
                form.append_pair("scope", &scopes.join(" "));
                let call = Call::new(Method::POST, String::new(), &[], String::new())
                    .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .carrying(Payload::Bytes(form.finish().into()));
                (call, None)
            }
            credential => {
                let scopes = scopes.iter().map(|scope| ("scope", scope));
                let parameters = service.iter().map(|service| ("service", service)).chain(scopes);
                url.query_pairs_mut().extend_pairs(parameters);
                (Call::new(Method::GET, String::new(), &[], String::new()), basic(credential))
            }
        };
        let reply = self.exchange(session, &call, &url, at_home, authorization.as_ref()).await?;
        let status = reply.response.status().as_u16();
        let realm = failure::origin(&url);
        if status != 200 {
            let errors = WireErrors::parse(&body::read_start(reply, limits::ERROR_BODY_BYTES).await);
            let credential = found.to_string();
            let cloud = other_way(session.repository.host(), found);
            return Err(Fault::Login(LoginFault::Refused { realm, status, errors, credential, cloud }));
        }
        let body = body::read_all(reply, limits::TOKEN_REPLY_BYTES, "the token server's reply").await?;
        Token::parse(&body, &realm, Instant::now()).map_err(Fault::Login)
    }
}

fn basic(credential: &Credential) -> Option<Authorization> {
    match credential {
        Credential::Basic { username, password } => Some(Authorization::basic(username, password)),
        Credential::Anonymous | Credential::Identity(_) | Credential::Bearer(_) => None,
    }
}

fn shown(realm: &str) -> String {
    realm.chars().take(100).flat_map(char::escape_debug).collect()
}
