//! What the Slint compiler makes of `ui/main.slint`. Only [`crate::adapters`] touches these types.

#![expect(clippy::unwrap_used, clippy::let_underscore_must_use, clippy::todo, reason = "generated")]

slint::include_modules!();
