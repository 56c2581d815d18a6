//! `./dev vm --script`: what happens in a guest that boots the real image.

mod campaign;
pub mod fallbacks;
mod kiosk;
pub mod order;
pub mod trials;
pub mod update;
