//! Certificates that are issued by ourselves and shared by all replicas in a Secret. What they have in common with those
//! from files is `oci-server`'s.
//!
//! [`issue`] decides what to do next, [`authority`] makes certificates, [`publish`] reads and writes the cluster, [`keeper`]
//! runs it all. Time is an argument everywhere.

pub mod authority;
pub mod issue;
pub mod keeper;
pub mod publish;
pub mod secret;
