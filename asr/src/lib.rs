//! The recogniser that works everywhere: PocketSphinx with the grammar of the menu, behind the Wyoming protocol.
//! It is a process of its own: a mistake in C ends it, and the kiosk goes on.

mod serve;
mod sphinx;
mod worker;

pub use serve::serve;
pub use sphinx::{Models, SphinxError};
pub use worker::{Grammar, Recognised, Recogniser};
