//! Artifacts over HTTP.
