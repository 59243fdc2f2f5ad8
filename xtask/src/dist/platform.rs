//! What a release is made for.

use crate::error::{Error, Result};

/// A system that the plugin is released for, in the names of Go and krew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) os: &'static str,
    pub(crate) arch: &'static str,
    /// What Rust calls it; the first one is released, another can stand in for it.
    targets: &'static [&'static str],
}

/// All of them, in the order of the manifest. Windows is none: files are written through handles of folders, as only Unix
/// has them.
pub(crate) const PLATFORMS: [Platform; 4] = [
    Platform { os: "darwin", arch: "amd64", targets: &["x86_64-apple-darwin"] },
    Platform { os: "darwin", arch: "arm64", targets: &["aarch64-apple-darwin"] },
    Platform {
        os: "linux",
        arch: "amd64",
        targets: &["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"],
    },
    Platform {
        os: "linux",
        arch: "arm64",
        targets: &["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"],
    },
];

impl Platform {
    /// Of a target of Rust.
    pub(crate) fn of(target: &str) -> Result<Self> {
        let found = PLATFORMS.into_iter().find(|platform| platform.targets.contains(&target));
        found.ok_or_else(|| {
            let known: Vec<&str> = PLATFORMS.iter().flat_map(|platform| platform.targets).copied().collect();
            Error::Wrong(format!("nothing is released for `{target}`, but for {}", known.join(", ")))
        })
    }

    /// The name of the archive.
    pub(crate) fn archive(self, version: &str) -> String {
        format!("kubectl-oci_v{version}_{}_{}.tar.gz", self.os, self.arch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_has_the_names_of_go() {
        let name = |target| Platform::of(target).unwrap().archive("1.2.3");
        assert_eq!(name("x86_64-unknown-linux-musl"), "kubectl-oci_v1.2.3_linux_amd64.tar.gz");
        assert_eq!(name("x86_64-unknown-linux-gnu"), name("x86_64-unknown-linux-musl"));
        assert_eq!(name("aarch64-apple-darwin"), "kubectl-oci_v1.2.3_darwin_arm64.tar.gz");
        let error = Platform::of("x86_64-pc-windows-msvc").unwrap_err().to_string();
        assert!(
            error.contains("`x86_64-pc-windows-msvc`") && error.contains("aarch64-apple-darwin"),
            "{error}"
        );
    }
}
