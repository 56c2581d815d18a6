//! Everything the printer says: queued answers, automatic status, flow control.

use std::collections::VecDeque;
use std::time::Duration;

use super::Engine;
use crate::printer::ledger::Answer;
use crate::printer::mechanism::watched_bits;

/// With `merge-ids` an answer waits this long for a newer one.
const MERGE_WINDOW: Duration = Duration::from_millis(300);
/// A host that does not read loses the rest, as on a serial line.
const OUTBOX_BYTES_MAX: usize = 4096;
/// XOFF when fewer bytes are free, XON when more than twice as many are.
const XOFF_ROOM: usize = 128;
const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// Bytes for the host and when they leave, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<(Duration, Vec<u8>)>,
}

impl Outbox {
    pub fn next_due(&self) -> Option<Duration> {
        self.waiting.front().map(|(due, _)| *due)
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    pub fn take_due(&mut self, now: Duration) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.next_due().is_some_and(|due| due <= now) {
            bytes.extend(self.waiting.pop_front().into_iter().flat_map(|(_, bytes)| bytes));
        }
        bytes
    }

    fn push(&mut self, due: Duration, bytes: &[u8]) {
        let held: usize = self.waiting.iter().map(|(_, bytes)| bytes.len()).sum();
        if held + bytes.len() <= OUTBOX_BYTES_MAX {
            // Answers never overtake each other, also when the delay changes in between.
            let due = self.waiting.back().map_or(due, |(last, _)| due.max(*last));
            self.waiting.push_back((due, bytes.to_vec()));
        }
    }
}

impl Engine {
    /// Says something, subject to `mute` and `late-status`.
    pub(super) fn say(&mut self, now: Duration, bytes: &[u8]) {
        if !self.faults.mute {
            self.outbox.push(now + self.faults.late, bytes);
        }
    }

    /// `GS a n`: sends one status at once, then each change that the mask asks for.
    pub(super) fn enable_auto_status(&mut self, now: Duration, mask: u8) {
        self.auto_mask = mask;
        if mask != 0 {
            self.tell_auto_status(now);
        }
    }

    pub(super) fn report_changes(&mut self, now: Duration) {
        if self.auto_mask == 0 || self.off_until.is_some() {
            return;
        }
        let status = self.mechanism.auto_status(self.drawer.pin_high());
        let watched = watched_bits(self.auto_mask);
        let changed = (0..4).any(|index| (status[index] ^ self.auto_told[index]) & watched[index] != 0);
        if changed {
            self.tell_auto_status(now);
        }
    }

    fn tell_auto_status(&mut self, now: Duration) {
        let status = self.mechanism.auto_status(self.drawer.pin_high());
        self.auto_told = status;
        self.say(now, &status);
    }

    /// `GS r n`; unlike `DLE EOT` this has waited in the buffer.
    pub(super) fn transmit_status(&mut self, now: Duration, n: u8) {
        match n {
            1 | b'1' => self.say(now, &[self.mechanism.paper_bits()]),
            2 | b'2' => self.say(now, &[u8::from(self.drawer.pin_high())]),
            _ => {}
        }
    }

    /// `GS I n`.
    pub(super) fn transmit_identity(&mut self, now: Duration, n: u8) {
        let block = |text: &str| [b"_", text.as_bytes(), b"\0"].concat();
        match n {
            // Model, type (has a cutter), and firmware as single bytes.
            1 | b'1' => self.say(now, &[0x20]),
            2 | b'2' => self.say(now, &[0x02]),
            3 | b'3' => self.say(now, &[0x01]),
            65 => self.say(now, &block("1.00 SIM")),
            66 => self.say(now, &block("EPSON")),
            67 => self.say(now, &block(&self.config.model)),
            68 => self.say(now, &block("SIM0000001")),
            _ => {}
        }
    }

    /// `GS ( H` function 48, reached when everything before it has been printed.
    pub(super) fn confirm(&mut self, now: Duration, id: [u8; 4]) {
        if self.faults.no_process_id || id.iter().any(|byte| !(0x20..=0x7E).contains(byte)) {
            self.ledger.process_id(id, now, Answer::Ignored);
        } else if self.faults.take_drop() {
            self.ledger.process_id(id, now, Answer::Dropped);
        } else if self.faults.take_wrong() {
            self.ledger.process_id(id, now, Answer::Wrong);
            self.say_id(now, wrong(id));
        } else if self.faults.merge_ids {
            if let Some((_, older)) = self.held_id.replace((now + MERGE_WINDOW, id)) {
                self.ledger.amend(older, Answer::Merged);
            }
            self.ledger.process_id(id, now, Answer::Sent);
        } else {
            self.ledger.process_id(id, now, Answer::Sent);
            self.say_id(now, id);
        }
    }

    pub(super) fn release_held_id(&mut self, now: Duration) {
        if let Some((_, id)) = self.held_id.take_if(|(due, _)| *due <= now) {
            self.say_id(now, id);
        }
    }

    /// XON and XOFF, when the printer is set to use them.
    pub(super) fn signal_flow(&mut self, now: Duration) {
        let free = self.config.buffer_bytes.saturating_sub(self.buffer.len());
        let full = free < XOFF_ROOM.min(self.config.buffer_bytes);
        if !self.xoff_sent && (self.faults.xoff_for_ever || self.config.xon_xoff && full) {
            self.xoff_sent = true;
            self.say(now, &[XOFF]);
        } else if self.xoff_sent && !self.faults.xoff_for_ever && free >= 2 * XOFF_ROOM {
            self.xoff_sent = false;
            self.say(now, &[XON]);
        }
    }

    fn say_id(&mut self, now: Duration, id: [u8; 4]) {
        let [a, b, c, d] = id;
        self.say(now, &[0x37, 0x22, a, b, c, d, 0x00]);
    }
}

/// Another id that is allowed as well: the last character one further.
fn wrong([a, b, c, d]: [u8; 4]) -> [u8; 4] {
    [a, b, c, if d == 0x7E { 0x20 } else { d + 1 }]
}
