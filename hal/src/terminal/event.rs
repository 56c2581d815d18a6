//! What a terminal reports, in words every kind of terminal shares.

use std::fmt;

use super::codes::{Condition, Prompt};
use super::money::Currency;
use super::types::{CommandKind, LastTransaction, TerminalReceipt, Totals, TransactionResult};

/// What a terminal reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalEvent {
    /// The terminal accepted our registration and may be used.
    Registered(Registration),
    /// The terminal refused our registration, so nothing else will work.
    RegistrationRefused {
        /// The terminal's code.
        code: u8,
    },
    /// The terminal took the command on; for a charge, the customer is now being asked for a card.
    Started(CommandKind),
    /// The terminal did not take the command on: nothing happened.
    Refused {
        /// What was refused.
        command: CommandKind,
        /// The terminal's code; 0x9C is "busy, come back".
        code: u8,
    },
    /// What is going on, for the customer's screen.
    Intermediate(Intermediate),
    /// How a charge, refund or reversal went. An approved charge or refund now waits for
    /// `accept_result` or `refuse_goods`; everything else was answered already.
    Result(Box<TransactionResult>),
    /// A result that says neither approved nor declined. It is held like an approval and never accepted by itself.
    UnclearResult,
    /// An approved result that belongs to no command of ours or differs from the one that is being handled. A person
    /// must look: money may have moved twice.
    StrayResult(Box<TransactionResult>),
    /// The approval was not accepted within the time the terminal allows, so it was told that no goods were given.
    HeldTooLong,
    /// A receipt of the terminal.
    Receipt(TerminalReceipt),
    /// The terminal agreed to abort; how the command really ended comes next, and an approval then still counts.
    AbortAccepted,
    /// The terminal will not abort: the customer has to finish there.
    AbortRefused {
        /// The terminal's code, if it said anything.
        code: Option<u8>,
    },
    /// The terminal finished the command.
    Completed {
        /// Which one.
        command: CommandKind,
        /// What had become of its result.
        answer: ResultAnswer,
    },
    /// The terminal ended the command without success.
    Aborted {
        /// Which one.
        command: CommandKind,
        /// The terminal's code.
        code: u8,
        /// The terminal's own words, if any.
        text: Option<String>,
        /// What had become of its result. After anything but `NoResult` and `Declined` this is no proof that no
        /// money moved.
        answer: ResultAnswer,
    },
    /// A payment was given back.
    Reversed(Reversal),
    /// The terminal will not or cannot reverse.
    ReversalRefused {
        /// The terminal's code.
        code: u8,
    },
    /// Answer to a status enquiry.
    Status(StatusReport),
    /// Answer to asking for the last transaction.
    LastTransaction(LastAnswer),
    /// Totals since the last end of day.
    Totals(Totals),
    /// The day's payments were handed in.
    EndOfDay(Totals),
    /// Contact was lost; the session is over. Only a new connection and a question can tell what happened.
    Lost(Loss),
}

/// What a terminal told at registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// The terminal's id, 8 digits.
    pub terminal_id: Option<u32>,
    /// The currency it works in.
    pub currency: Option<Currency>,
    /// It asks to be initialised before payments.
    pub needs_initialisation: bool,
    /// It asks for a diagnosis.
    pub needs_diagnosis: bool,
}

/// What is going on inside a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intermediate {
    /// The terminal's code.
    pub code: u8,
    /// Its meaning, for our own translated texts.
    pub prompt: Prompt,
    /// The customer should also take the card out.
    pub remove_card: bool,
    /// The terminal's own words; sent when no code fits.
    pub text: Option<String>,
}

/// Answer to asking a terminal for its last transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastAnswer {
    /// It told.
    Found {
        /// The transaction.
        transaction: Box<LastTransaction>,
        /// The receipts that came with it.
        receipts: Vec<TerminalReceipt>,
    },
    /// It told nothing, or only printed. Text is never read for money.
    Empty {
        /// What it printed.
        receipts: Vec<TerminalReceipt>,
    },
    /// It is occupied; ask again later.
    Busy,
    /// It will not tell.
    Refused {
        /// The terminal's code.
        code: u8,
    },
}

/// What had become of a command's result when the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultAnswer {
    /// There was none.
    NoResult,
    /// It was no approval.
    Declined,
    /// It was reported and nobody had answered it, or it may have got lost among unreadable bytes.
    Unanswered,
    /// It was accepted.
    Accepted,
    /// The terminal was told that no goods were given.
    GoodsRefused,
}

/// How it is known that a payment was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// Why.
    pub by: ReversedBy,
    /// The terminal's record of the reversal, if it sent one.
    pub result: Option<Box<TransactionResult>>,
}

/// What gave a payment back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversedBy {
    /// Our command.
    Command,
    /// It had been reversed before our command came.
    AlreadyReversed,
    /// The terminal itself, because no goods were given.
    GoodsRefused,
}

/// A terminal's condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// The terminal's code, if it sent one.
    pub code: Option<u8>,
    /// Its meaning; `Ready` if there was no code.
    pub condition: Condition,
    /// Software version.
    pub version: Option<String>,
    /// Device name.
    pub device_name: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Terminal id.
    pub terminal_id: Option<u32>,
}

/// Contact lost, and how far a command had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What was going on.
    pub command: Option<CommandKind>,
    /// How far it had come.
    pub sent: Sent,
    /// What happened.
    pub cause: LossCause,
}

/// How far a command had come when contact was lost. Only `NothingSent` proves that no money can have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    /// Not one byte left.
    NothingSent,
    /// Bytes left; the terminal did not say that it has them.
    MaybeSent,
    /// The terminal has the command.
    Acknowledged,
    /// It was declined; only the end is missing.
    Declined,
    /// It was approved and not answered yet.
    ResultReported,
    /// It was approved and accepted; the acceptance may not have arrived.
    ResultAccepted,
    /// The terminal was told that no goods were given; that may not have arrived.
    GoodsRefused,
}

/// What ended contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// The connection broke or the device is gone.
    LinkClosed,
    /// A command got no answer (T3).
    NoAnswer,
    /// The terminal went silent during a command (T4), also after being asked to abort.
    Silent,
    /// The serial line answered nothing, or refused every repetition.
    LineFault,
    /// Bytes could not be written in time.
    WriteStalled,
    /// It went on talking and came to no end in the time it was given.
    NoEnd,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingSent => "before anything was sent",
            Self::MaybeSent => "after a command was sent that may not have arrived",
            Self::Acknowledged => "after it had taken a command",
            Self::Declined => "after it had declined",
            Self::ResultReported => "after it had approved",
            Self::ResultAccepted => "after its approval was accepted",
            Self::GoodsRefused => "after it was told that no goods were given",
        })
    }
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinkClosed => "the connection broke",
            Self::NoAnswer => "the terminal does not answer",
            Self::Silent => "the terminal went silent",
            Self::LineFault => "the serial line is disturbed",
            Self::WriteStalled => "the terminal takes no bytes",
            Self::NoEnd => "the terminal came to no end",
        })
    }
}
