//! The profile of a person: who it is, by whose keys, through which roles.
//!
//! Followed: "Assume role credential provider", "Process credential provider" and "Profile settings" of the SDK guide;
//! where a profile names several sources, the order is that of the SDK for Go. Sessions of IAM Identity Center (SSO) need
//! a browser: their owners' own tool prints keys.

use super::{
    Ask, Found, command,
    config_file::{DEFAULT, Profile, Profiles},
    container, hinted, imds, process, setting, variables, web_identity,
};
use crate::{
    aws::{keys::keys, sts::Role},
    environment::Environment,
    error::IdentityError,
    lease::{Keys, Lease},
    place::Miss,
};

/// Profiles that lead to one another.
const DEPTH: usize = 8;
/// What STS takes.
const SECONDS: std::ops::RangeInclusive<u32> = 900..=43_200;
const EXPORT: &str = "run `eval \"$(aws configure export-credentials --profile NAME --format env)\"`, or set in the profile \
     `credential_process = aws configure export-credentials --profile NAME`";

/// How a profile comes to its keys.
struct Way {
    base: Base,
    /// The profile that the base is of.
    of: String,
    /// The roles, the first to be assumed first.
    roles: Vec<Role>,
}

/// The first keys.
enum Base {
    Keys(Lease<Keys>),
    WebIdentity { file: String, role: Role },
    Process(String),
    Variables,
    Container,
    Metadata,
    Nothing,
}

/// How messages call it.
pub(super) fn shown(name: &str) -> String {
    format!("profile `{name}`")
}

/// The keys of the chosen profile.
pub(super) async fn look(ask: Ask<'_>) -> Result<Found, Miss> {
    let environment = ask.context.environment;
    let profiles = Profiles::read(environment)?;
    let (variable, name) = chosen(environment);
    if profiles.get(name).is_none() {
        let detail = format!("there is no profile `{name}` in {}", profiles.files);
        return Err(match variable {
            Some(variable) => hinted(variable, detail, "`aws configure list-profiles` lists them").into(),
            None if profiles.files.is_empty() => Miss::nothing("no home directory is known"),
            None => Miss::nothing(format!("not in {}", profiles.files)),
        });
    }
    let way = way(&profiles, name)?;
    if matches!(way.base, Base::Nothing) && way.roles.is_empty() {
        return Err(Miss::nothing(format!("it has no keys in {}", profiles.files)));
    }
    let mut found = first(ask, way.base, &way.of).await.map_err(|miss| match miss {
        Miss::Nothing(why) => setting(shown(&way.of), format!("the source of its role has no keys: {why}")),
        Miss::Failed(error) => error,
    })?;
    for role in &way.roles {
        found = found.assume(ask, role).await?;
    }
    Ok(found)
}

/// The variable that chooses the profile, if one does, and the profile.
pub(super) fn chosen(environment: &Environment) -> (Option<&'static str>, &str) {
    let variables = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    let found = variables.into_iter().find_map(|name| Some((name, environment.variable(name)?)));
    found.map_or((None, DEFAULT), |(name, value)| (Some(name), value))
}

async fn first(ask: Ask<'_>, base: Base, of: &str) -> Result<Found, Miss> {
    match base {
        Base::Keys(keys) => Ok(Found { keys, origin: format!("keys of {}", shown(of)) }),
        Base::WebIdentity { file, role } => {
            Ok(web_identity::assume(ask, &format!("web_identity_token_file of {}", shown(of)), &file, &role)
                .await?)
        }
        Base::Process(line) => Ok(process::keys(ask, of, &line).await?),
        Base::Variables => variables::look(ask.context.environment, (ask.context.now)()),
        Base::Container => container::look(ask).await,
        Base::Metadata => imds::look(ask).await,
        Base::Nothing => Err(Miss::nothing("there are none in it")),
    }
}

/// Follows profiles from one to its source, and so on.
fn way(profiles: &Profiles, name: &str) -> Result<Way, IdentityError> {
    let (mut seen, mut roles) = (Vec::<&str>::new(), Vec::new());
    let mut name = name;
    loop {
        let place = || shown(name);
        let profile = profiles.get(name).ok_or_else(|| {
            let by = seen.last().copied().unwrap_or_default();
            setting(shown(by), format!("its source_profile `{name}` is not in {}", profiles.files))
        })?;
        // Keys of a source end the way; a profile may be its own source.
        let is_source = !seen.is_empty();
        if seen.contains(&name) && seen.last() != Some(&name) || seen.len() >= DEPTH {
            let path = seen.join("` → `");
            return Err(setting(place(), format!("its sources go round, or too far: `{path}` → `{name}`")));
        }
        let own = own_keys(profile).map_err(|detail| setting(place(), detail))?;
        let done = |base, roles: Vec<Role>| {
            let roles = roles.into_iter().rev().collect();
            Ok(Way { base, of: name.to_owned(), roles })
        };
        match own {
            Some(own) if is_source => return done(Base::Keys(own), roles),
            None if seen.last() == Some(&name) => {
                return Err(setting(place(), "it is its own source_profile, but has no keys"));
            }
            _ => {}
        }
        let source = profile.get("source_profile");
        let Some(role) = role_of(profile, &place())? else {
            let base = own.map_or_else(|| base(profile, &place()), |keys| Ok(Base::Keys(keys)))?;
            return done(base, roles);
        };
        match (source, profile.get("credential_source"), profile.get("web_identity_token_file")) {
            (Some(_), Some(_), _) => {
                return Err(setting(place(), "it has both source_profile and credential_source"));
            }
            (Some(source), None, _) => {
                roles.push(role);
                seen.push(name);
                name = source;
            }
            (None, Some(source), _) => {
                roles.push(role);
                return done(named(source, &place())?, roles);
            }
            (None, None, Some(file)) => {
                return done(Base::WebIdentity { file: file.to_owned(), role }, roles);
            }
            (None, None, None) => {
                return Err(hinted(
                    place(),
                    "it has role_arn, but nothing that says by whose keys",
                    "add source_profile, credential_source or web_identity_token_file",
                ));
            }
        }
    }
}

/// `aws_access_key_id` and the like.
fn own_keys(profile: &Profile) -> Result<Option<Lease<Keys>>, &'static str> {
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (None, None) => Ok(None),
        (Some(_), None) => Err("it has aws_access_key_id without aws_secret_access_key"),
        (None, Some(_)) => Err("it has aws_secret_access_key without aws_access_key_id"),
        (Some(id), Some(secret)) => {
            let value = keys(id, secret, profile.get("aws_session_token"))?;
            Ok(Some(Lease { value, expires: None }))
        }
    }
}

/// `role_arn` and what belongs to it.
fn role_of(profile: &Profile, place: &str) -> Result<Option<Role>, IdentityError> {
    let Some(arn) = profile.get("role_arn") else { return Ok(None) };
    if profile.get("mfa_serial").is_some() {
        return Err(hinted(
            place,
            "its role needs a code of a device (mfa_serial), which cannot be asked for here",
            EXPORT,
        ));
    }
    let seconds = match profile.get("duration_seconds") {
        None => None,
        Some(text) => {
            let seconds = text.parse().ok().filter(|seconds| SECONDS.contains(seconds));
            Some(seconds.ok_or_else(|| setting(place, "duration_seconds is no number from 900 to 43200"))?)
        }
    };
    let role = web_identity::role(place, arn, profile.get("role_session_name"))?;
    Ok(Some(Role { external_id: profile.get("external_id").map(str::to_owned), seconds, ..role }))
}

/// What a profile without keys and without a role has.
fn base(profile: &Profile, place: &str) -> Result<Base, IdentityError> {
    let by_browser = ["sso_session", "sso_start_url", "sso_account_id", "login_session"];
    if let Some(setting) = by_browser.into_iter().find(|name| profile.get(name).is_some()) {
        let detail = format!("sessions of a browser (`{setting}`) are not supported");
        return Err(hinted(place, detail, EXPORT));
    }
    if let Some(line) = profile.get("credential_process") {
        command::split(line).ok_or_else(|| setting(place, "a quote of credential_process is not closed"))?;
        return Ok(Base::Process(line.to_owned()));
    }
    Ok(Base::Nothing)
}

/// `credential_source`.
fn named(source: &str, place: &str) -> Result<Base, IdentityError> {
    match source {
        "Environment" => Ok(Base::Variables),
        "EcsContainer" => Ok(Base::Container),
        "Ec2InstanceMetadata" => Ok(Base::Metadata),
        _ => {
            Err(setting(place, "credential_source is none of Environment, EcsContainer, Ec2InstanceMetadata"))
        }
    }
}
