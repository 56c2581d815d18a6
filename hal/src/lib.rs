//! The `hal` crate.
