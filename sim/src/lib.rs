//! Emulators of the devices a kiosk is wired to, for demonstrations and tests.
//!
//! The ordinary, unchanged kiosk opens a pseudo terminal or a TCP port; on the other end sits a [`device::Device`]
//! from this crate. Every emulator is written from the protocol descriptions with parsers of its own and shares no
//! code with the kiosk's drivers, so that a misunderstanding on one side shows as a failing test instead of
//! cancelling itself out.
//!
//! [`fleet`] is a crowd of kiosks as their fleet sees them: a client and a log of their own, nothing of the kiosk's.
//!
//! Each device keeps a *state* (what a bystander would see), a *ledger* (what really happened: paper, money, drawer
//! openings) and a list of *verbs* (faults and actions). The ledger is the judge of a test run. Verbs come from
//! `sim ctl`, from the web panel, or straight from a test.

pub mod ctl;
pub mod device;
pub mod fleet;
pub mod line_display;
pub mod microphone;
pub mod panel;
pub mod printer;
pub mod rig;
pub mod rng;
pub mod run;
pub mod scanner;
pub mod shell;
pub mod terminal;
