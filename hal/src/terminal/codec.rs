//! The ZVT language, pure: bytes in, values out, no clock and no I/O.
//!
//! Every parser is total (any bytes give a value or a typed error, never a panic) and bounded by named limits. Card
//! numbers are masked *here*: what these modules return holds at most the last four digits, and tracks, expiry and
//! check values are dropped while parsing.
//!
//! The protocol's own document is not public; field tables and rules come from public implementations and captured
//! packets.

pub(crate) mod apdu;
pub(crate) mod bcd;
pub(crate) mod bmp;
pub(crate) mod command;
pub(crate) mod completion;
pub(crate) mod mask;
pub(crate) mod print;
pub(crate) mod result;
pub(crate) mod text;
pub(crate) mod tlv;

#[cfg(test)]
pub(crate) mod captures;
#[cfg(test)]
mod masking_tests;
