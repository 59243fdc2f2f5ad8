//! The client against the embedded registry: what it sends, what it takes, and what it refuses.

#[cfg(test)]
mod attaching;
#[cfg(test)]
mod blobs;
#[cfg(test)]
mod copying;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod login;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod minted;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod pushing;
#[cfg(test)]
mod redirects;
#[cfg(test)]
mod resolving;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod transport_security;
#[cfg(test)]
mod web;
