//! Pricing against the published vectors, its properties, and an outside twin.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, with the line that says so")]

#[path = "pricing/cases.rs"]
mod cases;
#[path = "pricing/properties.rs"]
mod properties;
#[path = "pricing/rules.rs"]
mod rules;
#[path = "pricing/shop.rs"]
mod shop;
#[path = "pricing/twin.rs"]
mod twin;
#[path = "pricing/vectors.rs"]
mod vectors;
