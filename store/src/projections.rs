//! What people ask for, folded from the events in the same transaction that stores them.

use domain::Event;
use domain::cart::ServiceMode;
use domain::event::{OrderEvent, PaymentEvent};
use domain::ids::{OrderId, PaymentId, Uuid};
use domain::money::{Currency, Minor};
use domain::order::{FiscalNumber, Order};
use domain::payment::{StaffVerdict, Tender};
use rusqlite::{Row, Transaction, params};

use crate::error::{StoreError, Trying};
use crate::schema::Store;

/// One order in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRow {
    /// Its identity.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// When it was placed, ms since 1970.
    pub placed_ms: i64,
    /// `dine_in`, `take_away`, `delivery`.
    pub mode: String,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What it cost.
    pub total: Minor,
    /// Pieces.
    pub pieces: u32,
    /// `placed`, `awaiting_payment`, `payment_unknown`, `paid`, …
    pub state: String,
    /// Its legal number, once paid.
    pub fiscal: Option<FiscalNumber>,
    /// Given back so far.
    pub refunded: Minor,
}

/// Which orders to list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderFilter {
    /// At most so many, the newest first.
    pub limit: u32,
}

/// Folds one event into the projections.
pub(crate) fn fold(
    transaction: &Transaction<'_>,
    event: &Event,
    epoch: u64,
    seq: u64,
) -> Result<(), StoreError> {
    match event {
        Event::Order(event) => fold_order(transaction, event, epoch, seq),
        Event::Payment(event) => fold_payment(transaction, event),
        Event::Receipt(_)
        | Event::Kitchen(_)
        | Event::Catalog(_)
        | Event::Service(_)
        | Event::Drawer(_)
        | Event::Task(_)
        | Event::Stock(_) => Ok(()),
    }
}

fn fold_order(
    transaction: &Transaction<'_>,
    event: &OrderEvent,
    epoch: u64,
    seq: u64,
) -> Result<(), StoreError> {
    match event {
        OrderEvent::Placed(order) => insert_order(transaction, order, epoch, seq),
        OrderEvent::Paid { order, fiscal, at } => {
            transaction
                .prepare_cached(
                    "UPDATE order_row SET state = 'paid', fiscal_series = ?2, fiscal_n = ?3, paid_ms = ?4
                     WHERE id = ?1",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        order.0.0,
                        fiscal.series.cast_signed(),
                        fiscal.n.cast_signed(),
                        at.0
                    ])
                })
                .trying("project an order")?;
            Ok(())
        }
        OrderEvent::AcceptedUnpaid { order } => set_order(transaction, *order, "accepted_unpaid"),
        OrderEvent::Cancelled { order, .. } => set_order(transaction, *order, "cancelled"),
        OrderEvent::Expired { order } => set_order(transaction, *order, "expired"),
        OrderEvent::Closed { order } => set_order(transaction, *order, "closed"),
    }
}

fn insert_order(
    transaction: &Transaction<'_>,
    order: &Order,
    epoch: u64,
    seq: u64,
) -> Result<(), StoreError> {
    let date = order.business_date;
    let pieces: u32 =
        order.lines.iter().filter(|l| l.slot.is_none() && !l.deposit).map(|l| l.quantity.whole()).sum();
    transaction
        .prepare_cached(
            "INSERT INTO order_row (id, epoch, placed_seq, number, placed_ms, business_date, mode, currency,
                                    exponent, total, pieces, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'placed')",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                order.id.0.0,
                epoch.cast_signed(),
                seq.cast_signed(),
                order.number.to_string(),
                order.placed_at.0,
                format!("{:04}-{:02}-{:02}", date.year, date.month, date.day),
                match order.mode {
                    ServiceMode::DineIn => "dine_in",
                    ServiceMode::TakeAway => "take_away",
                    ServiceMode::Delivery => "delivery",
                },
                order.currency.code(),
                order.currency.exponent,
                order.total.0,
                pieces,
            ])
        })
        .trying("project an order")?;
    Ok(())
}

fn fold_payment(transaction: &Transaction<'_>, event: &PaymentEvent) -> Result<(), StoreError> {
    let set = |payment: &PaymentId, state: &str| set_payment(transaction, *payment, state);
    match event {
        PaymentEvent::Created(payment) => {
            transaction
                .prepare_cached(
                    "INSERT INTO payment_row (id, order_id, tender, amount, tip, state, at_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, 'created', ?6)",
                )
                .and_then(|mut statement| {
                    let tender = match payment.tender {
                        Tender::Card => "card",
                        Tender::Counter => "counter",
                    };
                    statement.execute(params![
                        payment.id.0.0,
                        payment.order.0.0,
                        tender,
                        payment.amount.0,
                        payment.tip.0,
                        payment.created_at.0
                    ])
                })
                .trying("project a payment")?;
            set_order(transaction, payment.order, "awaiting_payment")
        }
        PaymentEvent::SendStarted { payment, .. } => set(payment, "sending"),
        PaymentEvent::Approved { payment, .. } => set(payment, "approved"),
        PaymentEvent::Completed { payment } => set(payment, "completed"),
        PaymentEvent::Declined { payment, .. } => retry_allowed(transaction, payment, "declined"),
        PaymentEvent::Cancelled { payment } => retry_allowed(transaction, payment, "cancelled"),
        PaymentEvent::TimedOut { payment } => retry_allowed(transaction, payment, "timed_out"),
        PaymentEvent::Unknown { payment, .. } => unclear(transaction, payment, "unknown"),
        PaymentEvent::NeedsStaff { payment, .. } => unclear(transaction, payment, "needs_staff"),
        PaymentEvent::Reversing { payment } | PaymentEvent::RefusedGoods { payment } => {
            set(payment, "reversing")
        }
        PaymentEvent::ReversalUnknown { payment } | PaymentEvent::ReversalRefused { payment, .. } => {
            set(payment, "reversal_unknown")
        }
        PaymentEvent::Reversed { payment, .. } => reversed(transaction, payment),
        PaymentEvent::Resolved { payment, verdict, .. } => match verdict {
            // An approval, and with it `order.paid`, follows in the same step.
            StaffVerdict::Taken => set(payment, "approved"),
            StaffVerdict::NotTaken => retry_allowed(transaction, payment, "declined"),
            StaffVerdict::GivenBack => reversed(transaction, payment),
        },
        PaymentEvent::TerminalReceipt { .. } => Ok(()),
    }
}

fn set_order(transaction: &Transaction<'_>, order: OrderId, state: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE order_row SET state = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![order.0.0, state]))
        .trying("project an order")?;
    Ok(())
}

fn set_payment(transaction: &Transaction<'_>, payment: PaymentId, state: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("UPDATE payment_row SET state = ?2 WHERE id = ?1")
        .and_then(|mut statement| statement.execute(params![payment.0.0, state]))
        .trying("project a payment")?;
    Ok(())
}

/// The payment ended without money: its order waits for another.
fn retry_allowed(transaction: &Transaction<'_>, payment: &PaymentId, state: &str) -> Result<(), StoreError> {
    set_payment(transaction, *payment, state)?;
    set_order_of(transaction, *payment, "awaiting_payment", "payment_unknown")
}

/// Whether the payment took money is open: its order waits for the answer.
fn unclear(transaction: &Transaction<'_>, payment: &PaymentId, state: &str) -> Result<(), StoreError> {
    set_payment(transaction, *payment, state)?;
    set_order_of(transaction, *payment, "payment_unknown", "awaiting_payment")
}

/// The money was given back; a paid order stays paid with a refund on it.
fn reversed(transaction: &Transaction<'_>, payment: &PaymentId) -> Result<(), StoreError> {
    set_payment(transaction, *payment, "reversed")?;
    transaction
        .prepare_cached(
            "UPDATE order_row SET refunded = refunded + (SELECT amount FROM payment_row WHERE id = ?1)
             WHERE fiscal_n IS NOT NULL AND id = (SELECT order_id FROM payment_row WHERE id = ?1)",
        )
        .and_then(|mut statement| statement.execute([payment.0.0]))
        .trying("project a reversal")?;
    set_order_of(transaction, *payment, "awaiting_payment", "payment_unknown")
}

fn set_order_of(
    transaction: &Transaction<'_>,
    payment: PaymentId,
    to: &str,
    from: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "UPDATE order_row SET state = ?2
             WHERE state = ?3 AND id = (SELECT order_id FROM payment_row WHERE id = ?1)",
        )
        .and_then(|mut statement| statement.execute(params![payment.0.0, to, from]))
        .trying("project an order")?;
    Ok(())
}

impl Store {
    /// Orders, the newest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn orders(&self, filter: OrderFilter) -> Result<Vec<OrderRow>, StoreError> {
        let what = "list orders";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT id, number, placed_ms, mode, currency, exponent, total, pieces, state, fiscal_series,
                        fiscal_n, refunded
                 FROM order_row ORDER BY placed_ms DESC, placed_seq DESC LIMIT ?1",
            )
            .trying(what)?;
        let rows = statement.query_map([filter.limit], order_from_row).trying(what)?;
        rows.collect::<Result<_, _>>().trying(what)
    }

    /// Throws the projections away and folds the whole log anew.
    ///
    /// # Errors
    /// The log cannot be read, or the disk refuses.
    pub fn rebuild_projections(&mut self) -> Result<(), StoreError> {
        let mut events = Vec::new();
        self.scan(0, 0, u64::MAX, |stored| {
            let e = &stored.envelope;
            let decoded = protocol::event::decode(&e.kind, e.version, &e.body)
                .map_err(|source| StoreError::Decode { epoch: e.epoch, seq: e.seq, source })?;
            events.extend(decoded.map(|event| (event, e.epoch, e.seq)));
            Ok(true)
        })?;
        let transaction = self.connection.transaction().trying("rebuild the projections")?;
        transaction
            .execute_batch("DELETE FROM order_row; DELETE FROM payment_row;")
            .trying("rebuild the projections")?;
        for (event, epoch, seq) in &events {
            fold(&transaction, event, *epoch, *seq)?;
        }
        transaction.commit().trying("rebuild the projections")
    }
}

fn order_from_row(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
    let code: String = row.get(4)?;
    let mut letters = *b"???";
    if code.len() == letters.len() {
        letters.copy_from_slice(code.as_bytes());
    }
    let series: Option<i64> = row.get(9)?;
    let n: Option<i64> = row.get(10)?;
    Ok(OrderRow {
        id: OrderId(Uuid(row.get(0)?)),
        number: row.get(1)?,
        placed_ms: row.get(2)?,
        mode: row.get(3)?,
        currency: Currency { code: letters, exponent: row.get(5)? },
        total: Minor(row.get(6)?),
        pieces: row.get(7)?,
        state: row.get(8)?,
        fiscal: series
            .zip(n)
            .map(|(series, n)| FiscalNumber { series: series.cast_unsigned(), n: n.cast_unsigned() }),
        refunded: Minor(row.get(11)?),
    })
}
