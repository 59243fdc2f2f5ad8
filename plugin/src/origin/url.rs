//! The URL that a repository came from.

use std::collections::BTreeMap;

use gix::Repository;

/// URL of the remote `origin`, or of the only remote, as it is configured: `insteadOf` rules are the user's own and
/// mean nothing to others.
pub(super) fn of_remote(repository: &Repository) -> Option<String> {
    let config = repository.config_snapshot();
    let mut urls: BTreeMap<String, String> = BTreeMap::new();
    for section in config.plumbing().sections_by_name("remote").into_iter().flatten() {
        // Of several URLs git fetches from the first.
        let (name, url) = (section.header().subsection_name(), section.values("url").into_iter().next());
        if let (Some(name), Some(url)) = (name, url) {
            urls.entry(name.to_string()).or_insert_with(|| url.to_string());
        }
    }
    let only = if urls.len() == 1 { urls.values().next() } else { None };
    urls.get("origin").or(only).map(|url| without_credentials(url))
}

/// The URL without what could be a secret. User names stay where they are no secrets and belong to the address: in
/// SSH URLs. In others a token often stands in the user's place; queries can hold tokens too.
fn without_credentials(url: &str) -> String {
    // `git@host:path` and local paths have no place for a password.
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let is_ssh = scheme.contains("ssh");
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if is_ssh => {
            format!("{}@{host}", user.split_once(':').map_or(user, |(name, _)| name))
        }
        Some((_, host)) => host.to_owned(),
        None => authority.to_owned(),
    };
    let path = if scheme == "file" { path } else { path.split(['?', '#']).next().unwrap_or_default() };
    format!("{scheme}://{authority}{path}")
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn url_loses_its_credentials_only() {
        for (url, expected) in [
            ("https://github.com/org/app.git", "https://github.com/org/app.git"),
            ("https://user:hunter2@github.com/org/app", "https://github.com/org/app"),
            ("https://hunter2@github.com:8443/org/app", "https://github.com:8443/org/app"),
            ("https://u:hunter2@x@github.com/org", "https://github.com/org"),
            ("https://github.com/org@x/app", "https://github.com/org@x/app"),
            ("https://github.com/org?token=hunter2#hunter2", "https://github.com/org"),
            ("https://user:hunter2@github.com", "https://github.com"),
            ("ssh://git@github.com:22/org/app", "ssh://git@github.com:22/org/app"),
            ("ssh://git:hunter2@github.com/org", "ssh://git@github.com/org"),
            ("git@github.com:org/app.git", "git@github.com:org/app.git"),
            ("../upstream", "../upstream"),
            ("file:///srv/a#b", "file:///srv/a#b"),
        ] {
            assert_eq!(without_credentials(url), expected);
        }
    }
}
