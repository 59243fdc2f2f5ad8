//! Several sources, one after the other.

use std::sync::Arc;

use oci_artifact::name::Repository;

use super::{CredentialSource, Lookup, Minted, SourceFuture};

/// Sources of credentials, the first that has one wins: explicit credentials, then files and helpers or Secrets, then
/// identities. An error of one of them ends the walk: going on would be to log in as somebody else.
#[derive(Clone, Default)]
pub struct Chain(Vec<Arc<dyn CredentialSource>>);

impl Chain {
    /// Asked in this order.
    pub fn new(sources: Vec<Arc<dyn CredentialSource>>) -> Self {
        Self(sources)
    }
}

impl CredentialSource for Chain {
    fn credential<'a>(&'a self, repository: &'a Repository) -> SourceFuture<'a> {
        Box::pin(async {
            let mut walk = Lookup::default();
            for source in &self.0 {
                let lookup = match source.credential(repository).await {
                    Ok(lookup) => lookup,
                    Err(error) => return Err(error.after(walk.passed)),
                };
                walk.passed.extend(lookup.passed);
                if lookup.found.is_some() {
                    walk.found = lookup.found;
                    break;
                }
            }
            Ok(walk)
        })
    }

    fn refused(&self, repository: &Repository, minted: Minted) {
        self.0.iter().for_each(|source| source.refused(repository, minted));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::auth::{
        Anonymous, Credential, DockerEnvironment, DockerFiles, Fixed, Found, LeftOut, Passed, Secret,
    };

    struct Says(Lookup);

    impl CredentialSource for Says {
        fn credential<'a>(&'a self, _: &'a Repository) -> SourceFuture<'a> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    async fn walk(sources: Vec<Arc<dyn CredentialSource>>) -> String {
        let repository = Repository::parse("r.example/app").unwrap();
        Chain::new(sources).credential(&repository).await.unwrap().to_string()
    }

    fn basic(user: &str) -> Credential {
        Credential::Basic { username: user.into(), password: Secret::new("hunter2".into()) }
    }

    #[tokio::test]
    async fn chain_ends_at_the_first_that_has_something() {
        let nothing = Arc::new(Says(Lookup::nothing("a.json", "no entry for r.example")));
        let found = Arc::new(Fixed::new(basic("first"), "b.json"));
        let later = Arc::new(Fixed::new(basic("second"), "c.json"));
        assert_eq!(walk(vec![nothing, found, later]).await, "basic(first), b.json");
    }

    #[tokio::test]
    async fn chain_says_in_order_who_had_nothing() {
        let a = Arc::new(Says(Lookup::nothing("--creds", "not given")));
        let b = Arc::new(Says(Lookup::nothing("b.json", "no entry for r.example")));
        assert_eq!(
            walk(vec![a, Arc::new(Anonymous), b]).await,
            "anonymous: --creds: not given; b.json: no entry for r.example"
        );
        assert_eq!(walk(vec![]).await, "anonymous");
    }

    #[tokio::test]
    async fn chain_that_fails_says_who_had_nothing_before() {
        let passed = LeftOut::new("--creds", "not given");
        let directory = tempfile::tempdir().unwrap();
        let files =
            DockerFiles::only(&DockerEnvironment::default(), directory.path().join("a.json"), "--file");
        let chain = Chain::new(vec![Arc::new(passed), Arc::new(files)]);
        let error = chain.credential(&Repository::parse("r.example/app").unwrap()).await.unwrap_err();
        assert_eq!(error.passed(), [Passed { source: "--creds".into(), why: "not given".into() }]);
        assert!(error.to_string().ends_with("a.json, named by --file, does not exist"), "{error}");
    }

    #[tokio::test]
    async fn chain_keeps_how_long_a_credential_is_good() {
        let at = Instant::now();
        let minted = Some(Minted { at, until: at + Duration::from_mins(1) });
        let found = Found { credential: basic("u"), origin: "a cloud".into(), minted };
        let lookup = Chain::new(vec![Arc::new(Says(found.into()))]);
        let lookup = lookup.credential(&Repository::parse("r.example/app").unwrap()).await.unwrap();
        assert!(!lookup.is_over(at));
        assert!(lookup.is_over(at + Duration::from_mins(1)));
    }
}
