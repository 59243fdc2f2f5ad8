//! The shared config and credentials files.
//!
//! Followed: "Shared config and credentials files" of the SDK guide. Read are sections of profiles and their settings of
//! one line; what is indented below a setting is passed over, and so are other sections (`sso-session`, `services`).

use std::{collections::BTreeMap, path::PathBuf};

use oci_registry::Secret;

use super::{expanded, setting};
use crate::{environment::Environment, error::IdentityError, file};

/// Bytes of one file.
const BYTES: u64 = 1 << 20;
/// The profile that is taken where nobody says which.
pub(super) const DEFAULT: &str = "default";

/// Settings of one profile. Their values may be secret.
#[derive(Clone, Default)]
pub(super) struct Profile(BTreeMap<String, Secret<String>>);

/// All profiles of both files.
pub(super) struct Profiles {
    profiles: BTreeMap<String, Profile>,
    /// The files, for messages.
    pub(super) files: String,
}

/// What the section headers of a file look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `[profile name]`, and `[default]`.
    Config,
    /// `[name]`.
    Credentials,
}

impl Profile {
    /// The value of a setting, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.expose().as_str()).filter(|value| !value.is_empty())
    }
}

impl Profiles {
    /// Reads both files; a missing one is an empty one.
    pub(super) fn read(environment: &Environment) -> Result<Self, IdentityError> {
        let mut read = Self { profiles: BTreeMap::new(), files: String::new() };
        for (kind, variable, name) in [
            (Kind::Config, "AWS_CONFIG_FILE", "config"),
            // Settings of this one win.
            (Kind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ] {
            let Some(path) = place(environment, variable, name) else { continue };
            if !read.files.is_empty() {
                read.files.push_str(" and ");
            }
            read.files.push_str(&path.display().to_string());
            let unusable = |detail| setting(format!("file `{}`", path.display()), detail);
            if let Some(text) = file::text(&path, BYTES).map_err(unusable)? {
                let found = parse(text.expose(), kind).map_err(|line| unusable(unreadable(line)))?;
                for (profile, settings) in found {
                    read.profiles.entry(profile).or_default().0.extend(settings.0);
                }
            }
        }
        Ok(read)
    }

    /// A profile.
    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }
}

/// The line itself may be a secret.
fn unreadable(line: usize) -> String {
    format!("line {line} is neither a section nor a setting")
}

fn place(environment: &Environment, variable: &str, name: &str) -> Option<PathBuf> {
    match (environment.variable(variable), &environment.home) {
        (Some(path), _) => Some(expanded(environment, path)),
        (None, Some(home)) => Some(home.join(".aws").join(name)),
        (None, None) => None,
    }
}

/// The profiles of a file, or the number of the line that is neither.
fn parse(text: &str, kind: Kind) -> Result<BTreeMap<String, Profile>, usize> {
    let mut plain = BTreeMap::<String, Profile>::new();
    // `[profile default]` hides `[default]`.
    let mut prefixed_default = None::<Profile>;
    let mut section: Option<&mut Profile> = None;
    let (mut passed_over, mut indent) = (false, None);
    for (index, line) in text.lines().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let depth = line.len() - line.trim_start().len();
        if indent.is_some_and(|indent| depth > indent) {
            continue;
        }
        if let Some(rest) = content.strip_prefix('[') {
            let header = rest.split(']').next().filter(|_| rest.contains(']')).ok_or(index + 1)?;
            section = match name(header, kind) {
                Some((DEFAULT, true)) => Some(prefixed_default.get_or_insert_default()),
                Some((name, _)) => Some(plain.entry(name.to_owned()).or_default()),
                None => None,
            };
            (passed_over, indent) = (section.is_none(), None);
            continue;
        }
        let (key, value) = content.split_once('=').ok_or(index + 1)?;
        indent = Some(depth);
        match &mut section {
            Some(profile) => {
                let value = Secret::new(without_comment(value).to_owned());
                profile.0.insert(key.trim().to_ascii_lowercase(), value);
            }
            None if passed_over => {}
            None => return Err(index + 1),
        }
    }
    plain.extend(prefixed_default.map(|profile| (DEFAULT.to_owned(), profile)));
    Ok(plain)
}

/// The profile that a header names, and whether it says `profile`; `None` if it is another section.
fn name(header: &str, kind: Kind) -> Option<(&str, bool)> {
    let header = header.trim();
    let prefixed =
        header.strip_prefix("profile").filter(|rest| rest.starts_with(|c: char| c.is_whitespace()));
    let name = match (kind, prefixed) {
        (Kind::Config, Some(name)) => name.trim(),
        (Kind::Config, None) if header != DEFAULT => return None,
        _ => header,
    };
    let unquoted = name.strip_prefix(['"', '\'']).and_then(|name| name.strip_suffix(['"', '\'']));
    let name = unquoted.unwrap_or(name);
    (!name.is_empty()).then_some((name, kind == Kind::Config && prefixed.is_some()))
}

/// A comment behind a value begins with a blank.
fn without_comment(value: &str) -> &str {
    let ends = [" #", " ;", "\t#", "\t;"].into_iter().filter_map(|mark| value.find(mark));
    value.get(..ends.min().unwrap_or(value.len())).unwrap_or(value).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, kind: Kind) -> Vec<String> {
        let profiles = parse(text, kind).unwrap();
        let pairs = profiles.iter().flat_map(|(name, profile)| {
            profile.0.iter().map(move |(key, value)| format!("{name}.{key}={}", value.expose()))
        });
        pairs.collect()
    }

    #[test]
    fn config_file_has_profiles_with_a_prefix() {
        let text = "# comment\n[default]\nregion = a\n[profile dev]\n Region=b # why\n  output= c;d ; e\n\
                    [profile \"with blank\"]\nrole_arn=x\n[other]\nkey=1\n[sso-session s]\nsso_region=1\n[profile dev]\nregion=z\n";
        assert_eq!(
            shown(text, Kind::Config),
            ["default.region=a", "dev.region=z", "with blank.role_arn=x"],
            "what is indented deeper than the first setting continues it"
        );
        let both = "[default]\na=1\n[profile default]\nb=2\n[default]\nc=3";
        assert_eq!(shown(both, Kind::Config), ["default.b=2"]);
    }

    #[test]
    fn credentials_file_has_profiles_without() {
        let text = "[default]\naws_access_key_id=AKID=\n\n[a b]\r\nx = 1 \r\ns3 =\n  max = 2\n  [x]\ny=2\n[profile p]\nz=3";
        assert_eq!(
            shown(text, Kind::Credentials),
            ["a b.s3=", "a b.x=1", "a b.y=2", "default.aws_access_key_id=AKID=", "profile p.z=3"]
        );
    }

    #[test]
    fn garbage_is_told_by_its_line() {
        for (text, line) in [
            ("garbage", 1),
            ("[default]\nkey", 2),
            ("[default\nkey=1", 1),
            ("key=1", 1),
            ("[default]\n\n\u{0}\u{1}", 3),
        ] {
            assert_eq!(parse(text, Kind::Config).err(), Some(line), "{text:?}");
        }
        assert!(parse("", Kind::Config).is_ok_and(|profiles| profiles.is_empty()));
        assert!(parse("[]\na=1", Kind::Credentials).is_ok_and(|profiles| profiles.is_empty()));
    }
}
