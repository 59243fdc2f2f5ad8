//! Tests of the crate from outside: what foreign bytes can and cannot do.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod repacking;
#[cfg(test)]
mod tarball;
