//! The order number.

use std::rc::Rc;

use domain::Intent;
use domain::cart::ServiceMode;
use domain::intent::{DoneIntent, ReceiptChoice};
use domain::view::{DoneView, PaperState, Settlement};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, IntentSender, integer, names};
use crate::pages::{self, DoneAdapter, MainWindow, OrderAdapter, ReceiptWish};

#[derive(Default)]
pub(super) struct Adapter {
    pictures: Rows<SharedString>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter = Self::default();
        let page = DoneAdapter::get(window);
        page.set_pictures(adapter.pictures.model());
        page.on_receipt({
            let send = Rc::clone(send);
            move |wish| {
                let choice = match wish {
                    ReceiptWish::NoneYet => return,
                    ReceiptWish::Paper => ReceiptChoice::Paper,
                    ReceiptWish::Phone => ReceiptChoice::Phone,
                    ReceiptWish::None => ReceiptChoice::None,
                };
                send(Intent::Done(DoneIntent::Receipt(choice)));
            }
        });
        page.on_close({
            let send = Rc::clone(send);
            move || send(Intent::Done(DoneIntent::Close))
        });
        adapter
    }

    pub fn apply(&self, context: &Context, done: &DoneView) {
        let page = DoneAdapter::get(context.window);
        page.set_number(done.number.to_string().into());
        page.set_settlement(match done.settlement {
            Settlement::Paid => pages::Settlement::Paid,
            Settlement::ToPay => pages::Settlement::ToPay,
            Settlement::GivenBack => pages::Settlement::GivenBack,
        });
        page.set_amount(context.money(done.amount));
        page.set_card(card(done).into());
        page.set_ready_minutes(integer(done.ready_minutes));
        page.set_wish(match done.receipt {
            None => ReceiptWish::NoneYet,
            Some(ReceiptChoice::Paper) => ReceiptWish::Paper,
            Some(ReceiptChoice::Phone) => ReceiptWish::Phone,
            Some(ReceiptChoice::None) => ReceiptWish::None,
        });
        page.set_paper(match done.paper {
            PaperState::Ready => pages::PaperState::Ready,
            PaperState::Printing => pages::PaperState::Printing,
            PaperState::Printed => pages::PaperState::Printed,
            PaperState::Unavailable => pages::PaperState::Unavailable,
        });
        page.set_qr(done.qr.as_ref().into());
        self.pictures.show(names(&done.pictures));
        OrderAdapter::get(context.window).set_dine_in(done.mode != ServiceMode::TakeAway);
    }
}

/// "Visa ·· 4821".
fn card(done: &DoneView) -> String {
    match (&done.brand, &done.last_digits) {
        (Some(brand), Some(digits)) => format!("{brand} ·· {digits}"),
        (Some(brand), None) => brand.to_string(),
        (None, _) => String::new(),
    }
}
