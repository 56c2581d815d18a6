//! Conversations with a scripted terminal, byte by byte, with time as a number. Every script runs over TCP and over
//! a serial line.

mod faults;
mod flows;
mod held;

use std::time::Duration;

use super::*;
use crate::terminal::codec::apdu;
use crate::terminal::codec::captures::bytes;
use crate::terminal::event::{LastAnswer, ResultAnswer, Reversal, ReversedBy};
use crate::terminal::money::Money;
use crate::terminal::profile::{Framing, Profile};
use crate::terminal::types::{ChargeRequest, ReversalRequest};

/// The approval of 25.00 EUR that most scripts use: trace 975, receipt 231.
const APPROVED: &str = "04 0F 17 27 00 04 000000002500 49 0978 0B 000975 87 0231 88 000044";
/// The same with another trace and receipt.
const ANOTHER: &str = "04 0F 17 27 00 04 000000002500 49 0978 0B 000976 87 0232 88 000045";
const DECLINED: &str = "04 0F 10 27 05 04 000000002500 0B 000975 87 0231";
const CHARGE: &str = "06 01 0C 04 000000002500 49 0978 02 0A";
const OK: &str = "80 00 00";
const WAIT: &str = "84 9C 00";
const NO_GOODS: &str = "84 66 00";
const ABORT: &str = "06 B0 00";
const DONE: &str = "06 0F 00";

/// A session and the terminal at the other end of its line.
struct Bench {
    session: Session,
    terminal: Framer,
    /// What the till sent over TCP; a serial line's framing reads it by itself.
    heard: Vec<u8>,
    at: At,
}

impl Bench {
    /// Not connected yet.
    fn new(settings: TerminalSettings) -> Self {
        let terminal = Framer::new(settings.framing, &settings.profile.timers);
        Self { session: Session::new(settings), terminal, heard: Vec::new(), at: seconds(1000) }
    }

    /// Connected and registered.
    fn registered(settings: TerminalSettings) -> Self {
        let mut bench = Self::new(settings);
        bench.connect();
        bench
    }

    fn connect(&mut self) {
        self.terminal = Framer::new(self.session.settings.framing, &self.session.settings.profile.timers);
        self.session.connected(self.at);
        self.settle();
        assert_eq!(self.said().len(), 1, "a registration");
        self.tell(OK);
        self.tell("06 0F 0A 19 00 29 52523535 49 0978");
        assert_eq!(self.said(), [OK]);
        let events = self.events();
        assert_eq!(events[0], TerminalEvent::Started(CommandKind::Register));
        assert!(matches!(&events[1], TerminalEvent::Registered(registration)
            if registration.terminal_id == Some(52_523_535)));
        assert!(self.session.is_idle());
    }

    /// A charge of 25.00 that the terminal has taken on.
    fn charging(settings: TerminalSettings) -> Self {
        let mut bench = Self::registered(settings);
        bench.start(charge());
        let mut said = bench.said();
        assert_eq!(said.len(), 1);
        assert!(said.remove(0).starts_with("06 01"));
        bench.tell(OK);
        assert_eq!(bench.events(), [TerminalEvent::Started(CommandKind::Charge)]);
        bench
    }

    /// A charge whose approval was reported and not answered.
    fn holding(settings: TerminalSettings) -> Self {
        let mut bench = Self::charging(settings);
        bench.tell(APPROVED);
        assert!(matches!(bench.events()[..], [TerminalEvent::Result(_)]));
        assert!(bench.said().is_empty(), "an approval is not answered by itself");
        bench
    }

    fn start(&mut self, command: Command) {
        self.session.start(self.at, command).unwrap();
        self.settle();
    }

    /// The terminal sends a message.
    fn tell(&mut self, hex: &str) {
        self.terminal
            .send(self.at, &Apdu::decode(&bytes(hex)).unwrap_or_else(|| panic!("{hex} is no message")));
        self.settle();
    }

    /// Bytes go both ways until nobody has more to say.
    fn settle(&mut self) {
        loop {
            let out = self.session.output().to_vec();
            let back = self.terminal.output().to_vec();
            if out.is_empty() && back.is_empty() {
                return;
            }
            self.session.written(out.len());
            match self.session.settings.framing {
                Framing::Stream | Framing::LengthPrefixed => self.heard.extend(out),
                Framing::SerialCrc | Framing::SerialLrc => self.terminal.on_bytes(self.at, &out),
            }
            self.terminal.written(back.len());
            self.session.on_bytes(self.at, &back);
        }
    }

    /// The messages the till sent since the last look.
    fn said(&mut self) -> Vec<String> {
        let mut said = self.said_over_tcp();
        while let Some(inbound) = self.terminal.next() {
            if let Inbound::Message(message) = inbound {
                said.push(message.encode());
            }
        }
        let hex =
            |message: Vec<u8>| message.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
        said.into_iter().map(hex).collect()
    }

    /// Our own messages are whole, so their lengths alone cut them.
    fn said_over_tcp(&mut self) -> Vec<Vec<u8>> {
        let prefix = if self.session.settings.framing == Framing::LengthPrefixed { 2 } else { 0 };
        let mut said = Vec::new();
        while !self.heard.is_empty() {
            let (header, length) = apdu::header(&self.heard[prefix..]).unwrap();
            let message: Vec<u8> = self.heard.drain(..prefix + header + length).skip(prefix).collect();
            said.push(message);
        }
        said
    }

    fn events(&mut self) -> Vec<TerminalEvent> {
        std::iter::from_fn(|| self.session.next_event()).collect()
    }

    /// Time passes; every deadline on the way is kept.
    fn pass(&mut self, duration: Duration) {
        let end = self.at + duration;
        while let Some(due) = self.session.next_deadline().filter(|due| *due <= end) {
            self.at = self.at.max(due);
            self.session.on_deadline(self.at);
            self.settle();
        }
        self.at = end;
    }
}

fn charge() -> Command {
    Command::Charge(ChargeRequest { amount: Money::eur(2500) })
}

fn reversal() -> Command {
    Command::Reverse(ReversalRequest { receipt_no: 231, amount: Money::eur(2500) })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The same script over TCP and over both serial lines.
fn on_every_link(script: impl Fn(TerminalSettings)) {
    for framing in [Framing::Stream, Framing::LengthPrefixed, Framing::SerialCrc, Framing::SerialLrc] {
        script(TerminalSettings { framing, ..TerminalSettings::standard() });
    }
}

fn with_profile(name: &str) -> TerminalSettings {
    TerminalSettings { profile: Profile::named(name).unwrap(), ..TerminalSettings::standard() }
}

fn result_of(event: &TerminalEvent) -> &TransactionResult {
    match event {
        TerminalEvent::Result(result) | TerminalEvent::StrayResult(result) => result,
        other => panic!("no result: {other:?}"),
    }
}

fn loss(event: &TerminalEvent) -> Loss {
    match event {
        TerminalEvent::Lost(loss) => *loss,
        other => panic!("no loss: {other:?}"),
    }
}
