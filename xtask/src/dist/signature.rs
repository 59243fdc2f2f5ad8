//! The signature of the checksums by a key in a file. The release workflow has no key: it signs with `cosign` by its own
//! identity, into the same file.

use std::{fs::File, io::Read as _, path::Path};

use oci_artifact::limits::{Budget, PRIVATE_KEY_BYTES};
use oci_verify::sign::{PrivateKey, SigningError, SigningKey};

use super::archive::write_text;
use crate::{
    error::{At as _, Error, Result},
    run::variable,
};

/// What is appended to the name of the file that is signed.
pub(crate) const ENDING: &str = ".sigstore.json";

/// Signs `file` into the bundle beside it.
pub(crate) fn sign(file: &Path, key: &Path) -> Result<()> {
    let wrong = |error: SigningError| Error::Wrong(format!("signing with {}: {error}", key.display()));
    let key = open(key)?.map_err(wrong)?;
    let content = std::fs::read(file).at(file)?;
    let bundle = key.sign_file(&content).map_err(wrong)?;
    let mut to = file.as_os_str().to_owned();
    to.push(ENDING);
    write_text(Path::new(&to), &bundle)
}

fn open(path: &Path) -> Result<std::result::Result<SigningKey, SigningError>> {
    let mut bytes = Vec::new();
    let limit = PRIVATE_KEY_BYTES as u64;
    File::open(path)
        .and_then(|file| Budget::new(file, limit, "the private key").read_to_end(&mut bytes))
        .at(path)?;
    // Cosign's own variable; no password is an empty one.
    let password = variable("COSIGN_PASSWORD").unwrap_or_default();
    Ok(PrivateKey::read(&bytes).and_then(|key| match key {
        PrivateKey::Plain(key) => Ok(key),
        PrivateKey::Sealed(sealed) => sealed.open(password.as_encoded_bytes()),
    }))
}
