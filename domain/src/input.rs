//! Anything that happened, handed to the core. The shell makes these; it never interprets them.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::claim::Claim;
use crate::event::DenyCode;
use crate::ids::{ItemId, KitchenJobId, OrderId, PaymentId, ReceiptId, TaskId};
use crate::intent::Intent;
use crate::money::Currency;
use crate::payment::{Approval, CardFacts, LastTransaction, StaffVerdict};
use crate::quota::QuotaGrant;
use crate::spoken::{Failure, Said};
use crate::time::WallMs;

/// Something happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The shell is up; replay is done. Comes first, once.
    Started,
    /// A deadline of [`crate::Kiosk::next_deadline`] has passed.
    Tick,
    /// The customer wishes something.
    Intent(Intent),
    /// The payment terminal.
    Terminal(TerminalInput),
    /// The receipt printer.
    Printer(PrinterInput),
    /// The kitchen printer or screen.
    Kitchen(KitchenInput),
    /// The scanner.
    Scanner(ScannerInput),
    /// The cash drawer.
    Drawer(DrawerInput),
    /// Microphone and recogniser.
    Voice(VoiceInput),
    /// The connection to the fleet.
    Uplink(UplinkInput),
    /// The machine that the program runs on.
    Machine(MachineInput),
    /// A person with authority, or the fleet.
    Command(Command),
}

/// What the machine is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MachineInput {
    /// It restarts for an update now. Whoever comes before it is down sees why nothing happens.
    Restarting,
    /// It does not, after all.
    Staying,
    /// Its presence sensor has seen nobody for a while, after somebody was there.
    NobodyThere,
}

/// What the payment terminal's actor reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TerminalInput {
    /// Registered and idle. `last` is what it remembers, as far as it can tell.
    Ready {
        /// Its last transaction.
        last: LastAnswer,
    },
    /// It cannot be used now; nothing of ours is going on there.
    Down {
        /// Why, in English.
        why: Arc<str>,
    },
    /// It accepted the charge and works on it.
    Started {
        /// Which.
        payment: PaymentId,
    },
    /// It refused to begin: no money was taken.
    Refused {
        /// Which.
        payment: PaymentId,
        /// Its code.
        code: u8,
    },
    /// It asks the customer for something.
    Prompt {
        /// Which.
        payment: PaymentId,
        /// In our words.
        prompt: crate::view::TerminalPrompt,
    },
    /// It approved and waits for our word. Nothing is final before [`crate::effect::TerminalEffect::AcceptResult`].
    Approved {
        /// Which.
        payment: PaymentId,
        /// Its word.
        approval: Approval,
        /// Currency it says it took.
        currency: Option<Currency>,
    },
    /// It declined; already acknowledged by the actor.
    Declined {
        /// Which.
        payment: PaymentId,
        /// Its code.
        code: u8,
    },
    /// The customer or we cancelled; definite.
    Cancelled {
        /// Which.
        payment: PaymentId,
    },
    /// Nobody presented a card; definite.
    TimedOut {
        /// Which.
        payment: PaymentId,
    },
    /// It finished a payment that was approved and accepted.
    Completed {
        /// Which.
        payment: PaymentId,
    },
    /// It refused to abort; the payment goes on.
    AbortRefused {
        /// Which.
        payment: PaymentId,
    },
    /// Contact was lost, or it did not answer in time, while this payment was under way.
    Lost {
        /// Which.
        payment: PaymentId,
        /// Whether the request certainly never reached it.
        nothing_sent: bool,
        /// Why, in English.
        why: Arc<str>,
    },
    /// Its answer to [`crate::effect::TerminalEffect::QueryLast`].
    Last {
        /// Number of the question.
        question: u32,
        /// The answer.
        answer: LastAnswer,
    },
    /// A reversal was done (or had been done before).
    Reversed {
        /// Which.
        payment: PaymentId,
    },
    /// A reversal was refused.
    ReversalRefused {
        /// Which.
        payment: PaymentId,
        /// Its code.
        code: u8,
    },
    /// Receipt text of the terminal, masked.
    ReceiptText {
        /// Which.
        payment: PaymentId,
        /// For the customer (else for the shop).
        customer: bool,
        /// The lines.
        lines: Vec<Arc<str>>,
    },
}

/// What a terminal says about its last transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LastAnswer {
    /// This one, made with this card.
    Transaction(LastTransaction, CardFacts),
    /// There is none, or it does not say.
    Empty,
    /// It is still busy with something.
    Busy,
    /// It could not be asked.
    NoAnswer,
}

impl From<LastTransaction> for LastAnswer {
    /// A transaction of which nothing more is told.
    fn from(last: LastTransaction) -> Self {
        Self::Transaction(last, CardFacts::default())
    }
}

/// What the receipt printer's actor reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrinterInput {
    /// Its condition changed.
    Condition(PrinterCondition),
    /// The printer took all of it and had no fault afterwards; it cannot say more.
    Sent {
        /// Which.
        receipt: ReceiptId,
    },
    /// It came out.
    Confirmed {
        /// Which.
        receipt: ReceiptId,
    },
    /// Whether it came out is not known.
    Unknown {
        /// Which.
        receipt: ReceiptId,
    },
    /// It was not started: the printer cannot print now. The job stays with the core.
    NotStarted {
        /// Which.
        receipt: ReceiptId,
    },
    /// It was not started and never can be on this printer.
    Impossible {
        /// Which.
        receipt: ReceiptId,
        /// Why, in English.
        why: Arc<str>,
    },
}

/// How a printer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrinterCondition {
    /// Can print.
    Ready,
    /// Can print; paper is near its end.
    PaperLow,
    /// Out of paper.
    PaperOut,
    /// Cover open.
    CoverOpen,
    /// Cutter jam, head too hot, unrecoverable error, switched offline.
    Error,
    /// Not there or silent.
    Absent,
}

/// What the kitchen's actor reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KitchenInput {
    /// The ticket was taken over.
    Taken {
        /// Which.
        job: KitchenJobId,
    },
    /// It cannot be taken now; the core keeps it.
    NotTaken {
        /// Which.
        job: KitchenJobId,
    },
    /// The kitchen can take tickets (again), or not.
    Reachable(bool),
}

/// What the scanner's actor reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScannerInput {
    /// It is there, or not.
    Present(bool),
    /// A code of goods, digits only, check digit verified.
    Goods(Arc<str>),
    /// Another text, for vouchers and the like; at most 128 characters.
    Text(Arc<str>),
}

/// What the voice actor reports. `turn`: the utterance's number from [`crate::effect::VoiceEffect::Listen`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VoiceInput {
    /// Microphone and recogniser are there, or one of them is not.
    Available(bool),
    /// Sound arrives; told several times a second.
    Level {
        /// Which utterance.
        turn: u32,
        /// How loud, 0 to 8.
        level: u8,
    },
    /// Nothing more is listened to; what was said is being recognised.
    Over {
        /// Which utterance.
        turn: u32,
    },
    /// This was understood.
    Heard {
        /// Which utterance.
        turn: u32,
        /// What.
        said: Said,
    },
    /// Nothing was.
    Failed {
        /// Which utterance.
        turn: u32,
        /// Why.
        why: Failure,
    },
}

/// What the drawer's actor reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DrawerInput {
    /// It opened.
    Opened,
    /// It closed.
    Closed,
    /// It was told to open and did not.
    DidNotOpen,
}

/// What the uplink reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UplinkInput {
    /// The fleet answers.
    Online,
    /// The fleet has not answered since then.
    Offline {
        /// Since when.
        since: WallMs,
    },
    /// The kiosk has never belonged to its fleet and sells nothing before it does; none: it does, or need not.
    Claim(Option<Arc<Claim>>),
    /// The fleet grants what may be sold of scarce goods.
    Quota(Arc<QuotaGrant>),
    /// The fleet does not agree with something about an order. Told once.
    Denied {
        /// Which order.
        order: OrderId,
        /// Why.
        code: DenyCode,
    },
}

/// A request with authority. The origin is assigned by the receiver, never read from the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Who asks.
    pub origin: Origin,
    /// What for.
    pub action: Action,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The program itself (a catalog found at start).
    Kiosk,
    /// A local tool, named by its user.
    Local(Arc<str>),
    /// A member of staff at the screen.
    Staff(Arc<str>),
    /// The fleet.
    Fleet,
}

/// What a command asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Make this checked catalog the active one.
    ActivateCatalog {
        /// The catalog.
        catalog: Arc<Catalog>,
        /// SHA-256 of its document.
        sha256: [u8; 32],
    },
    /// Mark an item as sold out, or to be had again.
    SetSoldOut {
        /// What.
        item: ItemId,
        /// Sold out or not.
        sold_out: bool,
        /// Until when.
        until: Option<WallMs>,
    },
    /// Stop selling.
    Close,
    /// Sell again.
    Open,
    /// Decide an unclear payment.
    ResolvePayment {
        /// Which.
        payment: PaymentId,
        /// How.
        verdict: StaffVerdict,
    },
    /// Give the money of a paid order back.
    ReversePayment {
        /// Which.
        payment: PaymentId,
    },
    /// The staff took the money of an order that is to be paid at the counter.
    PaidAtCounter {
        /// Which.
        order: OrderId,
    },
    /// Give up an order that no money was taken for.
    CancelOrder {
        /// Which.
        order: OrderId,
    },
    /// Print a receipt again, marked as a copy.
    Reprint {
        /// Number of the order's newest receipt job.
        receipt: ReceiptId,
    },
    /// A task was done.
    FinishTask {
        /// Which.
        task: TaskId,
    },
    /// Close the payment terminal's day: it hands its payments in and prints or tells its totals.
    EndOfDay,
    /// Open the cash drawer.
    OpenDrawer {
        /// Why.
        reason: Arc<str>,
    },
    /// The store was damaged, moved aside and begun anew.
    StoreReplaced {
        /// Where the old one lies.
        moved_to: Arc<str>,
        /// What was wrong with it, in English.
        why: Arc<str>,
    },
    /// Out of service because of a fault the shell found (store, disk); cannot be undone but by a restart.
    Fault {
        /// Short code for the team.
        code: Arc<str>,
        /// What is wrong, in English.
        detail: Arc<str>,
    },
}
