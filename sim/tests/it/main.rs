//! The emulators from outside: through their ports, the control socket, the panel and the command line.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod counter;
mod encoders;
mod faces;
mod support;
mod terminal;
mod wires;
