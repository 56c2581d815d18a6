//! `./dev vm --script`: what happens in a guest that boots the real image.

mod campaign;
pub mod cuts;
pub mod fallbacks;
mod kiosk;
pub mod mishaps;
pub mod order;
mod stage;
pub mod trials;
pub mod update;
