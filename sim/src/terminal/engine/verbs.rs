//! The terminal's faults and actions by name.

use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use crate::device::VerbKind::{Action, Fault as Breaks, Remedy};
use crate::device::{Verb, VerbError};
use crate::terminal::cards::{Card, Entry};
use crate::terminal::config::{Mode, Unanswered};
use crate::terminal::faults::{DECLINED, Fault, Faults, POINTS, Times};

/// `result-late` without a number.
const LATE_MS: u64 = 5_000;
/// `power-cycle` without a number is over in this time.
const POWER_OFF_MS: u64 = 1_000;

/// Everything `sim ctl terminal` understands. A fault strikes once unless a number or `always` follows it.
pub const VERBS: &[Verb] = &[
    Verb::new("mode", "auto|manual", "Who presents the card: an imaginary customer, or you.", Action),
    Verb::new("present-card", "[hold|insert]", "The customer presents the card.", Action),
    Verb::new("pin-ok", "", "The customer enters the PIN.", Action),
    Verb::new("stop", "", "The customer presses the red key.", Action),
    Verb::new("card", "girocard|mastercard|visa|amex", "Which card the customer takes.", Action),
    Verb::new("unanswered", "reverse|book", "What becomes of a payment whose result nobody answers.", Action),
    Verb::new("ledger", "[FROM]", "Every transaction from number FROM on.", Action),
    Verb::new(
        "decline",
        "[CODE] [N|always|off]",
        "The bank says no with this hexadecimal code (05).",
        Breaks,
    ),
    Verb::new("cancel", COUNT, "The customer presses the red key.", Breaks),
    Verb::new("timeout", COUNT, "Nobody presents a card.", Breaks),
    Verb::new("wrong-pin", COUNT, "A PIN is wanted, and wrong; three times end the card.", Breaks),
    Verb::new("busy", COUNT, "The next command is answered \"wait\".", Breaks),
    Verb::new(
        "lose-link",
        "before-ack|after-ack|in-pin|before-result|after-result|after-answer|before-completion|off [MS] [N|always]",
        "The link breaks at this point of a payment or reversal, and stays down so long (0 ms).",
        Breaks,
    ),
    Verb::new("result-late", "[MS] [N|always|off]", "The result comes so much later (5000 ms).", Breaks),
    Verb::new("result-after-abort", COUNT, "An abort is taken, and then the payment approved.", Breaks),
    Verb::new("double-result", COUNT, "The result comes twice.", Breaks),
    Verb::new("wrong-amount", COUNT, "Charges and says 1.00 too much.", Breaks),
    Verb::new("wrong-currency", COUNT, "Charges and says dollars.", Breaks),
    Verb::new("empty-repeat", COUNT, "Repeats no receipt.", Breaks),
    Verb::new("refuse-abort", COUNT, "Cannot be aborted.", Breaks),
    Verb::new("refuse-reversal", COUNT, "Reverses nothing.", Breaks),
    Verb::new("banner", COUNT, "Greets the next connection with words before the protocol.", Breaks),
    Verb::new("split-bytes", COUNT, "Sends single bytes during the next command.", Breaks),
    Verb::new("glued", COUNT, "Sends several messages at once, waiting for no answer.", Breaks),
    Verb::new("nak", COUNT, "Refuses the next frame on the serial line.", Breaks),
    Verb::new("bad-crc", COUNT, "Sends the next frame on the serial line with a wrong checksum.", Breaks),
    Verb::new("ext-length", COUNT, "Writes the length of the next result in three bytes.", Breaks),
    Verb::new("truncated", COUNT, "The second half of the next result never comes.", Breaks),
    Verb::new("unknown-bmp", COUNT, "The next result holds a field nobody knows.", Breaks),
    Verb::new("deep-tlv", COUNT, "The next result holds containers in containers, forty deep.", Breaks),
    Verb::new("needs-init", "[off]", "Has to be initialised before it takes money.", Breaks),
    Verb::new("eod-open", "[off]", "Has to end its day before it takes money.", Breaks),
    Verb::new("dead", "[off]", "Hears nothing and says nothing.", Breaks),
    Verb::new(
        "power-cycle",
        "[MS]",
        "Off (for 1000 ms) and on again; it remembers its transactions.",
        Breaks,
    ),
    Verb::new("unplug", "[off]", "The cable is pulled.", Breaks),
    Verb::new("plug", "", "The cable is plugged in again.", Remedy),
    Verb::new("clear", "", "Ends every fault.", Remedy),
];

/// The arguments of most faults.
const COUNT: &str = "[N|always|off]";

impl Engine {
    /// Performs a verb.
    pub fn verb(&mut self, now: Duration, name: &str, args: &[String]) -> Result<Value, VerbError> {
        let verb = Verb::find(VERBS, name)?;
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        let done = match verb.kind {
            Breaks if name == "power-cycle" => self.power_verb(now, &words),
            Breaks => Fault::by_verb(name).and_then(|fault| self.arm(fault, &words)).map(Ok),
            Action | Remedy => self.act(name, &words),
        };
        done.unwrap_or_else(|| Err(verb.usage()))?;
        self.run(now);
        Ok(if name == "ledger" { self.ledger(&words) } else { Value::Null })
    }

    /// `None` when the words make no sense; the same below.
    fn arm(&mut self, fault: Fault, words: &[&str]) -> Option<()> {
        if words == ["off"] {
            self.faults.disarm(fault);
            return Some(());
        }
        let times = match (fault, words) {
            (Fault::LoseLink, [point, rest @ ..]) => {
                let (_, point) = POINTS.iter().find(|(name, _)| name == point)?;
                let (down, rest) = leading_number(rest);
                let times = Times::parse(rest)?;
                self.faults.point = *point;
                self.faults.link_down = Duration::from_millis(down.unwrap_or(0));
                times
            }
            (Fault::LoseLink, []) => return None,
            (Fault::ResultLate, _) => {
                let (late, rest) = leading_number(words);
                let times = Times::parse(rest)?;
                self.faults.late = Duration::from_millis(late.unwrap_or(LATE_MS));
                times
            }
            (Fault::Decline, [code, rest @ ..]) if is_code(code) => {
                let times = Times::parse(rest)?;
                self.faults.decline_code = u8::from_str_radix(code, 16).ok().filter(|code| *code != 0)?;
                times
            }
            (Fault::Decline, _) => {
                let times = Times::parse(words)?;
                self.faults.decline_code = DECLINED;
                times
            }
            _ if fault.lasts() && !words.is_empty() => return None,
            _ => Times::parse(words)?,
        };
        self.faults.arm(fault, times);
        Some(())
    }

    fn power_verb(&mut self, now: Duration, words: &[&str]) -> Option<Result<(), VerbError>> {
        let (ms, []) = leading_number(words) else { return None };
        self.power_cycle(now, Duration::from_millis(ms.unwrap_or(POWER_OFF_MS)));
        Some(Ok(()))
    }

    fn act(&mut self, name: &str, words: &[&str]) -> Option<Result<(), VerbError>> {
        match (name, words) {
            ("mode", ["auto"]) => self.config.mode = Mode::Auto,
            ("mode", ["manual"]) => self.config.mode = Mode::Manual,
            ("unanswered", ["reverse"]) => self.config.unanswered = Unanswered::Reverse,
            ("unanswered", ["book"]) => self.config.unanswered = Unanswered::Book,
            ("card", [word]) => self.card = Card::by_word(word)?,
            ("present-card", [] | ["hold"]) => return Some(self.present_card(Entry::Hold)),
            ("present-card", ["insert"]) => return Some(self.present_card(Entry::Insert)),
            ("pin-ok", []) => return Some(self.enter_pin()),
            ("stop", []) => return Some(self.press_stop()),
            ("plug", []) => self.faults.disarm(Fault::Unplug),
            ("clear", []) => self.faults = Faults::default(),
            ("ledger", []) => {}
            ("ledger", [from]) => {
                from.parse::<u64>().ok()?;
            }
            _ => return None,
        }
        Some(Ok(()))
    }

    fn ledger(&self, words: &[&str]) -> Value {
        let from = words.first().and_then(|word| word.parse().ok()).unwrap_or(1);
        json!(self.book.from(from))
    }
}

/// Two hexadecimal digits; a single digit is a count.
fn is_code(word: &str) -> bool {
    word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn leading_number<'a, 'b>(words: &'a [&'b str]) -> (Option<u64>, &'a [&'b str]) {
    match words {
        [first, rest @ ..] if first.parse::<u64>().is_ok() => (first.parse().ok(), rest),
        _ => (None, words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::cards::CARDS;
    use crate::terminal::faults::ALL;

    #[test]
    fn every_fault_has_a_verb_and_every_card_is_offered() {
        for (_, name) in ALL {
            assert!(VERBS.iter().any(|verb| verb.name == *name && verb.kind == Breaks), "{name}");
        }
        let offered = VERBS.iter().find(|verb| verb.name == "card").unwrap().args;
        assert_eq!(
            offered.split('|').collect::<Vec<_>>(),
            CARDS.iter().map(|card| card.word).collect::<Vec<_>>()
        );
        let points = VERBS.iter().find(|verb| verb.name == "lose-link").unwrap().args;
        assert!(POINTS.iter().all(|(name, _)| points.split('|').any(|word| word == *name)));
    }
}
