//! The kiosk as a whole: every row of the tables of orders and payments, and random operations with the power
//! cut at every step.

#![expect(clippy::unwrap_used, reason = "a test that does not find what it expects has failed")]

mod claiming;
mod devices;
mod documents;
mod fixture;
mod outside;
mod payments;
mod printing;
mod quotas;
mod random;
mod reconciling;
mod restarts;
mod reversals;
mod rng;
mod rules;
mod shopping;
mod speed;
mod sums;
mod terminal_model;
mod terminals;
mod voice;
mod world;
