//! The daemon: everything that touches the world, around the pure core of `domain`.
//!
//! [`daemon::run`] is the one place where it is put together and reads as the story of the program. Threads:
//! Slint owns `main`, the core loop has its own, devices and tools live on a small tokio runtime.

pub mod admin;
pub mod board;
pub mod catalog;
pub mod clock;
pub mod core;
pub mod daemon;
mod devices;
mod files;
mod heartbeat;
mod ids;
mod logging;
pub mod machine;
pub mod memory;
pub mod out_of_service;
mod receipt_text;
mod router;
mod screen;
pub mod settings;
pub mod supervisor;
pub mod updates;
pub mod uplink;
mod watchdog;

pub use devices::{check_logo, paper};
