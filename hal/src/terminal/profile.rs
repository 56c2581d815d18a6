//! How terminals differ: dialects as data, and the settings of one terminal.

use std::fmt;
use std::time::Duration;

use super::codec::text::Charset;
use super::codes::IntermediateDialect;
use super::money::Currency;

/// How messages are cut out of the byte stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Framing {
    /// Messages one after the other, as over TCP.
    #[default]
    Stream,
    /// Each message behind a two-byte length, high byte first. Known from one gateway only.
    LengthPrefixed,
    /// Serial line with escape bytes, CRC-16 and one-byte link answers.
    SerialCrc,
    /// Serial line with a one-byte check sum and two-byte link answers. Known from one gateway only.
    SerialLrc,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// T1: between two bytes of a serial frame.
    pub byte_gap: Duration,
    /// T2: for the link answer to a serial frame.
    pub link_answer: Duration,
    /// T3: for the answer to a message.
    pub answer: Duration,
    /// T4: for the next message of a running command. Longer than the terminal's own 180 s, so that its own end
    /// always comes first.
    pub progress: Duration,
    /// For the next message of a question (registration, status, last transaction), which needs no customer.
    pub question: Duration,
    /// How long an approval may stay unanswered before the terminal is asked to wait. Below T3.
    pub hold: Duration,
    /// For the end of a command after we aborted it because the terminal was silent.
    pub abort_grace: Duration,
    /// For the rest of a message on a byte stream; then its start was noise.
    pub stall: Duration,
}

/// One kind of terminal. Public data, so that settings can override single values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The name in the settings.
    pub name: &'static str,
    /// Character set of texts and receipts.
    pub charset: Charset,
    /// Which intermediate codes it uses.
    pub intermediate: IntermediateDialect,
    /// Registration bits: what the terminal sends and who may start what.
    pub config: u8,
    /// Registration service bits, if they are sent.
    pub service: Option<u8>,
    /// Ask for receipts as text blocks.
    pub wants_text_blocks: bool,
    /// How often it may be told to wait for our answer to an approval.
    pub max_waits: u8,
    /// Announce `max_waits` with each charge.
    pub announces_waits: bool,
    /// It can be asked to abort; otherwise the customer must press stop there.
    pub can_abort: bool,
    /// A reversal must name the amount.
    pub reversal_names_amount: bool,
    /// How long to wait for what.
    pub timers: Timers,
}

/// The password of a terminal's till interface, six digits. Printed as stars.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password([u8; 3]);

/// The settings of one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalSettings {
    /// Which dialect it speaks.
    pub profile: Profile,
    /// How messages are framed on its link.
    pub framing: Framing,
    /// Its password.
    pub password: Password,
    /// The currency it is used in.
    pub currency: Currency,
}

/// Registration bits of an unattended till: receipts come to us, payments and administration start only here,
/// intermediate states are sent, print lines carry their kind.
const UNATTENDED: u8 = 0xBE;

/// Registration bits of a till that neither prints for the terminal nor follows it: only the starts are ours.
const REMOTE_STARTS_ONLY: u8 = 0x30;

/// The menu must not be reachable by a key while a customer stands there.
const NO_SERVICE_MENU: u8 = 0x01;

const STANDARD_TIMERS: Timers = Timers {
    byte_gap: Duration::from_millis(200),
    link_answer: Duration::from_secs(5),
    answer: Duration::from_secs(5),
    progress: Duration::from_secs(200),
    question: Duration::from_secs(30),
    hold: Duration::from_secs(3),
    abort_grace: Duration::from_secs(30),
    stall: Duration::from_secs(2),
};

const STANDARD: Profile = Profile {
    name: "standard",
    charset: Charset::Cp437,
    intermediate: IntermediateDialect::Standard,
    config: UNATTENDED,
    service: Some(NO_SERVICE_MENU),
    wants_text_blocks: true,
    max_waits: 10,
    announces_waits: true,
    can_abort: true,
    reversal_names_amount: false,
    timers: STANDARD_TIMERS,
};

/// Every dialect we know.
pub const PROFILES: [Profile; 6] = [
    STANDARD,
    Profile { name: "cardcomplete", charset: Charset::Latin9, max_waits: 3, ..STANDARD },
    Profile { name: "hobex", charset: Charset::Latin1, ..STANDARD },
    Profile { name: "global-payments", can_abort: false, ..STANDARD },
    Profile {
        name: "ingenico",
        intermediate: IntermediateDialect::Ingenico,
        // Link answers of these models come late: public drivers wait 15 s.
        timers: Timers { link_answer: Duration::from_secs(15), ..STANDARD_TIMERS },
        ..STANDARD
    },
    // Terminals driven by tills that know neither states nor receipts: nothing optional is asked for or announced.
    Profile {
        name: "plain",
        config: REMOTE_STARTS_ONLY,
        service: None,
        wants_text_blocks: false,
        announces_waits: false,
        ..STANDARD
    },
];

impl Profile {
    /// The dialect most terminals speak.
    #[must_use]
    pub fn standard() -> Self {
        STANDARD
    }

    /// What the dialects are called.
    #[must_use]
    pub fn names() -> Vec<String> {
        PROFILES.iter().map(|profile| profile.name.to_owned()).collect()
    }

    /// The dialect with this name, one of [`Profile::names`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PROFILES.into_iter().find(|profile| profile.name == name)
    }
}

impl Password {
    /// The factory setting of many terminals.
    pub const ZEROS: Self = Self([0; 3]);

    /// A password of exactly six digits.
    #[must_use]
    pub fn new(digits: &str) -> Option<Self> {
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        super::codec::bcd::encode(digits.parse().ok()?).map(Self)
    }

    pub(crate) fn packed(self) -> [u8; 3] {
        self.0
    }
}

impl TerminalSettings {
    /// A standard terminal over TCP, in euro, with the factory password.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            profile: STANDARD,
            framing: Framing::Stream,
            password: Password::ZEROS,
            currency: Currency::EUR,
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(******)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_found_by_its_name_once() {
        for profile in PROFILES {
            assert_eq!(Profile::named(profile.name), Some(profile));
        }
        assert_eq!(Profile::named("acme"), None);
    }

    #[test]
    fn we_always_wait_longer_than_the_terminal_and_answer_sooner() {
        for profile in PROFILES {
            assert!(profile.timers.progress > Duration::from_secs(180), "{}", profile.name);
            assert!(profile.timers.hold < Duration::from_secs(5), "{}", profile.name);
            assert!(profile.max_waits > 0, "{}", profile.name);
        }
    }

    #[test]
    fn a_password_has_six_digits_and_is_never_printed() {
        assert_eq!(Password::new("123456").unwrap().packed(), [0x12, 0x34, 0x56]);
        assert_eq!(Password::new("12345"), None);
        assert_eq!(Password::new("12345x"), None);
        assert_eq!(Password::new("+12345"), None);
        assert_eq!(format!("{:?}", Password::new("123456").unwrap()), "Password(******)");
    }
}
