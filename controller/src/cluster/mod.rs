//! The API server: watches, Secrets, status, events and leases.
