//! The catalog file: what a shop writes, what it is told when something is wrong, what comes out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, with the line that says so")]

#[path = "catalog/cart.rs"]
mod cart;
#[path = "catalog/csv.rs"]
mod csv;
#[path = "catalog/docs.rs"]
mod docs;
#[path = "catalog/errors.rs"]
mod errors;
#[path = "catalog/fuzz.rs"]
mod fuzz;
#[path = "catalog/json.rs"]
mod json;
#[path = "catalog/schema.rs"]
mod schema;
#[path = "catalog/size.rs"]
mod size;
