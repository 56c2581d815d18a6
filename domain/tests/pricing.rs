//! Pricing against the published vectors, its properties, and an outside twin.

#[path = "pricing/cases.rs"]
mod cases;
#[path = "pricing/properties.rs"]
mod properties;
#[path = "pricing/shop.rs"]
mod shop;
#[path = "pricing/twin.rs"]
mod twin;
#[path = "pricing/vectors.rs"]
mod vectors;
