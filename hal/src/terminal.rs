//! Payment terminals.

mod codec;
mod codes;
mod error;
mod framing;
mod money;
mod profile;
mod types;
