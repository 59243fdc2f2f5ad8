//! What the controller does next, and what a run means. No input or output, no clock, no random source: time and dice
//! are arguments.
//!
//! ```text
//! Observed ──decide──► Plan ──(carried out elsewhere)──► Outcome ──conclude──► Conclusion
//!              ▲                       │                                         status, notices, next
//!              └───── Resolved ────────┘
//! ```
//!
//! Conditions, reasons, their order and polarity are those of source-controller 1.10.1; where ours differ on purpose,
//! `docs/differences.md` says why.

mod conclude;
mod conditions;
mod draft;
mod failure;
mod notice;
mod observed;
mod outcome;
mod patch;
mod plan;
pub mod queue;
pub mod retention;
mod schedule;
mod text;

pub use conclude::{Conclusion, conclude, progress};
pub use failure::{Failure, Meaning, Step};
pub use notice::{Kind, Notice};
pub use observed::{Observed, Settings, Stored};
pub use outcome::{Outcome, Refusal};
pub use patch::{lost, status_patch};
pub use plan::{Choice, Judged, Plan, Resolved, Signature, decide};
pub use schedule::Next;
