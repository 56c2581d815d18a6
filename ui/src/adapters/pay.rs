//! Choosing how to pay, and everything that can happen at the terminal.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::Intent;
use domain::intent::PayIntent;
use domain::money::Minor;
use domain::payment::Tender;
use domain::view::{
    AtTerminalView, PayChooseView, PayFailedView, PayFailure, PayUnknownView, Side, TerminalPrompt,
    TerminalStep, UnknownStep,
};
use slint::{Global, SharedString};

use super::rows::Rows;
use super::{Context, IntentSender, format, integer, names};
use crate::pages::{
    self, Fact, FactKind, FailedAdapter, FailureKind, MainWindow, PayAdapter, TerminalAdapter, TerminalSide,
    TipChoice, UnknownAdapter,
};

#[derive(Default)]
pub(super) struct Adapter {
    pictures: Rows<SharedString>,
    tips: Rows<TipChoice>,
    facts: Rows<Fact>,
    /// The amounts behind the tips shown.
    tip_amounts: Rc<RefCell<Vec<Minor>>>,
    side: Cell<Option<Side>>,
}

impl Adapter {
    pub fn connect(window: &MainWindow, send: &IntentSender) -> Self {
        let adapter = Self::default();
        let choice = PayAdapter::get(window);
        choice.set_pictures(adapter.pictures.model());
        choice.set_tips(adapter.tips.model());
        FailedAdapter::get(window).set_pictures(adapter.pictures.model());
        UnknownAdapter::get(window).set_facts(adapter.facts.model());

        let simple = |intent: PayIntent| {
            let send = Rc::clone(send);
            move || send(Intent::Pay(intent.clone()))
        };
        choice.on_tip({
            let (send, amounts) = (Rc::clone(send), Rc::clone(&adapter.tip_amounts));
            move |index| {
                let amount = usize::try_from(index).ok().and_then(|at| amounts.borrow().get(at).copied());
                if let Some(amount) = amount {
                    send(Intent::Pay(PayIntent::Tip(amount)));
                }
            }
        });
        choice.on_choose_card(simple(PayIntent::Tender(Tender::Card)));
        choice.on_choose_counter(simple(PayIntent::Tender(Tender::Counter)));
        choice.on_confirm(simple(PayIntent::Confirm));
        TerminalAdapter::get(window).on_cancel(simple(PayIntent::Cancel));
        let failed = FailedAdapter::get(window);
        failed.on_retry(simple(PayIntent::Retry));
        failed.on_other_way(simple(PayIntent::OtherWay));
        failed.on_at_counter(simple(PayIntent::AtCounter));
        failed.on_cancel_order(simple(PayIntent::CancelOrder));
        failed.on_back(simple(PayIntent::BackToOrder));
        adapter
    }

    pub fn apply_choice(&self, context: &Context, pay: &PayChooseView) {
        let page = PayAdapter::get(context.window);
        page.set_total(context.money(pay.total));
        page.set_tax_included(pay.tax_included);
        let tender = |which: Tender| pay.tenders.iter().find(|option| option.tender == which);
        page.set_card(tender(Tender::Card).is_some());
        page.set_card_available(tender(Tender::Card).is_some_and(|option| option.available));
        page.set_counter(tender(Tender::Counter).is_some_and(|option| option.available));
        page.set_card_chosen(pay.selected == Tender::Card);
        page.set_side(self.side.get().map_or(TerminalSide::Right, side));
        self.pictures.show(names(&pay.pictures));
        *self.tip_amounts.borrow_mut() = pay.tips.iter().map(|tip| tip.amount).collect();
        self.tips.show(pay.tips.iter().map(|tip| TipChoice {
            text: if tip.amount == Minor::ZERO {
                context.words().invoke_no_tip()
            } else {
                context.short_money(tip.amount)
            },
            chosen: pay.tip == Some(tip.amount),
        }));
    }

    pub fn apply_terminal(&self, context: &Context, terminal: &AtTerminalView) {
        self.side.set(Some(terminal.side));
        let page = TerminalAdapter::get(context.window);
        page.set_amount(context.money(terminal.amount));
        page.set_step(match terminal.step {
            TerminalStep::Card => pages::TerminalStep::Card,
            TerminalStep::Bank => pages::TerminalStep::Bank,
            TerminalStep::Done => pages::TerminalStep::Done,
        });
        page.set_prompt(prompt(terminal.prompt));
        page.set_side(side(terminal.side));
        page.set_can_cancel(terminal.can_cancel && !terminal.cancelling);
        page.set_cancelling(terminal.cancelling);
    }

    pub fn apply_failed(&self, context: &Context, failed: &PayFailedView) {
        let page = FailedAdapter::get(context.window);
        let (why, code) = failure(failed.why);
        page.set_why(why);
        page.set_code(code.into());
        page.set_number(failed.number.as_ref().into());
        page.set_total(context.money(failed.total));
        page.set_count(integer(failed.count));
        page.set_can_retry(failed.can_retry);
        page.set_counter(failed.counter);
        page.set_staff_called(failed.staff_called);
        self.pictures.show(names(&failed.pictures));
    }

    pub fn apply_unknown(&self, context: &Context, unknown: &PayUnknownView) {
        let page = UnknownAdapter::get(context.window);
        page.set_reference(unknown.reference.as_ref().into());
        page.set_qr(unknown.qr.as_ref().into());
        page.set_amount(context.money(unknown.amount));
        page.set_started(format::minute(unknown.started_minute).into());
        page.set_staff_called(unknown.staff_called);
        page.set_asked(integer(unknown.asked));
        self.facts.show(unknown.facts.iter().map(|fact| Fact {
            time: fact.second_of_day.map(format::second).unwrap_or_default().into(),
            kind: match fact.what {
                UnknownStep::Sent => FactKind::Sent,
                UnknownStep::Lost => FactKind::Lost,
                UnknownStep::Asking => FactKind::Asking,
                UnknownStep::NeedsStaff => FactKind::Staff,
            },
        }));
    }
}

fn side(side: Side) -> TerminalSide {
    match side {
        Side::Left => TerminalSide::Left,
        Side::Right => TerminalSide::Right,
        Side::Below => TerminalSide::Below,
    }
}

pub(super) fn prompt(prompt: TerminalPrompt) -> pages::TerminalPrompt {
    match prompt {
        TerminalPrompt::Preparing => pages::TerminalPrompt::Preparing,
        TerminalPrompt::PresentCard => pages::TerminalPrompt::PresentCard,
        TerminalPrompt::EnterPin => pages::TerminalPrompt::EnterPin,
        TerminalPrompt::WrongPin => pages::TerminalPrompt::WrongPin,
        TerminalPrompt::ChooseAtTerminal => pages::TerminalPrompt::ChooseAtTerminal,
        TerminalPrompt::Wait => pages::TerminalPrompt::Wait,
        TerminalPrompt::RemoveCard => pages::TerminalPrompt::RemoveCard,
        TerminalPrompt::Approved => pages::TerminalPrompt::Approved,
        TerminalPrompt::FinishAtTerminal => pages::TerminalPrompt::FinishAtTerminal,
    }
}

/// Why no money was taken, and the terminal's code if it gave one.
pub(super) fn failure(why: PayFailure) -> (FailureKind, String) {
    match why {
        PayFailure::Declined { code } => (FailureKind::Declined, format!("{code:02}")),
        PayFailure::Cancelled => (FailureKind::Cancelled, String::new()),
        PayFailure::TimedOut => (FailureKind::TimedOut, String::new()),
        PayFailure::TerminalDown => (FailureKind::TerminalDown, String::new()),
        PayFailure::Reversed => (FailureKind::Reversed, String::new()),
        PayFailure::GivenBack => (FailureKind::GivenBack, String::new()),
    }
}
