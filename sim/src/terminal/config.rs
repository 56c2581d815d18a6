//! What kind of terminal is emulated, and how fast the people around it are.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::channel::Framing;

/// The settings of one emulated terminal.
#[derive(Debug, Clone)]
pub struct Config {
    /// How messages travel over its port.
    pub framing: Framing,
    /// Who presents the card.
    pub mode: Mode,
    /// Field 29, eight digits.
    pub terminal_id: u32,
    /// Field 2A, cut to 15 characters.
    pub merchant_number: String,
    /// The first line of its receipts.
    pub merchant_name: String,
    /// What happens to an approved payment whose result the till does not answer.
    pub unanswered: Unanswered,
    /// What `06 30` can reverse.
    pub reversible: Reversible,
    /// How often a result is repeated while the till answers "wait".
    pub asks_max: u32,
    /// The clock of its dates and times.
    pub zone: TimeZone,
    /// How long things take.
    pub pace: Pace,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            framing: Framing::Stream,
            mode: Mode::Auto,
            terminal_id: 52_500_017,
            merchant_number: "804011926".to_owned(),
            merchant_name: "ALDER & RYE".to_owned(),
            unanswered: Unanswered::Reverse,
            reversible: Reversible::LastOnly,
            asks_max: 5,
            zone: TimeZone::UTC,
            pace: Pace::default(),
        }
    }
}

/// Who presents the card and enters the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// An imaginary customer, after the times of [`Pace`].
    Auto,
    /// A person, by verbs.
    Manual,
}

/// What happens to an approved payment whose result the till does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Unanswered {
    /// The terminal takes it back by itself.
    Reverse,
    /// It stays booked: the till has to ask.
    Book,
}

/// What `06 30` can reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversible {
    /// Only the last payment, as most terminals.
    LastOnly,
    /// Every payment since the last end of day.
    SinceEndOfDay,
}

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The imaginary customer finds the card.
    pub card: Duration,
    /// The imaginary customer enters the PIN.
    pub pin: Duration,
    /// The bank answers.
    pub host: Duration,
    /// Nobody presents a card, or enters a PIN: the terminal gives up. Below the 180 s (T4) of the standard.
    pub patience: Duration,
    /// T3: the till answers a message.
    pub answer: Duration,
    /// Between two questions about a result that the till could not yet take.
    pub ask_again: Duration,
    /// A last text stays on the display.
    pub display: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            card: Duration::from_millis(1500),
            pin: Duration::from_millis(1200),
            host: Duration::from_millis(900),
            patience: Duration::from_secs(60),
            answer: Duration::from_secs(5),
            ask_again: Duration::from_secs(2),
            display: Duration::from_secs(4),
        }
    }
}
