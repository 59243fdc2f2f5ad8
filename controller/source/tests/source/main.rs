//! Whole runs against the embedded registry: what is asked, what is stored, and what comes of faults.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod content;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod identities;
#[cfg(test)]
mod notation;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod polling;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tenants;
