//! The printer as a machine without a wire: bytes, verbs and time go in; bytes and receipts come out.
//!
//! ```text
//!  receive ──► Watcher (real time) ──► answers at once
//!     │
//!     └─► receive buffer ──► Parser ──► execute ──► Typesetter ──► strip ──cut──► receipts
//!              (waits while not on line, busy or off)      └─────► drawer, ids, status
//! ```
//! Time is a parameter: a span since the printer was made, never going back.

mod answers;
mod execute;
#[cfg(test)]
mod tests;
mod verbs;

pub use verbs::VERBS;

use std::collections::VecDeque;
use std::time::Duration;

use super::cash_drawer::CashDrawer;
use super::config::Config;
use super::faults::Faults;
use super::ledger::Ledger;
use super::mechanism::{Dialect, Error, Mechanism, Paper};
use super::parser::Parser;
use super::realtime::{RealTime, Watcher};
use super::receipt::{self, End, Receipt};
use super::strip::{ROWS_MAX, Strip};
use super::typesetter::Typesetter;
use crate::rng::Rng;
use answers::Outbox;

/// On a slow wire bytes are taken in portions of about this time, so that the rate looks even.
const WIRE_TICK: Duration = Duration::from_millis(20);

/// The whole printer and the drawer on its connector.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    mechanism: Mechanism,
    faults: Faults,
    pub drawer: CashDrawer,
    typesetter: Typesetter,
    parser: Parser,
    watcher: Watcher,
    buffer: VecDeque<u8>,
    ledger: Ledger,
    outbox: Outbox,
    rng: Rng,
    /// The motor is turning until then.
    busy_until: Duration,
    /// Switched off until then.
    off_until: Option<Duration>,
    /// The wire is free for the next portion then.
    wire_free_at: Duration,
    /// XOFF was sent and not yet taken back.
    xoff_sent: bool,
    /// Mask of `GS a`, and the status the host was last told.
    auto_mask: u8,
    auto_told: [u8; 4],
    /// A process id that waits for a newer one (`merge-ids`).
    held_id: Option<(Duration, [u8; 4])>,
    /// A line that the end of the roll tore apart.
    held_line: Option<Strip>,
    /// A cut that jammed.
    held_cut: Option<End>,
    panel_buttons: bool,
    finished: Vec<Receipt>,
    hang_up: bool,
}

impl Engine {
    pub fn new(config: Config) -> Self {
        let dots = config.width.dots();
        let mut typesetter = Typesetter::new(dots);
        typesetter.strip_mut().feed(config.cutter_distance);
        Self {
            mechanism: Mechanism::HEALTHY,
            faults: Faults::default(),
            drawer: CashDrawer::default(),
            typesetter,
            parser: Parser::default(),
            watcher: Watcher::default(),
            buffer: VecDeque::new(),
            ledger: Ledger::default(),
            outbox: Outbox::default(),
            rng: Rng::from_seed(config.seed),
            busy_until: Duration::ZERO,
            off_until: None,
            wire_free_at: Duration::ZERO,
            xoff_sent: false,
            auto_mask: 0,
            auto_told: [0; 4],
            held_id: None,
            held_line: None,
            held_cut: None,
            panel_buttons: true,
            finished: Vec::new(),
            hang_up: false,
            config,
        }
    }

    /// How many bytes can be taken now. Zero while the buffer is full, the wire is slow or the printer refuses.
    pub fn room(&self, now: Duration) -> usize {
        if self.faults.deaf() || now < self.wire_free_at {
            return 0;
        }
        if self.off_until.is_some() {
            return self.config.buffer_bytes;
        }
        let free = self.config.buffer_bytes.saturating_sub(self.buffer.len());
        match self.wire_rate() {
            None => free,
            Some(rate) => free.min(portion(rate)),
        }
    }

    /// Bytes from the host, no more than [`Engine::room`].
    pub fn receive(&mut self, now: Duration, bytes: &[u8]) {
        self.ledger.bytes_in += bytes.len() as u64;
        if let Some(rate) = self.wire_rate() {
            let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            self.wire_free_at = now + Duration::from_secs(1) * count / rate.max(1);
        }
        if self.off_until.is_some() {
            self.ledger.bytes_lost += bytes.len() as u64;
            return;
        }
        for byte in bytes {
            if let Some(command) = self.watcher.push(*byte) {
                self.obey_at_once(now, command);
            }
            self.buffer.push_back(*byte);
        }
    }

    /// Does everything that is due; says when to call again at the latest.
    pub fn advance(&mut self, now: Duration) -> Option<Duration> {
        if self.off_until.is_some_and(|until| until <= now) {
            self.off_until = None;
        }
        self.mechanism.cool(now);
        self.drawer.advance(now);
        while self.may_execute(now) && self.execute_next(now) {}
        self.release_held_id(now);
        self.signal_flow(now);
        self.report_changes(now);
        self.next_deadline(now)
    }

    /// What the host gets now.
    pub fn take_output(&mut self, now: Duration) -> Vec<u8> {
        let bytes = self.outbox.take_due(now);
        self.ledger.bytes_out += bytes.len() as u64;
        bytes
    }

    /// Receipts that came out since the last call.
    pub fn take_receipts(&mut self) -> Vec<Receipt> {
        std::mem::take(&mut self.finished)
    }

    /// Whether the port should end the present connection (power-cycle of a network printer).
    pub fn take_hang_up(&mut self) -> bool {
        std::mem::take(&mut self.hang_up)
    }

    pub fn plugged(&self) -> bool {
        !self.faults.unplugged
    }

    /// A client has gone or come: nobody hears what was said before.
    pub fn link_changed(&mut self) {
        self.outbox.clear();
    }

    /// The paper that has not been cut yet, as a picture.
    pub fn current_png(&self) -> Option<Vec<u8>> {
        receipt::png(self.typesetter.strip().dots())
    }

    /// Ends the strip as if it were torn off at the cutter; for rendering files that do not cut.
    pub fn tear_off(&mut self, now: Duration) {
        self.typesetter.flush();
        let strip = self.take_strip();
        if !strip.is_blank() {
            self.finish(now, strip, End::Torn);
        }
    }

    /// For the panel and for tests.
    pub fn state(&self) -> serde_json::Value {
        let mut state = self.ledger.state();
        let mechanism = &self.mechanism;
        let mut faults = self.faults.active();
        for (on, name) in [
            (mechanism.paper == Paper::Near, "paper-near"),
            (mechanism.paper == Paper::Out, "paper-out"),
            (mechanism.cover_open, "cover-open"),
            (mechanism.error == Some(Error::Cutter), "cutter-jam"),
            (mechanism.error == Some(Error::HeadHot), "head-hot"),
            (mechanism.error == Some(Error::Unrecoverable), "unrecoverable"),
            (mechanism.offline_switch, "offline"),
            (mechanism.dialect == Dialect::Clone, "clone-status"),
        ] {
            if on && !faults.contains(&name) {
                faults.push(name);
            }
        }
        state["model"] = self.config.model.clone().into();
        state["dots"] = self.config.width.dots().into();
        state["powered"] = self.off_until.is_none().into();
        state["online"] = mechanism.online().into();
        state["paper"] = serde_json::json!(mechanism.paper);
        state["cover"] = if mechanism.cover_open { "open" } else { "closed" }.into();
        state["error"] = serde_json::json!(mechanism.error);
        state["faults"] = faults.into();
        state["in_force"] = serde_json::json!(self.faults.in_force());
        state["buffer"] = serde_json::json!({"used": self.buffer.len() + self.parser.held(), "size": self.config.buffer_bytes});
        state["auto_status"] = self.auto_mask.into();
        state["panel_buttons"] = self.panel_buttons.into();
        state["code_page"] = self.typesetter.code_page().into();
        state["current"] = receipt::summary(self.typesetter.strip());
        state
    }

    fn wire_rate(&self) -> Option<u32> {
        self.faults.slow.or(self.config.wire_bytes_per_second)
    }

    fn may_execute(&self, now: Duration) -> bool {
        self.off_until.is_none() && self.mechanism.online() && self.busy_until <= now
    }

    fn next_deadline(&self, now: Duration) -> Option<Duration> {
        let busy = Some(self.busy_until).filter(|until| *until > now && !self.buffer.is_empty());
        let wire = Some(self.wire_free_at).filter(|at| *at > now);
        let others = [
            self.off_until,
            self.mechanism.cool_at,
            self.drawer.next_deadline(),
            self.held_id.map(|(due, _)| due),
            self.outbox.next_due(),
        ];
        others.into_iter().chain([busy, wire]).flatten().min()
    }

    fn obey_at_once(&mut self, now: Duration, command: RealTime) {
        match command {
            RealTime::Status(n) => {
                let status = self.mechanism.real_time_status(n, self.drawer.pin_high());
                self.say(now, &[status]);
            }
            RealTime::Recover => self.recover(now),
            RealTime::RecoverAndClear => {
                if self.mechanism.recover() {
                    self.clear_buffers();
                }
            }
            RealTime::Pulse { pin } => {
                // The connector is dead while the printer is in error.
                if self.mechanism.error.is_none() {
                    self.pulse(now, pin);
                }
            }
            RealTime::Clear => {
                self.clear_buffers();
                self.say(now, &[0x37, 0x25, 0x00]);
            }
        }
    }

    fn recover(&mut self, now: Duration) {
        if self.mechanism.recover()
            && let Some(end) = self.held_cut.take()
        {
            self.cut_here(now, end);
        }
    }

    /// The solenoid is on pin 2, as in the usual cable.
    fn pulse(&mut self, now: Duration, pin: u8) {
        if pin == 0 {
            self.drawer.kick(now);
        }
    }

    /// Everything that was received and not printed is gone, and with it the promise to answer process ids.
    fn clear_buffers(&mut self) {
        self.buffer.clear();
        self.parser = Parser::default();
        self.held_id = None;
        self.held_line = None;
        self.held_cut = None;
        self.typesetter.discard_line();
    }

    fn power_cycle(&mut self, now: Duration, off: Duration) {
        self.clear_buffers();
        self.typesetter.reset();
        self.watcher = Watcher::default();
        self.outbox.clear();
        self.auto_mask = 0;
        self.xoff_sent = false;
        self.busy_until = now;
        self.off_until = Some(now + off);
        self.hang_up = true;
        self.panel_buttons = true;
        self.mechanism.cool_at = None;
        // The cutter looks for its home position at power-on and finds the paper still in it.
        self.mechanism.error = self.mechanism.jammed.then_some(Error::Cutter);
    }

    fn load_roll(&mut self, now: Duration) {
        self.faults.paper_ends_in_line = false;
        if self.mechanism.paper == Paper::Out {
            let old = self.take_strip();
            if !old.is_blank() {
                self.finish(now, old, End::Torn);
            }
            // What the end of the roll tore apart is printed again as a whole.
            if let Some(line) = self.held_line.take() {
                self.typesetter.strip_mut().append(&line);
            }
        }
        self.mechanism.paper = Paper::Ok;
    }

    /// The paper that hangs out; new paper takes its place, as far as the cutter.
    fn take_strip(&mut self) -> Strip {
        let mut strip = Strip::new(self.config.width.dots());
        strip.feed(self.config.cutter_distance);
        std::mem::replace(self.typesetter.strip_mut(), strip)
    }

    fn finish(&mut self, now: Duration, strip: Strip, end: End) {
        let receipt = Receipt { number: self.ledger.next_number(), at: now, end, strip };
        self.ledger.receipt(&receipt);
        self.finished.push(receipt);
    }

    fn tear_if_endless(&mut self, now: Duration) {
        if self.typesetter.strip().rows() >= ROWS_MAX {
            let strip = self.take_strip();
            self.finish(now, strip, End::Torn);
        }
    }
}

fn portion(rate: u32) -> usize {
    let per_tick = Duration::from_secs(1).as_millis() / WIRE_TICK.as_millis();
    usize::try_from(u128::from(rate) / per_tick).unwrap_or(usize::MAX).max(1)
}
