//! Contacts: a door, a tamper switch, a presence sensor with a switching output.

use std::time::Duration;

use embedded_hal::digital::InputPin;

use super::SensorError;

/// How often [`Contact::look`] is to be called.
pub const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A level counts when it was seen so many times in a row: contacts bounce for some 10 ms.
const SEEN: u8 = 3;

/// Which level of a line means that a contact is active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// High.
    High,
    /// Low.
    Low,
}

/// A contact without its bouncing.
#[derive(Debug)]
pub struct Contact<P> {
    pin: P,
    active: Level,
    settled: Option<bool>,
    candidate: bool,
    seen: u8,
}

impl<P: InputPin> Contact<P> {
    /// A contact on a line.
    pub fn new(pin: P, active: Level) -> Self {
        Self { pin, active, settled: None, candidate: false, seen: 0 }
    }

    /// Looks at the line; `Some` when the contact has settled on something new: whether it is active. What it is at the
    /// beginning is new.
    ///
    /// # Errors
    /// The line cannot be read.
    pub fn look(&mut self) -> Result<Option<bool>, SensorError> {
        let refused = SensorError::refused("read the line");
        let is_high = self.pin.is_high().map_err(|error| refused(&error))?;
        let is_active = is_high == (self.active == Level::High);
        if is_active != self.candidate {
            self.candidate = is_active;
            self.seen = 0;
        }
        self.seen = self.seen.saturating_add(1).min(SEEN);
        if self.seen < SEEN || self.settled == Some(is_active) {
            return Ok(None);
        }
        self.settled = Some(is_active);
        Ok(self.settled)
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

    use super::*;

    fn looks(levels: &str, active: Level) -> Vec<Option<bool>> {
        let state = |level| if level == 'h' { State::High } else { State::Low };
        let seen: Vec<_> = levels.chars().map(|level| Transaction::get(state(level))).collect();
        let mut contact = Contact::new(Mock::new(&seen), active);
        let found = levels.chars().map(|_| contact.look().unwrap()).collect();
        contact.pin.done();
        found
    }

    #[test]
    fn a_level_counts_after_three_looks_and_is_told_once() {
        let (no, on, off) = (None, Some(true), Some(false));
        assert_eq!(looks("lllll", Level::High), [no, no, off, no, no]);
        assert_eq!(looks("lllhhhh", Level::High), [no, no, off, no, no, on, no]);
        assert_eq!(looks("lllhhhh", Level::Low), [no, no, on, no, no, off, no]);
    }

    #[test]
    fn what_bounces_counts_only_when_it_is_still() {
        let found = looks("lllhlhhlhhhlh", Level::High);
        let told: Vec<_> =
            found.iter().enumerate().filter_map(|(at, told)| told.map(|it| (at, it))).collect();
        assert_eq!(told, [(2, false), (10, true)]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error() {
        let broken = Transaction::get(State::High).with_error(MockError::Io(std::io::ErrorKind::NotFound));
        let mut contact = Contact::new(Mock::new(&[broken]), Level::High);
        assert!(contact.look().unwrap_err().to_string().starts_with("cannot read the line"));
        contact.pin.done();
    }
}
