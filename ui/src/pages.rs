//! What the Slint compiler makes of `ui/main.slint`. Only [`crate::adapters`] touches these types.

#![expect(clippy::all, clippy::pedantic, reason = "generated")]

slint::include_modules!();
