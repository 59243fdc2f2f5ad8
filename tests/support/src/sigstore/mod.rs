//! A private Sigstore: an authority that gives certificates, a log of certificates, a log of signatures (both kinds) and
//! an authority that stamps, all with keys made on the spot, and what they and owners of keys write.
//!
//! ```no_run
//! use oci_testkit::sigstore::{Instance, Request, bundle, legacy};
//!
//! let sigstore = Instance::new();
//! let root = sigstore.trusted_root();                       // JSON, to be changed and written as `trusted_root.json`
//! let signer = sigstore.certify(&Request::default());       // a certificate and its key
//! let digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
//! let signature = legacy::sign(&sigstore, &signer, digest); // payload and annotations
//! let bundle = bundle::sign(&sigstore, &signer, digest);    // JSON, to be changed
//! # let _ = (root, signature, bundle);
//! ```
//!
//! Everything is JSON or bytes, so that each attack is one field away. Times are around [`NOW`], which is past: verifiers
//! also look at the clock.

pub mod attach;
mod authority;
pub mod bundle;
mod der;
mod keys;
pub mod legacy;
mod log;
pub mod notation;
mod recorded;
mod stamp;
pub mod tuf;

pub use authority::{Certified, Instance, Request, San};
pub use keys::{Kind, Owner};
pub use log::Log;
pub use recorded::recorded;
pub use stamp::{Stamper, Token};

/// When everything is signed, unless said otherwise: 2025-06-15, 15:06:40 UTC.
pub const NOW: i64 = 1_750_000_000;
/// Long before.
pub const BEFORE: i64 = NOW - 100_000_000;
/// Whom certificates name, unless said otherwise.
pub const SUBJECT: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main";
/// Who vouches for them, unless said otherwise.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Base64 as in bundles.
pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

/// A PEM block.
pub fn pem(label: &str, bytes: &[u8]) -> String {
    let text = base64(bytes);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// As JSON has a time: `2025-06-15T15:06:40Z`.
fn rfc3339(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day counted from 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_rfc_3339() {
        assert_eq!(rfc3339(NOW), "2025-06-15T15:06:40Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
    }
}
