//! Logins by identities, against servers that are strict about every parameter.

#[cfg(test)]
mod aws;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod azure_places;
#[cfg(test)]
mod gcp;
#[cfg(test)]
mod gcp_federation;
#[cfg(test)]
mod gcp_files;
#[cfg(test)]
mod gcp_metadata;
#[cfg(test)]
mod internet;
#[cfg(test)]
mod support;
