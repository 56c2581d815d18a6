//! What a terminal is told to do, and what transactions, receipts and totals look like, in words every kind of
//! terminal shares.

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
