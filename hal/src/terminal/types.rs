//! What goes to a terminal and what comes back, in words every kind of terminal shares.

use super::codes::{Condition, Prompt};
use super::money::{Currency, Money};

/// A wish to take money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeRequest {
    /// How much.
    pub amount: Money,
}

/// A wish to give back a payment that this terminal took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReversalRequest {
    /// The terminal's receipt number of the payment.
    pub receipt_no: u32,
    /// The amount of the payment; sent only where the terminal's profile asks for it.
    pub amount: Money,
}

/// Date and time of the shop, to set a terminal's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Full year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Something a terminal can be told to do. One at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open the conversation; sent by the session itself after every connect.
    Register,
    /// Take money. The result waits for an answer.
    Charge(ChargeRequest),
    /// Pay money out without an original payment; staff only. The result waits for an answer.
    Refund(ChargeRequest),
    /// Undo a payment by its receipt number.
    Reverse(ReversalRequest),
    /// Tell the last payment again.
    RepeatReceipt,
    /// Tell how you are.
    Status,
    /// Tell the totals since the last end of day; books nothing.
    Totals,
    /// Print the totals; books nothing.
    PrintTotals,
    /// Hand in the day's payments.
    EndOfDay,
    /// Initialise.
    Initialise,
    /// Diagnose the connection to the host.
    Diagnosis,
    /// Set the clock.
    SetClock(LocalTime),
    /// Restart.
    Reset,
    /// Say goodbye.
    LogOff,
}

/// A [`Command`] without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the commands")]
pub enum CommandKind {
    Register,
    Charge,
    Refund,
    Reverse,
    RepeatReceipt,
    Status,
    Totals,
    PrintTotals,
    EndOfDay,
    Initialise,
    Diagnosis,
    SetClock,
    Reset,
    LogOff,
}

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

/// How the card was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEntry {
    /// Magnetic stripe.
    Stripe,
    /// Chip with contacts.
    Chip,
    /// Contactless.
    Contactless,
}

/// How a transaction ended. Holds no card data but the masked number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionResult {
    /// Money moved.
    pub approved: bool,
    /// The terminal's code; 0 is approved.
    pub code: u8,
    /// What moved, in minor units; `None` if the terminal did not say.
    pub amount_minor: Option<i64>,
    /// Tip that is part of the amount.
    pub tip_minor: Option<i64>,
    /// The currency as told, or the registered one if the terminal named none.
    pub currency: Option<Currency>,
    /// Counts every dialogue with the host.
    pub trace: Option<u32>,
    /// Counts receipts; reversals need it.
    pub receipt_no: Option<u32>,
    /// Counts turnover records.
    pub turnover_no: Option<u32>,
    /// Of a reversal: the trace of what it reverses.
    pub original_trace: Option<u32>,
    /// The terminal's id.
    pub terminal_id: Option<u32>,
    /// The merchant's contract number.
    pub merchant_id: Option<String>,
    /// Authorisation code.
    pub auth_code: Option<String>,
    /// Brand, from the terminal's number for it.
    pub card_brand: Option<&'static str>,
    /// Card name as the terminal prints it.
    pub card_name: Option<String>,
    /// Stars and the last four digits.
    pub masked_pan: Option<String>,
    /// Application id of the chip, hexadecimal.
    pub aid: Option<String>,
    /// How the card was read.
    pub entry: Option<CardEntry>,
    /// Month and day at the terminal.
    pub month_day: Option<(u8, u8)>,
    /// Hour, minute and second at the terminal.
    pub time: Option<(u8, u8, u8)>,
    /// The terminal's or the bank's own words.
    pub text: Option<String>,
}

/// The last transaction a terminal remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastTransaction {
    /// Trace number.
    pub trace: Option<u32>,
    /// Receipt number.
    pub receipt_no: Option<u32>,
    /// Turnover number.
    pub turnover_no: Option<u32>,
    /// Minor units.
    pub amount_minor: Option<i64>,
    /// Currency.
    pub currency: Option<Currency>,
    /// The terminal's id.
    pub terminal_id: Option<u32>,
    /// Everything it said, with the verdict.
    pub result: TransactionResult,
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

/// Totals per card brand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The terminal's own sum in minor units.
    pub amount_minor: Option<i64>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// First receipt covered.
    pub receipt_from: Option<u32>,
    /// Last receipt covered.
    pub receipt_to: Option<u32>,
    /// Sums by the protocol's seven brands. Compare sums, not names: terminals differ in what they count where.
    pub groups: Vec<BrandTotal>,
    /// The receipts printed with it.
    pub receipts: Vec<TerminalReceipt>,
}

/// One line of [`Totals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrandTotal {
    /// Brand as the protocol lists it.
    pub brand: &'static str,
    /// Number of payments.
    pub count: u32,
    /// Sum in minor units.
    pub minor: i64,
}

/// Whom a receipt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// The customer's copy.
    Customer,
    /// The merchant's copy.
    Merchant,
    /// A report, such as the end of day.
    Administration,
    /// The terminal did not say.
    Unknown,
}

/// A receipt of the terminal, card numbers masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalReceipt {
    /// Whom it is for.
    pub kind: ReceiptKind,
    /// Its lines in order.
    pub lines: Vec<ReceiptLine>,
}

/// One printed line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The text.
    pub text: String,
    /// Centred.
    pub centred: bool,
    /// Twice as wide.
    pub double_width: bool,
    /// Twice as high.
    pub double_height: bool,
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
}

impl Command {
    /// The command without its content.
    #[must_use]
    pub fn kind(&self) -> CommandKind {
        match self {
            Self::Register => CommandKind::Register,
            Self::Charge(_) => CommandKind::Charge,
            Self::Refund(_) => CommandKind::Refund,
            Self::Reverse(_) => CommandKind::Reverse,
            Self::RepeatReceipt => CommandKind::RepeatReceipt,
            Self::Status => CommandKind::Status,
            Self::Totals => CommandKind::Totals,
            Self::PrintTotals => CommandKind::PrintTotals,
            Self::EndOfDay => CommandKind::EndOfDay,
            Self::Initialise => CommandKind::Initialise,
            Self::Diagnosis => CommandKind::Diagnosis,
            Self::SetClock(_) => CommandKind::SetClock,
            Self::Reset => CommandKind::Reset,
            Self::LogOff => CommandKind::LogOff,
        }
    }
}

impl CommandKind {
    /// Whether the result of this command waits for our answer, because our books must have it first.
    pub(crate) fn holds_result(self) -> bool {
        matches!(self, Self::Charge | Self::Refund)
    }
}

impl TransactionResult {
    /// Amount and currency, if both are known.
    #[must_use]
    pub fn money(&self) -> Option<Money> {
        Some(Money { minor: self.amount_minor?, currency: self.currency? })
    }

    /// Whether this is a reversal of another transaction.
    #[must_use]
    pub fn is_reversal(&self) -> bool {
        self.original_trace.is_some_and(|trace| trace > 0)
    }

    /// Whether two results speak of the same transaction. Numbers decide; without any, every field must agree.
    pub(crate) fn is_same_transaction(&self, other: &Self) -> bool {
        let numbers = |result: &Self| (result.trace, result.receipt_no, result.turnover_no);
        if numbers(self) == (None, None, None) {
            return self == other;
        }
        numbers(self) == numbers(other) && self.amount_minor == other.amount_minor
    }
}

impl From<TransactionResult> for LastTransaction {
    fn from(result: TransactionResult) -> Self {
        Self {
            trace: result.trace,
            receipt_no: result.receipt_no,
            turnover_no: result.turnover_no,
            amount_minor: result.amount_minor,
            currency: result.currency,
            terminal_id: result.terminal_id,
            result,
        }
    }
}
