//! What the kiosk knows for good: the sum of all durable events. Two ledgers made from the same events are
//! equal, whoever replayed them and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{TaskEvent, TaskKind};
use crate::ids::{ItemId, KitchenJobId, OrderId, PaymentId, ReceiptId, TaskId, Uuid, VariationId};
use crate::money::{Minor, Quantity};
use crate::order::{CancelReason, FiscalNumber, Order, OrderState};
use crate::payment::{Approval, LastTransaction, Payment, PaymentState, StaffVerdict, Tender};
use crate::quota::Quota;
use crate::receipt::ReceiptKind;
use crate::time::{Date, WallMs};

/// So many finished orders stay in memory, for reprints and reversals at the kiosk: more than a busy day.
/// Older ones are in the store and the fleet.
pub const FINISHED_ORDERS_KEPT: usize = 500;

/// Everything durable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ledger {
    /// The orders in memory.
    pub orders: BTreeMap<OrderId, Arc<OrderRecord>>,
    /// The orders in the order they were placed.
    pub(crate) placed: BTreeMap<u64, OrderId>,
    /// The order that a payment, receipt or kitchen job belongs to.
    pub(crate) owner: BTreeMap<Uuid, OrderId>,
    /// Orders with anything left to do.
    pub(crate) open: BTreeSet<OrderId>,
    /// Tasks that nobody has done yet.
    pub tasks: BTreeMap<TaskId, Task>,
    /// Fiscal numbers used, by series.
    pub(crate) series: BTreeMap<u64, SeriesCount>,
    /// The series of the events now being written.
    pub(crate) current_series: u64,
    /// The display number given last.
    pub(crate) number: Option<LastNumber>,
    /// Items marked as sold out here, and until when.
    pub sold_out: BTreeMap<ItemId, Option<WallMs>>,
    /// Closed on purpose, by whom.
    pub closed: Option<Arc<str>>,
    /// The catalog activated last: revision and SHA-256.
    pub catalog: Option<(u64, [u8; 32])>,
    /// The terminal's last transaction that we can explain.
    pub(crate) terminal_last: Option<LastTransaction>,
    /// Sales of the current business day.
    pub day: DayCount,
    /// What was sold since the series began, for the quota.
    pub(crate) sold: BTreeMap<VariationId, Quantity>,
    /// What may be sold of scarce goods; `None`: nobody counts.
    pub quota: Option<Arc<Quota>>,
}

/// How far a fiscal series is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SeriesCount {
    /// The number taken last.
    pub last: u64,
    /// Numbers of orders that are no longer in memory.
    pub dropped: u64,
}

/// The display number given last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LastNumber {
    pub date: Date,
    pub counter: u16,
    pub series: u64,
}

/// Sales of a business day.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DayCount {
    /// The day.
    pub date: Option<Date>,
    /// Orders placed.
    pub placed: u32,
    /// Orders paid.
    pub paid: u32,
}

/// An order and all that became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRecord {
    /// What was ordered.
    pub order: Arc<Order>,
    /// Its place in the sequence of orders.
    pub place: u64,
    /// Where it stands.
    pub state: OrderState,
    /// Its legal number and when it was paid.
    pub paid: Option<(FiscalNumber, WallMs)>,
    /// Legal numbers of its counter-documents.
    pub refunds: Vec<FiscalNumber>,
    /// Why it was given up.
    pub cancelled: Option<CancelReason>,
    /// The attempts to pay it, in order.
    pub payments: Vec<PaymentRecord>,
    /// Its receipts and slips, in order.
    pub receipts: Vec<ReceiptRecord>,
    /// Its kitchen tickets.
    pub kitchen: Vec<KitchenRecord>,
}

impl OrderRecord {
    /// A payment of this order.
    pub fn payment(&self, id: PaymentId) -> Option<&PaymentRecord> {
        self.payments.iter().find(|p| p.payment.id == id)
    }

    /// The latest attempt to pay.
    pub fn last_payment(&self) -> Option<&PaymentRecord> {
        self.payments.last()
    }

    /// The payment that paid it, given back or not.
    pub fn paying(&self) -> Option<&PaymentRecord> {
        self.payments.iter().find(|p| p.approval.is_some())
    }

    /// Whether every payment that took money is done with, so that goods and paper may leave.
    pub fn is_released(&self) -> bool {
        self.payments.iter().all(|p| match &p.state {
            PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => true,
            PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_)
            | PaymentState::NeedsStaff { .. } => p.completed,
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Approved(_) => false,
        })
    }

    /// Whether a payment of it may still take money or give it back.
    pub fn has_live_payment(&self) -> bool {
        self.payments.iter().any(|p| !p.state.is_definite())
    }

    /// Money given back.
    pub fn refunded(&self) -> Minor {
        self.payments
            .iter()
            .filter(|p| p.state == PaymentState::Reversed)
            .filter_map(|p| p.approval.as_ref().map(|a| a.amount))
            .sum()
    }

    /// Whether it was paid and the money went back: nobody can pay it again.
    pub fn is_refunded(&self) -> bool {
        self.paid.is_some() && self.paying().is_some_and(|p| p.state == PaymentState::Reversed)
    }

    /// Whether the kiosk has nothing left to do for it.
    pub(crate) fn is_settled(&self) -> bool {
        let over = match self.state {
            OrderState::Closed | OrderState::Cancelled | OrderState::Expired => true,
            OrderState::Placed
            | OrderState::AwaitingPayment
            | OrderState::PaymentUnknown
            | OrderState::Paid
            | OrderState::AcceptedUnpaid
            | OrderState::Fulfilling => false,
        };
        over && self.is_idle()
    }

    /// Whether nothing of it is under way: no payment, no paper, no ticket.
    pub(crate) fn is_idle(&self) -> bool {
        !self.has_live_payment()
            && self.receipts.iter().all(|r| r.state.is_final())
            && self.kitchen.iter().all(|k| k.state.is_final())
    }
}

/// A payment and what is known about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentRecord {
    /// What never changes.
    pub payment: Payment,
    /// Where it stands.
    pub state: PaymentState,
    /// The terminal's word, once it approved.
    pub approval: Option<Approval>,
    /// The terminal's last transaction before ours, if it had any.
    pub last_known: Option<LastTransaction>,
    /// When the terminal was about to be asked.
    pub sent_at: Option<WallMs>,
    /// Since when nobody knows.
    pub unknown_since: Option<WallMs>,
    /// Whether it was completed once.
    pub completed: bool,
    /// The approved result was answered with "goods not issued".
    pub refused_goods: bool,
    /// With what code the terminal refused to give the money back, the last time it was asked to.
    pub reversal_refused: Option<u8>,
    /// Receipt text of the terminal for the customer.
    pub receipt_customer: Vec<Arc<str>>,
    /// Receipt text of the terminal for the shop.
    pub receipt_shop: Vec<Arc<str>>,
    /// What a member of staff decided, and who.
    pub resolution: Option<(StaffVerdict, Arc<str>)>,
}

impl PaymentRecord {
    pub(crate) fn new(payment: Payment) -> Self {
        Self {
            payment,
            state: PaymentState::Created,
            approval: None,
            last_known: None,
            sent_at: None,
            unknown_since: None,
            completed: false,
            refused_goods: false,
            reversal_refused: None,
            receipt_customer: Vec::new(),
            receipt_shop: Vec::new(),
            resolution: None,
        }
    }

    /// Whether the terminal may not begin anything else before this is known: its one lock.
    pub fn holds_terminal(&self) -> bool {
        if self.payment.tender == Tender::Counter {
            return false;
        }
        match self.state {
            PaymentState::NeedsStaff { .. } => !self.completed,
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Unknown
            | PaymentState::Approved(_)
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_) => true,
            PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => false,
        }
    }
}

/// A receipt or slip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptRecord {
    /// The job.
    pub id: ReceiptId,
    /// What.
    pub kind: ReceiptKind,
    /// 0 for the original, 1 for the first copy, …
    pub copy: u32,
    /// How far it is.
    pub state: PrintState,
}

/// How far a print job is.
///
/// ```text
/// QUEUED ⇄ SENT ─► CONFIRMED | UNCONFIRMED | UNKNOWN (a marked copy follows)
///    │       └───► FAILED
///    └───► DECLINED | FAILED
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrintState {
    /// Waits for the printer, the payment or the customer's choice.
    Queued,
    /// May be coming out.
    Sent,
    /// Came out, as the printer confirmed.
    Confirmed,
    /// Came out as far as anybody can tell: the printer took it and had no fault, and it cannot confirm.
    Unconfirmed,
    /// May have come out.
    Unknown,
    /// Not wanted on paper.
    Declined,
    /// Did not come out and never will.
    Failed(Arc<str>),
}

impl PrintState {
    /// Whether nothing more happens to it.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Queued | Self::Sent => false,
            Self::Confirmed | Self::Unconfirmed | Self::Unknown | Self::Declined | Self::Failed(_) => true,
        }
    }
}

/// A kitchen ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KitchenRecord {
    /// The job.
    pub id: KitchenJobId,
    /// How far it is.
    pub state: KitchenState,
}

/// How far a kitchen ticket is.
///
/// ```text
/// QUEUED ─► DISPATCHED ─► TAKEN
///    └────► WITHDRAWN
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KitchenState {
    /// Waits for the payment to be completed.
    Queued,
    /// Released; the kitchen has not confirmed it yet.
    Dispatched,
    /// The kitchen has it.
    Taken,
    /// Not to be made.
    Withdrawn,
}

impl KitchenState {
    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Dispatched => false,
            Self::Taken | Self::Withdrawn => true,
        }
    }
}

/// Something a person must do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// What it is about.
    pub kind: TaskKind,
    /// Raised when.
    pub at: WallMs,
}

impl Ledger {
    /// A ledger that begins with this fiscal series.
    pub fn new(series: u64) -> Self {
        Self { current_series: series, ..Self::default() }
    }

    /// From here on events belong to another epoch and its series.
    pub fn enter_series(&mut self, series: u64) {
        if series != self.current_series {
            self.current_series = series;
            self.sold.clear();
            self.quota = None;
        }
    }

    /// Whether the store before was damaged, and nobody has looked after that yet.
    pub(crate) fn store_was_replaced(&self) -> bool {
        self.tasks.values().any(|task| matches!(task.kind, TaskKind::StoreReplaced { .. }))
    }

    /// An order.
    pub fn order(&self, id: OrderId) -> Option<&OrderRecord> {
        self.orders.get(&id).map(Arc::as_ref)
    }

    /// The order and record of a payment.
    pub fn payment(&self, id: PaymentId) -> Option<(&OrderRecord, &PaymentRecord)> {
        let order = self.order(*self.owner.get(&id.0)?)?;
        Some((order, order.payment(id)?))
    }

    /// The order and record of a receipt.
    pub fn receipt(&self, id: ReceiptId) -> Option<(&OrderRecord, &ReceiptRecord)> {
        let order = self.order(*self.owner.get(&id.0)?)?;
        Some((order, order.receipts.iter().find(|r| r.id == id)?))
    }

    /// The order and record of a kitchen ticket.
    pub fn kitchen_job(&self, id: KitchenJobId) -> Option<(&OrderRecord, &KitchenRecord)> {
        let order = self.order(*self.owner.get(&id.0)?)?;
        Some((order, order.kitchen.iter().find(|k| k.id == id)?))
    }

    /// Orders in memory, in the order they were placed.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &OrderRecord> {
        self.placed.values().filter_map(|id| self.order(*id))
    }

    /// Orders with anything left to do.
    pub fn open_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.open.iter().filter_map(|id| self.order(*id))
    }

    /// The payment that holds the terminal, if any.
    pub fn terminal_holder(&self) -> Option<(&OrderRecord, &PaymentRecord)> {
        self.open_orders()
            .find_map(|order| order.payments.iter().find(|p| p.holds_terminal()).map(|p| (order, p)))
    }

    /// Payments that are not at a definite end.
    pub fn live_payments(&self) -> impl Iterator<Item = (&OrderRecord, &PaymentRecord)> {
        self.open_orders().flat_map(|order| {
            order.payments.iter().filter(|p| !p.state.is_definite()).map(move |p| (order, p))
        })
    }

    /// The legal number that the next sale or refund takes.
    pub fn next_fiscal(&self) -> FiscalNumber {
        let last = self.series.get(&self.current_series).map_or(0, |s| s.last);
        FiscalNumber { series: self.current_series, n: last + 1 }
    }

    /// The open task about a payment nobody knows the end of.
    pub(crate) fn unclear_task(&self, payment: PaymentId) -> Option<TaskId> {
        self.tasks.iter().find_map(|(id, task)| {
            matches!(&task.kind, TaskKind::UnclearPayment { payment: p } if *p == payment).then_some(*id)
        })
    }

    pub(crate) fn apply_task(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Raised { task, kind, at } => {
                if let TaskKind::UnexplainedTransaction { transaction, .. } = kind {
                    self.terminal_last = Some(transaction.clone());
                }
                self.tasks.insert(*task, Task { kind: kind.clone(), at: *at });
            }
            TaskEvent::Done { task, .. } => {
                self.tasks.remove(task);
            }
        }
    }
}
