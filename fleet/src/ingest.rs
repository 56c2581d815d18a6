//! Takes batches in: each event exactly once, in order, in one database transaction, and only then an answer.
//!
//! ```text
//! MQTT ─► worker ─► Received (protocol) ─► decide (pure) ─► apply (one transaction a group) ─► Ack ─► MQTT ack
//! ```
//! A worker takes what has come in, up to about a thousand events, and applies it in one transaction
//! a tenant: a fleet of small sales costs as few commits as one large backlog. Whatever cannot be understood
//! is kept verbatim in `quarantine`, and the kiosk's cursor goes past it.

mod apply;
mod decide;
mod fold;
mod job;
mod load;
mod logs;
mod refuse;
pub(crate) mod replay;
mod save;
mod settle;
mod shelves;
mod standing;
mod status;
mod stock;
mod tasks;
mod twin;
mod waves;
pub(crate) mod worker;

pub use apply::{Incoming, apply_group};
pub(crate) use standing::STANDING;
