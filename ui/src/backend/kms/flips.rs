//! Which of two buffers is shown, which one is next, and what in each is out of date.

use std::time::Duration;

use super::super::region::{Rect, Region};

/// A page flip that is not confirmed for so long never will be: six frames at 60 Hz.
const FLIP_LIMIT: Duration = Duration::from_millis(100);

/// Of two buffers one is shown while the other is written.
#[derive(Debug)]
pub(super) struct Flips {
    /// What differs from the shadow, for each buffer.
    stale: [Region; 2],
    shown: usize,
    /// Since when the other buffer is on its way to the glass.
    under_way: Option<Duration>,
}

impl Flips {
    /// Both buffers hold nothing that belongs to the picture; the first one is shown.
    pub(super) fn new(whole: Rect) -> Self {
        let all = || std::iter::once(whole).collect::<Region>();
        Self { stale: [all(), all()], shown: 0, under_way: None }
    }

    /// The picture changed here.
    pub(super) fn damage(&mut self, dirty: &Region) {
        for stale in &mut self.stale {
            stale.add_all(dirty);
        }
    }

    /// The buffer that may be written now, and what of it is out of date. Nothing if it is current or not free.
    pub(super) fn next(&mut self) -> Option<(usize, Region)> {
        let hidden = 1 - self.shown;
        // What is shown is the picture: there is nothing to do, however old the hidden buffer is.
        if self.under_way.is_some() || self.stale[self.shown].is_empty() {
            return None;
        }
        Some((hidden, std::mem::take(&mut self.stale[hidden])))
    }

    /// The buffer that is not shown was sent to the glass.
    pub(super) fn begun(&mut self, now: Duration) {
        self.under_way = Some(now);
    }

    /// It could not be sent: everything in it is to be written again.
    pub(super) fn refused(&mut self, whole: Rect) {
        self.stale[1 - self.shown].add(whole);
    }

    /// It is shown.
    pub(super) fn arrived(&mut self) {
        if self.under_way.take().is_some() {
            self.shown = 1 - self.shown;
        }
    }

    /// The buffer that is shown.
    pub(super) fn shown(&self) -> usize {
        self.shown
    }

    /// When a flip that is under way counts as lost.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.under_way.map(|begun| begun + FLIP_LIMIT)
    }

    /// A flip is lost: the buffer that is shown stays, and everything has to be sent again.
    pub(super) fn lost(&mut self, whole: Rect) {
        self.under_way = None;
        for stale in &mut self.stale {
            stale.add(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Rect = Rect { x: 0, y: 0, w: 100, h: 50 };
    const DOT: Rect = Rect { x: 3, y: 4, w: 1, h: 1 };
    const LINE: Rect = Rect { x: 0, y: 20, w: 100, h: 1 };

    fn region(rects: &[Rect]) -> Region {
        rects.iter().copied().collect()
    }

    #[test]
    fn each_buffer_gets_what_changed_since_it_was_shown_last() {
        let mut flips = Flips::new(WHOLE);
        assert_eq!(flips.next(), Some((1, region(&[WHOLE]))));
        flips.begun(Duration::ZERO);
        flips.damage(&region(&[DOT]));
        assert_eq!(flips.next(), None, "the other one is on its way");
        flips.arrived();
        assert_eq!(flips.next(), Some((0, region(&[WHOLE]))), "it was never written");
        flips.begun(Duration::ZERO);
        flips.arrived();
        assert_eq!(flips.next(), None, "what is shown is the picture");
        flips.damage(&region(&[LINE]));
        assert_eq!(flips.next(), Some((1, region(&[DOT, LINE]))), "the dot came after it was written");
    }

    #[test]
    fn a_flip_that_never_arrives_is_sent_again_as_a_whole() {
        let mut flips = Flips::new(WHOLE);
        flips.next();
        flips.begun(Duration::from_secs(1));
        assert_eq!(flips.deadline(), Some(Duration::from_millis(1100)));
        flips.lost(WHOLE);
        flips.arrived();
        assert_eq!((flips.shown(), flips.deadline()), (0, None), "it comes too late to count");
        assert_eq!(flips.next(), Some((1, region(&[WHOLE]))));
    }
}
