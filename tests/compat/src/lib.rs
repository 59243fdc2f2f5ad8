//! Suites against registries and clients that somebody else wrote; see `tests/`.
