//! Arguments that several commands share.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use oci_artifact::{
    archive::Ignore,
    name::{Cloud, Reference, Repository},
};

use crate::error::Error;

/// How to reach a registry and who to be there.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryArgs {
    /// Log in as `user[:password]`; without a colon the value is a bearer token, or a user with --password-stdin
    #[arg(long, value_name = "USER[:PASSWORD]")]
    pub(crate) creds: Option<String>,
    /// Read the password of --creds from standard input
    #[arg(long, requires = "creds")]
    pub(crate) password_stdin: bool,
    /// Log in by the identity that this computer or user has in a cloud, in place of Docker's logins
    #[arg(long, value_enum, default_value_t = Provider::Generic, value_name = "CLOUD")]
    pub(crate) provider: Provider,
    /// Read Docker's logins from this file alone
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Whom to trust, and which certificate to show.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Registry")]
pub(crate) struct TrustArgs {
    /// Allow plain HTTP, and do not verify certificates
    #[arg(long)]
    pub(crate) insecure_registry: bool,
    /// Trust these certificate authorities as well (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Client certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,
}

impl RegistryArgs {
    /// Standard input can be the content or the password, not both.
    pub(crate) fn check_stdin(&self, path: &Path) -> Result<(), Error> {
        if self.password_stdin && path.as_os_str() == "-" {
            return Err(Error::usage("--path - and --password-stdin cannot both read standard input"));
        }
        Ok(())
    }
}

/// `--provider`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Docker's logins and --creds
    Generic,
    /// Amazon
    Aws,
    /// Microsoft
    Azure,
    /// Google
    Gcp,
}

impl Provider {
    /// The cloud, unless it is none.
    pub(crate) fn cloud(self) -> Option<Cloud> {
        match self {
            Self::Generic => None,
            Self::Aws => Some(Cloud::Aws),
            Self::Azure => Some(Cloud::Azure),
            Self::Gcp => Some(Cloud::Gcp),
        }
    }
}

/// What Flux leaves out, as the value of a flag.
const DEFAULT_PATTERNS: &str =
    ".git/,.gitignore,.gitmodules,.gitattributes,*.jpg,*.jpeg,*.gif,*.png,*.wmv,*.flv,*.tar.gz,*.zip";

/// What goes into an archive.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Packing")]
pub(crate) struct PackArgs {
    /// Leave these paths out, in .gitignore syntax, comma separated; replaces the default, empty for none
    #[arg(long, value_name = "PATTERNS", default_value = DEFAULT_PATTERNS)]
    pub(crate) ignore_paths: Vec<String>,
    /// Leave these paths out as well, after --ignore-paths
    #[arg(long, value_name = "PATTERNS")]
    pub(crate) add_ignore_paths: Vec<String>,
    /// Obey the .sourceignore files of the folder
    #[arg(long)]
    pub(crate) sourceignore: bool,
    /// Pack what symbolic links point to; they must stay inside the folder
    #[arg(long)]
    pub(crate) resolve_symlinks: bool,
}

impl PackArgs {
    /// All patterns in order.
    pub(crate) fn ignore(&self) -> Ignore {
        let all = self.ignore_paths.iter().chain(&self.add_ignore_paths);
        let patterns: Vec<String> = all.flat_map(|text| split_list(text)).collect();
        Ignore::new(patterns.iter().map(String::as_str))
    }
}

/// Formats of `-o` for single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
}

/// Formats of `-o` where nothing has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataOutput {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

impl From<DataOutput> for Output {
    fn from(output: DataOutput) -> Self {
        match output {
            DataOutput::Json => Self::Json,
            DataOutput::Yaml => Self::Yaml,
        }
    }
}

/// Formats of `list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListOutput {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only, without asking for each manifest
    Name,
    /// More columns
    Wide,
}

/// Splits at commas as the Flux CLI does: parts in double quotes may contain commas, `""` is a quote in them.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if part.is_empty() => quoted = true,
            ',' if !quoted => out.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    out.push(part);
    out.retain(|part| !part.is_empty());
    out
}

/// `oci://…`, with what the command needs of it.
pub(crate) fn parse_url(text: &str) -> Result<Reference, Error> {
    Ok(Reference::parse_url(text)?)
}

/// `oci://…` without tag or digest.
pub(crate) fn parse_repository(text: &str) -> Result<Repository, Error> {
    Ok(Reference::parse_url(text)?.into_repository()?)
}

/// Go's durations: `5m`, `1h30m`, `1.5s`, `0`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{}` is not a duration such as 30s, 5m or 1h30m", text.escape_debug());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0;
    if rest.is_empty() || rest.len() > 64 {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<f64>().map_err(|_| wrong())? * unit;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_patterns_are_those_of_the_library() {
        assert_eq!(split_list(DEFAULT_PATTERNS), oci_artifact::archive::DEFAULT_IGNORE);
    }

    #[test]
    fn split_list_honours_quotes() {
        assert_eq!(split_list("a,b"), ["a", "b"]);
        assert_eq!(split_list(r#""a,b",c"#), ["a,b", "c"]);
        assert_eq!(split_list(r#""a""b",c"#), ["a\"b", "c"]);
        assert!(split_list("").is_empty());
    }

    #[test]
    fn parse_duration_is_go_s() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for text in ["", "5", "-5m", "1d", "m", "1m ", "1e9h", &"9".repeat(70)] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
