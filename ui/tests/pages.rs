//! The pages as a customer meets them: every fixture, in every language, laid out with the real fonts and pressed with
//! real touches.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "helpers of tests, which clippy does not recognise as tests"
)]

#[path = "pages/desk.rs"]
mod desk;
#[path = "pages/layout.rs"]
mod layout;
#[path = "pages/rail.rs"]
mod rail;
#[path = "pages/touch.rs"]
mod touch;
#[path = "pages/translations.rs"]
mod translations;
