//! `oci-controller`: reconciles `OCIRepository` objects, stores their artifacts and serves them.

fn main() {}
