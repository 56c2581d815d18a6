//! Which event may follow which state, as tables in code. The core asks before it
//! writes an event; what is not here does not happen.

use super::ledger::{KitchenState, Ledger, OrderRecord, PaymentRecord, PrintState};
use crate::event::{Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent};
use crate::ids::{KitchenJobId, OrderId, PaymentId, ReceiptId};
use crate::order::OrderState;
use crate::payment::{Payment, PaymentState, Tender};

impl Ledger {
    /// Whether `event` is a row of the tables.
    pub(crate) fn permits(&self, event: &Event) -> bool {
        match event {
            Event::Order(event) => self.permits_order(event),
            Event::Payment(event) => self.permits_payment(event),
            Event::Receipt(event) => self.permits_receipt(event),
            Event::Kitchen(event) => self.permits_kitchen(event),
            Event::Catalog(_) | Event::Service(_) | Event::Drawer(_) | Event::Task(_) | Event::Stock(_) => {
                true
            }
        }
    }

    fn permits_order(&self, event: &OrderEvent) -> bool {
        match event {
            OrderEvent::Placed(order) => self.order(order.id).is_none(),
            OrderEvent::Paid { order, fiscal, .. } => self.order_is(*order, |r| {
                r.state.is_unpaid()
                    && *fiscal == self.next_fiscal()
                    && (r.order.total.0 == 0 || r.paying().is_some())
            }),
            OrderEvent::AcceptedUnpaid { order } => self.order_is(*order, |r| {
                matches!(r.state, OrderState::Placed | OrderState::AwaitingPayment) && !r.has_live_payment()
            }),
            OrderEvent::Cancelled { order, .. } | OrderEvent::Expired { order } => {
                self.order_is(*order, can_be_given_up)
            }
            OrderEvent::Closed { order } => self.order_is(*order, |r| {
                matches!(r.state, OrderState::Paid | OrderState::Fulfilling) && r.is_idle()
            }),
        }
    }

    fn permits_payment(&self, event: &PaymentEvent) -> bool {
        match event {
            PaymentEvent::Created(payment) => self.permits_created(payment),
            PaymentEvent::SendStarted { payment, .. } => {
                self.payment_is(*payment, |_, p| p.state == PaymentState::Created && uses_terminal(p))
            }
            PaymentEvent::Approved { payment, .. } => self.payment_is(*payment, |_, p| {
                (p.state == PaymentState::Created && !uses_terminal(p)) || is_undecided(p)
            }),
            PaymentEvent::Completed { payment } => self.payment_is(*payment, |_, p| match p.state {
                PaymentState::Approved(_) => true,
                PaymentState::NeedsStaff { .. } | PaymentState::ReversalUnknown(_) => p.approval.is_some(),
                PaymentState::Created
                | PaymentState::Sending
                | PaymentState::Unknown
                | PaymentState::Completed(_)
                | PaymentState::Declined { .. }
                | PaymentState::Cancelled
                | PaymentState::TimedOut
                | PaymentState::Reversing(_)
                | PaymentState::Reversed => false,
            }),
            PaymentEvent::Declined { payment, .. } | PaymentEvent::TimedOut { payment } => {
                self.payment_is(*payment, |_, p| is_undecided(p))
            }
            PaymentEvent::Cancelled { payment } => {
                self.payment_is(*payment, |_, p| p.state == PaymentState::Created || is_undecided(p))
            }
            PaymentEvent::Unknown { payment, .. } => {
                self.payment_is(*payment, |_, p| p.state == PaymentState::Sending)
            }
            PaymentEvent::NeedsStaff { payment, .. } => self.payment_is(*payment, |_, p| {
                matches!(
                    p.state,
                    PaymentState::Sending
                        | PaymentState::Unknown
                        | PaymentState::Approved(_)
                        | PaymentState::Reversing(_)
                        | PaymentState::ReversalUnknown(_)
                )
            }),
            PaymentEvent::RefusedGoods { payment } => self.payment_is(*payment, |_, p| is_undecided(p)),
            PaymentEvent::Reversing { payment } => self.payment_is(*payment, |r, p| {
                matches!(p.state, PaymentState::Completed(_)) && r.paid.is_some()
            }),
            PaymentEvent::Reversed { payment, fiscal } => self.permits_reversed(*payment, fiscal.is_some()),
            PaymentEvent::ReversalUnknown { payment } | PaymentEvent::ReversalRefused { payment, .. } => {
                self.payment_is(*payment, |_, p| matches!(p.state, PaymentState::Reversing(_)))
            }
            PaymentEvent::Resolved { payment, .. } => self.payment_is(*payment, |_, p| {
                matches!(
                    p.state,
                    PaymentState::Unknown
                        | PaymentState::NeedsStaff { .. }
                        | PaymentState::ReversalUnknown(_)
                )
            }),
            PaymentEvent::TerminalReceipt { payment, .. } => self.payment_is(*payment, |_, _| true),
        }
    }

    fn permits_created(&self, payment: &Payment) -> bool {
        self.payment(payment.id).is_none()
            && self.order_is(payment.order, |r| {
                let may_be_paid = match payment.tender {
                    Tender::Card => matches!(r.state, OrderState::Placed | OrderState::AwaitingPayment),
                    Tender::Counter => r.state == OrderState::AcceptedUnpaid,
                };
                may_be_paid && !r.has_live_payment()
            })
            && (payment.tender == Tender::Counter || self.terminal_holder().is_none())
    }

    fn permits_reversed(&self, payment: PaymentId, counter_document: bool) -> bool {
        self.payment_is(payment, |r, p| {
            let may_be = match p.state {
                PaymentState::Sending
                | PaymentState::Unknown
                | PaymentState::Approved(_)
                | PaymentState::Reversing(_)
                | PaymentState::ReversalUnknown(_)
                | PaymentState::NeedsStaff { .. } => true,
                PaymentState::Created
                | PaymentState::Completed(_)
                | PaymentState::Declined { .. }
                | PaymentState::Cancelled
                | PaymentState::TimedOut
                | PaymentState::Reversed => false,
            };
            may_be && counter_document == r.paid.is_some()
        })
    }

    fn permits_receipt(&self, event: &ReceiptEvent) -> bool {
        match event {
            ReceiptEvent::Queued { receipt, order, .. } => {
                self.receipt(*receipt).is_none() && self.order_is(*order, |_| true)
            }
            ReceiptEvent::Sent { receipt } => self
                .receipt(*receipt)
                .is_some_and(|(order, r)| r.state == PrintState::Queued && order.is_released()),
            ReceiptEvent::Declined { receipt } => self.receipt_is(*receipt, &PrintState::Queued),
            ReceiptEvent::Failed { receipt, .. } => {
                self.receipt_is(*receipt, &PrintState::Queued) || self.receipt_is(*receipt, &PrintState::Sent)
            }
            ReceiptEvent::Returned { receipt }
            | ReceiptEvent::Confirmed { receipt }
            | ReceiptEvent::Unconfirmed { receipt }
            | ReceiptEvent::Unknown { receipt } => self.receipt_is(*receipt, &PrintState::Sent),
        }
    }

    fn permits_kitchen(&self, event: &KitchenEvent) -> bool {
        match event {
            KitchenEvent::Queued { job, order } => {
                self.kitchen_job(*job).is_none()
                    && self.order_is(*order, |r| r.paid.is_some() || r.state == OrderState::AcceptedUnpaid)
            }
            KitchenEvent::Dispatched { job } => {
                self.kitchen_is(*job, |r, state| state == KitchenState::Queued && r.is_released())
            }
            KitchenEvent::Taken { job } => {
                self.kitchen_is(*job, |_, state| state == KitchenState::Dispatched)
            }
            KitchenEvent::Withdrawn { job } => {
                self.kitchen_is(*job, |_, state| state == KitchenState::Queued)
            }
        }
    }

    fn order_is(&self, id: OrderId, holds: impl Fn(&OrderRecord) -> bool) -> bool {
        self.order(id).is_some_and(holds)
    }

    fn payment_is(&self, id: PaymentId, holds: impl Fn(&OrderRecord, &PaymentRecord) -> bool) -> bool {
        self.payment(id).is_some_and(|(order, p)| holds(order, p))
    }

    fn receipt_is(&self, id: ReceiptId, state: &PrintState) -> bool {
        self.receipt(id).is_some_and(|(_, r)| r.state == *state)
    }

    fn kitchen_is(&self, id: KitchenJobId, holds: impl Fn(&OrderRecord, KitchenState) -> bool) -> bool {
        self.kitchen_job(id).is_some_and(|(order, job)| holds(order, job.state))
    }
}

/// Whether it is open if the terminal took money, and nothing was booked yet.
fn is_undecided(p: &PaymentRecord) -> bool {
    match p.state {
        PaymentState::Sending | PaymentState::Unknown => true,
        PaymentState::NeedsStaff { .. } => p.approval.is_none() && !p.refused_goods,
        PaymentState::Created
        | PaymentState::Approved(_)
        | PaymentState::Completed(_)
        | PaymentState::Declined { .. }
        | PaymentState::Cancelled
        | PaymentState::TimedOut
        | PaymentState::Reversing(_)
        | PaymentState::ReversalUnknown(_)
        | PaymentState::Reversed => false,
    }
}

fn uses_terminal(p: &PaymentRecord) -> bool {
    match p.payment.tender {
        Tender::Card => true,
        Tender::Counter => false,
    }
}

fn can_be_given_up(r: &OrderRecord) -> bool {
    match r.state {
        OrderState::Placed | OrderState::AwaitingPayment | OrderState::AcceptedUnpaid => {
            !r.has_live_payment()
        }
        OrderState::PaymentUnknown
        | OrderState::Paid
        | OrderState::Fulfilling
        | OrderState::Closed
        | OrderState::Cancelled
        | OrderState::Expired => false,
    }
}
