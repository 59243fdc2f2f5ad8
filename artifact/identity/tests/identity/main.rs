//! Logins by identities, against servers that are strict about every parameter.

#[cfg(test)]
mod support;
