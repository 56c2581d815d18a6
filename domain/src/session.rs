//! What lives only as long as a visit, or as long as the process: the cart, the page, the condition of the
//! devices. Gone after a restart, by design.
//!
//! The session is a handful of parts. A step that changes a part replaces it as a whole, so that a change is
//! complete in itself and applying it needs no thought.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cart::{Cart, CartLine, ComboPick, ServiceMode};
use crate::claim::Claim;
use crate::ids::{
    CategoryId, GroupId, ItemId, KitchenJobId, LineId, ModifierId, OrderId, PaymentId, ReceiptId, SlotId,
    Uuid, VariationId,
};
use crate::input::PrinterCondition;
use crate::intent::ReceiptChoice;
use crate::kiosk::menu::Menu;
use crate::money::{Minor, Quantity};
use crate::payment::{LastTransaction, Tender};
use crate::pricing::Priced;
use crate::spoken::Dialogue;
use crate::text::Lang;
use crate::time::{MonoMs, WallMs};
use crate::view::{Notice, Preferences, TerminalPrompt, Unavailable};

/// A volatile change: this part is now like this.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionChange {
    /// The program is up.
    Started,
    /// The visit.
    Visit(Option<Arc<Visit>>),
    /// The catalog that is sold from.
    Menu(Arc<Menu>),
    /// How the devices are.
    Devices(Devices),
    /// What goes on at the payment terminal.
    Terminal(Terminal),
    /// What is under way at the printer and in the kitchen.
    Work(Work),
    /// The fleet, and for how long it has been silent.
    Uplink(Uplink),
    /// The kiosk waits to be claimed, or no longer.
    Claim(Option<Arc<Claim>>),
    /// Something is broken that only a restart can mend.
    Fault(Fault),
    /// See [`Session::restarting`].
    Restarting(bool),
    /// What the line display shows.
    Display(Option<DisplayLines>),
    /// Microphone and recogniser.
    Voice(Voice),
}

/// Everything volatile.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Session {
    /// Replay is over and the shell is up.
    pub started: bool,
    /// The customer in front of the screen.
    pub visit: Option<Arc<Visit>>,
    /// What is sold.
    pub menu: Option<Arc<Menu>>,
    /// How the devices are.
    pub devices: Devices,
    /// What goes on at the payment terminal.
    pub terminal: Terminal,
    /// What is under way at the printer and in the kitchen.
    pub work: Work,
    /// The fleet.
    pub uplink: Uplink,
    /// The kiosk waits to be claimed and sells nothing.
    pub claim: Option<Arc<Claim>>,
    /// The machine restarts for an update.
    pub restarting: bool,
    /// What is broken.
    pub fault: Option<Fault>,
    /// What the line display shows.
    pub display: Option<DisplayLines>,
    /// Microphone and recogniser.
    pub voice: Voice,
}

impl Session {
    /// Whether it is worth while to wait for paper: the printer can print and gets on with what it has.
    pub fn prints_now(&self) -> bool {
        let work = &self.work;
        self.devices.can_print()
            && work.print_not_before.is_none()
            && work.printing.is_none_or(|job| job.patience.is_some())
    }

    /// Whether the fleet was asked for more of scarce goods and has not answered yet.
    pub(crate) fn is_asking(&self) -> bool {
        self.work.asking.as_ref().is_some_and(|asking| asking.until.is_some())
    }

    /// Replaces one part.
    pub fn apply(&mut self, change: &SessionChange) {
        match change {
            SessionChange::Started => self.started = true,
            SessionChange::Visit(visit) => self.visit.clone_from(visit),
            SessionChange::Menu(menu) => self.menu = Some(menu.clone()),
            SessionChange::Devices(devices) => self.devices = *devices,
            SessionChange::Terminal(terminal) => self.terminal.clone_from(terminal),
            SessionChange::Work(work) => self.work.clone_from(work),
            SessionChange::Uplink(uplink) => self.uplink = *uplink,
            SessionChange::Claim(claim) => self.claim.clone_from(claim),
            SessionChange::Restarting(restarting) => self.restarting = *restarting,
            SessionChange::Fault(fault) => self.fault = Some(fault.clone()),
            SessionChange::Display(lines) => self.display.clone_from(lines),
            SessionChange::Voice(voice) => self.voice = *voice,
        }
    }

    /// The parts of `self` that differ from `before`.
    pub fn changes_since(&self, before: &Self) -> Vec<SessionChange> {
        let mut changes = Vec::new();
        if self.started && !before.started {
            changes.push(SessionChange::Started);
        }
        if !same(&self.visit, &before.visit) {
            changes.push(SessionChange::Visit(self.visit.clone()));
        }
        if let Some(menu) = self.menu.as_ref().filter(|_| !same(&self.menu, &before.menu)) {
            changes.push(SessionChange::Menu(menu.clone()));
        }
        if self.devices != before.devices {
            changes.push(SessionChange::Devices(self.devices));
        }
        if self.terminal != before.terminal {
            changes.push(SessionChange::Terminal(self.terminal.clone()));
        }
        if self.work != before.work {
            changes.push(SessionChange::Work(self.work.clone()));
        }
        if self.uplink != before.uplink {
            changes.push(SessionChange::Uplink(self.uplink));
        }
        if self.claim != before.claim {
            changes.push(SessionChange::Claim(self.claim.clone()));
        }
        if self.restarting != before.restarting {
            changes.push(SessionChange::Restarting(self.restarting));
        }
        if let Some(fault) = self.fault.as_ref().filter(|_| self.fault != before.fault) {
            changes.push(SessionChange::Fault(fault.clone()));
        }
        if self.display != before.display {
            changes.push(SessionChange::Display(self.display.clone()));
        }
        if self.voice != before.voice {
            changes.push(SessionChange::Voice(self.voice));
        }
        changes
    }
}

/// Whether two shared parts are the same object: comparing a catalog by its contents would take longer than
/// the whole step.
fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// One customer, from the first touch to the goodbye.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visit {
    /// Language.
    pub lang: Lang,
    /// What makes the screen easier to use.
    pub preferences: Preferences,
    /// Eat in or take away, once chosen.
    pub mode: Option<ServiceMode>,
    /// What was chosen so far.
    pub cart: Cart,
    /// Number of the next line of the cart.
    pub next_line: u32,
    /// What was called how in the cart before another catalog had it no longer.
    pub former_names: BTreeMap<ItemId, Arc<str>>,
    /// What the cart costs, as last shown to the customer.
    pub price: CartPrice,
    /// Where the customer is.
    pub stage: Stage,
    /// What lies over the page, besides the idle warning and the notice.
    pub sheet: Option<Sheet>,
    /// A short message and when it goes.
    pub notice: Option<(Notice, MonoMs)>,
    /// A removed line that can come back.
    pub undo: Option<Undo>,
    /// The category last opened.
    pub category: Option<CategoryId>,
    /// Items a meal was offered for; one offer each and order.
    pub meals_offered: BTreeSet<ItemId>,
    /// When the patience ends.
    pub idle: Idle,
    /// The team was called.
    pub staff_called: bool,
    /// Ordering by voice.
    pub voice: Dialogue,
}

/// Where a customer is.
///
/// ```text
/// Service ─► Browse ⇄ Item ─► Meal ─┐
///               ▲  └────────────────┴─► Cart ─► Ordered ─► (end of the visit)
///               └───────────────────────┘ ▲        │
///                                         └────────┘  back to the order: cancelled, cart kept
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Language and eat in / take away.
    Service,
    /// A category of the menu.
    Browse,
    /// An item and its choices.
    Item(ItemDraft),
    /// A combo being offered or filled.
    Meal(MealDraft),
    /// The cart.
    Cart,
    /// An order was placed; which page that is depends on the order.
    Ordered(Ordered),
}

/// An item being configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemDraft {
    /// What.
    pub item: ItemId,
    /// In which size.
    pub variation: VariationId,
    /// How often each modifier was chosen; no entry for zero.
    pub chosen: BTreeMap<(GroupId, ModifierId), u32>,
    /// Pieces.
    pub quantity: u32,
    /// The line of the cart that is changed, if it is not a new one.
    pub editing: Option<LineId>,
    /// The customer tried to go on with a choice still open.
    pub complain: bool,
}

/// A combo being filled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MealDraft {
    /// The combo.
    pub combo: ItemId,
    /// Its variation; it carries the price.
    pub variation: VariationId,
    /// What was picked.
    pub picks: Vec<ComboPick>,
    /// The item that brought the offer, as it would be bought alone, and the slot it fills.
    pub offered: Option<(CartLine, SlotId)>,
    /// Pieces.
    pub quantity: u32,
    /// The line of the cart that is changed, if it is not a new one.
    pub editing: Option<LineId>,
    /// The customer tried to go on with a slot still open.
    pub complain: bool,
}

/// From checkout to the number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ordered {
    /// The order.
    pub order: OrderId,
    /// The tip, once chosen.
    pub tip: Option<Minor>,
    /// The means of payment chosen on the page; `None`: what is preferred now.
    pub tender: Option<Tender>,
    /// After a failed payment: the customer wants to choose again.
    pub choosing: bool,
    /// How the receipt is wanted.
    pub receipt: Option<ReceiptChoice>,
    /// When the number page closes by itself; `None`: not there yet, or something is printing.
    pub closes_at: Option<MonoMs>,
}

/// What a cart costs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CartPrice {
    /// Lines, taxes and total; `None`: nothing in the cart that can be priced.
    pub priced: Option<Arc<Priced>>,
    /// Lines that cannot be bought now; they are not in `priced`.
    pub unavailable: BTreeMap<LineId, Unavailable>,
}

impl CartPrice {
    /// To pay.
    pub fn total(&self) -> Minor {
        self.priced.as_ref().map_or(Minor::ZERO, |p| p.total)
    }
}

/// What lies over a page because the customer asked for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sheet {
    /// Languages.
    Languages,
    /// What makes it easier to use.
    Easier,
    /// Really cancel?
    ConfirmCancel,
}

/// A removed line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undo {
    /// The line.
    pub line: CartLine,
    /// Where it was.
    pub index: usize,
    /// Until when it can come back.
    pub until: MonoMs,
}

/// The patience with a customer who does nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Idle {
    /// This page never ends by itself.
    Never,
    /// The warning comes then.
    Counting {
        /// When.
        until: MonoMs,
    },
    /// The warning stands; the visit ends then.
    Warning {
        /// When.
        until: MonoMs,
    },
}

/// How the devices are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Devices {
    /// The receipt printer.
    pub printer: PrinterCondition,
    /// Whether a scanner is there.
    pub scanner: bool,
    /// Whether the kitchen takes tickets.
    pub kitchen: bool,
    /// Whether the drawer stands open.
    pub drawer_open: bool,
}

impl Default for Devices {
    fn default() -> Self {
        Self { printer: PrinterCondition::Absent, scanner: false, kitchen: true, drawer_open: false }
    }
}

impl Devices {
    /// Whether a receipt would come out now.
    pub fn can_print(&self) -> bool {
        match self.printer {
            PrinterCondition::Ready | PrinterCondition::PaperLow => true,
            PrinterCondition::PaperOut
            | PrinterCondition::CoverOpen
            | PrinterCondition::Error
            | PrinterCondition::Absent => false,
        }
    }
}

/// What goes on at the payment terminal, as far as memory goes; what counts is in the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terminal {
    /// How the terminal is.
    pub phase: TerminalPhase,
    /// The question under way.
    pub question: Option<Question>,
    /// Questions asked since the start: each has a number, so that a late answer is not taken for another one's.
    pub questions: u32,
    /// Ask (again) at this moment what the terminal remembers, with no payment in doubt.
    pub ask_at: Option<MonoMs>,
    /// A payment waits for the terminal to get ready, at most until then.
    pub ready_by: Option<MonoMs>,
    /// The charge or reversal under way.
    pub job: Option<TerminalJob>,
    /// The questions about a payment in doubt.
    pub doubt: Option<Doubt>,
}

/// A question to the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Its number.
    pub number: u32,
    /// It counts as unanswered after this moment.
    pub until: MonoMs,
}

/// How the terminal is.
///
/// ```text
/// Down ─► Registered ─► Ready ─► (charge) ─► Registered
///   ▲         └───────────┴── lost ──┐
///   └────────────────────────────────┘
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TerminalPhase {
    /// Cannot be used now.
    #[default]
    Down,
    /// There; what it did last is not known (any more).
    Registered,
    /// Idle, and this is what it did last (`None`: it says nothing). Only from here a charge may begin.
    Ready(Option<LastTransaction>),
}

/// A charge or reversal that the terminal was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TerminalJob {
    /// The payment.
    pub payment: PaymentId,
    /// Whether the terminal said that it works on it.
    pub begun: bool,
    /// What it asks the customer for.
    pub prompt: TerminalPrompt,
    /// When our patience ends.
    pub until: MonoMs,
    /// Whether we asked it to stop.
    pub abort: Abort,
    /// The terminal came back in the middle: it was asked whether it still works on this.
    pub doubted: bool,
}

/// Whether a charge was asked to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// No.
    No,
    /// Yes, and no answer yet.
    Asked,
    /// Yes, and the terminal goes on.
    Refused,
}

/// The questions about a payment whose end nobody knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// The payment.
    pub payment: PaymentId,
    /// Questions asked so far.
    pub asked: u32,
    /// The next question.
    pub next_at: MonoMs,
    /// A person must decide from here on.
    pub give_up_at: MonoMs,
    /// When it began, by the wall clock, for the page.
    pub since: WallMs,
}

/// A job at the printer. It stays there until the printer's driver tells how it ended, also while paper is
/// missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtPrinter {
    /// The job.
    pub receipt: ReceiptId,
    /// The customer's page waits for it until then; `None`: no longer.
    pub patience: Option<MonoMs>,
    /// The driver must have lost it when it has not told its end by then.
    pub lost_at: MonoMs,
}

/// What is under way at the printer and in the kitchen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// The one job at the printer.
    pub printing: Option<AtPrinter>,
    /// How often in a row the printer did not begin.
    pub print_refusals: u32,
    /// No print job before this moment.
    pub print_not_before: Option<MonoMs>,
    /// Tickets handed to the kitchen and not taken yet, and until when that may take.
    pub kitchen: BTreeMap<KitchenJobId, MonoMs>,
    /// When to look after what only time changes: availability, expiry, closing.
    pub housekeeping_at: MonoMs,
    /// What the fleet was asked for last in this visit.
    pub asking: Option<Asking>,
}

/// A question for more of scarce goods.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asking {
    /// Its name.
    pub question: Uuid,
    /// Up to which sum of sales.
    pub goods: BTreeMap<VariationId, Quantity>,
    /// Until when the answer is waited for; `None`: it came, or came too late.
    pub until: Option<MonoMs>,
    /// The customer wants to pay.
    pub checkout: bool,
}

/// The fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Uplink {
    /// It answers, or there is none.
    #[default]
    Online,
    /// It does not answer, but not for long: nobody is told before `banner_at`.
    Silent {
        /// Since when.
        since: WallMs,
        /// When the customer is told.
        banner_at: MonoMs,
    },
    /// It has not answered for long; the customer is told.
    Offline {
        /// Since when.
        since: WallMs,
    },
}

/// Something is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Short code for the team.
    pub code: Arc<str>,
    /// What is wrong, in English.
    pub detail: Arc<str>,
    /// Since when.
    pub since: WallMs,
}

/// Microphone and recogniser.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voice {
    /// Whether both are there.
    pub available: bool,
    /// Utterances listened to since the start: each has a number.
    pub turns: u32,
}

/// Two lines of a line display.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisplayLines {
    /// Above.
    pub upper: Arc<str>,
    /// Below.
    pub lower: Arc<str>,
}
