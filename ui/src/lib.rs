//! The customer's screen.
//!
//! ```text
//!   domain::View ──► shell ──► MainScreen (adapters) ──► pages (ui/*.slint) ──► backend ──► display, mirror, tests
//!   domain::Intent ◄───────────┘                          pictures ───────────┘
//! ```
//! [`shell`] owns the main thread, brings the newest View in and Intents out. [`MainScreen`] maps a View onto the
//! pages, which are written in Slint and know nothing of the domain. [`PictureStore`] draws pictures to the exact
//! pixel. [`backend`] is everything between the pages and the glass. [`fixtures`] holds one View per page, for tests,
//! screenshots and benches.

pub mod backend;
pub mod fixtures;
pub mod shell;

mod adapters;
mod pages;
mod pictures;

pub use adapters::{MainScreen, scale_to_fit, speaks};
pub use pictures::{DishRequest, PictureStore, Raster, Rgba};
