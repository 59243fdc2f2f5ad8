//! Registries that somebody else wrote, as child processes on the loopback interface.

mod child;
mod distribution;
mod olareg;
#[cfg(test)]
mod tests;

pub use child::Error;
pub use distribution::{Distribution, LEEWAY, Mode, PASSWORD, USER};
pub use olareg::{Olareg, Options};
