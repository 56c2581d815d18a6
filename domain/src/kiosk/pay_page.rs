//! Which page an order is on after checkout: read off the order and its payments, so that after a restart it is
//! the right one again.

use super::ledger::{OrderRecord, PaymentRecord};
use crate::order::OrderState;
use crate::payment::PaymentState;

/// A page after checkout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PayPage {
    /// Choose how to pay.
    Choose,
    /// Something happens at the terminal.
    AtTerminal,
    /// No money was taken.
    Failed,
    /// Do not pay again.
    Unknown,
    /// The number.
    Done,
    /// The order was given up.
    Gone,
}

impl PayPage {
    /// The page of an order; `choosing`: after a failed payment the customer wants to choose again.
    pub(crate) fn of(record: &OrderRecord, choosing: bool) -> Self {
        match record.state {
            OrderState::Placed => Self::Choose,
            OrderState::AwaitingPayment | OrderState::PaymentUnknown => {
                record.last_payment().map_or(Self::Choose, |p| Self::unpaid(p, choosing))
            }
            OrderState::Paid | OrderState::Fulfilling | OrderState::Closed => {
                record.paying().map_or(Self::Done, Self::paid)
            }
            OrderState::AcceptedUnpaid => Self::Done,
            OrderState::Cancelled | OrderState::Expired => Self::Gone,
        }
    }

    fn unpaid(payment: &PaymentRecord, choosing: bool) -> Self {
        match payment.state {
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Approved(_)
            | PaymentState::Completed(_)
            | PaymentState::Reversing(_) => Self::AtTerminal,
            PaymentState::Unknown | PaymentState::NeedsStaff { .. } | PaymentState::ReversalUnknown(_) => {
                Self::Unknown
            }
            PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut
            | PaymentState::Reversed => {
                if choosing {
                    Self::Choose
                } else {
                    Self::Failed
                }
            }
        }
    }

    /// A completed payment stays done for its customer, whatever the staff do with it later.
    fn paid(payment: &PaymentRecord) -> Self {
        if payment.completed {
            return Self::Done;
        }
        match payment.state {
            PaymentState::Approved(_) => Self::AtTerminal,
            PaymentState::Unknown
            | PaymentState::NeedsStaff { .. }
            | PaymentState::Reversing(_)
            | PaymentState::ReversalUnknown(_) => Self::Unknown,
            PaymentState::Reversed => Self::Failed,
            PaymentState::Created
            | PaymentState::Sending
            | PaymentState::Completed(_)
            | PaymentState::Declined { .. }
            | PaymentState::Cancelled
            | PaymentState::TimedOut => Self::Done,
        }
    }
}
