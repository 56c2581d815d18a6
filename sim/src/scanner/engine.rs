//! The scanner as a machine without a wire.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::code::{BYTES_MAX, Code};
use crate::device::VerbKind::{Action, Fault, Remedy};
use crate::device::{Verb, VerbError};
use crate::shell::{Cable, Demand};

/// The ledger keeps this many readings.
const READINGS_MAX: usize = 10_000;
/// How many of them the state shows.
const READINGS_SHOWN: usize = 20;
/// Bytes that wait on a slow line; a person does not scan faster.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// `slow` without a number: 9600 baud with pauses of a busy firmware.
const SLOW_MS: u64 = 20;
/// `long` without a number.
const LONG_BYTES: usize = 4096;
/// What `control-bytes` mixes in.
const CONTROL_BYTES: &[u8] = &[0x00, 0x02, 0x07, 0x1B, 0x7F, 0x80, 0xFF];

/// Everything `sim ctl scanner` understands.
pub const VERBS: &[Verb] = &[
    Verb::new(
        "scan",
        "CODE [SYMBOLOGY]",
        "A code is read; {GS} stands for a GS1 separator. SYMBOLOGY: ean13, ean8, code128, gs1-128, databar, \
         datamatrix, gs1-datamatrix, qr, gs1-qr; without it the likeliest.",
        Action,
    ),
    Verb::new("aim", "on|off", "Whether the symbology's id is sent before the code.", Action),
    Verb::new("no-suffix", "[off]", "Sends no carriage return after a code.", Fault),
    Verb::new("slow", "[MS|off]", "So many milliseconds (20) between two characters.", Fault),
    Verb::new("glued", "[off]", "The next code is held back and sent together with the one after it.", Fault),
    Verb::new(
        "control-bytes",
        "[off]",
        "Control and 8-bit bytes between the characters of every code.",
        Fault,
    ),
    Verb::new("long", "[BYTES]", "Reads a code of so many characters (4096).", Fault),
    Verb::new("unplug-mid-code", "[off]", "The cable is pulled in the middle of the next code.", Fault),
    Verb::new("unplug", "[off]", "The cable is pulled.", Fault),
    Verb::new("plug", "", "The cable is plugged in again.", Remedy),
    Verb::new("clear", "", "Ends every fault.", Remedy),
];

/// The settings of one emulated scanner.
#[derive(Debug, Clone)]
pub struct Config {
    /// What ends a code.
    pub suffix: Vec<u8>,
    /// Whether the symbology's id is sent before the code.
    pub aim_id: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { suffix: b"\r".to_vec(), aim_id: true }
    }
}

/// What is wrong; nothing by default.
#[derive(Debug, Clone, Default)]
struct Faults {
    no_suffix: bool,
    /// Between two characters; zero = as fast as the port.
    pause: Duration,
    /// Armed until the next code.
    hold: bool,
    control_bytes: bool,
    unplug_mid_code: bool,
    unplugged: bool,
}

#[derive(Debug, Clone, serde::Serialize)]
struct Reading {
    number: u64,
    at_ms: u64,
    code: String,
}

#[derive(Debug)]
pub struct Engine {
    config: Config,
    faults: Faults,
    connected: bool,
    outbound: VecDeque<u8>,
    next_byte_at: Duration,
    /// A code that waits for the next one.
    held: Vec<u8>,
    /// The cable goes out when everything was written.
    unplug_when_flushed: bool,
    readings: VecDeque<Reading>,
    readings_total: u64,
}

impl Engine {
    pub fn new(config: Config) -> Self {
        Self {
            config,
            faults: Faults::default(),
            connected: false,
            outbound: VecDeque::new(),
            next_byte_at: Duration::ZERO,
            held: Vec::new(),
            unplug_when_flushed: false,
            readings: VecDeque::new(),
            readings_total: 0,
        }
    }

    /// Nobody hears what was not sent yet.
    pub fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
        self.outbound.clear();
        self.held.clear();
        self.unplug_when_flushed = false;
    }

    pub fn advance(&mut self, now: Duration, flushed: bool) -> Demand {
        if self.unplug_when_flushed && flushed && self.outbound.is_empty() {
            self.unplug_when_flushed = false;
            self.faults.unplugged = true;
        }
        let output = self.take_output(now);
        let slow = !self.faults.pause.is_zero() && !self.outbound.is_empty();
        Demand {
            deadline: slow.then_some(self.next_byte_at),
            output,
            cable: if self.faults.unplugged { Cable::Unplugged } else { Cable::Plugged },
        }
    }

    fn take_output(&mut self, now: Duration) -> Vec<u8> {
        if self.faults.pause.is_zero() {
            return self.outbound.drain(..).collect();
        }
        if now < self.next_byte_at {
            return Vec::new();
        }
        self.next_byte_at = now + self.faults.pause;
        self.outbound.pop_front().into_iter().collect()
    }

    /// Performs a verb.
    pub fn verb(&mut self, now: Duration, name: &str, args: &[String]) -> Result<(), VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let usage = || verb.usage();
        match (name, words.as_slice()) {
            ("scan", [text]) => self.scan(now, &Code::new(text, None).ok_or_else(usage)?)?,
            ("scan", [text, symbology]) => {
                self.scan(now, &Code::new(text, Some(symbology)).ok_or_else(usage)?)?;
            }
            ("long", count @ ([] | [_])) => {
                let count = count.first().map_or(Ok(LONG_BYTES), |count| count.parse());
                let count = count.ok().filter(|count| (1..=BYTES_MAX).contains(count)).ok_or_else(usage)?;
                let digits: String = ('0'..='9').cycle().take(count).collect();
                self.scan(now, &Code::new(&digits, Some("qr")).ok_or_else(usage)?)?;
            }
            ("aim", [word]) => self.config.aim_id = switch(Some(word)).ok_or_else(usage)?,
            ("plug", []) => self.faults.unplugged = false,
            ("clear", []) => {
                self.faults = Faults::default();
                self.outbound.extend(std::mem::take(&mut self.held));
            }
            _ => self.fault(name, words.as_slice()).ok_or_else(usage)?,
        }
        Ok(())
    }

    /// `None` when the words make no sense.
    fn fault(&mut self, name: &str, words: &[&str]) -> Option<()> {
        let word = match words {
            [] => None,
            [word] => Some(*word),
            _ => return None,
        };
        let faults = &mut self.faults;
        match name {
            "no-suffix" => faults.no_suffix = switch(word)?,
            "glued" => {
                faults.hold = switch(word)?;
                if !faults.hold {
                    self.outbound.extend(std::mem::take(&mut self.held));
                }
            }
            "control-bytes" => faults.control_bytes = switch(word)?,
            "unplug-mid-code" => faults.unplug_mid_code = switch(word)?,
            "unplug" => faults.unplugged = switch(word)?,
            "slow" if word == Some("off") => faults.pause = Duration::ZERO,
            "slow" => {
                let ms = word.map_or(Ok(SLOW_MS), str::parse).ok().filter(|ms| *ms > 0)?;
                faults.pause = Duration::from_millis(ms);
            }
            _ => return None,
        }
        Some(())
    }

    fn scan(&mut self, now: Duration, code: &Code) -> Result<(), VerbError> {
        if !self.connected {
            return Err(VerbError::Refused("the kiosk has not opened the scanner".to_owned()));
        }
        let mut bytes = code.bytes(self.config.aim_id);
        if self.faults.control_bytes {
            let noise = CONTROL_BYTES.iter().copied().cycle();
            bytes = bytes.into_iter().zip(noise).flat_map(|(byte, noise)| [byte, noise]).collect();
        }
        if !self.faults.no_suffix {
            bytes.extend(&self.config.suffix);
        }
        if self.outbound.len() + self.held.len() + bytes.len() > WAITING_BYTES_MAX {
            return Err(VerbError::Refused("the slow line is full".to_owned()));
        }
        self.note(now, code);
        if std::mem::take(&mut self.faults.unplug_mid_code) {
            bytes.truncate(bytes.len() / 2);
            self.unplug_when_flushed = true;
        }
        if std::mem::take(&mut self.faults.hold) {
            self.held.extend(bytes);
        } else {
            self.outbound.extend(std::mem::take(&mut self.held));
            self.outbound.extend(bytes);
        }
        Ok(())
    }

    fn note(&mut self, now: Duration, code: &Code) {
        self.readings_total += 1;
        if self.readings.len() == READINGS_MAX {
            self.readings.pop_front();
        }
        let at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.readings.push_back(Reading { number: self.readings_total, at_ms, code: code.text.clone() });
    }

    /// Keys are stable: the panel and tests read them.
    pub fn state(&self) -> Value {
        let faults = &self.faults;
        let active: Vec<_> = [
            (faults.no_suffix, "no-suffix"),
            (!faults.pause.is_zero(), "slow"),
            (faults.hold || !self.held.is_empty(), "glued"),
            (faults.control_bytes, "control-bytes"),
            (faults.unplug_mid_code, "unplug-mid-code"),
            (faults.unplugged, "unplug"),
        ]
        .into_iter()
        .filter_map(|(on, name)| on.then_some(name))
        .collect();
        let hidden = self.readings.len().saturating_sub(READINGS_SHOWN);
        json!({
            "aim": self.config.aim_id,
            "faults": active,
            "in_force": self.in_force(),
            "unsent": self.outbound.len() + self.held.len(),
            "scans_total": self.readings_total,
            "scans": self.readings.iter().skip(hidden).collect::<Vec<_>>(),
        })
    }
}

impl Engine {
    fn in_force(&self) -> Value {
        let mut in_force = json!({"aim": if self.config.aim_id { "on" } else { "off" }});
        if !self.faults.pause.is_zero() {
            in_force["slow"] = self.faults.pause.as_millis().to_string().into();
        }
        in_force
    }
}

/// Nothing means on.
fn switch(word: Option<&str>) -> Option<bool> {
    match word {
        None | Some("on") => Some(true),
        Some("off") => Some(false),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scanner whose kiosk listens.
    struct Bench {
        engine: Engine,
        now: Duration,
    }

    impl Bench {
        fn new() -> Self {
            let mut engine = Engine::new(Config { aim_id: false, ..Config::default() });
            engine.set_connected(true);
            Self { engine, now: Duration::ZERO }
        }

        fn verb(&mut self, line: &str) {
            let mut words = line.split(' ').map(str::to_owned);
            let name = words.next().unwrap();
            self.engine.verb(self.now, &name, &words.collect::<Vec<_>>()).unwrap();
        }

        /// Everything the kiosk hears until the scanner is quiet.
        fn hear(&mut self) -> Vec<u8> {
            let mut heard = Vec::new();
            loop {
                let demand = self.engine.advance(self.now, true);
                heard.extend(demand.output);
                match demand.deadline {
                    Some(deadline) => self.now = deadline,
                    None => return heard,
                }
            }
        }

        fn faults(&self) -> Value {
            self.engine.state()["faults"].clone()
        }
    }

    #[test]
    fn a_code_ends_with_a_carriage_return_and_may_begin_with_its_symbology() {
        let mut bench = Bench::new();
        bench.verb("scan 2000000000015");
        assert_eq!(bench.hear(), b"2000000000015\r");
        bench.verb("aim on");
        bench.verb("scan 2000000000015");
        assert_eq!(bench.hear(), b"]E02000000000015\r");
        assert_eq!(bench.engine.state()["scans"][1]["code"], "2000000000015");
    }

    #[test]
    fn without_suffix_two_codes_run_into_each_other() {
        let mut bench = Bench::new();
        bench.verb("no-suffix");
        bench.verb("scan 1234");
        bench.verb("scan 5678");
        assert_eq!(bench.hear(), b"12345678");
        bench.verb("no-suffix off");
        bench.verb("scan 9");
        assert_eq!(bench.hear(), b"9\r");
    }

    #[test]
    fn a_slow_line_sends_one_character_at_a_time() {
        let mut bench = Bench::new();
        bench.verb("slow 50");
        bench.verb("scan 1234");
        assert_eq!(bench.engine.advance(bench.now, true).output, b"1");
        assert_eq!(bench.engine.advance(bench.now, true).output, b"", "the next one is not due yet");
        assert_eq!(bench.hear(), b"234\r");
        assert_eq!(bench.now, Duration::from_millis(200));
    }

    #[test]
    fn glued_codes_come_in_one_piece() {
        let mut bench = Bench::new();
        bench.verb("glued");
        bench.verb("scan 1234");
        assert_eq!(bench.hear(), b"");
        assert_eq!(bench.faults(), json!(["glued"]));
        bench.verb("scan 5678");
        assert_eq!(bench.hear(), b"1234\r5678\r");
        assert_eq!(bench.faults(), json!([]));
    }

    #[test]
    fn control_bytes_stand_between_the_characters() {
        let mut bench = Bench::new();
        bench.verb("control-bytes");
        bench.verb("scan 123");
        assert_eq!(bench.hear(), b"1\x002\x023\x07\r");
    }

    #[test]
    fn a_long_code_is_as_long_as_asked() {
        let mut bench = Bench::new();
        bench.verb("long");
        assert_eq!(bench.hear().len(), LONG_BYTES + 1);
        bench.verb("long 9000");
        assert_eq!(bench.hear().len(), 9001);
    }

    #[test]
    fn the_cable_goes_out_after_half_a_code() {
        let mut bench = Bench::new();
        bench.verb("unplug-mid-code");
        bench.verb("scan 12345678");
        let demand = bench.engine.advance(bench.now, true);
        assert_eq!((demand.output.as_slice(), demand.cable), (b"1234".as_slice(), Cable::Plugged));
        assert_eq!(bench.engine.advance(bench.now, false).cable, Cable::Plugged, "not before it was written");
        assert_eq!(bench.engine.advance(bench.now, true).cable, Cable::Unplugged);
        bench.engine.set_connected(false);
        let refused = bench.engine.verb(bench.now, "scan", &["1".to_owned()]);
        assert!(matches!(refused, Err(VerbError::Refused(_))));
        bench.verb("plug");
        assert_eq!(bench.engine.advance(bench.now, true).cable, Cable::Plugged);
    }

    #[test]
    fn every_symbology_is_named_where_it_is_asked_for() {
        let help = Verb::find(VERBS, "scan").unwrap().help;
        for (name, _) in super::super::code::SYMBOLOGIES {
            assert!(help.split([' ', ',', ';']).any(|word| word == *name), "{name}");
        }
    }

    #[test]
    fn settings_and_numbers_in_force_are_told() {
        let mut bench = Bench::new();
        assert_eq!(bench.engine.state()["in_force"], json!({"aim": "off"}));
        bench.verb("aim on");
        bench.verb("slow 50");
        assert_eq!(bench.engine.state()["in_force"], json!({"aim": "on", "slow": "50"}));
    }

    #[test]
    fn wrong_words_change_nothing() {
        let mut bench = Bench::new();
        for line in ["scan", "scan 1 runes", "slow 0", "slow often", "long 0", "aim perhaps", "plug in"] {
            let mut words = line.split(' ').map(str::to_owned);
            let name = words.next().unwrap();
            let result = bench.engine.verb(bench.now, &name, &words.collect::<Vec<_>>());
            assert!(matches!(result, Err(VerbError::Usage(_))), "{line}");
        }
        assert_eq!(bench.faults(), json!([]));
        assert_eq!(bench.hear(), b"");
    }
}
