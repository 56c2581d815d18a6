//! The printer's faults and actions by name.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use crate::device::VerbKind::{Action, Fault, Remedy};
use crate::device::{Verb, VerbError};
use crate::printer::mechanism::{Dialect, Error, Mechanism, Paper};

/// `head-hot` without a number cools in this time.
const COOLING_SECONDS: u32 = 5;
/// `power-cycle` without a number is over in this time.
const POWER_OFF_MS: u32 = 1_000;
/// `late-status` without a number.
const LATE_MS: u32 = 2_000;
/// `garbage` without a number, and at most.
const GARBAGE_BYTES: u32 = 16;
const GARBAGE_BYTES_MAX: u32 = 1024;

/// Everything `sim ctl printer` understands. Every fault takes `off`.
pub const VERBS: &[Verb] = &[
    Verb::new("paper-near", "[off]", "The near-end sensor fires; printing goes on.", Fault),
    Verb::new(
        "paper-out",
        "[mid-line|off]",
        "The roll is at its end, now or in the middle of the next line.",
        Fault,
    ),
    Verb::new("paper-ok", "", "A new roll is loaded; what hung out of the printer is torn off.", Remedy),
    Verb::new("cover-open", "[off]", "The cover is opened.", Fault),
    Verb::new("cover-close", "", "The cover is closed.", Remedy),
    Verb::new("cutter-jam", "[at-cut|off]", "Paper jams the cutter, now or at the next cut.", Fault),
    Verb::new("cutter-free", "", "The jam is pulled out; the host still has to send DLE ENQ.", Remedy),
    Verb::new(
        "head-hot",
        "[SECONDS|off]",
        "The head is too hot and cools by itself (after 5 seconds).",
        Fault,
    ),
    Verb::new("unrecoverable", "[off]", "An error that only switching off and on ends.", Fault),
    Verb::new("offline", "[off]", "Switched off line.", Fault),
    Verb::new("online", "", "Switched on line.", Remedy),
    Verb::new(
        "power-cycle",
        "[MS]",
        "Off (for 1000 ms) and on again: buffer, settings and waiting ids are lost.",
        Fault,
    ),
    Verb::new("unplug", "[off]", "The cable is pulled.", Fault),
    Verb::new("plug", "", "The cable is plugged in again.", Remedy),
    Verb::new("slow", "N|off", "Takes N bytes per second.", Fault),
    Verb::new("stall", "[off]", "Takes no byte at all.", Fault),
    Verb::new("xoff-for-ever", "[off]", "Sends XOFF and takes no byte.", Fault),
    Verb::new("mute", "[off]", "Answers nothing.", Fault),
    Verb::new("late-status", "[MS|off]", "Answers so much later (2000 ms).", Fault),
    Verb::new("no-process-id", "[off]", "Firmware without completion ids.", Fault),
    Verb::new("merge-ids", "[off]", "Answers only the newest of several waiting ids.", Fault),
    Verb::new("drop-id", "[N|off]", "The next N ids (1) get no answer.", Fault),
    Verb::new("wrong-id", "[N|off]", "The next N ids (1) get a wrong answer.", Fault),
    Verb::new("garbage", "[N]", "Sends N random bytes (16).", Fault),
    Verb::new("clone-status", "[off]", "Status bytes of another maker.", Fault),
    Verb::new("stuck-codepage", "[off]", "Firmware that only knows CP437.", Fault),
    Verb::new("clear", "", "Ends every fault.", Remedy),
    Verb::new("tear", "", "Somebody tears off the paper that hangs out.", Action),
    Verb::new("ledger", "[FROM]", "Every receipt from number FROM on, and every process id.", Action),
];

impl Engine {
    /// Performs a verb; the caller advances the engine afterwards.
    pub fn verb(&mut self, now: Duration, name: &str, args: &[String]) -> Result<Value, VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let usage = || verb.usage();
        let arg = match args {
            [] => None,
            [one] if !verb.args.is_empty() => Some(one.as_str()),
            _ => return Err(usage()),
        };
        self.mechanical_verb(now, name, arg)
            .or_else(|| self.wire_verb(now, name, arg))
            .or_else(|| self.firmware_verb(now, name, arg))
            .unwrap_or_else(|| Err(usage()))
    }

    /// `None` when the argument makes no sense or the verb is not of this family.
    fn mechanical_verb(
        &mut self,
        now: Duration,
        name: &str,
        arg: Option<&str>,
    ) -> Option<Result<Value, VerbError>> {
        let mechanism = &mut self.mechanism;
        match (name, arg) {
            ("paper-near", None) => mechanism.paper = Paper::Near,
            ("paper-out", None) => mechanism.paper = Paper::Out,
            ("paper-out", Some("mid-line")) => self.faults.paper_ends_in_line = true,
            ("paper-ok", None) | ("paper-near" | "paper-out", Some("off")) => self.load_roll(now),
            ("cover-open", None) => mechanism.cover_open = true,
            ("cover-close", None) | ("cover-open", Some("off")) => mechanism.cover_open = false,
            ("cutter-jam", None) => {
                mechanism.jammed = true;
                mechanism.error = Some(Error::Cutter);
            }
            ("cutter-jam", Some("at-cut")) => self.faults.jam_at_cut = true,
            ("cutter-jam", Some("off")) => {
                self.faults.jam_at_cut = false;
                mechanism.jammed = false;
                self.recover(now);
            }
            ("cutter-free", None) => mechanism.jammed = false,
            ("head-hot", Some("off")) => {
                mechanism.cool_at = Some(now);
            }
            ("head-hot", seconds) => {
                let cooling = Duration::from_secs(number(seconds, COOLING_SECONDS)?.into());
                mechanism.error = Some(Error::HeadHot);
                mechanism.cool_at = Some(now + cooling);
            }
            ("unrecoverable", None) => mechanism.error = Some(Error::Unrecoverable),
            ("unrecoverable", Some("off")) => mechanism.error = None,
            ("offline", None) => mechanism.offline_switch = true,
            ("online", None) | ("offline", Some("off")) => mechanism.offline_switch = false,
            ("power-cycle", ms) => {
                self.power_cycle(now, Duration::from_millis(number(ms, POWER_OFF_MS)?.into()))
            }
            ("tear", None) => self.tear_off(now),
            ("clear", None) => self.clear_faults(now),
            _ => return None,
        }
        Some(Ok(Value::Null))
    }

    fn wire_verb(
        &mut self,
        now: Duration,
        name: &str,
        arg: Option<&str>,
    ) -> Option<Result<Value, VerbError>> {
        let faults = &mut self.faults;
        match (name, arg) {
            ("unplug", None) => faults.unplugged = true,
            ("plug", None) | ("unplug", Some("off")) => faults.unplugged = false,
            ("slow", Some("off")) => {
                faults.slow = None;
                self.wire_free_at = now;
            }
            ("slow", Some(rate)) => faults.slow = Some(rate.parse().ok().filter(|rate| *rate > 0)?),
            ("stall", _) => faults.stall = switch(arg)?,
            ("xoff-for-ever", _) => faults.xoff_for_ever = switch(arg)?,
            ("mute", _) => faults.mute = switch(arg)?,
            ("late-status", Some("off")) => faults.late = Duration::ZERO,
            ("late-status", ms) => faults.late = Duration::from_millis(number(ms, LATE_MS)?.into()),
            ("garbage", count) => {
                let count = number(count, GARBAGE_BYTES)?.min(GARBAGE_BYTES_MAX);
                let bytes: Vec<u8> = (0..count).map(|_| self.rng.byte()).collect();
                self.say(now, &bytes);
            }
            _ => return None,
        }
        Some(Ok(Value::Null))
    }

    fn firmware_verb(
        &mut self,
        _now: Duration,
        name: &str,
        arg: Option<&str>,
    ) -> Option<Result<Value, VerbError>> {
        let faults = &mut self.faults;
        match (name, arg) {
            ("no-process-id", _) => faults.no_process_id = switch(arg)?,
            ("merge-ids", _) => faults.merge_ids = switch(arg)?,
            ("drop-id", Some("off")) => faults.drop_ids = 0,
            ("drop-id", count) => faults.drop_ids = number(count, 1)?,
            ("wrong-id", Some("off")) => faults.wrong_ids = 0,
            ("wrong-id", count) => faults.wrong_ids = number(count, 1)?,
            ("clone-status", _) => {
                self.mechanism.dialect = if switch(arg)? { Dialect::Clone } else { Dialect::Epson };
            }
            ("stuck-codepage", _) => {
                faults.stuck_codepage = switch(arg)?;
                self.typesetter.set_stuck_codepage(faults.stuck_codepage);
            }
            ("ledger", from) => return Some(Ok(json!(self.ledger.full(number(from, 1)?)))),
            _ => return None,
        }
        Some(Ok(Value::Null))
    }

    /// Everything is repaired, and a job that waited goes on.
    fn clear_faults(&mut self, now: Duration) {
        self.faults = super::Faults::default();
        self.typesetter.set_stuck_codepage(false);
        self.wire_free_at = now;
        if self.mechanism.paper != Paper::Ok {
            self.load_roll(now);
        }
        let cutter = self.mechanism.error == Some(Error::Cutter);
        self.mechanism = Mechanism { error: cutter.then_some(Error::Cutter), ..Mechanism::HEALTHY };
        self.recover(now);
    }
}

/// Nothing means on.
fn switch(arg: Option<&str>) -> Option<bool> {
    match arg {
        None | Some("on") => Some(true),
        Some("off") => Some(false),
        Some(_) => None,
    }
}

fn number<T: std::str::FromStr>(arg: Option<&str>, default: T) -> Option<T> {
    arg.map_or(Some(default), |text| text.parse().ok())
}
