//! The number page.

use super::Scene;
use super::pay::card;
use crate::kiosk::ledger::{OrderRecord, PrintState};
use crate::receipt;
use crate::session::Ordered;
use crate::view::{DoneView, Page, PaperState, Settlement};

impl Scene<'_> {
    pub(super) fn done(&self, ordered: &Ordered, record: &OrderRecord) -> Page {
        let (brand, last_digits) = card(record);
        let config = &self.kiosk.config;
        let settlement = settlement(record);
        Page::Done(DoneView {
            number: record.order.number.counter,
            reference: record.order.number.to_string().into(),
            settlement,
            amount: record.paying().map_or(record.order.total, |p| p.payment.amount),
            brand,
            last_digits,
            ready_minutes: match (settlement, self.menu) {
                (Settlement::Paid | Settlement::ToPay, Some(menu)) => menu.catalog.ready_minutes,
                (Settlement::GivenBack, _) | (_, None) => 0,
            },
            mode: record.order.mode,
            pictures: self.order_pictures(record),
            receipt: ordered.receipt,
            paper: self.paper(ordered, record),
            qr: receipt::summary(config, record, self.now).into(),
            closes_ms: ordered.closes_at.map(|at| self.left(at)),
            total_ms: u32::try_from(config.times.done_ms).unwrap_or(u32::MAX),
        })
    }

    fn paper(&self, ordered: &Ordered, record: &OrderRecord) -> PaperState {
        let session = &self.kiosk.session;
        let possible = if session.devices.can_print() { PaperState::Ready } else { PaperState::Unavailable };
        let coming = if session.prints_now() { PaperState::Printing } else { PaperState::Unavailable };
        let asked = ordered.receipt.is_some()
            || record.paid.is_none()
            || self.kiosk.config.policy.print_without_asking;
        match record.receipts.last().map(|r| &r.state) {
            None | Some(PrintState::Declined) => possible,
            Some(PrintState::Queued) if !asked => possible,
            Some(PrintState::Queued | PrintState::Sent) => coming,
            Some(PrintState::Confirmed | PrintState::Unconfirmed) => PaperState::Printed,
            Some(PrintState::Unknown | PrintState::Failed(_)) => PaperState::Unavailable,
        }
    }
}

fn settlement(record: &OrderRecord) -> Settlement {
    if record.is_refunded() {
        Settlement::GivenBack
    } else if record.paid.is_some() {
        Settlement::Paid
    } else {
        Settlement::ToPay
    }
}
