//! The real controller against the real API server, as its real `ServiceAccount` under the shipped manifests.
//!
//! Most tests share one controller and have a [`tenant::Tenant`] each: a namespace with a registry of its own. Tests that
//! stop a controller, or start it in another way, have one of their own for the objects of a shard ([`world::shard`]).

pub(crate) mod push;
pub(crate) mod tenant;
mod world;

pub(crate) mod auth;
mod buckets;
mod crowd;
mod events;
mod failover;
mod faults;
mod foreign;
mod hostile;
mod identity;
mod kubectl;
mod layers;
mod leaders;
mod lifecycle;
mod logs;
mod mutual;
mod notation;
mod odd;
mod outage;
mod polls;
mod proxy;
mod references;
mod rights;
mod running;
mod secrets;
mod shards;
pub(crate) mod slow;
mod storage;
mod suspend;
pub(crate) mod tls;
pub(crate) mod verify;
