//! What a shop decides about its kiosk. Read once at start, never changed while the kiosk runs.

use std::sync::Arc;

use crate::cart::ServiceMode;
use crate::text::Lang;
use crate::view::Side;

/// Everything the core wants to know about this kiosk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KioskConfig {
    /// Name of the kiosk in the fleet: `t7.k0042`.
    pub kiosk_id: Arc<str>,
    /// Serial number of the machine.
    pub serial: Arc<str>,
    /// Version of the software.
    pub version: Arc<str>,
    /// Prefix of display numbers: `K3`.
    pub display_prefix: Arc<str>,
    /// Language of the attract page and of the kitchen; the catalog's first language when `None`.
    pub default_lang: Option<Lang>,
    /// The ways of taking the goods that are offered, the usual one first; never empty.
    pub modes: Vec<ServiceMode>,
    /// Where the terminal stands, seen from the customer.
    pub terminal_side: Side,
    /// Language in which can be ordered by voice; `None`: there is no voice here.
    pub voice: Option<Lang>,
    /// What the shop prints above and below.
    pub shop: ShopLines,
    /// How long things wait.
    pub times: Times,
    /// How often an uncertain terminal is asked.
    pub reconcile: ReconcileSchedule,
    /// How much one order may hold.
    pub limits: Limits,
    /// What the shop allows.
    pub policy: Policy,
}

impl KioskConfig {
    /// A kiosk with the usual times, limits and policies.
    pub fn new(kiosk_id: &str, display_prefix: &str) -> Self {
        Self {
            kiosk_id: kiosk_id.into(),
            serial: "".into(),
            version: "".into(),
            display_prefix: display_prefix.into(),
            default_lang: None,
            modes: vec![ServiceMode::DineIn, ServiceMode::TakeAway],
            terminal_side: Side::Right,
            voice: None,
            shop: ShopLines::default(),
            times: Times::default(),
            reconcile: ReconcileSchedule::default(),
            limits: Limits::default(),
            policy: Policy::default(),
        }
    }
}

/// What the shop prints on every receipt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShopLines {
    /// Name, address, tax number: above.
    pub header: Vec<Arc<str>>,
    /// Thanks, opening hours: below.
    pub footer: Vec<Arc<str>>,
}

/// How long things wait, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Browsing without a touch before the warning.
    pub idle_browse_ms: u64,
    /// The same with large text or speech.
    pub idle_browse_slow_ms: u64,
    /// Choosing how to pay without a touch before the warning.
    pub idle_checkout_ms: u64,
    /// How long the warning stands. At least [`Times::WARNING_MIN_MS`] counts, whatever is set.
    pub idle_warning_ms: u64,
    /// How long a removed line can be brought back.
    pub undo_ms: u64,
    /// How long a short message stays.
    pub notice_ms: u64,
    /// How long the number stays after the receipt came out.
    pub done_ms: u64,
    /// How long the fleet may be silent before the customer is told.
    pub offline_banner_ms: u64,
    /// How long an order without payment lives, by the wall clock, over restarts.
    pub order_expiry_ms: i64,
    /// How long a terminal may be busy before another way to pay is offered.
    pub terminal_ready_ms: u64,
    /// How long a charge may take without a sign of life. Longer than the terminal's own limit (180 s), so
    /// that the terminal always ends it first.
    pub charge_ms: u64,
    /// How long a terminal may take to agree to an abort.
    pub abort_ms: u64,
    /// How long a terminal may take to finish an approved payment before it is asked.
    pub completion_ms: u64,
    /// Pause before a print job is tried again that the printer did not begin; doubles up to 32 times.
    pub print_retry_ms: u64,
    /// How long the customer's page waits for paper. After that, and whenever the printer has a fault, it says
    /// that the receipt is printed later, and offers the QR code. The job itself goes on.
    pub print_patience_ms: u64,
    /// How long a print job may be under way before it counts as unknown. Longer than the printer's driver waits
    /// for paper while it sends (15 min) and once more at the end (15 min), so that the driver always ends it first.
    pub print_lost_ms: u64,
    /// Pause before the kitchen is tried again.
    pub kitchen_retry_ms: u64,
    /// Orders are closed this long after they were paid, by the wall clock.
    pub close_after_ms: i64,
}

impl Times {
    /// WCAG 2.2.1 asks for at least twenty seconds to react to a time limit.
    pub const WARNING_MIN_MS: u64 = 20_000;
}

impl Default for Times {
    fn default() -> Self {
        Self {
            idle_browse_ms: 60_000,
            idle_browse_slow_ms: 90_000,
            idle_checkout_ms: 90_000,
            idle_warning_ms: Self::WARNING_MIN_MS,
            undo_ms: 5_000,
            notice_ms: 4_000,
            done_ms: 20_000,
            offline_banner_ms: 40_000,
            order_expiry_ms: 10 * 60_000,
            terminal_ready_ms: 60_000,
            charge_ms: 240_000,
            abort_ms: 30_000,
            completion_ms: 60_000,
            print_retry_ms: 5_000,
            print_patience_ms: 120_000,
            print_lost_ms: 45 * 60_000,
            kitchen_retry_ms: 15_000,
            close_after_ms: 15 * 60_000,
        }
    }
}

/// How often a terminal is asked about a payment that nobody knows the end of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReconcileSchedule {
    /// Pauses before the questions, milliseconds; when they are used up a person must decide.
    pub pauses_ms: Vec<u64>,
    /// A person must decide after this long, even if the terminal could never be asked.
    pub give_up_ms: u64,
    /// Pause between the questions that go on after that.
    pub slow_ms: u64,
    /// How long one question may stay without an answer before it may be asked again.
    pub answer_ms: u64,
}

impl Default for ReconcileSchedule {
    fn default() -> Self {
        Self {
            pauses_ms: vec![1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000],
            give_up_ms: 240_000,
            slow_ms: 120_000,
            answer_ms: 45_000,
        }
    }
}

/// How much one order may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Pieces of one line: more is a party, and the counter should know.
    pub pieces_per_line: u32,
    /// Lines of one order: what a customer can still check on one screen.
    pub lines_per_order: u32,
    /// Pieces of one order.
    pub pieces_per_order: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pieces_per_line: 20, lines_per_order: 40, pieces_per_order: 99 }
    }
}

/// What the shop allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Paying at the counter is offered.
    pub pay_at_counter: bool,
    /// The kitchen begins with an order that is to be paid at the counter.
    pub kitchen_on_unpaid: bool,
    /// Tips are asked for, if the catalog offers any.
    pub tips: bool,
    /// Tickets are sent to a kitchen at all.
    pub kitchen: bool,
    /// Receipts are printed without asking. Otherwise the customer chooses, and who goes without choosing
    /// gets paper.
    pub print_without_asking: bool,
    /// Items with a least age are sold: only where staff hand out the goods and look.
    pub age_restricted: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pay_at_counter: true,
            kitchen_on_unpaid: false,
            tips: true,
            kitchen: true,
            print_without_asking: false,
            age_restricted: false,
        }
    }
}
