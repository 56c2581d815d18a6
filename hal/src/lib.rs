//! Peripherals of a kiosk: how bytes become paper, money, codes and light.
//!
//! Every device is one file and one folder of the same shape:
//!
//! * `<device>.rs` holds the trait, its types and its error;
//! * `<device>/codec.rs` is pure: bytes in, values out, with named limits and no clock;
//! * `<device>/profile.rs` says how one model differs from the next;
//! * `<device>/driver.rs` is the thin asynchronous edge over a [`link::Link`].
//!
//! A driver serves until it fails and never restarts itself: reconnecting and [`link::Backoff`] belong to the
//! device's actor in the daemon. Nothing here knows the shop's domain.

pub mod display;
pub mod drawer;
pub mod link;
pub mod microphone;
pub mod printer;
pub mod scanner;
pub mod sensor;
pub mod status;
pub mod terminal;
