//! States of the ledger in words.

use domain::cart::ServiceMode;
use domain::kiosk::ledger::{KitchenState, PaymentRecord, PrintState};
use domain::order::CancelReason;
use domain::payment::{CODE_NOT_READY, CODE_NOT_STARTED, CODE_NOT_TOLD, PaymentState, Tender};
use domain::receipt::ReceiptKind;

pub(super) fn mode(mode: ServiceMode) -> &'static str {
    match mode {
        ServiceMode::DineIn => "dine_in",
        ServiceMode::TakeAway => "take_away",
        ServiceMode::Delivery => "delivery",
    }
}

pub(super) fn cancelled(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Customer => "by the customer",
        CancelReason::Idle => "nobody was there any more",
        CancelReason::Staff => "by the staff",
        CancelReason::Restart => "the kiosk restarted and the customer had gone",
    }
}

pub(super) fn receipt_kind(kind: ReceiptKind) -> &'static str {
    match kind {
        ReceiptKind::Sale => "Sale",
        ReceiptKind::Copy => "Copy",
        ReceiptKind::Refund => "Refund",
        ReceiptKind::PayAtCounter => "PayAtCounter",
        ReceiptKind::Kitchen => "Kitchen",
    }
}

/// What a payment's state means for the money, and what is to be done.
pub(super) fn payment_meaning(record: &PaymentRecord) -> String {
    let decide = format!(
        "look into the terminal's journal, then: kioskctl resolve {} taken|not-taken|given-back",
        record.payment.id
    );
    match &record.state {
        PaymentState::Created if record.payment.tender == Tender::Counter => {
            "to be paid at the counter".into()
        }
        PaymentState::Created => "not begun, no money taken".into(),
        PaymentState::Sending => "at the terminal now".into(),
        PaymentState::Unknown => {
            "it is not known whether money was taken; the kiosk asks the terminal".into()
        }
        PaymentState::Approved(_) => "money taken, the terminal has not finished yet".into(),
        PaymentState::Completed(_) => match record.reversal_refused {
            None => "money taken".into(),
            Some(code) => format!(
                "money taken; the terminal refused to give it back (code {code:02X}): do it at the terminal by hand \
                 or in cash, or try again"
            ),
        },
        PaymentState::Declined { code: CODE_NOT_STARTED } => "it never began, no money taken".into(),
        PaymentState::Declined { code: CODE_NOT_TOLD } => {
            "no money taken, and the terminal told no reason".into()
        }
        PaymentState::Declined { code: CODE_NOT_READY } => {
            "the terminal was not ready, no money taken; its code is in the log".into()
        }
        PaymentState::Declined { code } => format!("declined with code {code:02X}, no money taken"),
        PaymentState::Cancelled => "cancelled, no money taken".into(),
        PaymentState::TimedOut => "no card was presented in time, no money taken".into(),
        PaymentState::Reversing(_) => "the money is being given back".into(),
        PaymentState::ReversalUnknown(_) => {
            "it is not known whether the money was given back; the kiosk asks the terminal".into()
        }
        PaymentState::Reversed => "money taken and given back".into(),
        PaymentState::NeedsStaff { evidence } => format!("staff must decide ({evidence}): {decide}"),
    }
}

/// In a word.
pub(super) fn payment_state(state: &PaymentState) -> String {
    match state {
        PaymentState::Created => "created".into(),
        PaymentState::Sending => "sending".into(),
        PaymentState::Unknown => "unknown".into(),
        PaymentState::Approved(_) => "approved".into(),
        PaymentState::Completed(_) => "completed".into(),
        PaymentState::Declined { code: CODE_NOT_STARTED } => "not taken: it never began".into(),
        PaymentState::Declined { code: CODE_NOT_TOLD } => "not taken: the terminal told no reason".into(),
        PaymentState::Declined { code: CODE_NOT_READY } => "not taken: the terminal was not ready".into(),
        PaymentState::Declined { code } => format!("declined (code {code:02X})"),
        PaymentState::Cancelled => "cancelled".into(),
        PaymentState::TimedOut => "timed out".into(),
        PaymentState::Reversing(_) => "reversing".into(),
        PaymentState::ReversalUnknown(_) => "reversal unknown".into(),
        PaymentState::Reversed => "reversed".into(),
        PaymentState::NeedsStaff { evidence } => format!("needs staff: {evidence}"),
    }
}

pub(super) fn print_state(state: &PrintState) -> String {
    match state {
        PrintState::Queued => "queued".into(),
        PrintState::Sent => "sent".into(),
        PrintState::Confirmed => "confirmed".into(),
        PrintState::Unconfirmed => "printed, not confirmed".into(),
        PrintState::Unknown => "unknown".into(),
        PrintState::Declined => "not on paper".into(),
        PrintState::Failed(why) => format!("failed: {why}"),
    }
}

pub(super) fn kitchen_state(state: KitchenState) -> &'static str {
    match state {
        KitchenState::Queued => "queued",
        KitchenState::Dispatched => "dispatched",
        KitchenState::Taken => "taken",
        KitchenState::Withdrawn => "withdrawn",
    }
}
