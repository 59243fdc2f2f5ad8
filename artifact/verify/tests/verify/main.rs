//! Signatures: those that count, and every attack that must not.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod bundles;
#[cfg(test)]
mod desk;
#[cfg(test)]
#[cfg(test)]
mod identities;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod legacy;
#[cfg(test)]
mod notation;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod sign;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod tuf;
