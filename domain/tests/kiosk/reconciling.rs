//! A payment in doubt: what the terminal says it did last, and what is believed of it.

use std::sync::Arc;

use domain::Effect;
use domain::effect::TerminalEffect;
use domain::event::TaskKind;
use domain::input::{Action, LastAnswer, PrinterCondition, PrinterInput, TerminalInput};
use domain::intent::{DoneIntent, Intent};
use domain::order::OrderState;
use domain::payment::{Approval, CODE_NOT_STARTED, CardFacts, LastTransaction, PaymentState, StaffVerdict};
use domain::receipt::ReceiptDocument;
use domain::view::{Page, PayFailure};

use crate::fixture;
use crate::payments::{failure, ours};
use crate::world::{World, approval, is_query, transaction};

#[test]
fn reconciling_equal_and_idle_means_it_never_began() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.back_with(transaction(7, 500));
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
    assert_eq!(failure(&w), PayFailure::Cancelled, "the terminal is there again, and nobody declined");
}

#[test]
fn a_payment_that_was_found_out_later_names_the_card_as_any_other() {
    let usual = done_and_receipt(|w| w.approve());
    let found_out = done_and_receipt(|w| {
        w.lose();
        let approval = approval(8, w.payment().payment.amount.0);
        let Approval { trace, receipt_no, turnover_no, auth, brand, pan_masked, aid, amount } = approval;
        let last = LastTransaction {
            trace,
            receipt_no,
            turnover_no,
            amount: Some(amount),
            approved: true,
            reversal: false,
        };
        w.back(&LastAnswer::Transaction(last, CardFacts { auth, brand, pan_masked, aid }));
    });
    assert_eq!(usual.0.as_deref(), Some("Visa"));
    assert_eq!(found_out, usual);
}

/// Brand and digits on the last page, and the receipt, of a payment that ends so.
fn done_and_receipt(end: impl FnOnce(&mut World)) -> (Option<Arc<str>>, Option<Arc<str>>, ReceiptDocument) {
    let mut w = World::open();
    w.sending();
    end(&mut w);
    let payment = w.payment_id();
    if !w.payment().completed {
        w.terminal(TerminalInput::Completed { payment });
    }
    let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
    let receipt = w.kiosk.order_document(w.order_id(), &w.now()).unwrap();
    (page.brand, page.last_digits, receipt)
}

#[test]
fn after_a_restart_a_payment_that_took_no_money_is_no_decline_of_the_bank() {
    let answers: [fn(&World) -> LastTransaction; 2] =
        [|_| transaction(7, 500), |w| LastTransaction { approved: false, ..ours(w, 8) }];
    for answer in answers {
        let mut w = World::open();
        w.sending();
        w.restart();
        let last = answer(&w);
        w.back_with(last);
        assert!(matches!(w.state(), PaymentState::Declined { .. }));
        assert_eq!(failure(&w), PayFailure::Cancelled);
    }
}

#[test]
fn the_first_try_to_find_out_is_told_as_the_first() {
    let tried = |w: &World| match w.view().page {
        Page::PayUnknown(page) => page.asked,
        other => panic!("{}", other.name()),
    };
    let mut w = World::open();
    w.sending();
    w.lose();
    assert_eq!(tried(&w), 1);
    w.terminal(TerminalInput::Ready { last: LastAnswer::Busy });
    let mut told = vec![tried(&w)];
    for _ in 0..4 {
        w.pass(1_000);
        if w.kiosk.session().terminal.question.is_some() {
            w.answer(LastAnswer::Busy);
        }
        told.push(tried(&w));
    }
    told.dedup();
    assert!(told.len() > 1 && told.iter().copied().eq(1..=u32::try_from(told.len()).unwrap()), "{told:?}");
}

#[test]
fn reconciling_the_next_with_our_amount_books_it_by_its_result() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.back_with(ours(&w, 8));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
    assert_eq!(w.order().state, OrderState::Fulfilling);
    assert_eq!(w.page(), "done");

    let mut w = World::open();
    w.sending();
    w.lose();
    w.back_with(LastTransaction { approved: false, ..ours(&w, 8) });
    assert!(matches!(w.state(), PaymentState::Declined { .. }));
    assert_eq!(failure(&w), PayFailure::Cancelled);
}

#[test]
fn reconciling_a_reversal_of_ours_means_the_money_is_back() {
    for n in [8, 9] {
        let mut w = World::open();
        w.sending();
        w.lose();
        w.back_with(LastTransaction { reversal: true, ..ours(&w, n) });
        assert_eq!(*w.state(), PaymentState::Reversed);
        assert_eq!(failure(&w), PayFailure::Reversed);
        assert!(w.order().paid.is_none());
    }
}

#[test]
fn an_approved_payment_that_the_terminal_now_calls_refused_was_taken_back() {
    let mut w = World::open();
    w.sending();
    let amount = w.payment().payment.amount.0;
    w.approve();
    w.lose();
    w.back_with(LastTransaction { approved: false, ..transaction(8, amount) });
    assert_eq!(*w.state(), PaymentState::Reversed);
}

#[test]
fn trace_numbers_that_the_terminal_used_for_itself_are_no_payments_between() {
    let next = |n: u32, trace| LastTransaction { trace: Some(trace), ..transaction(n, 0) };
    for (trace, decided) in [(9, true), (27, true), (28, false), (6, false)] {
        let mut w = World::open();
        w.sending();
        w.lose();
        let ours = LastTransaction { amount: Some(w.payment().payment.amount), ..next(8, trace) };
        w.back_with(LastTransaction { approved: false, ..ours });
        assert_eq!(matches!(w.state(), PaymentState::Declined { .. }), decided, "trace {trace}");
        assert_eq!(matches!(w.state(), PaymentState::NeedsStaff { .. }), !decided, "trace {trace}");
    }
}

#[test]
fn reconciling_anything_else_needs_a_person() {
    let amount = |w: &World| w.payment().payment.amount.0;
    let answers: [fn(&World, i64) -> LastAnswer; 4] = [
        |_, _| LastAnswer::Empty,
        |_, a| LastAnswer::from(transaction(9, a)),
        |_, a| LastAnswer::from(transaction(8, a + 1)),
        |_, a| LastAnswer::from(LastTransaction { trace: None, receipt_no: None, ..transaction(8, a) }),
    ];
    for answer in answers {
        let mut w = World::open();
        w.sending();
        w.lose();
        w.take_effects();
        let last = answer(&w, amount(&w));
        w.back(&last);
        assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
        assert_eq!(w.page(), "pay-unknown");
        assert_eq!(w.kiosk.ledger().tasks.len(), 1);
        assert!(w.take_effects().iter().any(|e| matches!(e, Effect::CallStaff { .. })));
    }
}

#[test]
fn two_equal_amounts_in_a_row_are_told_apart_by_what_was_known_before() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    w.sending();
    assert_eq!(w.payment().last_known, Some(transaction(8, w.payment().payment.amount.0)));
    w.lose();
    // The terminal still shows the first sale, of the very same amount.
    w.back_with(ours(&w, 8));
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
}

#[test]
fn an_old_sale_of_ours_is_not_taken_for_the_one_in_doubt() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    w.terminal(TerminalInput::Ready { last: LastAnswer::Empty });
    w.sending();
    assert_eq!(w.payment().last_known, None);
    w.lose();
    w.back_with(ours(&w, 8));
    assert_eq!(*w.state(), PaymentState::Declined { code: CODE_NOT_STARTED });
}

#[test]
fn a_sale_known_by_a_persons_word_only_does_not_explain_away_the_one_in_doubt() {
    let mut w = World::off(fixture::config());
    w.start();
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    w.terminal(TerminalInput::Ready { last: LastAnswer::Empty });
    w.sending();
    w.lose();
    w.back(&LastAnswer::Empty);
    let payment = w.payment_id();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::Taken });
    assert!(matches!(w.state(), PaymentState::Completed(_)));
    w.intent(Intent::Done(DoneIntent::Close));
    w.back(&LastAnswer::Empty);
    w.sending();
    w.lose();
    // Of the same amount, and the terminal had never told anything: it may be either.
    w.back_with(ours(&w, 8));
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }), "{:?}", w.state());
}

#[test]
fn what_the_terminal_told_about_a_payment_that_a_person_ruled_out_is_reported_as_nobodys() {
    let mut w = World::open();
    w.sending();
    w.lose();
    let other = transaction(8, w.payment().payment.amount.0 + 1);
    w.back_with(other.clone());
    let payment = w.payment_id();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::NotTaken });
    w.answer(LastAnswer::from(other.clone()));
    let tasks = w.kiosk.ledger().tasks.values();
    let reported = tasks.filter(
        |t| matches!(&t.kind, TaskKind::UnexplainedTransaction { transaction, .. } if *transaction == other),
    );
    assert_eq!(reported.count(), 1);
}

#[test]
fn numbers_that_wrap_around_are_still_the_next() {
    let mut w = World::open();
    let at_the_end = LastTransaction { trace: Some(999_999), receipt_no: Some(9_999), ..transaction(0, 500) };
    w.back_with(at_the_end);
    w.sending();
    w.lose();
    w.back_with(ours(&w, 1));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
}

#[test]
fn a_busy_or_silent_terminal_is_asked_again_with_growing_pauses_and_then_a_person_decides() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.back(&LastAnswer::Busy);
    w.take_effects();
    let mut questions = 1;
    for _ in 0..600 {
        w.pass(1_000);
        for effect in w.take_effects() {
            if is_query(&effect) {
                questions += 1;
                w.answer(LastAnswer::NoAnswer);
            }
        }
        if matches!(w.state(), PaymentState::NeedsStaff { .. }) {
            break;
        }
    }
    assert!((8..=12).contains(&questions), "{questions} questions");
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
    // It goes on slowly, and a late answer still decides.
    w.pass(w.config.reconcile.slow_ms + 1);
    assert!(w.take_effects().iter().any(is_query));
    w.answer(LastAnswer::from(ours(&w, 8)));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
    assert!(w.kiosk.ledger().tasks.is_empty(), "the task is done by itself");
}

#[test]
fn a_terminal_that_never_comes_back_ends_with_a_person_in_bounded_time() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.pass(w.config.reconcile.give_up_ms + 1);
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
}

#[test]
fn a_late_approval_of_an_unknown_payment_is_booked() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.approve();
    assert!(matches!(w.state(), PaymentState::Approved(_)));
    assert_eq!(w.order().state, OrderState::Paid);
}

#[test]
fn an_approval_that_comes_after_a_persons_word_is_answered_and_changes_nothing() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.back(&LastAnswer::Empty);
    let payment = w.payment_id();
    w.staff(Action::ResolvePayment { payment, verdict: StaffVerdict::Taken });
    w.take_effects();
    let before = w.log.len();
    w.approve();
    assert_eq!(w.log.len(), before, "one sale");
    assert!(w.take_effects().contains(&Effect::Terminal(TerminalEffect::AcceptResult { payment })));
}

#[test]
fn one_transaction_is_not_the_end_of_two_payments_in_doubt() {
    let mut w = World::open();
    w.completed();
    let first = w.payment_id();
    w.intent(Intent::Done(DoneIntent::Close));
    w.staff(Action::ReversePayment { payment: first });
    w.terminal(TerminalInput::Lost { payment: first, nothing_sent: true, why: "no link".into() });
    w.back_with(ours(&w, 8));
    let state = |w: &World, payment| w.kiosk.ledger().payment(payment).unwrap().1.state.clone();
    assert!(matches!(state(&w, first), PaymentState::NeedsStaff { .. }), "it was not given back");
    w.sending();
    let second = w.payment_id();
    w.lose();
    let back = LastTransaction { reversal: true, trace: Some(10), ..ours(&w, 9) };
    w.back_with(back);
    assert!(matches!(state(&w, first), PaymentState::NeedsStaff { .. }), "{:?}", state(&w, first));
    assert!(matches!(state(&w, second), PaymentState::NeedsStaff { .. }), "{:?}", state(&w, second));
}

#[test]
fn an_approval_told_twice_is_one_sale() {
    let mut w = World::open();
    w.approved();
    w.take_effects();
    let before = w.log.len();
    w.approve();
    assert_eq!(w.log.len(), before);
    let payment = w.payment_id();
    assert_eq!(w.take_effects(), [Effect::Terminal(TerminalEffect::AcceptResult { payment })]);
}

#[test]
fn a_second_approval_with_other_numbers_is_a_task_not_a_sale() {
    let mut w = World::open();
    w.approved();
    let (payment, amount) = (w.payment_id(), w.payment().payment.amount.0);
    w.terminal(TerminalInput::Approved { payment, approval: approval(9, amount), currency: None });
    assert_eq!(w.order().payments.len(), 1);
    let tasks = &w.kiosk.ledger().tasks;
    assert!(tasks.values().any(|t| matches!(t.kind, TaskKind::UnexplainedTransaction { .. })));
}

#[test]
fn an_approval_after_a_definite_decline_is_refused_and_reported() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    w.terminal(TerminalInput::Declined { payment, code: 5 });
    w.take_effects();
    w.approve();
    let effects = w.take_effects();
    assert!(effects.contains(&Effect::Terminal(TerminalEffect::RefuseGoods { payment })));
    assert_eq!(w.kiosk.ledger().tasks.len(), 1);
    assert!(w.order().paid.is_none());
}
