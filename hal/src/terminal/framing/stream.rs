//! TCP: messages one after the other, bare or behind a length.

use std::collections::VecDeque;

use zeroize::Zeroize;

use super::{At, Inbound, Ticket};
use crate::terminal::codec::apdu::{self, Apdu, Scan};
use crate::terminal::profile::Timers;

/// Bytes of the length in front of a message, if there is one.
const PREFIX: usize = 2;

/// The longest message and what may come with it in one read.
const ROOM: usize = apdu::MAX_DATA + 4096;

/// See [`super::Framer`].
pub(crate) struct StreamFramer {
    prefixed: bool,
    stall: std::time::Duration,
    received: Vec<u8>,
    /// When the rest of the message at the front is overdue.
    stalled_at: Option<At>,
    inbound: VecDeque<Inbound>,
    output: Vec<u8>,
    tickets: u64,
    garbage_bytes: u64,
}

impl StreamFramer {
    pub(crate) fn new(prefixed: bool, timers: &Timers) -> Self {
        Self {
            prefixed,
            stall: timers.stall,
            // Room from the start, because growing would leave copies of what may be card data.
            received: Vec::with_capacity(ROOM),
            stalled_at: None,
            inbound: VecDeque::new(),
            output: Vec::new(),
            tickets: 0,
            garbage_bytes: 0,
        }
    }

    pub(crate) fn send(&mut self, message: &Apdu) -> Ticket {
        let bytes = message.encode();
        if self.prefixed {
            let length = u16::try_from(bytes.len()).expect("a message is far shorter than 64 KiB");
            self.output.extend(length.to_be_bytes());
        }
        self.output.extend(bytes);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.inbound.push_back(Inbound::Delivered(ticket));
        ticket
    }

    pub(crate) fn on_bytes(&mut self, at: At, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        self.cut(0);
        self.stalled_at = (!self.received.is_empty()).then(|| at + self.stall);
    }

    pub(crate) fn next(&mut self) -> Option<Inbound> {
        self.inbound.pop_front()
    }

    pub(crate) fn deadline(&self) -> Option<At> {
        self.stalled_at
    }

    /// The start of a message whose rest never came was noise: look for messages behind it.
    pub(crate) fn on_deadline(&mut self, at: At) {
        while self.stalled_at.is_some_and(|stalled_at| stalled_at <= at) {
            self.garbage_bytes += 1;
            self.cut(1);
            if self.received.is_empty() {
                self.stalled_at = None;
            }
        }
    }

    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    pub(crate) fn written(&mut self, count: usize) {
        self.output.drain(..count);
    }

    pub(crate) fn garbage_bytes(&self) -> u64 {
        self.garbage_bytes
    }

    /// Cuts whole messages from the front, ignoring `skip` bytes, and keeps what may become one.
    fn cut(&mut self, skip: usize) {
        let mut at = skip.min(self.received.len());
        loop {
            match self.scan(&self.received[at..]) {
                Scan::Whole(length) => {
                    let start = at + if self.prefixed { PREFIX } else { 0 };
                    if let Some(message) = Apdu::decode(&self.received[start..at + length]) {
                        self.inbound.push_back(Inbound::Message(message));
                    }
                    at += length;
                }
                Scan::Partial => break,
                Scan::Implausible => {
                    self.garbage_bytes += 1;
                    at += 1;
                }
            }
        }
        self.forget(at);
    }

    /// Drops bytes from the front and leaves no copy of them or of what moved up.
    fn forget(&mut self, count: usize) {
        let rest = self.received.len() - count;
        self.received.copy_within(count.., 0);
        self.received[rest..].zeroize();
        self.received.truncate(rest);
    }

    fn scan(&self, bytes: &[u8]) -> Scan {
        if !self.prefixed {
            return apdu::scan(bytes);
        }
        let [high, low, message @ ..] = bytes else { return Scan::Partial };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match apdu::scan(message) {
            Scan::Whole(own) if own == length => Scan::Whole(PREFIX + length),
            Scan::Partial if message.len() < length => Scan::Partial,
            Scan::Partial if message.is_empty() && length >= 3 => Scan::Partial,
            Scan::Whole(_) | Scan::Partial | Scan::Implausible => Scan::Implausible,
        }
    }
}

impl Drop for StreamFramer {
    fn drop(&mut self) {
        self.received.zeroize();
    }
}
