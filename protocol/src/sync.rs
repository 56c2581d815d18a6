//! How events travel: batches up, acknowledgements down.
//!
//! ```text
//! kiosk   Batch {ep, from, n, ph, ev: [WireEvent]}   one in flight, ≤ 1,000 events and ≤ 256 KiB
//! fleet   Ack   {b, ep, thru, x: [Answer], …}         every seq ≤ thru that is not in x is a plain yes
//! ```
//! The kiosk's identity is the topic's, never the body's. A body travels as the exact bytes that its hash
//! covers: nobody on the way may write it anew.

mod ack;
mod batch;

pub use ack::{Ack, Answer, Answered, DenyReason, Fork, QuarantineReason, Remedy};
pub use batch::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Batch, BatchError, Malformed, Received, WireEvent, cut};
