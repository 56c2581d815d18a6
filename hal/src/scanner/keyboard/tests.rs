use proptest::prelude::*;

use super::*;

struct Typist {
    decoder: KeyDecoder,
    at: Duration,
    scans: Vec<String>,
}

impl Typist {
    fn new() -> Self {
        let decoder = KeyDecoder::new(FramingRules::default());
        Self { decoder, at: Duration::ZERO, scans: Vec::new() }
    }

    fn event(&mut self, code: u16, value: i32) {
        self.at += Duration::from_millis(2);
        let scan = self.decoder.on_key(self.at, code, value);
        self.scans.extend(scan.map(|scan| String::from_utf8(scan.bytes).unwrap()));
    }

    fn tap(&mut self, code: u16) -> &mut Self {
        self.event(code, 1);
        self.event(code, 0);
        self
    }

    fn held(&mut self, code: u16, taps: &[u16]) -> &mut Self {
        self.event(code, 1);
        for tap in taps {
            self.tap(*tap);
        }
        self.event(code, 0);
        self
    }

    /// Types ASCII text as a scanner would.
    fn text(&mut self, text: &str) -> &mut Self {
        for wanted in text.bytes() {
            let code = (0..128).find(|code| lookup(*code).is_some_and(|(p, s)| p == wanted || s == wanted));
            let code = code.unwrap();
            if lookup(code).unwrap().0 == wanted {
                self.tap(code);
            } else {
                self.held(key::LEFT_SHIFT, &[code]);
            }
        }
        self
    }

    fn read(&mut self) -> Vec<String> {
        std::mem::take(&mut self.scans)
    }
}

#[test]
fn digits_and_enter_make_a_code() {
    let mut typist = Typist::new();
    for code in [5, 11, 11, 7, 4, 9, 2, 4, 4, 4, 10, 4, 2] {
        typist.tap(code);
    }
    assert_eq!(typist.tap(key::ENTER).read(), ["4006381333931"]);
}

#[test]
fn every_printable_character_can_be_typed() {
    let all: String = (0x20..0x7F).map(char::from).collect();
    assert_eq!(Typist::new().text(&all).tap(key::KEYPAD_ENTER).read(), [all]);
}

#[test]
fn both_shifts_caps_lock_and_the_keypad_are_understood() {
    let mut typist = Typist::new();
    typist
        .held(key::RIGHT_SHIFT, &[30, 31])
        .tap(32)
        .tap(key::CAPS_LOCK)
        .text("e")
        .held(key::LEFT_SHIFT, &[34]);
    typist.tap(2).tap(key::CAPS_LOCK).tap(73).tap(82).tap(83).tap(98);
    assert_eq!(typist.tap(key::TAB).read(), ["ASdEg190./"], "Caps Lock turns letters round, not digits");
}

#[test]
fn alt_and_digits_type_a_code_point() {
    let mut typist = Typist::new();
    typist.text("01").held(key::LEFT_ALT, &[82, 80, 73]).text("x").held(key::RIGHT_ALT, &[79, 77, 82, 75]);
    assert_eq!(typist.tap(key::ENTER).read(), ["01\u{1d}x\u{644}"], "29 is the separator, 1604 a letter");
}

#[test]
fn control_and_bracket_type_the_separator() {
    let mut typist = Typist::new();
    typist.text("10AB").held(key::LEFT_CTRL, &[27]).text("17").held(key::RIGHT_CTRL, &[50]);
    assert_eq!(typist.read(), ["10AB\u{1d}17"]);
}

#[test]
fn repeated_and_unknown_keys_are_ignored() {
    let mut typist = Typist::new();
    typist.text("1234");
    typist.event(6, 1);
    typist.event(6, 2);
    typist.event(6, 2);
    typist.event(6, 0);
    typist.tap(125).tap(59).tap(600);
    assert_eq!(typist.tap(key::ENTER).read(), ["12345"]);
}

#[test]
fn lost_events_throw_the_code_away_but_not_the_next() {
    let mut typist = Typist::new();
    typist.text("40063");
    typist.event(key::LEFT_SHIFT, 1);
    typist.decoder.on_events_lost(typist.at);
    typist.text("931").tap(key::ENTER);
    assert_eq!(typist.read(), [""; 0]);
    assert_eq!(typist.decoder.counters().broken, 1);
    assert_eq!(typist.text("5678").tap(key::ENTER).read(), ["5678"], "Shift is not stuck");
}

#[test]
fn silence_ends_a_code() {
    let mut typist = Typist::new();
    typist.text("1234");
    let due = typist.decoder.next_deadline().unwrap();
    assert_eq!(due, typist.at - Duration::from_millis(2) + Duration::from_millis(80));
    assert_eq!(typist.decoder.on_time(due).unwrap().bytes, b"1234");
}

proptest! {
    #[test]
    fn text_survives_being_typed(text in "[ -~]{4,60}") {
        // A text that happens to start like an AIM identifier loses it, as it should.
        prop_assume!(!text.starts_with(']'));
        prop_assert_eq!(Typist::new().text(&text).tap(key::ENTER).read(), [text]);
    }

    #[test]
    fn any_key_events_are_decoded_without_panic(
        events in proptest::collection::vec((any::<u16>(), -1_i32..4, 0_u64..100), 0..300)) {
        let mut decoder = KeyDecoder::new(FramingRules::default());
        let mut at = Duration::ZERO;
        for (code, value, pause) in events {
            at += Duration::from_millis(pause);
            let _ = decoder.on_key(at, code % 130, value);
        }
    }
}
