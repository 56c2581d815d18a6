//! Durable facts, past tense. They are stored before any effect of theirs leaves, replayed at boot and synced
//! to the fleet. What a visit forgets at its end is a [`SessionChange`] instead and lives in memory only.

use std::sync::Arc;

use crate::ids::{ItemId, KitchenJobId, OrderId, PaymentId, ReceiptId, TaskId};
use crate::order::{CancelReason, FiscalNumber, Order};
use crate::payment::{Approval, LastTransaction, Payment, StaffVerdict};
use crate::quota::Quota;
use crate::receipt::ReceiptKind;
use crate::session::SessionChange;
use crate::time::WallMs;

/// One change of state, in the order it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Durable: stored before it is applied.
    Event(Event),
    /// Volatile: applied only.
    Session(SessionChange),
}

/// A durable fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// About an order.
    Order(OrderEvent),
    /// About a payment.
    Payment(PaymentEvent),
    /// About a receipt or slip.
    Receipt(ReceiptEvent),
    /// About a kitchen ticket.
    Kitchen(KitchenEvent),
    /// About what is for sale.
    Catalog(CatalogEvent),
    /// About selling at all.
    Service(ServiceEvent),
    /// About the cash drawer.
    Drawer(DrawerEvent),
    /// About something a person must do.
    Task(TaskEvent),
    /// About the stock that this kiosk may sell.
    Stock(StockEvent),
}

/// About an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderEvent {
    /// The customer checked out; the whole order.
    Placed(Arc<Order>),
    /// Paid in full; takes the next fiscal number.
    Paid {
        /// Which.
        order: OrderId,
        /// Its legal number.
        fiscal: FiscalNumber,
        /// When.
        at: WallMs,
    },
    /// To be paid at the counter.
    AcceptedUnpaid {
        /// Which.
        order: OrderId,
    },
    /// Given up.
    Cancelled {
        /// Which.
        order: OrderId,
        /// Why.
        why: CancelReason,
    },
    /// Given up by time.
    Expired {
        /// Which.
        order: OrderId,
    },
    /// Nothing is left to do for it.
    Closed {
        /// Which.
        order: OrderId,
    },
}

/// About a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaymentEvent {
    /// An attempt was written down.
    Created(Payment),
    /// The terminal is about to be asked.
    SendStarted {
        /// Which.
        payment: PaymentId,
        /// What the terminal remembered before.
        last_known: Option<LastTransaction>,
        /// When.
        at: WallMs,
    },
    /// Money was taken.
    Approved {
        /// Which.
        payment: PaymentId,
        /// The terminal's word.
        approval: Approval,
        /// When.
        at: WallMs,
    },
    /// The terminal is done with it.
    Completed {
        /// Which.
        payment: PaymentId,
    },
    /// Refused; no money was taken.
    Declined {
        /// Which.
        payment: PaymentId,
        /// The terminal's code.
        code: u8,
    },
    /// Cancelled; no money was taken.
    Cancelled {
        /// Which.
        payment: PaymentId,
    },
    /// The terminal gave up waiting; no money was taken.
    TimedOut {
        /// Which.
        payment: PaymentId,
    },
    /// Whether money was taken is not known.
    Unknown {
        /// Which.
        payment: PaymentId,
        /// Why, in English, for staff and logs.
        why: Arc<str>,
        /// When.
        at: WallMs,
    },
    /// The terminal cannot say either.
    NeedsStaff {
        /// Which.
        payment: PaymentId,
        /// What spoke against a decision, in English.
        evidence: Arc<str>,
    },
    /// An approved result was answered with "goods not issued": the terminal gives the money back by itself.
    RefusedGoods {
        /// Which.
        payment: PaymentId,
    },
    /// The money is being given back.
    Reversing {
        /// Which.
        payment: PaymentId,
    },
    /// The money was given back.
    Reversed {
        /// Which.
        payment: PaymentId,
        /// For an order that had been PAID: the fiscal number of the counter-document.
        fiscal: Option<FiscalNumber>,
    },
    /// Whether it was given back is not known.
    ReversalUnknown {
        /// Which.
        payment: PaymentId,
    },
    /// The terminal refused to give it back; its memory tells whether that was done before.
    ReversalRefused {
        /// Which.
        payment: PaymentId,
        /// The terminal's code.
        code: u8,
    },
    /// A member of staff decided.
    Resolved {
        /// Which.
        payment: PaymentId,
        /// How.
        verdict: StaffVerdict,
        /// Who.
        staff: Arc<str>,
    },
    /// The terminal's own receipt text, masked by the driver.
    TerminalReceipt {
        /// Which.
        payment: PaymentId,
        /// For the customer (else for the shop).
        customer: bool,
        /// The lines.
        lines: Vec<Arc<str>>,
    },
}

/// About a receipt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReceiptEvent {
    /// To be printed.
    Queued {
        /// The job.
        receipt: ReceiptId,
        /// For this order.
        order: OrderId,
        /// What.
        kind: ReceiptKind,
        /// 0 for the original, 1 for the first copy, …
        copy: u32,
    },
    /// The customer does not want it on paper, or had to do without.
    Declined {
        /// The job.
        receipt: ReceiptId,
    },
    /// About to be handed to the printer; from here on a repetition is a copy.
    Sent {
        /// The job.
        receipt: ReceiptId,
    },
    /// The printer certainly did not begin; back in the queue as it was.
    Returned {
        /// The job.
        receipt: ReceiptId,
    },
    /// The printer confirmed that it came out.
    Confirmed {
        /// The job.
        receipt: ReceiptId,
    },
    /// The printer took all of it without a fault, and cannot confirm that it came out.
    Unconfirmed {
        /// The job.
        receipt: ReceiptId,
    },
    /// Whether it came out is not known.
    Unknown {
        /// The job.
        receipt: ReceiptId,
    },
    /// It did not come out and will not be tried again.
    Failed {
        /// The job.
        receipt: ReceiptId,
        /// Why, in English.
        why: Arc<str>,
    },
}

/// About a kitchen ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KitchenEvent {
    /// To be made, once the payment is completed.
    Queued {
        /// The job.
        job: KitchenJobId,
        /// For this order.
        order: OrderId,
    },
    /// Released to the kitchen.
    Dispatched {
        /// The job.
        job: KitchenJobId,
    },
    /// The kitchen has it: it is never sent again.
    Taken {
        /// The job.
        job: KitchenJobId,
    },
    /// Withdrawn before it was released.
    Withdrawn {
        /// The job.
        job: KitchenJobId,
    },
}

/// About what is for sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CatalogEvent {
    /// A checked catalog became the active one.
    Activated {
        /// Its revision.
        rev: u64,
        /// SHA-256 of its document.
        sha256: [u8; 32],
    },
    /// Marked as sold out on this kiosk.
    SoldOut {
        /// What.
        item: ItemId,
        /// Until when; `None`: until somebody says so.
        until: Option<WallMs>,
    },
    /// To be had again.
    Available {
        /// What.
        item: ItemId,
    },
}

/// About selling at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ServiceEvent {
    /// Closed on purpose.
    Closed {
        /// By whom.
        by: Arc<str>,
    },
    /// Opened again.
    Opened {
        /// By whom.
        by: Arc<str>,
    },
}

/// About the cash drawer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DrawerEvent {
    /// It was told to open.
    Kicked {
        /// Why.
        reason: Arc<str>,
    },
}

/// About the stock that this kiosk may sell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StockEvent {
    /// This quota is in force, and no earlier one. When its time is over it is told once more, with what was taken
    /// of it: the rest goes back.
    Quota(Arc<Quota>),
}

/// About something a person must do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskEvent {
    /// Raised.
    Raised {
        /// The task.
        task: TaskId,
        /// What it is about.
        kind: TaskKind,
        /// When.
        at: WallMs,
    },
    /// Done.
    Done {
        /// The task.
        task: TaskId,
        /// By whom.
        by: Arc<str>,
    },
}

/// What a task is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskKind {
    /// Find out whether a payment was taken.
    UnclearPayment {
        /// Which.
        payment: PaymentId,
    },
    /// A paid order's money was given back by the terminal: tell the customer.
    ReversedByTerminal {
        /// Which.
        payment: PaymentId,
        /// Of this order.
        order: OrderId,
    },
    /// The terminal's amount differs from ours.
    AmountDiffers {
        /// Which.
        payment: PaymentId,
    },
    /// A customer called.
    CustomerCalled {
        /// The order, if there is one.
        order: Option<OrderId>,
    },
    /// The terminal reports an approved transaction that no payment of ours explains.
    UnexplainedTransaction {
        /// The transaction, so that it is reported once.
        transaction: LastTransaction,
        /// What it reported, in English.
        evidence: Arc<str>,
    },
    /// The fleet stored a sale and does not agree with it. The order stays as it is: the money was taken.
    SaleDenied {
        /// Which.
        order: OrderId,
        /// Why.
        code: DenyCode,
    },
    /// The store was damaged and a new one begun: what the old one had and the fleet does not is only there.
    StoreReplaced {
        /// Where the old one lies.
        moved_to: Arc<str>,
        /// What was wrong with it, in English.
        why: Arc<str>,
    },
}

/// Why the fleet does not agree with a sale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DenyCode {
    /// More was sold than there is.
    OutOfStock,
    /// The prices are not the catalog's.
    PriceMismatch,
    /// The catalog has no such item.
    UnknownItem,
    /// The fiscal number was used before.
    DuplicateFiscal,
    /// The shop does not allow it.
    Policy,
}
