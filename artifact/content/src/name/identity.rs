//! Who may have signed an artifact without a key.

use super::Pattern;

/// One entry of `spec.verify.matchOIDCIdentity`.
#[derive(Clone, Debug)]
pub struct IdentityPattern {
    /// Found in the issuer of the identity token.
    pub issuer: Pattern,
    /// Found in the subject of the certificate.
    pub subject: Pattern,
}

impl IdentityPattern {
    /// Whether both patterns are found: the issuer of one entry never goes with the subject of another.
    pub fn is_match(&self, issuer: &str, subject: &str) -> bool {
        self.issuer.is_match(issuer) && self.subject.is_match(subject)
    }

    /// The parts, by the names of their fields, whose patterns also match in the middle of something longer.
    pub fn open(&self) -> impl Iterator<Item = (&'static str, &Pattern)> {
        [("issuer", &self.issuer), ("subject", &self.subject)].into_iter().filter(|(_, it)| it.is_open())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(issuer: &str, subject: &str) -> IdentityPattern {
        IdentityPattern { issuer: Pattern::parse(issuer).unwrap(), subject: Pattern::parse(subject).unwrap() }
    }

    #[test]
    fn identity_needs_issuer_and_subject() {
        let identity = identity("^https://a$", "^me$");
        assert!(identity.is_match("https://a", "me"));
        assert!(!identity.is_match("https://b", "me"));
        assert!(!identity.is_match("https://a", "you"));
    }

    #[test]
    fn identity_tells_its_open_parts() {
        let open =
            |issuer, subject| identity(issuer, subject).open().map(|(field, _)| field).collect::<Vec<_>>();
        assert_eq!(open("https://a", "^me$"), ["issuer"]);
        assert_eq!(open("^https://a$", "me"), ["subject"]);
        assert_eq!(open("^https://a$", "^me/.*"), [""; 0]);
        assert_eq!(open("", "^me|you$"), ["subject"]);
    }
}
