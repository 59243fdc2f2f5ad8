//! The manifest for krew: `oci.yaml` of a release, and `krew-manifest.yaml` of the repository.
//!
//! <https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/>

use std::fmt::Write as _;

use super::platform::{PLATFORMS, Platform};

/// The name of the plugin: krew wants the manifest to be called so.
pub(crate) const NAME: &str = "oci";
/// What stands for the checksum of an archive that is not released yet. No archive has it, so krew refuses every one.
pub(crate) const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What the index shows in its list; its reviewers want at most 50 characters.
const SHORT: &str = "Ship configuration as OCI artifacts for Flux";
/// What `krew info` shows; lines of at most 80 characters.
const DESCRIPTION: [&str; 6] = [
    "Packs a folder of manifests into an OCI artifact as Flux's OCIRepository",
    "reads it, and pushes, pulls, lists, compares, tags, copies, signs and",
    "verifies such artifacts in any OCI registry, with the logins of Docker or",
    "of a cloud. Checks OCIRepository manifests without a cluster, and creates,",
    "shows and steers the objects in one. Takes the flags of the Flux CLI and",
    "needs none of its parts.",
];
/// What is to be done after the installation.
const CAVEATS: [&str; 3] = [
    "krew installs one program and no completion. To let kubectl complete the",
    "commands, flags and tags of this plugin, run once:",
    "  kubectl oci completion install",
];

/// The manifest. `base` is the address that the archives are below.
pub(crate) fn render(version: &str, base: &str, homepage: &str, sums: &[(Platform, String)]) -> String {
    let mut text = format!(
        "apiVersion: krew.googlecontainertools.github.com/v1alpha2\n\
         kind: Plugin\n\
         metadata:\n  name: {NAME}\n\
         spec:\n  version: v{version}\n  homepage: {homepage}\n  shortDescription: {SHORT}\n"
    );
    block(&mut text, "description", &DESCRIPTION);
    block(&mut text, "caveats", &CAVEATS);
    text.push_str("  platforms:\n");
    for (platform, sum) in sums {
        let (os, arch) = (platform.os, platform.arch);
        let archive = platform.archive(version);
        // Writing into a string cannot fail. Digits alone, or with an `e` among them, would be a number without quotes.
        let _ = write!(
            text,
            "    - selector:\n        matchLabels:\n          os: {os}\n          arch: {arch}\n      \
             uri: {base}/{archive}\n      sha256: \"{sum}\"\n      bin: kubectl-oci\n"
        );
    }
    text
}

fn block(text: &mut String, key: &str, lines: &[&str]) {
    let _ = writeln!(text, "  {key}: |");
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

/// The manifest for all platforms with the checksums that `known` has for this version: `known` is a manifest of before.
pub(crate) fn renew(version: &str, base: &str, homepage: &str, known: &str) -> String {
    let sums = PLATFORMS.map(|platform| {
        let sum = sum_of(known, &format!("{base}/{}", platform.archive(version)));
        (platform, sum.unwrap_or(UNKNOWN).to_owned())
    });
    render(version, base, homepage, &sums)
}

/// The checksum that a manifest of ours has for an archive.
fn sum_of<'a>(manifest: &'a str, uri: &str) -> Option<&'a str> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| line.strip_prefix("uri: ") == Some(uri))?;
    let sum = lines.next()?.strip_prefix("sha256: \"")?.strip_suffix('"')?;
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (sum.len() == UNKNOWN.len() && sum.bytes().all(hex)).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.test/v1.2.3";

    #[test]
    fn texts_keep_the_rules_of_the_index() {
        assert!(SHORT.len() <= 50 && !SHORT.ends_with('.'), "{}", SHORT.len());
        for line in DESCRIPTION.iter().chain(&CAVEATS) {
            assert!(line.len() <= 80, "{line}");
        }
    }

    #[test]
    fn manifest_keeps_the_checksums_of_its_version_only() {
        let sum = "ab".repeat(32);
        let sums = PLATFORMS.map(|platform| (platform, sum.clone()));
        let released = render("1.2.3", BASE, "https://example.test", &sums);
        assert_eq!(renew("1.2.3", BASE, "https://example.test", &released), released);
        let base = "https://example.test/v1.2.4";
        let next = renew("1.2.4", base, "https://example.test", &released);
        assert!(!next.contains(&sum) && next.matches(UNKNOWN).count() == 4, "{next}");
        for no_sum in [sum.to_uppercase(), "abab".to_owned()] {
            let broken = released.replacen(&sum, &no_sum, 1);
            assert_eq!(renew("1.2.3", BASE, "https://example.test", &broken).matches(UNKNOWN).count(), 1);
        }
    }

    #[test]
    fn manifest_is_yaml_with_the_fields_of_krew() {
        let text = renew("1.2.3", BASE, "https://example.test", "");
        let manifest: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(manifest["metadata"]["name"], NAME);
        assert_eq!(manifest["spec"]["version"], "v1.2.3");
        let platforms = manifest["spec"]["platforms"].as_array().unwrap();
        assert_eq!(platforms.len(), PLATFORMS.len());
        assert_eq!(platforms[3]["selector"]["matchLabels"]["arch"], "arm64");
        assert_eq!(platforms[3]["uri"], format!("{BASE}/kubectl-oci_v1.2.3_linux_arm64.tar.gz"));
        assert_eq!(platforms[3]["sha256"], UNKNOWN);
    }
}
