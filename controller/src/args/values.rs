//! Values of flags, as Go's flag packages read them.

use std::time::Duration;

use clap::{ValueEnum, builder::TypedValueParser};
use oci_artifact::name::Algorithm;
use oci_crds::validate::is_name;
use reqwest::Url;

use super::{Listen, Maybe, selector as selectors};

/// What is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Everything.
    Trace,
    /// What helps to understand a problem.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What goes wrong.
    Error,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// One JSON object.
    #[default]
    Json,
    /// For people.
    Console,
}

/// A parser for which an empty value is none.
pub(super) fn maybe<T, E>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl TypedValueParser<Value = Maybe<T>>
where
    T: Clone + Send + Sync + 'static,
    E: std::fmt::Display,
{
    move |text: &str| {
        if text.is_empty() { Ok(None) } else { parse(text).map(Some).map_err(|error| error.to_string()) }
    }
}

/// As `strconv.ParseBool`.
pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("it is neither true nor false"),
    }
}

/// A duration as Go writes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    oci_crds::duration::parse(text).map_err(|error| format!("{error}; it is written as 90s, 15m or 1h30m"))
}

/// A duration that is not zero.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|every| if every.is_zero() { Err("it is zero".to_owned()) } else { Ok(every) })
}

pub(super) fn whole(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "it is no whole number")
}

pub(super) fn at_least_one(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|&number| number > 0).ok_or("it is no number from 1 on")
}

pub(super) fn percent(text: &str) -> Result<u8, &'static str> {
    text.parse().ok().filter(|&number| number < 100).ok_or("it is no number from 0 to 99")
}

pub(super) fn listen(text: &str) -> Result<Listen, &'static str> {
    text.parse()
}

/// A number of bytes, as Kubernetes writes sizes: `4Gi`, `500M`, `1048576`.
pub(super) fn bytes(text: &str) -> Result<u64, &'static str> {
    const UNITS: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    let unit = UNITS.into_iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = unit.unwrap_or((text, 1));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = number.parse::<u64>().ok().filter(|_| digits).and_then(|number| number.checked_mul(size));
    bytes.filter(|bytes| *bytes > 0).ok_or("it is no number of bytes such as 4Gi or 500M")
}

/// Where to listen; `0` means nowhere, as in controller-runtime.
pub(super) fn operations(text: &str) -> Result<Maybe<Listen>, &'static str> {
    if matches!(text, "" | "0") { Ok(None) } else { listen(text).map(Some) }
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    let all = [Algorithm::Sha256, Algorithm::Sha512];
    all.into_iter().find(|algorithm| algorithm.name() == text).ok_or_else(|| {
        format!(
            "it is not supported; supported are {} and {}",
            Algorithm::Sha256.name(),
            Algorithm::Sha512.name()
        )
    })
}

/// Where something is posted.
pub(super) fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let http = matches!(url.scheme(), "http" | "https");
    if http && url.has_host() { Ok(url) } else { Err("it is no http or https URL".to_owned()) }
}

/// Where artifacts are found: `host[:port]` or a URL. Returned as given, for a dot at the end of the host is kept.
pub(super) fn origin(text: &str) -> Result<String, &'static str> {
    let fault = "it is no HOST[:PORT] and no http or https URL";
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = url(&full).map_err(|_| fault)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let plain = plain && url.query().is_none() && url.fragment().is_none();
    if plain && !text.contains(char::is_whitespace) { Ok(text.to_owned()) } else { Err(fault) }
}

/// A name of a Kubernetes object.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("it is no name of a Kubernetes object") }
}

/// `os/architecture` or `os/architecture/variant`.
pub(super) fn platform(text: &str) -> Result<String, &'static str> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let parts = text.split('/').count();
    let fits = (2..=3).contains(&parts) && text.split('/').all(word);
    if fits { Ok(text.to_owned()) } else { Err("it is no platform such as linux/amd64 or linux/arm/v7") }
}

pub(super) fn selector(text: &str) -> Result<String, selectors::SelectorError> {
    selectors::check(text).map(|()| text.to_owned())
}
