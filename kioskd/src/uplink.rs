//! The connection to the fleet.
//!
//! [`sync`] decides, without touching anything, when which events are sent and what an answer means.

pub mod backoff;
pub mod sync;
