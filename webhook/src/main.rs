//! The webhook of `OCIRepository`: admission and conversion.

fn main() {}
