//! After a start: what was under way when the power went is taken to a known state, and the right page comes
//! back. What only needs doing again (asking the terminal, printing, the kitchen) are duties and needs no code
//! here.

use super::ledger::{OrderRecord, PrintState};
use super::turn::Turn;
use crate::event::{OrderEvent, PaymentEvent};
use crate::ids::{OrderId, PaymentId, ReceiptId};
use crate::order::{CancelReason, OrderState};
use crate::payment::PaymentState;

/// An order that was paid so shortly before the start still has its customer waiting for the number.
const NUMBER_SHOWN_AGAIN_MS: i64 = 3 * 60_000;

impl Turn<'_> {
    pub(super) fn started(&mut self) {
        if self.session.started {
            return;
        }
        self.session.started = true;
        self.recover_payments();
        self.recover_receipts();
        self.recover_orders();
    }

    /// CREATED: nothing was sent. SENDING and REVERSING: nobody knows.
    fn recover_payments(&mut self) {
        let live: Vec<(PaymentId, PaymentState)> =
            self.ledger.live_payments().map(|(_, p)| (p.payment.id, p.state.clone())).collect();
        for (payment, state) in live {
            match state {
                PaymentState::Created => {
                    self.record(PaymentEvent::Cancelled { payment });
                }
                PaymentState::Sending => {
                    let why = "the kiosk restarted while the terminal was asked".into();
                    self.record(PaymentEvent::Unknown { payment, why, at: self.now.wall });
                }
                PaymentState::Reversing(_) => {
                    self.record(PaymentEvent::ReversalUnknown { payment });
                }
                PaymentState::Unknown
                | PaymentState::Approved(_)
                | PaymentState::Completed(_)
                | PaymentState::Declined { .. }
                | PaymentState::Cancelled
                | PaymentState::TimedOut
                | PaymentState::ReversalUnknown(_)
                | PaymentState::Reversed
                | PaymentState::NeedsStaff { .. } => {}
            }
        }
    }

    fn recover_receipts(&mut self) {
        let sent: Vec<ReceiptId> = self
            .ledger
            .open_orders()
            .flat_map(|order| &order.receipts)
            .filter(|r| r.state == PrintState::Sent)
            .map(|r| r.id)
            .collect();
        for receipt in sent {
            self.print_unknown(receipt);
        }
    }

    /// The order a customer may still be waiting with comes back to the screen; older ones are given up.
    fn recover_orders(&mut self) {
        let resumed = self.order_to_resume();
        let unpaid: Vec<OrderId> = self
            .ledger
            .open_orders()
            .filter(|r| {
                matches!(r.state, OrderState::Placed | OrderState::AwaitingPayment) && !r.has_live_payment()
            })
            .filter(|r| Some(r.order.id) != resumed)
            .map(|r| r.order.id)
            .collect();
        for order in unpaid {
            self.give_up_after_restart(order);
        }
        if let Some(order) = resumed {
            self.resume_visit(order);
        }
    }

    fn give_up_after_restart(&mut self, order: OrderId) {
        let expired = self.ledger.order(order).is_some_and(|record| self.is_overdue(record));
        if expired {
            self.give_up(order, OrderEvent::Expired { order });
        } else {
            self.give_up(order, OrderEvent::Cancelled { order, why: CancelReason::Restart });
        }
    }

    fn order_to_resume(&self) -> Option<OrderId> {
        if let Some((order, _)) = self.ledger.terminal_holder() {
            return Some(order.order.id);
        }
        self.ledger.in_order().next_back().filter(|record| self.is_still_awaited(record)).map(|r| r.order.id)
    }

    fn is_still_awaited(&self, record: &OrderRecord) -> bool {
        match record.state {
            OrderState::Placed | OrderState::AwaitingPayment => !self.is_overdue(record),
            OrderState::PaymentUnknown => true,
            OrderState::Paid | OrderState::Fulfilling => {
                self.is_recent(record.paid.map_or(record.order.placed_at, |(_, at)| at))
            }
            OrderState::AcceptedUnpaid => self.is_recent(record.order.placed_at),
            OrderState::Closed | OrderState::Cancelled | OrderState::Expired => false,
        }
    }

    fn is_recent(&self, at: crate::time::WallMs) -> bool {
        (0..NUMBER_SHOWN_AGAIN_MS).contains(&self.now.wall.0.saturating_sub(at.0))
    }

    /// Whether an unpaid order has lived too long. A clock that jumped back makes nothing old.
    pub(super) fn is_overdue(&self, record: &OrderRecord) -> bool {
        self.now.wall.0.saturating_sub(record.order.placed_at.0) >= self.config.times.order_expiry_ms
    }

    /// Orders that nobody pays any more: unpaid ones without a customer, and what was to be paid at the counter
    /// when the business day is over.
    pub(super) fn expire_orders(&mut self) {
        let on_screen = self.visit().and_then(super::visit::ordered).map(|ordered| ordered.order);
        let expired: Vec<OrderId> = self
            .ledger
            .open_orders()
            .filter(|r| !r.has_live_payment() && Some(r.order.id) != on_screen)
            .filter(|r| match r.state {
                OrderState::Placed | OrderState::AwaitingPayment => self.is_overdue(r),
                OrderState::AcceptedUnpaid => r.order.business_date < self.now.business_date,
                OrderState::PaymentUnknown
                | OrderState::Paid
                | OrderState::Fulfilling
                | OrderState::Closed
                | OrderState::Cancelled
                | OrderState::Expired => false,
            })
            .map(|r| r.order.id)
            .collect();
        for order in expired {
            self.give_up(order, OrderEvent::Expired { order });
        }
    }
}
