//! The `ui` crate.

pub mod backend;
pub mod shell;
