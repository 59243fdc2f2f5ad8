//! The real binary with registries and clients that somebody else wrote: distribution, olareg, oras, crane, cosign, notation,
//! tar, Go itself.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod consumer;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod cosign;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod image;
#[cfg(test)]
mod krew;
#[cfg(test)]
mod login;
#[cfg(test)]
mod notation;
#[cfg(test)]
mod olareg;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod push;
#[cfg(test)]
mod referrers;
#[cfg(test)]
mod regexp;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unchanged;
