//! Artifacts on disk.
