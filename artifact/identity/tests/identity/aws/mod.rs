//! AWS: places with keys, roles, and tokens of ECR.

mod account;
mod bad;
mod container;
mod desk;
mod metadata;
mod moto;
mod process;
mod variables;
mod web_identity;
mod world;
