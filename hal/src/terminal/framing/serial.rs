//! Serial line: `10 02`, the message with every 10 doubled, `10 03`, check bytes; answered by the link itself.
//!
//! ```text
//! received:  Outside ─10 02─► Inside ─10 03─► Check ─good─► answer ACK, message
//!               ▲                │ T1, noise     └─bad──► answer NAK
//!               └────────────────┘
//! sent:      queue ─► in flight ─ACK─► delivered, next one
//!                        └─NAK or T2─► again, 3 times ─► line fault
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use zeroize::Zeroize;

use super::check::{Check, ETX};
use super::{At, Inbound, Ticket};
use crate::terminal::codec::apdu::{Apdu, MAX_DATA};
use crate::terminal::profile::Timers;

const DLE: u8 = 0x10;
const STX: u8 = 0x02;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

/// How often a frame is repeated, as public implementations do.
const REPEATS: u32 = 3;

/// A message with its longest header.
const MAX_FRAME: usize = MAX_DATA + 5;

/// See [`super::Framer`].
pub(crate) struct SerialFramer {
    check: Check,
    byte_gap: Duration,
    link_answer: Duration,
    state: Receiving,
    received: Vec<u8>,
    check_bytes: Vec<u8>,
    gap_at: Option<At>,
    waiting: VecDeque<(Ticket, Vec<u8>)>,
    in_flight: Option<InFlight>,
    inbound: VecDeque<Inbound>,
    output: Vec<u8>,
    tickets: u64,
    garbage_bytes: u64,
    unread_frames: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    /// Between frames.
    Outside,
    /// An escape byte between frames.
    OutsideEscaped,
    /// Inside a frame.
    Inside,
    /// An escape byte inside a frame.
    InsideEscaped,
    /// Behind a frame.
    Check,
}

struct InFlight {
    ticket: Ticket,
    frame: Vec<u8>,
    repeats_left: u32,
    due: At,
}

impl SerialFramer {
    pub(crate) fn new(check: Check, timers: &Timers) -> Self {
        Self {
            check,
            byte_gap: timers.byte_gap,
            link_answer: timers.link_answer,
            state: Receiving::Outside,
            // Room from the start, because growing would leave copies of what may be card data.
            received: Vec::with_capacity(MAX_FRAME),
            check_bytes: Vec::new(),
            gap_at: None,
            waiting: VecDeque::new(),
            in_flight: None,
            inbound: VecDeque::new(),
            output: Vec::new(),
            tickets: 0,
            garbage_bytes: 0,
            unread_frames: 0,
        }
    }

    pub(crate) fn send(&mut self, at: At, message: &Apdu) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.push_back((ticket, self.frame(message)));
        self.transmit(at);
        ticket
    }

    pub(crate) fn answered(&mut self, at: At) {
        self.delivered(at);
    }

    pub(crate) fn on_bytes(&mut self, at: At, bytes: &[u8]) {
        for byte in bytes {
            self.on_byte(at, *byte);
        }
        self.gap_at = (self.state != Receiving::Outside).then(|| at + self.byte_gap);
    }

    pub(crate) fn next(&mut self) -> Option<Inbound> {
        self.inbound.pop_front()
    }

    pub(crate) fn deadline(&self) -> Option<At> {
        let due = self.in_flight.as_ref().map(|in_flight| in_flight.due);
        [self.gap_at, due].into_iter().flatten().min()
    }

    pub(crate) fn on_deadline(&mut self, at: At) {
        if self.gap_at.is_some_and(|gap_at| gap_at <= at) {
            self.gap_at = None;
            self.broken();
        }
        if self.in_flight.as_ref().is_some_and(|in_flight| in_flight.due <= at) {
            self.repeat(at);
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

    /// Good frames around something that was no message.
    pub(crate) fn unread_frames(&self) -> u64 {
        self.unread_frames
    }

    fn on_byte(&mut self, at: At, byte: u8) {
        match (self.state, byte) {
            (Receiving::Outside, DLE) => self.state = Receiving::OutsideEscaped,
            (Receiving::OutsideEscaped, STX) | (Receiving::InsideEscaped, STX) => self.begin(),
            (Receiving::Outside | Receiving::OutsideEscaped, ACK) => {
                self.state = Receiving::Outside;
                self.on_ack(at);
            }
            (Receiving::Outside | Receiving::OutsideEscaped, NAK) => {
                self.state = Receiving::Outside;
                self.on_nak(at);
            }
            (Receiving::Outside, _) => self.garbage_bytes += 1,
            (Receiving::OutsideEscaped, DLE) => self.garbage_bytes += 1,
            (Receiving::OutsideEscaped, _) => {
                self.garbage_bytes += 2;
                self.state = Receiving::Outside;
            }
            (Receiving::Inside, DLE) => self.state = Receiving::InsideEscaped,
            (Receiving::Inside, byte) => self.take(byte),
            (Receiving::InsideEscaped, DLE) => {
                self.state = Receiving::Inside;
                self.take(DLE);
            }
            (Receiving::InsideEscaped, ETX) => self.state = Receiving::Check,
            (Receiving::InsideEscaped, _) => self.broken(),
            (Receiving::Check, byte) => {
                self.check_bytes.push(byte);
                if self.check_bytes.len() == self.check.len() {
                    self.finish();
                }
            }
        }
    }

    /// A frame begins, also inside one whose end was lost.
    fn begin(&mut self) {
        self.discard();
        self.state = Receiving::Inside;
    }

    fn take(&mut self, byte: u8) {
        if self.received.len() == MAX_FRAME {
            self.broken();
        } else {
            self.received.push(byte);
        }
    }

    fn finish(&mut self) {
        if self.check_bytes != self.check.of(&self.received) {
            self.broken();
            return;
        }
        self.answer(ACK);
        // A good frame around something that is no message: repeating it would change nothing.
        match Apdu::decode(&self.received) {
            Some(message) => {
                self.inbound.push_back(Inbound::Message(message));
                self.received.zeroize();
            }
            None => {
                self.unread_frames += 1;
                self.discard();
            }
        }
        self.check_bytes.clear();
        self.state = Receiving::Outside;
    }

    /// The frame cannot be used: ask for it again.
    fn broken(&mut self) {
        if self.state != Receiving::OutsideEscaped {
            self.answer(NAK);
        }
        self.discard();
        self.state = Receiving::Outside;
    }

    fn discard(&mut self) {
        self.garbage_bytes += self.received.len() as u64;
        self.received.zeroize();
        self.check_bytes.clear();
    }

    fn answer(&mut self, answer: u8) {
        match self.check {
            Check::Crc => self.output.push(answer),
            Check::Lrc => self.output.extend([DLE, answer]),
        }
    }

    fn on_ack(&mut self, at: At) {
        if self.in_flight.is_none() {
            self.garbage_bytes += 1;
        }
        self.delivered(at);
    }

    fn on_nak(&mut self, at: At) {
        if self.in_flight.is_none() {
            self.garbage_bytes += 1;
        } else {
            self.repeat(at);
        }
    }

    fn delivered(&mut self, at: At) {
        if let Some(in_flight) = self.in_flight.take() {
            self.inbound.push_back(Inbound::Delivered(in_flight.ticket));
            self.transmit(at);
        }
    }

    /// One frame is on its way at a time.
    fn transmit(&mut self, at: At) {
        if self.in_flight.is_some() {
            return;
        }
        if let Some((ticket, frame)) = self.waiting.pop_front() {
            self.output.extend_from_slice(&frame);
            let due = at + self.link_answer;
            self.in_flight = Some(InFlight { ticket, frame, repeats_left: REPEATS, due });
        }
    }

    fn repeat(&mut self, at: At) {
        let Some(in_flight) = &mut self.in_flight else { return };
        if in_flight.repeats_left == 0 {
            self.in_flight = None;
            self.waiting.clear();
            self.inbound.push_back(Inbound::LineFault);
            return;
        }
        in_flight.repeats_left -= 1;
        in_flight.due = at + self.link_answer;
        self.output.extend_from_slice(&in_flight.frame);
    }

    fn frame(&self, message: &Apdu) -> Vec<u8> {
        let message = message.encode();
        let mut frame = vec![DLE, STX];
        for byte in &message {
            frame.push(*byte);
            if *byte == DLE {
                frame.push(DLE);
            }
        }
        frame.extend([DLE, ETX]);
        frame.extend(self.check.of(&message));
        frame
    }
}

impl Drop for SerialFramer {
    fn drop(&mut self) {
        self.received.zeroize();
    }
}
