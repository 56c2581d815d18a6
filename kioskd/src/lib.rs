//! The `kioskd` crate.
