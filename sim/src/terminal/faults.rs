//! What goes wrong, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that can be armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Decline,
    Cancel,
    Timeout,
    WrongPin,
    Busy,
    LoseLink,
    ResultLate,
    ResultAfterAbort,
    DoubleResult,
    WrongAmount,
    WrongCurrency,
    EmptyRepeat,
    RefuseAbort,
    RefuseReversal,
    Banner,
    SplitBytes,
    Glued,
    Nak,
    BadCrc,
    ExtLength,
    Truncated,
    UnknownBmp,
    DeepTlv,
    NeedsInit,
    EodOpen,
    Dead,
    Unplug,
}

/// Every fault with its verb.
pub const ALL: &[(Fault, &str)] = &[
    (Fault::Decline, "decline"),
    (Fault::Cancel, "cancel"),
    (Fault::Timeout, "timeout"),
    (Fault::WrongPin, "wrong-pin"),
    (Fault::Busy, "busy"),
    (Fault::LoseLink, "lose-link"),
    (Fault::ResultLate, "result-late"),
    (Fault::ResultAfterAbort, "result-after-abort"),
    (Fault::DoubleResult, "double-result"),
    (Fault::WrongAmount, "wrong-amount"),
    (Fault::WrongCurrency, "wrong-currency"),
    (Fault::EmptyRepeat, "empty-repeat"),
    (Fault::RefuseAbort, "refuse-abort"),
    (Fault::RefuseReversal, "refuse-reversal"),
    (Fault::Banner, "banner"),
    (Fault::SplitBytes, "split-bytes"),
    (Fault::Glued, "glued"),
    (Fault::Nak, "nak"),
    (Fault::BadCrc, "bad-crc"),
    (Fault::ExtLength, "ext-length"),
    (Fault::Truncated, "truncated"),
    (Fault::UnknownBmp, "unknown-bmp"),
    (Fault::DeepTlv, "deep-tlv"),
    (Fault::NeedsInit, "needs-init"),
    (Fault::EodOpen, "eod-open"),
    (Fault::Dead, "dead"),
    (Fault::Unplug, "unplug"),
];

impl Fault {
    pub fn by_verb(verb: &str) -> Option<Self> {
        ALL.iter().find(|(_, name)| *name == verb).map(|(fault, _)| *fault)
    }

    /// Faults that are a condition: they last until somebody ends them.
    pub fn lasts(self) -> bool {
        matches!(self, Self::NeedsInit | Self::EodOpen | Self::Dead | Self::Unplug)
    }
}

/// How often an armed fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    Count(u32),
    Always,
}

impl Times {
    /// `[N | times N | always]`, once when nothing is said.
    pub fn parse(words: &[&str]) -> Option<Self> {
        match words {
            [] => Some(Self::Count(1)),
            ["always"] => Some(Self::Always),
            [count] | ["times", count] => count.parse().ok().filter(|count| *count > 0).map(Self::Count),
            _ => None,
        }
    }
}

/// Where the link breaks during a payment, refund or reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The command was read and not acted upon.
    BeforeAck,
    AfterAck,
    InPin,
    BeforeResult,
    /// The result is out and the till has not answered.
    AfterResult,
    /// The till has taken the result.
    AfterAnswer,
    BeforeCompletion,
}

/// The points by name.
pub const POINTS: &[(&str, Point)] = &[
    ("before-ack", Point::BeforeAck),
    ("after-ack", Point::AfterAck),
    ("in-pin", Point::InPin),
    ("before-result", Point::BeforeResult),
    ("after-result", Point::AfterResult),
    ("after-answer", Point::AfterAnswer),
    ("before-completion", Point::BeforeCompletion),
];

impl Point {
    fn name(self) -> &'static str {
        POINTS.iter().find(|(_, point)| *point == self).map_or("", |(name, _)| name)
    }
}

/// What is armed, with its details.
#[derive(Debug, Clone)]
pub struct Faults {
    armed: BTreeMap<Fault, Times>,
    /// The code `decline` answers with.
    pub decline_code: u8,
    /// Where `lose-link` strikes.
    pub point: Point,
    /// How long nothing can be reached after `lose-link`.
    pub link_down: Duration,
    /// How late `result-late` is.
    pub late: Duration,
}

/// "Declined" by the bank, decimal 05.
pub const DECLINED: u8 = 0x05;

impl Default for Faults {
    fn default() -> Self {
        Self {
            armed: BTreeMap::new(),
            decline_code: DECLINED,
            point: Point::AfterResult,
            link_down: Duration::ZERO,
            late: Duration::ZERO,
        }
    }
}

impl Faults {
    pub fn arm(&mut self, fault: Fault, times: Times) {
        self.armed.insert(fault, times);
    }

    pub fn disarm(&mut self, fault: Fault) {
        self.armed.remove(&fault);
    }

    pub fn is_armed(&self, fault: Fault) -> bool {
        self.armed.contains_key(&fault)
    }

    /// Whether it strikes now; counts it if so.
    pub fn strike(&mut self, fault: Fault) -> bool {
        match self.armed.get_mut(&fault) {
            None => return false,
            Some(Times::Count(count @ 2..)) => *count -= 1,
            Some(Times::Count(_)) if !fault.lasts() => {
                self.armed.remove(&fault);
            }
            Some(Times::Count(_) | Times::Always) => {}
        }
        true
    }

    /// Whether the link breaks here; counts it if so.
    pub fn strike_link(&mut self, point: Point) -> bool {
        self.point == point && self.strike(Fault::LoseLink)
    }

    /// The arguments of what is in force, as they would have to be given again; what strikes once has none of its own.
    pub fn in_force(&self) -> BTreeMap<&'static str, String> {
        let words = |fault: Fault, times: Times| {
            let down = self.link_down.as_millis();
            let first = match fault {
                Fault::LoseLink if down > 0 => Some(format!("{} {down}", self.point.name())),
                Fault::LoseLink => Some(self.point.name().to_owned()),
                Fault::Decline => Some(format!("{:02X}", self.decline_code)),
                Fault::ResultLate => Some(self.late.as_millis().to_string()),
                _ => None,
            };
            let times = match times {
                Times::Count(1) => None,
                Times::Count(count) => Some(count.to_string()),
                Times::Always => Some("always".to_owned()),
            };
            [first, times].into_iter().flatten().collect::<Vec<_>>().join(" ")
        };
        let armed =
            ALL.iter().filter_map(|(fault, verb)| Some((*verb, words(*fault, *self.armed.get(fault)?))));
        armed.filter(|(_, words)| !words.is_empty()).collect()
    }

    /// The verbs in force.
    pub fn active(&self) -> Vec<&'static str> {
        ALL.iter().filter(|(fault, _)| self.is_armed(*fault)).map(|(_, verb)| *verb).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told() {
        let mut faults = Faults::default();
        for (words, strokes) in [(&[][..], 1), (&["times", "3"], 3), (&["2"], 2)] {
            faults.arm(Fault::Busy, Times::parse(words).unwrap());
            assert_eq!((0..10).filter(|_| faults.strike(Fault::Busy)).count(), strokes);
            assert!(!faults.is_armed(Fault::Busy));
        }
        faults.arm(Fault::Busy, Times::Always);
        assert!((0..10).all(|_| faults.strike(Fault::Busy)));
        faults.arm(Fault::Dead, Times::Count(1));
        assert!((0..10).all(|_| faults.strike(Fault::Dead)), "a condition lasts");
        assert_eq!(Times::parse(&["0"]), None);
        assert_eq!(Times::parse(&["often"]), None);
    }

    #[test]
    fn what_is_in_force_reads_as_it_was_given() {
        let mut faults =
            Faults { point: Point::AfterAck, link_down: Duration::from_secs(2), ..Faults::default() };
        for (fault, times) in [
            (Fault::LoseLink, Times::Count(3)),
            (Fault::Decline, Times::Count(1)),
            (Fault::Busy, Times::Always),
            (Fault::Cancel, Times::Count(1)),
        ] {
            faults.arm(fault, times);
        }
        let told: Vec<_> = faults.in_force().into_iter().collect();
        let expected = [("busy", "always"), ("decline", "05"), ("lose-link", "after-ack 2000 3")];
        assert_eq!(told, expected.map(|(verb, words)| (verb, words.to_owned())));
    }

    #[test]
    fn a_link_breaks_at_its_point_only() {
        let mut faults = Faults { point: Point::AfterAck, ..Faults::default() };
        faults.arm(Fault::LoseLink, Times::Count(1));
        assert!(!faults.strike_link(Point::BeforeAck));
        assert!(faults.strike_link(Point::AfterAck));
        assert!(!faults.strike_link(Point::AfterAck));
    }
}
