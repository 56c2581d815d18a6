//! The catalog file: what a shop writes, what it is told when something is wrong, what comes out.

#[path = "catalog/cart.rs"]
mod cart;
#[path = "catalog/errors.rs"]
mod errors;
#[path = "catalog/json.rs"]
mod json;
