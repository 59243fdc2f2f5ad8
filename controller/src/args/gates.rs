//! Feature gates of source-controller.

use std::str::FromStr;

use super::values::boolean;

/// A feature gate that source-controller 1.10.1 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Whether Secrets and ConfigMaps are kept in memory.
    CacheSecretsAndConfigMaps,
    /// Retired in 1.10.
    ObjectLevelWorkloadIdentity,
}

impl Gate {
    const ALL: [Self; 2] = [Self::CacheSecretsAndConfigMaps, Self::ObjectLevelWorkloadIdentity];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CacheSecretsAndConfigMaps => "CacheSecretsAndConfigMaps",
            Self::ObjectLevelWorkloadIdentity => "ObjectLevelWorkloadIdentity",
        }
    }

    /// What is logged where it is set.
    pub fn note(self) -> &'static str {
        match self {
            Self::CacheSecretsAndConfigMaps => {
                "feature gate changes nothing here: a Secret is read when it is used and never kept"
            }
            Self::ObjectLevelWorkloadIdentity => "feature gate is now retired and no longer changes behavior",
        }
    }
}

/// What one `--feature-gates` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates(Vec<(Gate, bool)>);

impl FromStr for Gates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let gates = parts.map(|part| {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("feature-gate '{part}' has no value: true or false"))?;
            let (name, value) = (name.trim(), value.trim());
            let gate = Gate::ALL.into_iter().find(|gate| gate.name() == name);
            let gate = gate.ok_or_else(|| {
                let [one, other] = Gate::ALL.map(Gate::name);
                format!("feature-gate '{name}' not supported, only {one} and {other} are known")
            })?;
            Ok((gate, boolean(value).map_err(|error| format!("feature-gate '{name}': {error}"))?))
        });
        gates.collect::<Result<_, String>>().map(Self)
    }
}

/// The last value of each gate.
pub(super) fn last(all: &[Gates]) -> Vec<(Gate, bool)> {
    let value = |gate| all.iter().flat_map(|gates| &gates.0).rev().find(|(other, _)| *other == gate);
    Gate::ALL.into_iter().filter_map(value).copied().collect()
}
