//! What of a process's surroundings its identity is read from.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// Beginnings of the variables that clouds' own tools read.
const PREFIXES: [&str; 7] = ["AWS_", "AZURE_", "GOOGLE_", "GCE_", "CLOUDSDK_", "IDENTITY_", "MSI_"];

/// Variables, and whether a person's own files and programs count. Read from the process by whoever makes one.
#[derive(Clone, Default)]
pub struct Environment {
    /// The variables that [`Environment::wants`]; empty ones count as not set.
    pub variables: BTreeMap<String, String>,
    /// The user's home directory.
    pub home: Option<PathBuf>,
    /// `$PATH`, where the programs of clouds are looked for.
    pub path: Option<OsString>,
    /// Whether a person sits here: files in the home directory are read, and the clouds' programs are asked. A controller
    /// does neither.
    pub desk: bool,
}

impl Environment {
    /// Whether a variable means anything here.
    pub fn wants(name: &str) -> bool {
        PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }

    /// The value of a variable, unless it is empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
