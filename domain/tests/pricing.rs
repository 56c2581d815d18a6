//! Pricing against the published vectors, its properties, and an outside twin.

#[path = "pricing/shop.rs"]
mod shop;
#[path = "pricing/vectors.rs"]
mod vectors;
