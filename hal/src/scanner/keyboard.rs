//! A scanner that poses as a keyboard: key positions into characters.
//!
//! The map is ours, the American one that scanners type by default: a system layout would turn digits into
//! accented letters. Pure: the time comes with each call.

use std::time::Duration;

use super::Scan;
use super::assembler::{Assembler, FramingRules, ScanCounters};

/// Key codes of the Linux input system (`linux/input-event-codes.h`).
mod key {
    pub(super) const TAB: u16 = 15;
    pub(super) const ENTER: u16 = 28;
    pub(super) const LEFT_CTRL: u16 = 29;
    pub(super) const LEFT_SHIFT: u16 = 42;
    pub(super) const RIGHT_SHIFT: u16 = 54;
    pub(super) const LEFT_ALT: u16 = 56;
    pub(super) const CAPS_LOCK: u16 = 58;
    pub(super) const KEYPAD_ENTER: u16 = 96;
    pub(super) const RIGHT_CTRL: u16 = 97;
    pub(super) const RIGHT_ALT: u16 = 100;
}

/// Rows of keys that lie side by side in the code space: first code, characters, characters with Shift.
const ROWS: [(u16, &str, &str); 8] = [
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
];

/// What `linux/input.h` calls the value of a key event.
const RELEASED: i32 = 0;
const PRESSED: i32 = 1;

/// Longest decimal code point typed with Alt held: 1114111.
const ALT_DIGITS_MAX: usize = 7;

/// Decodes the key events of one scanner.
#[derive(Clone, Debug)]
pub struct KeyDecoder {
    assembler: Assembler,
    left_shift: bool,
    right_shift: bool,
    left_ctrl: bool,
    right_ctrl: bool,
    caps_lock: bool,
    /// Digits typed while Alt is held, which together name one character.
    alt: Option<String>,
}

impl KeyDecoder {
    /// A decoder for a scanner with these rules.
    #[must_use]
    pub fn new(rules: FramingRules) -> Self {
        Self {
            assembler: Assembler::new(rules),
            left_shift: false,
            right_shift: false,
            left_ctrl: false,
            right_ctrl: false,
            caps_lock: false,
            alt: None,
        }
    }

    /// Takes an `EV_KEY` event: `value` is 1 pressed, 0 released, 2 repeated (ignored). Gives the code it completes.
    pub fn on_key(&mut self, at: Duration, code: u16, value: i32) -> Option<Scan> {
        let pressed = value == PRESSED;
        if !pressed && value != RELEASED {
            return None;
        }
        match code {
            key::LEFT_SHIFT => self.left_shift = pressed,
            key::RIGHT_SHIFT => self.right_shift = pressed,
            key::LEFT_CTRL => self.left_ctrl = pressed,
            key::RIGHT_CTRL => self.right_ctrl = pressed,
            key::CAPS_LOCK if pressed => self.caps_lock = !self.caps_lock,
            key::LEFT_ALT | key::RIGHT_ALT if pressed => self.alt = Some(String::new()),
            key::LEFT_ALT | key::RIGHT_ALT => return self.alt_released(at),
            key::ENTER | key::KEYPAD_ENTER | key::TAB if pressed => return self.assembler.end(at),
            _ if pressed => return self.character(at, code),
            _ => {}
        }
        None
    }

    /// The system lost events (`SYN_DROPPED`): which keys are held is unknown, the code in progress worthless.
    pub fn on_events_lost(&mut self, at: Duration) {
        self.assembler.discard(at);
        (self.left_shift, self.right_shift) = (false, false);
        (self.left_ctrl, self.right_ctrl) = (false, false);
        self.alt = None;
    }

    /// When [`KeyDecoder::on_time`] is due if no key comes before.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.assembler.deadline()
    }

    /// Time has passed; gives the code that ended by silence.
    pub fn on_time(&mut self, at: Duration) -> Option<Scan> {
        self.assembler.on_time(at)
    }

    /// What was read and what was thrown away.
    #[must_use]
    pub fn counters(&self) -> ScanCounters {
        self.assembler.counters()
    }

    fn character(&mut self, at: Duration, code: u16) -> Option<Scan> {
        let (plain, shifted) = lookup(code)?;
        if let Some(digits) = &mut self.alt {
            if plain.is_ascii_digit() && digits.len() < ALT_DIGITS_MAX {
                digits.push(char::from(plain));
            }
            return None;
        }
        let shift = (self.left_shift || self.right_shift) ^ (self.caps_lock && plain.is_ascii_lowercase());
        let byte = if shift { shifted } else { plain };
        if self.left_ctrl || self.right_ctrl {
            // Ctrl+] is how most scanners type the GS1 separator, Ctrl+M how some type Enter.
            return self.control(at, byte);
        }
        self.assembler.push(at, byte)
    }

    fn control(&mut self, at: Duration, byte: u8) -> Option<Scan> {
        match byte.to_ascii_uppercase() {
            letter @ b'@'..=b'_' => match letter & 0x1F {
                b'\r' | b'\n' | b'\t' => self.assembler.end(at),
                control => self.assembler.push(at, control),
            },
            _ => None,
        }
    }

    fn alt_released(&mut self, at: Duration) -> Option<Scan> {
        let digits = self.alt.take()?;
        let character = digits.parse().ok().and_then(char::from_u32)?;
        if character == '\r' || character == '\n' {
            return self.assembler.end(at);
        }
        let mut buffer = [0; 4];
        let mut ended = None;
        for byte in character.encode_utf8(&mut buffer).bytes() {
            // Only the first byte can end the code before it; the others are pushed at the same moment.
            ended = ended.or(self.assembler.push(at, byte));
        }
        ended
    }
}

/// The characters of a key, plain and with Shift.
fn lookup(code: u16) -> Option<(u8, u8)> {
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let at = usize::from(code.checked_sub(*first)?);
        Some((*plain.as_bytes().get(at)?, *shifted.as_bytes().get(at)?))
    })
}

#[cfg(test)]
mod tests;
