//! Registries, and what stands beside them, that somebody else wrote, as child processes on the loopback interface.

mod child;
mod distribution;
mod moto;
mod olareg;
mod proxy_py;
#[cfg(test)]
mod tests;

pub use child::Error;
pub use distribution::{Distribution, LEEWAY, Mode, PASSWORD, USER};
pub use moto::Moto;
pub use olareg::{Olareg, Options};
pub use proxy_py::ProxyPy;
