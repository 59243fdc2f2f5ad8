//! A file that is signed by itself, as `cosign sign-blob` does: for what is released.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{SigningError, SigningKey};
use crate::BUNDLE_TYPE;

impl SigningKey {
    /// The bundle to lie beside a file with this content; `cosign verify-blob --key … --bundle …` reads it. Nothing comes
    /// from a log.
    pub fn sign_file(&self, content: &[u8]) -> Result<Vec<u8>, SigningError> {
        let signature = self.sign(content)?;
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "publicKey": { "hint": self.hint() } },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest(&SHA256, content)) },
                "signature": STANDARD.encode(signature),
            },
        });
        Ok(bundle.to_string().into_bytes())
    }
}
