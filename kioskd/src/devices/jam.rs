//! A stuck knife: the printer goes on only when it is told to, and nobody tells it but us.

use std::time::Duration;

use hal::printer::{PrinterCondition, PrinterFault};
use tokio::time::Instant;

/// How often a printer is told to go on that nobody was seen to free: a knife that still sticks only stalls.
const RETRY_EVERY: Duration = Duration::from_secs(60);

/// When a printer with a stuck knife is told to go on.
#[derive(Debug, Default)]
pub(super) struct Jam {
    retry_at: Option<Instant>,
    cover_was_open: bool,
}

impl Jam {
    /// When to tell it next: at once when the cover was closed again, else in a while. `None`: the knife is free, or
    /// somebody is at it.
    pub(super) fn retry_at(&mut self, condition: PrinterCondition, now: Instant) -> Option<Instant> {
        let was_open = std::mem::replace(&mut self.cover_was_open, condition.cover_open);
        self.retry_at = if condition.fault() != Some(PrinterFault::CutterJam) || condition.cover_open {
            None
        } else if was_open {
            Some(now)
        } else {
            self.retry_at.or(Some(now + RETRY_EVERY))
        };
        self.retry_at
    }

    /// It was told.
    pub(super) fn retried(&mut self) {
        self.retry_at = None;
    }
}

#[cfg(test)]
mod tests {
    use hal::printer::MechanismFault;

    use super::*;

    #[test]
    fn a_stuck_knife_is_tried_when_the_cover_was_closed_and_every_minute() {
        let mut jam = Jam::default();
        let now = Instant::now();
        let free = PrinterCondition::default();
        let stuck = PrinterCondition { mechanism: Some(MechanismFault::Cutter), ..free };
        assert_eq!(jam.retry_at(free, now), None);
        assert_eq!(jam.retry_at(stuck, now), Some(now + RETRY_EVERY));
        let later = now + Duration::from_secs(10);
        assert_eq!(jam.retry_at(stuck, later), Some(now + RETRY_EVERY), "the wait does not begin anew");
        assert_eq!(
            jam.retry_at(PrinterCondition { cover_open: true, ..stuck }, later),
            None,
            "hands are inside"
        );
        assert_eq!(jam.retry_at(stuck, later), Some(later));
        jam.retried();
        assert_eq!(jam.retry_at(stuck, later), Some(later + RETRY_EVERY));
        assert_eq!(jam.retry_at(free, later), None);
    }
}
