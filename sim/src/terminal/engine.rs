//! The terminal as a machine without a wire: bytes, verbs and time go in; bytes come out.
//!
//! ```text
//!  receive ─► Channel ─► command ─► Session: a queue of steps ─► Channel ─► advance
//!                           │            │
//!                  (one at a time)       ├─ waits for: answer, card, PIN, bank
//!                                        └─ writes the Book before it tells the till
//!
//!  sale:  Open ─card, PIN─► bank ─► Approved ─► 04 0F ─► answer 80 00 ─► Booked ─► receipts ─► 06 0F
//!           │                │                            │ 84 66, too many 84 9C, none
//!           └► Cancelled     └► Declined                  └► Reversed
//! ```
//! A session whose till has gone goes on alone as the `orphan`, silent, until it has settled its transaction.
//! Time is a parameter: a span since the terminal was made, never going back.

mod commands;
mod people;
mod session;
mod settle;
mod state;
mod steps;
mod verbs;

#[cfg(test)]
mod tests;

pub use verbs::VERBS;

use std::time::Duration;

use super::apdu::{Apdu, LengthForm};
use super::book::{Book, State};
use super::cards::{CARDS, Card};
use super::channel::{Channel, Shape};
use super::config::Config;
use super::faults::{Fault, Faults, Point};
use super::receipt;
use crate::shell::{Cable, Demand};
use session::{Session, Task};
use state::Screen;

/// What a `banner` says before the protocol begins.
const BANNER: &[u8] = b"\x00\x00\x00\x3EVER:KIOSK-SIM 1.00 APP:ZVT;BOOT 2.11;CONTACTLESS L2 READY;SN 0";

/// The whole terminal.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    /// Unix time when the terminal was made.
    started_at: i64,
    book: Book,
    /// The book differs from its file.
    dirty: bool,
    faults: Faults,
    channel: Channel,
    till: Option<Till>,
    session: Option<Session>,
    /// Lost its till and goes on alone.
    orphan: Option<Session>,
    card: &'static Card,
    screen: Screen,
    hang_up: Option<HangUp>,
    /// Nothing can be reached until then: a broken link, or switched off.
    down_until: Option<Duration>,
    counters: Counters,
}

/// What a till said when it registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Till {
    /// Wants intermediate statuses.
    intermediate: bool,
    /// Prints payment receipts.
    payment_receipts: bool,
    /// Prints administration receipts.
    admin_receipts: bool,
    /// Takes whole receipts (`06 D3`) instead of lines.
    text_blocks: bool,
    /// Characters of its printer.
    columns: usize,
    /// ISO 4217, numeric.
    currency: u16,
}

/// The connection is to be ended.
#[derive(Debug, Clone, Copy)]
struct HangUp {
    /// Without sending what is still on the way.
    abrupt: bool,
    /// How long nothing can be reached then.
    down: Duration,
}

#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
struct Counters {
    connections: u64,
    bytes_in: u64,
    bytes_out: u64,
    messages_in: u64,
    messages_out: u64,
}

impl Engine {
    /// A terminal with the memory of an earlier life: what that one left unfinished is settled now.
    pub fn new(config: Config, book: Book, started_at: i64) -> Self {
        let mut engine = Self {
            channel: Channel::new(config.framing),
            config,
            started_at,
            book,
            dirty: true,
            faults: Faults::default(),
            till: None,
            session: None,
            orphan: None,
            card: &CARDS[0],
            screen: Screen::idle(),
            hang_up: None,
            down_until: None,
            counters: Counters::default(),
        };
        engine.settle_unfinished();
        engine
    }

    /// Somebody has connected.
    pub fn connected(&mut self) {
        self.channel.reset();
        self.counters.connections += 1;
        if self.faults.strike(Fault::Banner) {
            self.channel.send_raw(BANNER);
        }
    }

    /// The connection has ended.
    pub fn disconnected(&mut self, now: Duration) {
        self.channel.reset();
        self.till = None;
        self.hang_up = None;
        self.orphan_session();
        self.run(now);
    }

    /// Bytes from the till.
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.counters.bytes_in += bytes.len() as u64;
        if self.faults.is_armed(Fault::Dead) {
            return;
        }
        for message in self.channel.receive(now, bytes, &mut self.faults) {
            // Who is about to hang up listens no more.
            if self.hang_up.is_none() {
                self.counters.messages_in += 1;
                self.handle(now, &message);
                self.run(now);
            }
        }
    }

    /// Does everything that is due and says what is wanted; `flushed` means that all earlier output was written.
    pub fn advance(&mut self, now: Duration, flushed: bool) -> Demand {
        if self.down_until.is_some_and(|until| until <= now) {
            self.down_until = None;
        }
        self.run(now);
        self.channel.advance(now, &mut self.faults);
        if self.channel.take_failure() {
            self.orphan_session();
            self.run(now);
        }
        self.screen.expire(now);
        let hang_up = self.take_hang_up(now, flushed);
        let output = self.take_output(now);
        let link = self.channel.advance(now, &mut self.faults);
        let sessions = [&self.session, &self.orphan].map(|it| it.as_ref().and_then(Session::deadline));
        let others = [link, self.down_until, self.screen.until];
        let deadline = others.into_iter().chain(sessions).flatten().min();
        Demand { deadline, output, cable: self.cable(hang_up) }
    }

    fn take_output(&mut self, now: Duration) -> Vec<u8> {
        let bytes = self.channel.take_output(now);
        if self.faults.is_armed(Fault::Dead) {
            return Vec::new();
        }
        self.counters.bytes_out += bytes.len() as u64;
        bytes
    }

    /// Whether the connection should end now.
    fn take_hang_up(&mut self, now: Duration, flushed: bool) -> bool {
        let drained = flushed && self.channel.is_drained();
        let Some(hang_up) = self.hang_up.filter(|it| it.abrupt || drained) else {
            return false;
        };
        self.hang_up = None;
        if !hang_up.down.is_zero() {
            self.down_until = Some(now + hang_up.down);
        }
        true
    }

    fn cable(&self, hang_up: bool) -> Cable {
        if self.faults.is_armed(Fault::Unplug) || self.down_until.is_some() {
            Cable::Unplugged
        } else if hang_up {
            Cable::Replugged
        } else {
            Cable::Plugged
        }
    }

    /// The book, when it has changed since the last call.
    pub fn take_changed_book(&mut self) -> Option<&Book> {
        std::mem::take(&mut self.dirty).then_some(&self.book)
    }

    fn book_mut(&mut self) -> &mut Book {
        self.dirty = true;
        &mut self.book
    }

    fn wall_clock(&self, now: Duration) -> i64 {
        self.started_at.saturating_add(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    }

    fn columns(&self) -> usize {
        self.till.as_ref().map_or(receipt::COLUMNS, |till| till.columns)
    }

    fn send(&mut self, message: &Apdu) {
        self.counters.messages_out += 1;
        self.channel.send(message, Shape::PLAIN);
    }

    /// Sends a result with everything that may be odd about its bytes.
    fn send_result(&mut self, message: &Apdu) {
        self.counters.messages_out += 1;
        let length = match self.faults.strike(Fault::ExtLength) {
            true => LengthForm::Extended,
            false => LengthForm::Shortest,
        };
        let truncated = self.faults.strike(Fault::Truncated);
        self.channel.send(message, Shape { length, truncated });
    }

    /// Whether the link breaks here; if so nobody is there any more.
    fn break_link(&mut self, point: Point) -> bool {
        let breaks = self.faults.strike_link(point);
        if breaks {
            let abrupt = point == Point::BeforeAck;
            self.hang_up = Some(HangUp { abrupt, down: self.faults.link_down });
        }
        breaks
    }

    fn orphan_session(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.abandon();
            self.channel.split = false;
            // Nothing but service goes on beside an orphan, and nobody misses the end of that.
            if session.task != Task::Service && self.orphan.is_none() {
                self.orphan = Some(session);
            }
        }
    }

    /// Off and on again: everything but the book is forgotten.
    fn power_cycle(&mut self, now: Duration, off: Duration) {
        self.session = None;
        self.orphan = None;
        self.till = None;
        self.screen = Screen::off(now + off);
        self.hang_up = Some(HangUp { abrupt: true, down: off });
        self.settle_unfinished();
    }

    /// No session is left from before: open transactions never reached the bank, approved ones were never answered.
    fn settle_unfinished(&mut self) {
        for (number, state) in self.book.unfinished() {
            match state {
                State::Open => self.cancel_transaction(number),
                State::Approved => self.settle_unanswered(number),
                State::Booked | State::Declined | State::Cancelled | State::Reversed => {}
            }
        }
    }
}
