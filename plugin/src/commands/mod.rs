//! One file per command: its flags, and what it does with them.

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod convert;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod diff;
pub(crate) mod dry_run;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod get;
pub(crate) mod inspect;
pub(crate) mod install;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod reconcile;
pub(crate) mod sign;
pub(crate) mod suspend;
pub(crate) mod tag;
pub(crate) mod uninstall;
pub(crate) mod verify;
pub(crate) mod version;
