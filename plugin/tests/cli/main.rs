//! The real binary against the embedded registry: exit code, standard output, standard error, and what was requested.

#[cfg(test)]
mod build;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod convert;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod install;
#[cfg(test)]
mod lint;
#[cfg(test)]
mod list;
#[cfg(test)]
mod login;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod notation;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod pull;
#[cfg(test)]
mod push;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod sign;
#[cfg(test)]
mod tag;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod verify;
