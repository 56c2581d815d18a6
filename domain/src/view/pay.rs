//! What the pages of paying show, from choosing how to the number.

use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::intent::ReceiptChoice;
use crate::money::Minor;
use crate::payment::Tender;
use crate::time::WallMs;

/// How to pay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayChooseView {
    /// Goods, without tip.
    pub goods: Minor,
    /// To pay now, tip included.
    pub total: Minor,
    /// Tips to choose from; empty: not asked. Only a card payment has one.
    pub tips: Vec<TipOption>,
    /// The chosen tip; `None`: not yet.
    pub tip: Option<Minor>,
    /// The means, the preferred one first.
    pub tenders: Vec<TenderOption>,
    /// Which is chosen.
    pub selected: Tender,
    /// Pictures of what was ordered, largest first, at most five.
    pub pictures: Vec<Arc<str>>,
    /// Whether every price contains its tax.
    pub tax_included: bool,
}

/// A tip to choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TipOption {
    /// The amount; zero: no tip.
    pub amount: Minor,
}

/// A means of payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TenderOption {
    /// Which.
    pub tender: Tender,
    /// Whether it works now.
    pub available: bool,
}

/// Something happens at the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AtTerminalView {
    /// The sum.
    pub amount: Minor,
    /// How far it is.
    pub step: TerminalStep,
    /// What the terminal says, as a code of ours.
    pub prompt: TerminalPrompt,
    /// Whether the customer can still cancel.
    pub can_cancel: bool,
    /// The customer asked to cancel; the terminal has not agreed yet.
    pub cancelling: bool,
    /// Where the terminal stands.
    pub side: Side,
    /// The terminal gives up waiting after so many milliseconds, at the time the view was made.
    pub remaining_ms: Option<u32>,
}

/// The three steps of a card payment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TerminalStep {
    /// Waiting for the card or phone.
    Card,
    /// The bank is asked.
    Bank,
    /// Approved.
    Done,
}

/// What the terminal asks for, in our words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminalPrompt {
    /// The terminal is being woken up.
    Preparing,
    /// Tap, insert or swipe.
    PresentCard,
    /// Look at the PIN pad.
    EnterPin,
    /// The PIN was wrong.
    WrongPin,
    /// Choose at the terminal (application, language).
    ChooseAtTerminal,
    /// The bank is asked, please wait.
    Wait,
    /// Take the card out.
    RemoveCard,
    /// The payment was approved.
    Approved,
    /// Finish at the terminal: cancelling was refused.
    FinishAtTerminal,
}

/// A side of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Below.
    Below,
}

/// No money was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayFailedView {
    /// Why.
    pub why: PayFailure,
    /// To pay.
    pub total: Minor,
    /// The order's number, kept for it.
    pub number: Arc<str>,
    /// Whether the card can be tried again.
    pub can_retry: bool,
    /// Whether paying at the counter is possible.
    pub counter: bool,
    /// Pictures of what was ordered.
    pub pictures: Vec<Arc<str>>,
    /// Pieces.
    pub count: u32,
    /// The team has been called.
    pub staff_called: bool,
}

/// Why no money was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayFailure {
    /// The bank or card said no.
    Declined {
        /// The terminal's code.
        code: u8,
    },
    /// Cancelled by the customer, or broken off without anybody having said no.
    Cancelled,
    /// Nobody presented a card.
    TimedOut,
    /// The terminal cannot be reached or is not ready; nothing was sent.
    TerminalDown,
    /// The terminal gave the money back by itself; the order can still be paid.
    Reversed,
    /// The order was paid, and then the terminal gave the money back by itself: the order is over.
    GivenBack,
}

/// Do not pay again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayUnknownView {
    /// For the staff: the display number.
    pub reference: Arc<str>,
    /// For the staff, as a QR code: order, payment, amount, time.
    pub qr: Arc<str>,
    /// The sum.
    pub amount: Minor,
    /// When it was sent.
    pub started_at: WallMs,
    /// Local minute of the day when it was sent.
    pub started_minute: u16,
    /// What happened, oldest first.
    pub facts: Vec<UnknownFact>,
    /// The try to find out, the first being 1, also while it is still to come.
    pub asked: u32,
    /// When it is asked again, in milliseconds at the time the view was made; `None`: a person decides now.
    pub next_ms: Option<u32>,
    /// The team has been called.
    pub staff_called: bool,
}

/// One dated fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownFact {
    /// Local time of day, seconds since midnight; `None`: now.
    pub second_of_day: Option<u32>,
    /// What.
    pub what: UnknownStep,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnknownStep {
    /// Sent to the terminal.
    Sent,
    /// Contact was lost.
    Lost,
    /// The terminal is asked again, without charging.
    Asking,
    /// The terminal cannot say; a person decides.
    NeedsStaff,
}

/// The order number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoneView {
    /// The number to wait for, without the kiosk's prefix.
    pub number: u16,
    /// With the prefix.
    pub reference: Arc<str>,
    /// Where its money is.
    pub settlement: Settlement,
    /// What was paid, is to pay or was given back.
    pub amount: Minor,
    /// Card brand, if a card was used.
    pub brand: Option<Arc<str>>,
    /// Last digits of the card.
    pub last_digits: Option<Arc<str>>,
    /// Minutes until it is ready; 0: not said.
    pub ready_minutes: u32,
    /// Eat in or take away: decides where it is picked up.
    pub mode: ServiceMode,
    /// Pictures of what was ordered.
    pub pictures: Vec<Arc<str>>,
    /// What the customer chose.
    pub receipt: Option<ReceiptChoice>,
    /// How the paper is doing.
    pub paper: PaperState,
    /// The receipt as a QR code.
    pub qr: Arc<str>,
    /// The page closes by itself after so many milliseconds, at the time the view was made; `None`: it waits.
    pub closes_ms: Option<u32>,
    /// Of how many.
    pub total_ms: u32,
}

/// Where the money of an order with a number is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settlement {
    /// Paid.
    Paid,
    /// To be paid at the counter.
    ToPay,
    /// It was paid, and the money went back.
    GivenBack,
}

/// How the paper receipt is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PaperState {
    /// Can be printed.
    Ready,
    /// Is printing.
    Printing,
    /// Came out.
    Printed,
    /// Cannot be had now; it will be printed later, or use the QR code.
    Unavailable,
}
