//! What must hold in every state. Named as in `ARCHITECTURE.md`. The shell checks the cheap ones after every
//! step: a kiosk that finds one broken stops selling instead of making it worse. Tests check all.

use super::Kiosk;
use super::ledger::{KitchenState, Ledger, OrderRecord, PaymentRecord, PrintState};
use super::reconcile;
use crate::event::TaskKind;
use crate::money::Minor;
use crate::order::{Order, OrderState};
use crate::payment::PaymentState;
use crate::quota::Beyond;
use crate::session::Stage;

/// Something that must never be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which rule: `I1`.
    pub rule: &'static str,
    /// What is wrong, in English.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

impl std::error::Error for Violation {}

/// What a check finds: nothing, or what is wrong.
type Check = Result<(), Violation>;

fn ensure(holds: bool, rule: &'static str, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(Violation { rule, what: what() }) }
}

impl Kiosk {
    /// The rules that can be checked after every step: they look at open orders only.
    ///
    /// # Errors
    /// The first rule found broken.
    pub fn verify_cheap(&self) -> Result<(), Violation> {
        one_live_intent(&self.ledger)?;
        for order in self.ledger.open_orders() {
            order_rules(order)?;
        }
        within_quota(&self.ledger)?;
        job_is_known(self)
    }

    /// Every rule that the state can show.
    ///
    /// # Errors
    /// The first rule found broken.
    pub fn verify_invariants(&self) -> Result<(), Violation> {
        self.verify_cheap()?;
        for order in self.ledger.orders.values() {
            order_rules(order)?;
            sums(order)?;
        }
        fiscal_numbers(&self.ledger)?;
        indexes(&self.ledger)?;
        unclear_has_task(&self.ledger)?;
        nothing_of_a_visit_remains(self)
    }
}

/// I2: at most one payment holds the terminal.
fn one_live_intent(ledger: &Ledger) -> Check {
    let holders = ledger.open_orders().flat_map(|o| &o.payments).filter(|p| p.holds_terminal()).count();
    ensure(holders <= 1, "I2", || format!("{holders} payments hold the terminal"))
}

fn order_rules(order: &OrderRecord) -> Check {
    paid_in_full(order)?;
    paid_has_number(order)?;
    kitchen_only_when_accepted(order)?;
    receipts(order)?;
    states_fit(order)
}

/// I1: the approved payments of a paid order are exactly its total and tip.
fn paid_in_full(order: &OrderRecord) -> Check {
    let id = order.order.id;
    let booked: Vec<&PaymentRecord> = order.payments.iter().filter(|p| p.approval.is_some()).collect();
    ensure(booked.len() <= 1, "I2", || format!("order {id} has {} approved payments", booked.len()))?;
    let taken: Minor = booked.iter().filter_map(|p| p.approval.as_ref().map(|a| a.amount)).sum();
    let tip: Minor = booked.iter().map(|p| p.payment.tip).sum();
    if order.paid.is_some() {
        let due = order.order.total + tip;
        ensure(taken == due, "I1", || format!("order {id}: took {} for {}", taken.0, due.0))?;
    } else {
        ensure(booked.is_empty(), "I1", || format!("order {id} took {} and is not paid", taken.0))?;
    }
    let refunded = order.refunded();
    ensure(refunded <= taken, "I1", || format!("order {id} gave back {} of {}", refunded.0, taken.0))
}

/// I6: paid exactly when it has a fiscal number; each refund has one.
fn paid_has_number(order: &OrderRecord) -> Check {
    let id = order.order.id;
    let is_paid = match order.state {
        OrderState::Paid | OrderState::Fulfilling | OrderState::Closed => true,
        OrderState::Placed
        | OrderState::AwaitingPayment
        | OrderState::PaymentUnknown
        | OrderState::AcceptedUnpaid
        | OrderState::Cancelled
        | OrderState::Expired => false,
    };
    ensure(is_paid == order.paid.is_some(), "I6", || {
        format!("order {id} is {:?} with number {:?}", order.state, order.paid)
    })?;
    let reversed =
        order.payments.iter().filter(|p| p.approval.is_some() && p.state == PaymentState::Reversed).count();
    ensure(reversed == order.refunds.len(), "I6", || {
        format!("order {id}: {reversed} refunds with {} numbers", order.refunds.len())
    })
}

/// I7: a ticket only for what is paid or accepted, released only when every payment is completed, once.
fn kitchen_only_when_accepted(order: &OrderRecord) -> Check {
    let id = order.order.id;
    ensure(order.kitchen.len() <= 1, "I7", || format!("order {id} has {} tickets", order.kitchen.len()))?;
    for ticket in &order.kitchen {
        let (accepted, moved) = match order.state {
            OrderState::Paid | OrderState::Fulfilling | OrderState::Closed | OrderState::AcceptedUnpaid => {
                (true, true)
            }
            // Accepted without payment, and given up later.
            OrderState::Cancelled | OrderState::Expired => (true, true),
            OrderState::Placed | OrderState::AwaitingPayment | OrderState::PaymentUnknown => (false, false),
        };
        ensure(accepted, "I7", || format!("order {id} is {:?} and has a ticket", order.state))?;
        let released = match ticket.state {
            KitchenState::Dispatched | KitchenState::Taken => true,
            KitchenState::Queued | KitchenState::Withdrawn => false,
        };
        ensure(!released || (moved && order.is_released()), "I7", || {
            format!("the ticket of order {id} left before its payment was completed")
        })?;
    }
    Ok(())
}

/// I8: a paid order has a receipt; every repetition is marked and counted.
fn receipts(order: &OrderRecord) -> Check {
    use crate::receipt::ReceiptKind;
    let id = order.order.id;
    if order.paid.is_some() {
        ensure(!order.receipts.is_empty(), "I8", || format!("order {id} is paid and has no receipt"))?;
    }
    let out = |state: &PrintState| match state {
        PrintState::Sent | PrintState::Confirmed | PrintState::Unconfirmed | PrintState::Unknown => true,
        PrintState::Queued | PrintState::Declined | PrintState::Failed(_) => false,
    };
    let originals = order.receipts.iter().filter(|r| r.kind == ReceiptKind::Sale && out(&r.state)).count();
    ensure(originals <= 1, "I8", || format!("order {id} has {originals} unmarked receipts"))?;
    let mut copies: Vec<u32> =
        order.receipts.iter().filter(|r| r.kind == ReceiptKind::Copy).map(|r| r.copy).collect();
    let count = copies.len();
    copies.sort_unstable();
    copies.dedup();
    ensure(copies.len() == count && !copies.contains(&0), "I8", || {
        format!("the copies of order {id} are not counted")
    })
}

/// I9: the state of an order agrees with the states of its payments.
fn states_fit(order: &OrderRecord) -> Check {
    let id = order.order.id;
    let live = order.has_live_payment();
    let fits = match order.state {
        OrderState::Placed | OrderState::AcceptedUnpaid => !live,
        OrderState::AwaitingPayment => !order.payments.is_empty(),
        OrderState::PaymentUnknown => order.payments.last().is_some_and(|p| match p.state {
            PaymentState::Unknown
            | PaymentState::NeedsStaff { .. }
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_) => true,
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => false,
        }),
        OrderState::Paid | OrderState::Fulfilling | OrderState::Closed => true,
        OrderState::Cancelled | OrderState::Expired => !live,
    };
    ensure(fits, "I9", || format!("order {id} is {:?} with {:?}", order.state, order.last_payment()))?;
    let settled = match order.state {
        OrderState::Cancelled | OrderState::Expired | OrderState::Placed => order.refunds.is_empty(),
        OrderState::AwaitingPayment
        | OrderState::PaymentUnknown
        | OrderState::Paid
        | OrderState::AcceptedUnpaid
        | OrderState::Fulfilling
        | OrderState::Closed => true,
    };
    ensure(settled, "I9", || format!("order {id} is {:?} and has refunds", order.state))
}

/// I5: lines, surcharges and exclusive taxes add up to the total, their taxes to the tax of each rate.
fn sums(record: &OrderRecord) -> Check {
    let order = &record.order;
    let lines: Minor = order.lines.iter().map(|l| l.net).sum();
    let surcharges: Minor = order.surcharges.iter().map(|s| s.amount).sum();
    let exclusive: Minor = order.taxes.iter().filter(|t| !t.inclusive).map(|t| t.tax).sum();
    let sum = lines + surcharges + exclusive;
    ensure(sum == order.total, "I5", || {
        format!("order {}: parts are {}, total {}", order.id, sum.0, order.total.0)
    })?;
    for line in &order.lines {
        let off: Minor = line.discounts.iter().map(|(_, _, amount)| *amount).sum();
        ensure(line.gross - off == line.net, "I5", || {
            format!("order {} line {:?}: discounts do not add up", order.id, line.line)
        })?;
    }
    tax_shares(order)
}

/// What refunds give back is what was taken. An old order may have surcharges whose taxes were not written down.
fn tax_shares(order: &Order) -> Check {
    if order.surcharges.iter().any(|s| s.taxes.is_empty()) {
        return Ok(());
    }
    for tax in &order.taxes {
        let of_lines = order.lines.iter().flat_map(|l| &l.taxes);
        let shares = of_lines.chain(order.surcharges.iter().flat_map(|s| &s.taxes));
        let sum: Minor = shares.filter(|(rate, _)| *rate == tax.rate_id).map(|(_, share)| *share).sum();
        ensure(sum == tax.tax, "I5", || {
            format!("order {}: shares of {:?} are {}, the tax {}", order.id, tax.rate_id, sum.0, tax.tax.0)
        })?;
    }
    Ok(())
}

/// I6: the numbers of a series are 1, 2, 3 … without gap or repetition.
fn fiscal_numbers(ledger: &Ledger) -> Check {
    for (series, count) in &ledger.series {
        let mut numbers: Vec<u64> = ledger
            .orders
            .values()
            .flat_map(|o| o.paid.iter().map(|(n, _)| n).chain(&o.refunds))
            .filter(|n| n.series == *series)
            .map(|n| n.n)
            .collect();
        let kept = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        let all = u64::try_from(kept).unwrap_or(u64::MAX) + count.dropped;
        let in_range = numbers.iter().all(|n| (1..=count.last).contains(n));
        ensure(numbers.len() == kept && all == count.last && in_range, "I6", || {
            format!("series {series}: {kept} numbers and {} forgotten, last {}", count.dropped, count.last)
        })?;
    }
    Ok(())
}

/// I18: what is derived from the orders agrees with them.
fn indexes(ledger: &Ledger) -> Check {
    for (id, order) in &ledger.orders {
        ensure(ledger.open.contains(id) != order.is_settled(), "I18", || {
            format!("order {id} is {:?} and its place among the open ones is wrong", order.state)
        })?;
        ensure(ledger.placed.get(&order.place) == Some(id), "I18", || {
            format!("order {id} has lost its place")
        })?;
    }
    ensure(ledger.placed.len() == ledger.orders.len(), "I18", || "orders and places differ".into())?;
    let stray = ledger.owner.values().find(|id| !ledger.orders.contains_key(id));
    ensure(stray.is_none(), "I18", || format!("something belongs to order {stray:?}, which is not there"))
}

/// I11, I4: what a person must decide is on the list.
fn unclear_has_task(ledger: &Ledger) -> Check {
    for (_, payment) in ledger.live_payments() {
        let id = payment.payment.id;
        if matches!(payment.state, PaymentState::NeedsStaff { .. }) {
            let listed = ledger
                .tasks
                .values()
                .any(|task| matches!(task.kind, TaskKind::UnclearPayment { payment } if payment == id));
            ensure(listed, "I4", || format!("payment {id} needs staff and no task says so"))?;
        }
    }
    Ok(())
}

/// I20: of goods that are blocked beyond the quota, no more is taken than it allows.
fn within_quota(ledger: &Ledger) -> Check {
    let Some(quota) = &ledger.quota else { return Ok(()) };
    for (variation, allowance) in &quota.goods {
        let taken = ledger.taken(variation);
        ensure(allowance.beyond != Beyond::Block || taken <= allowance.upto, "I20", || {
            format!("{} of {variation} taken, {} allowed", taken.0, allowance.upto.0)
        })?;
    }
    Ok(())
}

/// I2: what the terminal is doing is a payment that may be there.
fn job_is_known(kiosk: &Kiosk) -> Check {
    let Some(job) = &kiosk.session.terminal.job else { return Ok(()) };
    let known = kiosk.ledger.payment(job.payment).is_some_and(|(_, p)| {
        matches!(p.state, PaymentState::Sending | PaymentState::Reversing(_)) || reconcile::is_in_doubt(p)
    });
    ensure(known, "I2", || format!("the terminal works on {}, which is over", job.payment))
}

/// I12: between two customers nothing of the first remains.
fn nothing_of_a_visit_remains(kiosk: &Kiosk) -> Check {
    let Some(visit) = kiosk.session.visit.as_deref() else { return Ok(()) };
    let known = match &visit.stage {
        Stage::Ordered(ordered) => kiosk.ledger.order(ordered.order).is_some(),
        Stage::Service | Stage::Browse | Stage::Item(_) | Stage::Meal(_) | Stage::Cart => true,
    };
    ensure(known, "I12", || "the visit shows an order that is not there".into())
}
