//! For whom the tokens of this process are: no registry may get a token for them.
//!
//! A token for the API server would let a registry act as the account. source-controller refuses the audiences of its own
//! token, which it finds as a pod only; here that of a kubeconfig counts too, and the names that every cluster has.

use std::{collections::BTreeSet, io::Read as _, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use kube::config::AuthInfo;
use serde::Deserialize;

/// Bytes of a token that are read.
const TOKEN_BYTES: u64 = 64 * 1024;
/// What API servers call themselves unless they are told otherwise.
const USUAL: [&str; 4] = [
    "https://kubernetes.default.svc",
    "https://kubernetes.default.svc.cluster.local",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// The audiences of the API server, as far as they are known.
#[derive(Clone, Debug)]
pub struct ClusterAudiences {
    known: BTreeSet<String>,
    /// Our token, which is renewed there.
    file: Option<PathBuf>,
}

/// The claims that are looked at. Nobody relies on them: the token is our own.
#[derive(Deserialize)]
struct Claims {
    aud: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl ClusterAudiences {
    /// Those that follow from how we log in to the API server there.
    pub fn of(login: &AuthInfo, server: &str) -> Self {
        let mut known: BTreeSet<String> = USUAL.into_iter().map(str::to_owned).collect();
        known.insert(server.trim_end_matches('/').to_owned());
        // The token has no other way out than the form of a kubeconfig.
        let token =
            serde_json::to_value(login).ok().and_then(|login| Some(login.get("token")?.as_str()?.to_owned()));
        known.extend(token.iter().flat_map(|token| audiences(token).unwrap_or_default()));
        Self { known, file: login.token_file.as_ref().map(PathBuf::from) }
    }

    /// The first of these audiences that is the API server's. An error where our own token cannot be read.
    pub fn find<'a>(&self, wanted: &'a [String]) -> Result<Option<&'a str>, String> {
        let of_file = match &self.file {
            None => Vec::new(),
            Some(file) => {
                let read = || -> std::io::Result<String> {
                    let mut text = String::new();
                    std::fs::File::open(file)?.take(TOKEN_BYTES).read_to_string(&mut text)?;
                    Ok(text)
                };
                let token = read().map_err(|error| format!("reading {} failed: {error}", file.display()))?;
                audiences(token.trim()).ok_or_else(|| format!("{} has no JWT", file.display()))?
            }
        };
        let mut wanted = wanted.iter().map(String::as_str);
        Ok(wanted.find(|audience| {
            self.known.contains(audience.trim_end_matches('/')) || of_file.iter().any(|own| own == audience)
        }))
    }
}

/// The audiences of a JWT, whose signature is not looked at.
fn audiences(token: &str) -> Option<Vec<String>> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    Some(match serde_json::from_slice::<Claims>(&payload).ok()?.aud {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one],
        Some(OneOrMany::Many(many)) => many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    fn login(fields: &serde_json::Value) -> ClusterAudiences {
        ClusterAudiences::of(&serde_json::from_value(fields.clone()).unwrap(), "https://10.0.0.1:6443/")
    }

    fn found(audiences: &ClusterAudiences, wanted: &[&str]) -> Option<String> {
        let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        audiences.find(&wanted).unwrap().map(str::to_owned)
    }

    #[test]
    fn audiences_of_every_cluster_are_known() {
        let audiences = login(&serde_json::json!({}));
        for name in [
            "https://kubernetes.default.svc",
            "https://kubernetes.default.svc.cluster.local/",
            "https://10.0.0.1:6443",
        ] {
            assert_eq!(found(&audiences, &["r.example", name]).as_deref(), Some(name));
        }
        assert_eq!(found(&audiences, &["r.example", "sts.amazonaws.com"]), None);
    }

    #[test]
    fn audiences_of_the_own_token_are_known() {
        for (claims, own) in [(r#"{"aud":["a","b"]}"#, "b"), (r#"{"aud":"a"}"#, "a")] {
            let audiences = login(&serde_json::json!({ "token": token(claims) }));
            assert_eq!(found(&audiences, &[own]).as_deref(), Some(own), "{claims}");
            assert_eq!(found(&audiences, &["c"]), None, "{claims}");
        }
    }

    #[test]
    fn audiences_are_read_from_the_file_each_time() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), token(r#"{"aud":["a"]}"#) + "\n").unwrap();
        let audiences = login(&serde_json::json!({ "tokenFile": file.path() }));
        assert_eq!(found(&audiences, &["a"]).as_deref(), Some("a"));
        std::fs::write(file.path(), token(r#"{"aud":["b"]}"#)).unwrap();
        assert_eq!(found(&audiences, &["a", "b"]).as_deref(), Some("b"));
        std::fs::write(file.path(), "s3cret-pass").unwrap();
        let error = audiences.find(&["a".to_owned()]).unwrap_err();
        assert!(error.ends_with("has no JWT") && !error.contains("s3cret-pass"), "{error}");
    }
}
