//! The pages as a customer meets them: every fixture, in every language, laid out with the real fonts and pressed with
//! real touches.

#[path = "pages/desk.rs"]
mod desk;
#[path = "pages/layout.rs"]
mod layout;
#[path = "pages/touch.rs"]
mod touch;
#[path = "pages/translations.rs"]
mod translations;
