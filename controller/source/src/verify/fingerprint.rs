//! What tells apart what signatures are verified by: `status.sourceVerificationFingerprint`, byte for byte as
//! source-controller 1.10.1 writes it, so that nothing is verified anew when one takes over from the other.

use oci_crds::v1::Verify;
use oci_registry::Secret;
use sha2::{Digest as _, Sha256};

use super::{ROOT, provider, values};
use crate::material::Trust;

/// The entry with Notation's policy.
const POLICY: &str = "trustpolicy.json";

/// Of these bytes, which are the ones that are then used. Identities are not part of it: they are in the spec, whose
/// generation counts beside it.
pub(crate) fn fingerprint(verify: &Verify, trust: &Trust) -> String {
    let mut hasher = Sha256::new();
    let mut add = |kind: &str, bytes: &[u8]| {
        hasher.update(kind);
        hasher.update(b":");
        hasher.update(bytes);
        hasher.update([0]);
    };
    let provider = provider(verify);
    add("provider", provider.as_bytes());
    let root = trust.root.as_ref().and_then(|secret| secret.data.get(ROOT)).map(Secret::expose);
    if let Some(root) = root.filter(|root| provider == "cosign" && !root.is_empty()) {
        add("trustedroot", root);
    }
    if let Some(secret) = &trust.secret {
        if provider == "notation" {
            if let Some(policy) = secret.data.get(POLICY) {
                add("trustpolicy", policy.expose());
            }
            for value in values(secret, &[".crt", ".pem"]) {
                add("cert", value);
            }
        } else {
            for value in values(secret, &[".pub"]) {
                add("pub", value);
            }
        }
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material::tests::secret;

    fn of(provider: Option<&str>, data: Option<&[(&str, &str)]>, root: Option<&str>) -> String {
        let verify = Verify { provider: provider.map(str::to_owned), ..Verify::default() };
        let trust = Trust {
            secret: data.map(|data| secret("Opaque", data)),
            root: root.map(|root| secret("Opaque", &[("trusted_root.json", root)])),
        };
        fingerprint(&verify, &trust)
    }

    #[test]
    fn fingerprint_is_that_of_flux() {
        let keyless = "sha256:15e73a459672b2a4a6830d6c7bfe5bfc9ea72681203ca2bff47860be77def83c";
        let one = "sha256:65feed270b2c1a39c1cc264aadf62d74731a96e481f351a08accc930d92115c0";
        let two = "sha256:f172a912c2753860c125c6265b6affa069f7a40aa2a7362c07115e66aa3bba4e";
        let notation = "sha256:0fa51699b1ea4b96f65538e684beb1365b2a3a7c30233ea093528e9cb4fe2897";
        let cosign = Some("cosign");
        assert_eq!(of(cosign, None, None), keyless);
        assert_eq!(of(None, None, None), keyless, "cosign is what is meant by nothing");
        assert_eq!(of(Some(""), None, None), keyless);
        assert_eq!(of(cosign, Some(&[("k.pub", "cosign public key")]), None), one);
        assert_eq!(of(cosign, Some(&[("1.pub", "b"), ("2.pub", "a")]), None), two, "the values are sorted");
        assert_eq!(of(cosign, Some(&[("1.pub", "a"), ("2.pub", "b"), ("note", "x")]), None), two);
        let data = [(POLICY, r#"{"version":"1.0"}"#), ("ca.crt", "notation certificate")];
        assert_eq!(of(Some("notation"), Some(&data), None), notation);
        let pem = [(POLICY, r#"{"version":"1.0"}"#), ("ca.pem", "notation certificate")];
        assert_eq!(of(Some("notation"), Some(&pem), Some("root")), notation, "a root is cosign's");
    }

    #[test]
    fn fingerprint_tells_roots_and_keys_apart() {
        let cosign = Some("cosign");
        let all = [
            of(cosign, None, None),
            of(cosign, None, Some("a")),
            of(cosign, None, Some("b")),
            of(cosign, Some(&[("k.pub", "a")]), None),
            of(cosign, Some(&[("k.pub", "a")]), Some("a")),
            of(cosign, Some(&[("k.pub", "a"), ("l.pub", "a")]), None),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| one != other), "{index}");
        }
        assert_eq!(of(cosign, None, Some("")), of(cosign, None, None));
    }
}
