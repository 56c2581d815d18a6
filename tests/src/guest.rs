//! `./dev vm --script`: what happens in a guest that boots the real image.

pub mod order;
pub mod trials;
