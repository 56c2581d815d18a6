//! Money that is given back: by staff, after a lost answer, twice.

use domain::Effect;
use domain::effect::TerminalEffect;
use domain::event::TaskKind;
use domain::ids::PaymentId;
use domain::input::{Action, LastAnswer, TerminalInput};
use domain::intent::{DoneIntent, Intent};
use domain::kiosk::Refusal;
use domain::kiosk::ledger::Task;
use domain::payment::{LastTransaction, PaymentState, StaffVerdict};
use domain::receipt::ReceiptKind;
use domain::view::{Page, Settlement};

use crate::payments::ours;
use crate::world::{World, transaction};

/// A sale whose customer has left.
fn sold() -> (World, PaymentId) {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    let payment = w.payment_id();
    (w, payment)
}

#[test]
fn staff_give_the_money_of_a_completed_sale_back_with_a_number_of_its_own() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    w.take_effects();
    let (payment, order) = (w.payment_id(), w.order_id());
    w.staff(Action::ReversePayment { payment });
    assert!(
        w.take_effects()
            .iter()
            .any(|e| matches!(e, Effect::Terminal(TerminalEffect::Reverse { receipt_no: 8, .. })))
    );
    w.terminal(TerminalInput::Reversed { payment });
    assert_eq!(*w.state(), PaymentState::Reversed);
    assert_eq!(w.order().refunds[0].n, 2);
    assert!(w.order().receipts.iter().any(|r| r.kind == ReceiptKind::Refund));
    assert_eq!(w.page(), "attract");
    w.staff(Action::ReversePayment { payment });
    assert_eq!(w.refusal, Some(Refusal::NotNow), "refunding a refunded sale");
    assert_eq!(w.order().order.id, order);
}

#[test]
fn the_number_page_says_when_its_money_was_given_back() {
    let mut w = World::open();
    w.completed();
    let shown = |w: &World| match w.view().page {
        Page::Done(page) => page.settlement,
        other => panic!("{}", other.name()),
    };
    assert_eq!(shown(&w), Settlement::Paid);
    let payment = w.payment_id();
    w.staff(Action::ReversePayment { payment });
    assert_eq!(shown(&w), Settlement::Paid, "asked for is not given");
    w.terminal(TerminalInput::Reversed { payment });
    assert_eq!(shown(&w), Settlement::GivenBack);
}

#[test]
fn a_reversal_without_an_answer_is_asked_about_and_does_not_hold_up_the_next_customer_for_ever() {
    let (mut w, payment) = sold();
    w.staff(Action::ReversePayment { payment });
    w.lose();
    assert!(matches!(w.state(), PaymentState::ReversalUnknown(_)));
    assert_eq!(w.page(), "attract", "no customer is concerned");
    w.back_with(ours(&w, 8));
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }), "it still stands: a person decides");
    w.placed();
    match w.view().page {
        Page::PayChoose(page) => assert!(page.tenders[0].available),
        other => panic!("{}", other.name()),
    }
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::Taken });
    let (_, record) = w.kiosk.ledger().payment(payment).unwrap();
    assert!(matches!(record.state, PaymentState::Completed(_)));
}

#[test]
fn a_reversal_that_was_already_done_is_done() {
    let (mut w, payment) = sold();
    w.staff(Action::ReversePayment { payment });
    w.terminal(TerminalInput::ReversalRefused { payment, code: 0xB5 });
    assert!(matches!(w.state(), PaymentState::ReversalUnknown(_)));
    w.pass(1_500);
    w.answer(LastAnswer::from(LastTransaction { reversal: true, ..ours(&w, 8) }));
    assert_eq!(*w.state(), PaymentState::Reversed);
}

#[test]
fn a_refused_reversal_leaves_the_payment_as_it_was_says_so_and_can_be_tried_again() {
    let (mut w, payment) = sold();
    for last in [ours(&w, 8), transaction(9, 100)] {
        w.take_effects();
        w.staff(Action::ReversePayment { payment });
        w.terminal(TerminalInput::ReversalRefused { payment, code: 0x9A });
        w.pass(1_500);
        w.answer(LastAnswer::from(last));
        assert!(matches!(w.state(), PaymentState::Completed(_)), "{:?}", w.state());
        assert_eq!(w.payment().reversal_refused, Some(0x9A));
        let called =
            |e: &Effect| matches!(e, Effect::CallStaff { about } if about.contains("K3-001 (code 9A)"));
        assert!(w.take_effects().iter().any(called));
        let unclear = |task: &Task| matches!(task.kind, TaskKind::UnclearPayment { .. });
        assert!(!w.kiosk.ledger().tasks.values().any(unclear));
    }
    w.staff(Action::ReversePayment { payment });
    w.terminal(TerminalInput::Reversed { payment });
    assert_eq!(*w.state(), PaymentState::Reversed);
}

#[test]
fn a_sale_of_a_day_that_the_terminal_has_closed_cannot_be_reversed() {
    let (mut w, payment) = sold();
    w.back(&LastAnswer::Empty);
    w.staff(Action::ReversePayment { payment });
    assert_eq!(w.refusal, Some(Refusal::DayClosed));
    assert!(matches!(w.state(), PaymentState::Completed(_)));

    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
    assert_eq!(
        (w.refusal.clone(), w.state()),
        (None, &PaymentState::Reversed),
        "given back at the terminal itself"
    );
    assert_eq!(w.order().refunds[0].n, 2);
    assert!(w.order().receipts.iter().any(|r| r.kind == ReceiptKind::Refund));
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
    assert_eq!(w.refusal, Some(Refusal::NotNow), "once");
}

#[test]
fn what_the_terminal_can_give_back_is_not_booked_by_a_word() {
    let (mut w, payment) = sold();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::GivenBack });
    assert_eq!(w.refusal, Some(Refusal::NotNow));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
}

#[test]
fn a_sale_on_a_busy_terminal_cannot_be_reversed_now() {
    let mut w = World::open();
    w.completed();
    let first = w.payment_id();
    w.intent(Intent::Done(DoneIntent::Close));
    w.sending();
    w.staff(Action::ReversePayment { payment: first });
    assert_eq!(w.refusal, Some(Refusal::TerminalBusy));
}
