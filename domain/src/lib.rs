//! The business rules of a kiosk, pure: no I/O, no clock, no randomness, no serialisation, no floats.
//!
//! [`Kiosk`] is the heart. The shell hands it an [`Input`] and the time; [`Kiosk::decide`] answers with a
//! [`Step`]: what changed ([`Change`]: durable [`Event`]s and volatile [`SessionChange`]s) and what to do
//! ([`Effect`]). The shell stores the events, applies the changes, dispatches the effects and shows
//! [`Kiosk::view`]. Everything a kiosk knows about money is computed by [`pricing`], in integers.
//!
//! [`Change`]: event::Change
//! [`SessionChange`]: session::SessionChange

pub mod cart;
pub mod catalog;
pub mod claim;
pub mod config;
pub mod effect;
pub mod event;
pub mod format;
pub mod ids;
pub mod input;
pub mod intent;
pub mod kiosk;
pub mod money;
pub mod order;
pub mod payment;
pub mod pricing;
pub mod quota;
pub mod receipt;
pub mod session;
pub mod spoken;
pub mod text;
pub mod time;
pub mod view;

pub use config::KioskConfig;
pub use effect::Effect;
pub use event::Event;
pub use input::Input;
pub use intent::Intent;
pub use kiosk::{Kiosk, Step};
pub use money::{Currency, Minor};
pub use time::Now;
pub use view::View;
