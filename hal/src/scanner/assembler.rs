//! Characters into codes: suffixes, gaps and limits, the same for serial scanners and keyboards. Pure: the time comes
//! with each call, counted from any fixed moment.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Scan, Symbology};

/// Shortest code; shorter ones are stray keys.
pub const CODE_BYTES_MIN: usize = 4;
/// Longest code: the largest QR code in alphanumeric mode has 4,296, and nothing we read comes near.
pub const CODE_BYTES_MAX: usize = 4_096;
/// More codes than this in a second are a faulty trigger, not a person.
pub const CODES_PER_SECOND_MAX: usize = 20;
/// Silence that ends a code without suffix; scanners type a character every 1 to 30 ms.
const GAP: Duration = Duration::from_millis(80);

/// FNC1 inside GS1 data.
const GROUP_SEPARATOR: u8 = 0x1D;

/// How one scanner marks its codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramingRules {
    /// Silence that ends a code without suffix; 80 ms unless measured otherwise.
    pub gap: Duration,
    /// Characters the scanner was set up to put before each code; removed when present.
    pub prefix: Vec<u8>,
    /// Characters it puts after each code, before Enter or Tab; removed when present.
    pub suffix: Vec<u8>,
    /// Whether codes start with an AIM identifier, `]` and two characters.
    pub aim_identifier: AimIdentifier,
}

/// Whether codes start with an AIM identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AimIdentifier {
    /// Taken off where there is one.
    #[default]
    WhenPresent,
    /// Never looked for: the scanner is known not to send it.
    Never,
}

/// What was read and what was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanCounters {
    /// Codes delivered.
    pub codes: u64,
    /// Codes cut at their longest length.
    pub truncated: u64,
    /// Codes thrown away as too short.
    pub too_short: u64,
    /// Codes thrown away because they came too fast.
    pub too_fast: u64,
    /// Codes thrown away because the system lost keys in them.
    pub broken: u64,
    /// Control characters thrown away.
    pub control_characters: u64,
}

/// Collects characters until a code is complete.
#[derive(Clone, Debug)]
pub(super) struct Assembler {
    rules: FramingRules,
    code: Vec<u8>,
    /// When the code in progress last grew.
    grew_at: Option<Duration>,
    /// The rest of a code that was cut or broken is thrown away.
    discarding: bool,
    delivered_at: VecDeque<Duration>,
    counters: ScanCounters,
}

impl Default for FramingRules {
    fn default() -> Self {
        let aim_identifier = AimIdentifier::WhenPresent;
        Self { gap: GAP, prefix: Vec::new(), suffix: Vec::new(), aim_identifier }
    }
}

impl ScanCounters {
    /// Both together.
    #[must_use]
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            codes: self.codes + other.codes,
            truncated: self.truncated + other.truncated,
            too_short: self.too_short + other.too_short,
            too_fast: self.too_fast + other.too_fast,
            broken: self.broken + other.broken,
            control_characters: self.control_characters + other.control_characters,
        }
    }
}

impl Assembler {
    pub(super) fn new(rules: FramingRules) -> Self {
        Self {
            rules,
            code: Vec::new(),
            grew_at: None,
            discarding: false,
            delivered_at: VecDeque::new(),
            counters: ScanCounters::default(),
        }
    }

    pub(super) fn counters(&self) -> ScanCounters {
        self.counters
    }

    /// Takes a character; gives the code that ended before it or was cut by it.
    pub(super) fn push(&mut self, at: Duration, byte: u8) -> Option<Scan> {
        let ended = self.on_time(at);
        self.grew_at = Some(at);
        if self.discarding {
            return ended;
        }
        if byte.is_ascii_control() && byte != GROUP_SEPARATOR {
            self.counters.control_characters += 1;
            return ended;
        }
        if self.code.len() == CODE_BYTES_MAX {
            self.discarding = true;
            self.counters.truncated += 1;
            return self.deliver(at, true);
        }
        self.code.push(byte);
        ended
    }

    /// The suffix came: Enter, Tab, CR or LF.
    pub(super) fn end(&mut self, at: Duration) -> Option<Scan> {
        self.grew_at = None;
        if std::mem::take(&mut self.discarding) {
            return None;
        }
        self.deliver(at, false)
    }

    /// When the code in progress ends by itself if nothing more comes.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.grew_at.map(|grew_at| grew_at + self.rules.gap)
    }

    /// Time has passed; gives the code that ended by silence.
    pub(super) fn on_time(&mut self, at: Duration) -> Option<Scan> {
        if self.deadline().is_some_and(|deadline| at >= deadline) { self.end(at) } else { None }
    }

    /// Characters were lost: the code in progress and its rest are worth nothing.
    pub(super) fn discard(&mut self, at: Duration) {
        if !self.code.is_empty() {
            self.counters.broken += 1;
        }
        self.code.clear();
        self.discarding = true;
        self.grew_at = Some(at);
    }

    fn deliver(&mut self, at: Duration, truncated: bool) -> Option<Scan> {
        let code = std::mem::take(&mut self.code);
        if code.is_empty() {
            return None;
        }
        let (symbology, bytes) = self.strip(&code);
        if bytes.len() < CODE_BYTES_MIN {
            self.counters.too_short += 1;
            return None;
        }
        while self.delivered_at.front().is_some_and(|then| at.saturating_sub(*then) >= Duration::from_secs(1))
        {
            self.delivered_at.pop_front();
        }
        if self.delivered_at.len() == CODES_PER_SECOND_MAX {
            self.counters.too_fast += 1;
            return None;
        }
        self.delivered_at.push_back(at);
        self.counters.codes += 1;
        Some(Scan { bytes: bytes.to_vec(), symbology, truncated })
    }

    /// Takes off what the scanner added: its prefix and suffix, then the AIM identifier.
    fn strip<'a>(&self, code: &'a [u8]) -> (Option<Symbology>, &'a [u8]) {
        let code = code.strip_prefix(self.rules.prefix.as_slice()).unwrap_or(code);
        let code = code.strip_suffix(self.rules.suffix.as_slice()).unwrap_or(code);
        match (self.rules.aim_identifier, code) {
            (AimIdentifier::WhenPresent, [b']', letter, modifier, data @ ..])
                if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() =>
            {
                (Some(Symbology::from_aim(*letter, *modifier)), data)
            }
            (AimIdentifier::WhenPresent | AimIdentifier::Never, _) => (None, code),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn read(assembler: &mut Assembler, start: Duration, text: &str) -> Vec<Scan> {
        let typed = text.bytes().zip(0..).filter_map(|(byte, n)| assembler.push(start + ms(n), byte));
        typed.collect()
    }

    #[test]
    fn silence_ends_a_code_without_suffix() {
        let mut assembler = Assembler::new(FramingRules::default());
        assert!(read(&mut assembler, ms(0), "4006381333931").is_empty());
        assert_eq!(assembler.deadline(), Some(ms(92)));
        assert!(assembler.on_time(ms(91)).is_none());
        assert_eq!(assembler.on_time(ms(92)).unwrap().bytes, b"4006381333931");
        assert_eq!(assembler.deadline(), None);
    }

    #[test]
    fn a_code_that_starts_after_the_gap_is_not_glued_to_the_one_before() {
        let mut assembler = Assembler::new(FramingRules::default());
        assert!(read(&mut assembler, ms(0), "first").is_empty());
        let scans = read(&mut assembler, ms(200), "second");
        assert_eq!(scans.len(), 1);
        assert_eq!(scans[0].bytes, b"first");
        assert_eq!(assembler.end(ms(210)).unwrap().bytes, b"second");
    }

    #[test]
    fn aim_identifier_prefix_and_suffix_are_taken_off() {
        let rules = FramingRules { prefix: b"~".to_vec(), suffix: b"#".to_vec(), ..FramingRules::default() };
        let mut assembler = Assembler::new(rules.clone());
        read(&mut assembler, ms(0), "~]E04006381333931#");
        let scan = assembler.end(ms(30)).unwrap();
        assert_eq!((scan.bytes.as_slice(), scan.symbology), (&b"4006381333931"[..], Some(Symbology::Ean13)));

        let mut plain = Assembler::new(FramingRules { aim_identifier: AimIdentifier::Never, ..rules });
        read(&mut plain, ms(0), "]E0ticket");
        assert_eq!(plain.end(ms(30)).unwrap().bytes, b"]E0ticket");
    }

    #[test]
    fn stray_keys_and_control_characters_are_no_codes() {
        let mut assembler = Assembler::new(FramingRules::default());
        read(&mut assembler, ms(0), "abc");
        assert!(assembler.end(ms(5)).is_none());
        assert!(assembler.end(ms(6)).is_none(), "CR LF ends one code, not two");
        read(&mut assembler, ms(10), "\u{2}12\u{1d}34\u{3}");
        assert_eq!(assembler.end(ms(20)).unwrap().bytes, b"12\x1D34");
        assert_eq!(assembler.counters().too_short, 1);
        assert_eq!(assembler.counters().control_characters, 2);
    }

    #[test]
    fn an_endless_code_is_cut_and_its_rest_thrown_away() {
        let mut assembler = Assembler::new(FramingRules::default());
        let mut scans = Vec::new();
        for _ in 0..CODE_BYTES_MAX + 100 {
            scans.extend(assembler.push(ms(1), b'7'));
        }
        assert_eq!(scans.len(), 1);
        assert!(scans[0].truncated && scans[0].bytes.len() == CODE_BYTES_MAX);
        assert!(assembler.on_time(ms(500)).is_none());
        read(&mut assembler, ms(600), "after");
        assert_eq!(assembler.end(ms(610)).unwrap().bytes, b"after");
    }

    #[test]
    fn a_hanging_trigger_is_held_to_twenty_codes_a_second() {
        let mut assembler = Assembler::new(FramingRules::default());
        let mut delivered = 0;
        for code in 0..100 {
            read(&mut assembler, ms(code * 10), "1234");
            delivered += usize::from(assembler.end(ms(code * 10 + 4)).is_some());
        }
        assert_eq!(delivered, CODES_PER_SECOND_MAX);
        read(&mut assembler, ms(2_000), "1234");
        assert!(assembler.end(ms(2_010)).is_some(), "later it works again");
        assert_eq!(assembler.counters().too_fast, 80);
    }

    proptest! {
        #[test]
        fn any_typing_gives_codes_within_the_limits(
            keys in proptest::collection::vec((0_u64..120, any::<u8>()), 0..500)) {
            let mut assembler = Assembler::new(FramingRules::default());
            let mut at = ms(0);
            for (pause, byte) in keys {
                at += ms(pause);
                let scan = if byte == b'\r' { assembler.end(at) } else { assembler.push(at, byte) };
                if let Some(scan) = scan {
                    prop_assert!((CODE_BYTES_MIN..=CODE_BYTES_MAX).contains(&scan.bytes.len()));
                    prop_assert!(scan.bytes.iter().all(|b| !b.is_ascii_control() || *b == GROUP_SEPARATOR));
                }
            }
        }
    }
}
