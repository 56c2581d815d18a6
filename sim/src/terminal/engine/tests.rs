//! A till written from the protocol's description, on virtual time, against the engine.

mod charge;
mod hook;
mod link;
mod noise;
mod oddities;
mod reversal;
mod service;

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::Engine;
use crate::device::VerbError;
use crate::shell::{Cable, Demand};
use crate::terminal::book::Book;
use crate::terminal::channel::Framing;
use crate::terminal::config::Config;

/// Registration of an unattended till that prints: intermediate statuses, text blocks.
const REGISTER: &str = "06 00 10 00 00 00 BE 09 78 03 01 06 06 26 04 0A 02 06 D3";
const OK: &str = "80 00 00";
const WAIT: &str = "84 9C 00";
/// Nothing takes longer than this.
const LIMIT: Duration = Duration::from_secs(600);

/// `25.00`.
fn pay(minor: u64) -> String {
    let digits = format!("{minor:012}");
    let pairs: Vec<&str> = (0..6).map(|at| &digits[2 * at..2 * at + 2]).collect();
    format!("06 01 07 04 {}", pairs.join(" "))
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The terminal and a till at its wire.
struct Bench {
    engine: Engine,
    now: Duration,
    /// Bytes that are no whole message yet.
    heard: Vec<u8>,
    /// Everything the terminal has said since the last command.
    said: Vec<Vec<u8>>,
    /// Answers to results, in hexadecimal; nothing = no answer. After them every result is taken.
    verdicts: VecDeque<&'static str>,
    /// Whether anything but results is answered.
    answering: bool,
    connected: bool,
    /// The link broke during the last command.
    lost: bool,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self::with_book(config, Book::default())
    }

    fn with_book(config: Config, book: Book) -> Self {
        let mut bench = Self {
            engine: Engine::new(config, book, 0),
            now: Duration::ZERO,
            heard: Vec::new(),
            said: Vec::new(),
            verdicts: VecDeque::new(),
            answering: true,
            connected: false,
            lost: false,
        };
        bench.connect();
        bench
    }

    /// A registered till at a terminal with default settings.
    fn registered() -> Self {
        Self::registered_at(Config::default())
    }

    fn registered_at(config: Config) -> Self {
        let mut bench = Self::new(config);
        bench.register();
        bench
    }

    fn register(&mut self) {
        self.command(REGISTER);
        assert_eq!(self.commands(), ["80 00", "06 0F"]);
    }

    fn connect(&mut self) {
        self.heard.clear();
        self.engine.connected();
        self.connected = true;
    }

    /// Connects again after a broken link and registers.
    fn come_back(&mut self) {
        assert!(!self.connected, "the link did not break");
        self.connect();
        self.register();
    }

    fn verb(&mut self, line: &str) {
        self.try_verb(line).unwrap();
    }

    fn try_verb(&mut self, line: &str) -> Result<Value, VerbError> {
        let mut words = line.split(' ').map(str::to_owned);
        let name = words.next().unwrap();
        self.engine.verb(self.now, &name, &words.collect::<Vec<_>>())
    }

    /// Sends a command and talks until the terminal has ended the conversation or the link.
    fn command(&mut self, message: &str) {
        self.start(message);
        self.finish();
    }

    /// Sends a command and talks until the terminal waits for a person.
    fn start(&mut self, message: &str) {
        self.said.clear();
        self.lost = false;
        self.send(&hex(message));
        while self.step_now() {}
    }

    /// Talks on until the conversation is over.
    fn finish(&mut self) {
        while !self.is_over() && self.step() {
            assert!(self.now < LIMIT, "it never ends: {:?}", self.commands());
        }
        while self.step_now() {}
    }

    fn is_over(&self) -> bool {
        self.lost || self.said.last().is_some_and(|last| matches!(last[..2], [0x06, 0x0F | 0x1E] | [0x84, _]))
    }

    /// Lets time pass without talking.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            while self.step_now() {}
            match self.demand().deadline.filter(|deadline| *deadline <= until) {
                Some(deadline) => self.now = self.now.max(deadline),
                None => break,
            }
        }
        self.now = until;
        while self.step_now() {}
    }

    /// Says what is to be said, or waits for the next thing to happen; `false` when nothing will.
    fn step(&mut self) -> bool {
        if self.step_now() {
            return true;
        }
        let deadline = self.demand().deadline;
        if let Some(deadline) = deadline {
            self.now = self.now.max(deadline);
        }
        deadline.is_some()
    }

    /// Says what is to be said now.
    fn step_now(&mut self) -> bool {
        let demand = self.demand();
        if demand.cable != Cable::Plugged && self.connected {
            self.connected = false;
            self.lost = true;
            self.engine.disconnected(self.now);
            return true;
        }
        self.heard.extend(&demand.output);
        let mut moved = !demand.output.is_empty();
        while let Some(message) = self.take_message() {
            moved = true;
            let answer = self.answer(&message);
            self.said.push(message);
            if let Some(answer) = answer {
                self.send(&hex(answer));
            }
        }
        moved
    }

    fn demand(&mut self) -> Demand {
        self.engine.advance(self.now, true)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.engine.receive(self.now, bytes);
    }

    fn take_message(&mut self) -> Option<Vec<u8>> {
        let (header, length) = match self.heard.as_slice() {
            [_, _, 0xFF, low, high, ..] => (5, usize::from(*low) + 256 * usize::from(*high)),
            [_, _, 0xFF, ..] => return None,
            [_, _, length, ..] => (3, usize::from(*length)),
            _ => return None,
        };
        (self.heard.len() >= header + length).then(|| self.heard.drain(..header + length).collect())
    }

    fn answer(&mut self, message: &[u8]) -> Option<&'static str> {
        match message[..2] {
            [0x80 | 0x84, _] => None,
            [0x04, 0x0F] => Some(self.verdicts.pop_front().unwrap_or(OK)).filter(|answer| !answer.is_empty()),
            _ => self.answering.then_some(OK),
        }
    }

    /// The command bytes of everything said since the last command; statuses with their code.
    fn commands(&self) -> Vec<String> {
        let name = |message: &Vec<u8>| match message.as_slice() {
            [0x04, 0xFF, _, status, ..] => format!("04 FF {status:02X}"),
            [0x84, code, ..] => format!("84 {code:02X}"),
            [0x06, 0x1E, _, code, ..] => format!("06 1E {code:02X}"),
            [class, instruction, ..] => format!("{class:02X} {instruction:02X}"),
            _ => "?".to_owned(),
        };
        self.said.iter().map(name).collect()
    }

    /// The last result (`04 0F`).
    fn result(&self) -> &[u8] {
        self.said.iter().rfind(|message| message[..2] == [0x04, 0x0F]).expect("a result was sent")
    }

    /// The result code of the last result.
    fn result_code(&self) -> u8 {
        assert_eq!(self.result()[3], 0x27, "the code comes first");
        self.result()[4]
    }

    fn state(&self) -> Value {
        self.engine.state()
    }

    fn ledger(&self) -> Value {
        self.state()["ledger"].clone()
    }

    /// The last transaction's state.
    fn last(&self) -> Value {
        self.ledger()["transactions"].as_array().unwrap().last().unwrap().clone()
    }

    fn last_state(&self) -> String {
        self.last()["state"].as_str().unwrap().to_owned()
    }

    fn faults(&self) -> Value {
        self.state()["faults"].clone()
    }
}
