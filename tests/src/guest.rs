//! `./dev vm --script`: what happens in a guest that boots the real image.

mod kiosk;
pub mod order;
pub mod trials;
pub mod update;
