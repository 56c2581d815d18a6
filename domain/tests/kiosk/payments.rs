//! Every row of the payment tables: how a charge begins, ends, is lost and found.

use domain::effect::{PrinterEffect, TerminalEffect};
use domain::event::{Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, TaskKind};
use domain::input::{Action, LastAnswer, TerminalInput};
use domain::intent::{DoneIntent, Intent, PayIntent, ReceiptChoice};
use domain::kiosk::Refusal;
use domain::kiosk::ledger::KitchenState;
use domain::money::{Currency, Minor};
use domain::order::OrderState;
use domain::payment::{
    CODE_NOT_READY, CODE_NOT_STARTED, LastTransaction, PaymentState, StaffVerdict, Tender,
};
use domain::receipt::ReceiptKind;
use domain::view::{Page, PayFailure, Settlement, TerminalPrompt};
use domain::{Effect, Input};

use crate::fixture;
use crate::world::{World, approval, charges, is_query, transaction};

fn kinds(events: &[(u64, Event)]) -> Vec<&'static str> {
    events
        .iter()
        .map(|(_, event)| match event {
            Event::Order(OrderEvent::Placed(_)) => "order.placed",
            Event::Order(OrderEvent::Paid { .. }) => "order.paid",
            Event::Order(_) => "order",
            Event::Payment(PaymentEvent::Created(_)) => "payment.created",
            Event::Payment(PaymentEvent::SendStarted { .. }) => "payment.send_started",
            Event::Payment(PaymentEvent::Approved { .. }) => "payment.approved",
            Event::Payment(PaymentEvent::Completed { .. }) => "payment.completed",
            Event::Payment(_) => "payment",
            Event::Receipt(ReceiptEvent::Queued { .. }) => "receipt.queued",
            Event::Receipt(_) => "receipt",
            Event::Kitchen(KitchenEvent::Queued { .. }) => "kitchen.queued",
            Event::Kitchen(KitchenEvent::Dispatched { .. }) => "kitchen.dispatched",
            Event::Kitchen(_) => "kitchen",
            Event::Catalog(_) => "catalog",
            Event::Service(_) => "service",
            Event::Drawer(_) => "drawer",
            Event::Task(_) => "task",
            Event::Stock(_) => "stock",
        })
        .collect()
}

pub(crate) fn failure(w: &World) -> PayFailure {
    match w.view().page {
        Page::PayFailed(page) => page.why,
        other => panic!("expected the failed page, got {}", other.name()),
    }
}

pub(crate) fn ours(w: &World, n: u32) -> LastTransaction {
    transaction(n, w.payment().payment.amount.0)
}

#[test]
fn a_charge_leaves_with_the_terminals_last_transaction_on_disk() {
    let mut w = World::open();
    w.placed();
    let before = w.log.len();
    w.take_effects();
    w.pay(PayIntent::Confirm);
    assert_eq!(kinds(&w.log[before..]), ["payment.created", "payment.send_started"]);
    assert_eq!(w.payment().last_known, Some(transaction(7, 500)));
    assert_eq!(charges(&w.take_effects()), 1);
    assert_eq!(w.page(), "at-terminal");
}

#[test]
fn a_terminal_whose_last_transaction_is_not_known_gets_no_charge() {
    let mut w = World::with(fixture::config());
    w.terminal(TerminalInput::Ready { last: LastAnswer::NoAnswer });
    w.placed();
    w.take_effects();
    w.pay(PayIntent::Confirm);
    assert_eq!(*w.state(), PaymentState::Created);
    assert_eq!(charges(&w.take_effects()), 0);
    w.pass(3_000);
    assert!(w.take_effects().iter().any(is_query), "it is asked");
    w.answer(LastAnswer::Empty);
    assert_eq!(*w.state(), PaymentState::Sending, "a terminal that says nothing before says nothing");
    assert_eq!(charges(&w.take_effects()), 1);
}

#[test]
fn a_terminal_that_stays_busy_is_given_up_after_a_minute_and_nothing_was_sent() {
    let mut w = World::open();
    w.terminal(TerminalInput::Ready { last: LastAnswer::Busy });
    w.placed();
    w.pay(PayIntent::Confirm);
    w.take_effects();
    for _ in 0..40 {
        w.pass(2_000);
        if w.take_effects().iter().any(is_query) {
            w.answer(LastAnswer::Busy);
        }
    }
    assert_eq!(*w.state(), PaymentState::Cancelled);
    assert_eq!(w.payment().sent_at, None);
    assert_eq!(w.page(), "pay-failed");
}

#[test]
fn an_approval_is_one_transaction_and_the_terminal_hears_first() {
    let mut w = World::open();
    w.sending();
    let before = w.log.len();
    w.approve();
    assert_eq!(
        kinds(&w.log[before..]),
        ["payment.approved", "order.paid", "receipt.queued", "kitchen.queued"]
    );
    let effects = w.take_effects();
    let payment = w.payment_id();
    assert_eq!(effects[0], Effect::Terminal(TerminalEffect::AcceptResult { payment }));
    assert_eq!(effects.len(), 1, "paper and ticket wait for the completion: {effects:?}");
    assert_eq!(w.page(), "at-terminal");
    assert_eq!(w.order().paid.unwrap().0.n, 1);
}

#[test]
fn receipt_and_ticket_leave_when_the_payment_is_completed() {
    let mut w = World::open();
    w.completed();
    let effects = w.take_effects();
    assert!(
        matches!(effects[..], [Effect::Kitchen(_)]),
        "the customer has not chosen paper yet: {effects:?}"
    );
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Paper)));
    let effects = w.take_effects();
    assert!(matches!(effects[..], [Effect::Printer(PrinterEffect::Print { .. })]), "{effects:?}");
    assert_eq!(w.order().state, OrderState::Fulfilling);
}

#[test]
fn a_declined_card_can_be_tried_again_with_a_new_payment() {
    let mut w = World::open();
    w.sending();
    let first = w.payment_id();
    w.terminal(TerminalInput::Declined { payment: first, code: 5 });
    assert_eq!(failure(&w), PayFailure::Declined { code: 5 });
    assert_eq!(w.order().state, OrderState::AwaitingPayment);
    let asked = w.take_effects();
    assert!(asked.iter().any(is_query), "the next charge needs to know what the terminal did last");
    w.pay(PayIntent::Retry);
    assert_eq!(charges(&w.take_effects()), 0, "not before the answer");
    w.answer(LastAnswer::from(transaction(7, 500)));
    assert_eq!(charges(&w.take_effects()), 1);
    assert_ne!(w.payment_id(), first);
    w.approve();
    assert_eq!(w.order().state, OrderState::Paid);
}

#[test]
fn cancelled_and_timed_out_at_the_terminal_are_definite() {
    for (timed_out, why) in [(false, PayFailure::Cancelled), (true, PayFailure::TimedOut)] {
        let mut w = World::open();
        w.sending();
        let payment = w.payment_id();
        w.terminal(TerminalInput::Started { payment });
        w.terminal(if timed_out {
            TerminalInput::TimedOut { payment }
        } else {
            TerminalInput::Cancelled { payment }
        });
        assert_eq!(failure(&w), why);
        assert!(w.state().is_definite());
    }
}

#[test]
fn a_terminal_that_refuses_to_start_took_no_money() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Refused { payment, code: 0x83 });
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_READY });
    assert_eq!(failure(&w), PayFailure::TerminalDown, "no bank said no");
    let called = |e: &Effect| matches!(e, Effect::CallStaff { about } if about.contains("code 83"));
    assert!(w.take_effects().iter().any(called));
}

#[test]
fn cancelling_before_anything_was_sent_needs_no_terminal() {
    let mut w = World::open();
    w.terminal(TerminalInput::Ready { last: LastAnswer::Busy });
    w.placed();
    w.pay(PayIntent::Confirm);
    w.take_effects();
    w.pay(PayIntent::Cancel);
    assert_eq!(*w.state(), PaymentState::Cancelled);
    assert!(!w.take_effects().iter().any(|e| matches!(e, Effect::Terminal(TerminalEffect::Abort { .. }))));
}

#[test]
fn a_result_after_an_abort_wins() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Started { payment });
    w.pay(PayIntent::Cancel);
    assert_eq!(w.take_effects(), [Effect::Terminal(TerminalEffect::Abort { payment })]);
    w.pay(PayIntent::Cancel);
    assert_eq!(w.take_effects(), [], "asked once");
    w.approve();
    assert_eq!(w.order().state, OrderState::Paid);
}

#[test]
fn a_refused_abort_sends_the_customer_to_the_terminal() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.pay(PayIntent::Cancel);
    w.terminal(TerminalInput::AbortRefused { payment });
    match w.view().page {
        Page::AtTerminal(page) => {
            assert_eq!(page.prompt, TerminalPrompt::FinishAtTerminal);
            assert!(!page.can_cancel && !page.cancelling);
        }
        other => panic!("{}", other.name()),
    }
}

#[test]
fn a_terminal_that_goes_silent_is_aborted_and_then_unknown() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.pass(w.config.times.charge_ms + 1);
    assert!(w.take_effects().contains(&Effect::Terminal(TerminalEffect::Abort { payment })));
    assert_eq!(*w.state(), PaymentState::Sending);
    w.pass(w.config.times.abort_ms + 1);
    assert_eq!(*w.state(), PaymentState::Unknown);
    assert_eq!(w.page(), "pay-unknown");
}

#[test]
fn a_link_lost_before_anything_was_sent_is_no_doubt() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Lost { payment, nothing_sent: true, why: "connect failed".into() });
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
    w.terminal(TerminalInput::Down { why: "connect failed".into() });
    assert_eq!(failure(&w), PayFailure::TerminalDown);
}

#[test]
fn a_session_that_ends_in_doubt_on_a_link_that_stays_up_is_asked_about_and_the_next_card_pays() {
    let mut w = World::open();
    w.sending();
    let first = w.payment().payment.amount;
    w.lose();
    assert_eq!(w.page(), "pay-unknown");
    w.take_effects();
    // No `Ready` comes: the terminal was never away.
    w.pass(w.config.reconcile.pauses_ms[0]);
    assert!(w.take_effects().iter().any(is_query), "it can be asked");
    w.pass(w.config.reconcile.answer_ms + w.config.reconcile.pauses_ms[1] + 1);
    assert!(w.take_effects().iter().any(is_query), "an answer that does not come is a try");
    match w.view().page {
        Page::PayUnknown(page) => assert_eq!(page.asked, 2),
        other => panic!("{}", other.name()),
    }
    w.answer(LastAnswer::from(LastTransaction { reversal: true, ..transaction(9, first.0) }));
    assert_eq!(failure(&w), PayFailure::Reversed);
    w.take_effects();
    w.pay(PayIntent::Retry);
    if w.kiosk.session().terminal.question.is_some() {
        w.answer(LastAnswer::from(LastTransaction { reversal: true, ..transaction(9, first.0) }));
    }
    assert_eq!(*w.state(), PaymentState::Sending);
    assert_eq!(charges(&w.take_effects()), 1);
}

#[test]
fn after_a_person_decided_about_a_doubt_on_a_link_that_stays_up_cards_work_again() {
    let mut w = World::open();
    w.sending();
    w.lose();
    let payment = w.payment_id();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
    w.pass(1);
    if w.kiosk.session().terminal.question.is_some() {
        w.answer(LastAnswer::from(transaction(7, 500)));
    }
    match w.view().page {
        Page::PayFailed(page) => assert!(page.can_retry),
        other => panic!("{}", other.name()),
    }
}

#[test]
fn nothing_sent_is_not_believed_after_the_terminal_had_begun() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Started { payment });
    w.terminal(TerminalInput::Lost { payment, nothing_sent: true, why: "confused".into() });
    assert_eq!(*w.state(), PaymentState::Unknown);
}

#[test]
fn a_lost_link_is_never_a_decline_and_offers_no_second_charge() {
    let mut w = World::open();
    w.sending();
    w.lose();
    assert_eq!(w.order().state, OrderState::PaymentUnknown);
    assert_eq!(w.page(), "pay-unknown");
    for intent in [PayIntent::Retry, PayIntent::Confirm, PayIntent::AtCounter, PayIntent::CancelOrder] {
        w.pay(intent);
        assert_eq!(w.refusal, Some(Refusal::NotNow));
    }
    w.intent(Intent::EndVisit);
    assert_eq!(w.page(), "pay-unknown");
    w.pass(3_600_000);
    assert_eq!(w.page(), "pay-unknown", "no idle timer ends it");
    assert_eq!(charges(&w.take_effects()), 0);
}

#[test]
fn a_wrong_amount_or_currency_is_refused_and_given_back() {
    let yen = Currency { code: *b"JPY", exponent: 0 };
    for (extra, currency) in [(1, None), (0, Some(yen))] {
        let mut w = World::open();
        w.sending();
        let (payment, amount) = (w.payment_id(), w.payment().payment.amount.0);
        w.terminal(TerminalInput::Approved { payment, approval: approval(8, amount + extra), currency });
        let effects = w.take_effects();
        assert_eq!(effects[0], Effect::Terminal(TerminalEffect::RefuseGoods { payment }));
        assert!(matches!(w.state(), PaymentState::Reversing(_)));
        assert_eq!(w.page(), "at-terminal");
        w.terminal(TerminalInput::Reversed { payment });
        assert_eq!(failure(&w), PayFailure::Reversed);
        assert!(w.order().paid.is_none());
        let tasks = &w.kiosk.ledger().tasks;
        assert!(tasks.values().any(|t| matches!(t.kind, TaskKind::AmountDiffers { .. })));
    }
}

#[test]
fn an_approval_for_a_kiosk_that_broke_down_meanwhile_is_given_back() {
    let mut w = World::open();
    w.sending();
    w.staff(Action::Fault { code: "STO-01".into(), detail: "disk full".into() });
    assert_eq!(w.page(), "at-terminal", "money under way comes first");
    w.approve();
    let payment = w.payment_id();
    assert!(w.take_effects().contains(&Effect::Terminal(TerminalEffect::RefuseGoods { payment })));
    w.terminal(TerminalInput::Reversed { payment });
    assert_eq!(w.page(), "out-of-service");
    assert_eq!(w.order().state, OrderState::Cancelled);
}

#[test]
fn a_link_lost_after_the_approval_is_asked_about_and_completes() {
    let mut w = World::open();
    w.approved();
    w.lose();
    assert!(matches!(w.state(), PaymentState::Approved(_)), "booked is booked");
    assert_eq!(w.page(), "at-terminal");
    w.take_effects();
    w.back_with(ours(&w, 8));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
    assert!(w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))));
}

#[test]
fn a_terminal_that_reversed_an_approved_sale_by_itself_leaves_the_order_paid_and_refunded() {
    let mut w = World::open();
    w.approved();
    w.lose();
    w.back_with(LastTransaction { reversal: true, ..ours(&w, 9) });
    let order = w.order();
    assert_eq!(*w.state(), PaymentState::Reversed);
    assert_eq!(order.state, OrderState::Paid);
    assert_eq!(order.refunded(), w.payment().payment.amount);
    assert_eq!(order.refunds.len(), 1);
    assert_eq!(order.kitchen[0].state, KitchenState::Withdrawn);
    assert!(!w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))), "the ticket had not left");
    let tasks = &w.kiosk.ledger().tasks;
    assert!(tasks.values().any(|t| matches!(t.kind, TaskKind::ReversedByTerminal { .. })));
    match w.view().page {
        Page::PayFailed(page) => {
            assert!(page.why == PayFailure::GivenBack && !page.can_retry && !page.counter)
        }
        other => panic!("{}", other.name()),
    }
    let order = w.kiosk.status(&w.now()).order.unwrap();
    assert!(order.refunded, "whoever asks hears it: {order:?}");
    w.pay(PayIntent::BackToOrder);
    assert_eq!(w.page(), "cart", "the same goods can be ordered anew");
    assert_eq!(w.order().state, OrderState::Paid, "and the order that was paid is not touched");
}

#[test]
fn an_approved_sale_that_the_terminal_does_not_remember_needs_a_person() {
    let mut w = World::open();
    w.approved();
    w.lose();
    w.back_with(transaction(7, 500));
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
    assert_eq!(w.page(), "pay-unknown");
    assert_eq!(w.order().state, OrderState::Paid, "paid never becomes unpaid");
    assert!(!w.order().is_released());
    let payment = w.payment_id();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
    assert_eq!(*w.state(), PaymentState::Reversed);
    assert_eq!(w.order().refunds.len(), 1);
}

#[test]
fn a_completion_that_does_not_come_is_asked_for() {
    let mut w = World::open();
    w.approved();
    w.take_effects();
    w.pass(w.config.times.completion_ms + 2_000);
    assert!(w.take_effects().iter().any(is_query));
    w.answer(LastAnswer::from(ours(&w, 8)));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
}

#[test]
fn staff_resolve_an_unclear_payment_once() {
    let cases = [
        (StaffVerdict::Taken, OrderState::Fulfilling, "done"),
        (StaffVerdict::NotTaken, OrderState::AwaitingPayment, "pay-failed"),
        (StaffVerdict::GivenBack, OrderState::AwaitingPayment, "pay-failed"),
    ];
    for (verdict, state, page) in cases {
        let mut w = World::open();
        w.sending();
        w.lose();
        w.back(&LastAnswer::Empty);
        let payment = w.payment_id();
        w.staff(Action::ResolvePayment { payment, verdict });
        assert_eq!(w.order().state, state);
        assert_eq!(w.page(), page);
        assert!(w.kiosk.ledger().tasks.is_empty());
        let before = w.log.len();
        w.staff(Action::ResolvePayment { payment, verdict });
        assert_eq!(w.refusal, Some(Refusal::NotNow), "the second one comes too late");
        assert_eq!(w.log.len(), before);
    }
}

#[test]
fn a_terminal_that_was_used_by_hand_is_reported_once() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    w.back_with(transaction(9, 4200));
    w.back_with(transaction(9, 4200));
    let tasks = &w.kiosk.ledger().tasks;
    assert_eq!(tasks.len(), 1);
    assert!(tasks.values().all(|t| matches!(t.kind, TaskKind::UnexplainedTransaction { .. })));
}

/// The driver reconnected just before it saw the charge: its reports are older than the charge.
fn stale_reports(w: &mut World) {
    w.terminal(TerminalInput::Down { why: "cable".into() });
    w.terminal(TerminalInput::Ready { last: LastAnswer::from(transaction(7, 500)) });
}

#[test]
fn a_report_from_before_the_charge_never_ends_the_charge() {
    let mut w = World::open();
    w.sending();
    stale_reports(&mut w);
    assert_eq!(*w.state(), PaymentState::Sending);
    let effects = w.take_effects();
    assert_eq!(effects.iter().filter(|e| is_query(e)).count(), 1, "asked behind the charge");
    let payment = w.payment_id();
    w.terminal(TerminalInput::Started { payment });
    w.answer(LastAnswer::Busy);
    w.approve();
    assert_eq!(w.order().state, OrderState::Paid);
    assert_eq!(w.order().payments.len(), 1);
}

#[test]
fn a_terminal_that_came_back_in_the_middle_without_a_word_is_believed_when_asked() {
    let mut w = World::open();
    w.sending();
    stale_reports(&mut w);
    w.answer(LastAnswer::from(transaction(7, 500)));
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
}

#[test]
fn a_terminal_that_went_down_in_the_middle_without_a_word_leaves_a_doubt() {
    let mut w = World::open();
    w.sending();
    w.terminal(TerminalInput::Down { why: "cable".into() });
    assert_eq!(*w.state(), PaymentState::Sending);
    w.answer(LastAnswer::NoAnswer);
    assert_eq!(*w.state(), PaymentState::Unknown);
}

#[test]
fn a_report_without_a_question_decides_nothing_about_a_payment_in_doubt() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.take_effects();
    w.terminal(TerminalInput::Ready { last: LastAnswer::from(transaction(7, 500)) });
    assert_eq!(*w.state(), PaymentState::Unknown);
    assert!(w.take_effects().iter().any(is_query));
    let late = LastAnswer::from(ours(&w, 8));
    w.terminal(TerminalInput::Last { question: 99, answer: late });
    assert_eq!(*w.state(), PaymentState::Unknown, "the answer to another question");
    w.answer(LastAnswer::from(transaction(7, 500)));
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
}

#[test]
fn a_terminal_that_goes_down_cancels_what_was_not_sent_and_counter_comes_first() {
    let mut w = World::open();
    w.terminal(TerminalInput::Ready { last: LastAnswer::Busy });
    w.placed();
    w.pay(PayIntent::Confirm);
    w.terminal(TerminalInput::Down { why: "cable".into() });
    assert_eq!(*w.state(), PaymentState::Cancelled);
    assert_eq!(failure(&w), PayFailure::TerminalDown);
    w.pay(PayIntent::OtherWay);
    match w.view().page {
        Page::PayChoose(page) => {
            assert_eq!(page.selected, Tender::Counter);
            assert_eq!(page.tenders[0].tender, Tender::Counter);
            assert!(!page.tenders[1].available);
        }
        other => panic!("{}", other.name()),
    }
    w.pay(PayIntent::Confirm);
    assert_eq!(w.order().state, OrderState::AcceptedUnpaid);
    assert_eq!(w.page(), "done");
}

#[test]
fn an_order_to_pay_at_the_counter_gets_a_slip_and_is_paid_there() {
    let mut w = World::open();
    w.placed();
    w.take_effects();
    w.pay(PayIntent::AtCounter);
    let effects = w.take_effects();
    match &effects[..] {
        [Effect::Printer(PrinterEffect::Print { document, .. })] => {
            assert_eq!(document.kind, ReceiptKind::PayAtCounter);
        }
        other => panic!("{other:?}"),
    }
    assert!(w.order().kitchen.is_empty(), "the kitchen waits for the money");
    let order = w.order_id();
    w.staff(Action::PaidAtCounter { order });
    assert_eq!(w.order().paid.unwrap().0.n, 1);
    assert!(w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))));
    w.staff(Action::PaidAtCounter { order });
    assert_eq!(w.refusal, Some(Refusal::NotNow));
}

#[test]
fn nothing_to_pay_is_paid_at_once_with_a_fiscal_number() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::QuickAdd(domain::ids::ItemId::new("water")));
    w.cart(domain::intent::CartIntent::Show);
    w.cart(domain::intent::CartIntent::Checkout);
    assert_eq!(w.page(), "done");
    assert_eq!(w.order().paid.unwrap().0.n, 1);
    assert_eq!(w.order().order.total, Minor::ZERO);
    assert!(w.order().payments.is_empty());
}

#[test]
fn tips_are_offered_never_preselected_and_paid_with_the_order() {
    let mut w = World::open();
    w.placed();
    let total = w.order().order.total;
    match w.view().page {
        Page::PayChoose(page) => {
            assert_eq!(page.tip, None);
            assert_eq!(page.tips.iter().map(|t| t.amount.0).collect::<Vec<_>>(), [0, 64, 200]);
        }
        other => panic!("{}", other.name()),
    }
    w.pay(PayIntent::Tip(Minor(77)));
    assert_eq!(w.refusal, Some(Refusal::NotAllowed));
    w.pay(PayIntent::Tip(Minor(200)));
    w.pay(PayIntent::Confirm);
    assert_eq!(w.payment().payment.amount, total + Minor(200));
    w.approve();
    assert_eq!(w.order().order.total, total, "the tip is outside the sale");
}

#[test]
fn who_pays_at_the_counter_gives_no_tip() {
    let choose = |w: &World| match w.view().page {
        Page::PayChoose(page) => page,
        other => panic!("{}", other.name()),
    };
    let mut w = World::open();
    w.placed();
    let total = w.order().order.total;
    w.pay(PayIntent::Tip(Minor(200)));
    assert_eq!(choose(&w).total, total + Minor(200));
    w.pay(PayIntent::Tender(Tender::Counter));
    let page = choose(&w);
    assert_eq!((page.total, page.tip, page.tips.len()), (total, None, 0));
    w.pay(PayIntent::Tip(Minor(200)));
    assert_eq!(w.refusal, Some(Refusal::NotAllowed));
    w.pay(PayIntent::Tender(Tender::Card));
    let page = choose(&w);
    assert_eq!((page.total, page.tip, page.tips.len()), (total, None, 3), "to be chosen anew");

    w.pay(PayIntent::Tip(Minor(200)));
    w.terminal(TerminalInput::Down { why: "cable".into() });
    let page = choose(&w);
    assert_eq!((page.selected, page.total, page.tip), (Tender::Counter, total, None), "no card, no tip");
    w.pay(PayIntent::Confirm);
    match w.view().page {
        Page::Done(page) => assert_eq!((page.settlement, page.amount), (Settlement::ToPay, total)),
        other => panic!("{}", other.name()),
    }
}

#[test]
fn the_terminals_own_receipt_is_kept_with_the_payment() {
    let mut w = World::open();
    w.approved();
    let payment = w.payment_id();
    let lines = vec!["GIROCARD".into(), "GENEHMIGT".into()];
    w.terminal(TerminalInput::ReceiptText { payment, customer: true, lines });
    assert_eq!(w.payment().receipt_customer.len(), 2);
}

#[test]
fn inputs_about_payments_nobody_knows_change_nothing() {
    let mut w = World::open();
    let payment = domain::ids::PaymentId(domain::ids::Uuid([9; 16]));
    let before = w.log.len();
    w.terminal(TerminalInput::Completed { payment });
    w.terminal(TerminalInput::Declined { payment, code: 1 });
    w.terminal(TerminalInput::Reversed { payment });
    w.terminal(TerminalInput::AbortRefused { payment });
    w.staff(Action::ReversePayment { payment });
    assert_eq!(w.refusal, Some(Refusal::NotFound));
    w.feed(Input::Tick);
    assert_eq!(w.log.len(), before);
}
