//! What tells two Secrets apart without keeping either.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some texts, each with its length, so that nothing can move from one to the next.
///
/// No `Debug`: whoever has the hash of a short password has the password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of these texts in this order; an absent one is not an empty one.
    pub(crate) fn of<'a>(parts: impl IntoIterator<Item = Option<&'a [u8]>>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update([u8::from(part.is_some())]);
            let bytes = part.unwrap_or_default();
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
        Self(hasher.finalize().into())
    }

    /// As text, for other keys.
    pub(crate) fn hex(self) -> String {
        hex::encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_tells_boundaries_and_absence() {
        let of = |parts: &[Option<&'static str>]| {
            Fingerprint::of(parts.iter().map(|part| part.map(str::as_bytes)))
        };
        assert!(of(&[Some("a"), None]) == of(&[Some("a"), None]));
        assert!(of(&[Some("ab"), Some("c")]) != of(&[Some("a"), Some("bc")]));
        assert!(of(&[None]) != of(&[Some("")]));
        assert!(of(&[]) != of(&[None]));
    }
}
