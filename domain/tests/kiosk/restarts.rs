//! The power is lost in every state of an order: what is on disk decides what comes back.

use domain::effect::{KitchenEffect, TerminalEffect};
use domain::event::Event;
use domain::input::{Action, KitchenInput, LastAnswer, PrinterCondition, PrinterInput, TerminalInput};
use domain::intent::{DoneIntent, Intent, PayIntent, ReceiptChoice};
use domain::kiosk::ledger::{KitchenState, PrintState};
use domain::kiosk::{Kiosk, Obstacle, UpdateGate};
use domain::order::{CancelReason, OrderState};
use domain::payment::{LastTransaction, PaymentState};
use domain::receipt::{Block, ReceiptKind};
use domain::view::{Overlay, Page, PayFailure};
use domain::{Effect, Input};

use crate::fixture;
use crate::world::{Crash, World, charges, prints, transaction};

fn tickets(effects: &[Effect]) -> Vec<bool> {
    let repeated = |blocks: &[Block]| matches!(blocks.first(), Some(Block::Line { text, .. }) if text.contains("REPEAT"));
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Kitchen(KitchenEffect::Dispatch { ticket, .. }) => Some(repeated(&ticket.blocks)),
            Effect::Terminal(_)
            | Effect::Printer(_)
            | Effect::Drawer(_)
            | Effect::Display(_)
            | Effect::Voice(_)
            | Effect::CheckAgain
            | Effect::Reserve { .. }
            | Effect::CallStaff { .. } => None,
        })
        .collect()
}

#[test]
fn before_it_is_started_a_kiosk_shows_that_it_starts() {
    let w = World::off(fixture::config());
    assert_eq!(w.page(), "starting");
    assert_eq!(w.kiosk.next_deadline(), None);
    assert_eq!(w.kiosk.update_gate(0), UpdateGate::Closed(vec![Obstacle::Starting]));
}

#[test]
fn a_cart_is_gone_by_design() {
    let mut w = World::open();
    w.with_burger();
    w.restart();
    assert_eq!(w.page(), "attract");
}

#[test]
fn a_placed_order_comes_back_with_its_price_and_can_be_paid() {
    let mut w = World::open();
    w.placed();
    let total = w.order().order.total;
    w.jump(30_000);
    w.restart();
    assert_eq!(w.page(), "pay-choose");
    assert_eq!(w.order().order.total, total);
    w.devices_ready();
    w.pay(PayIntent::Confirm);
    assert_eq!(*w.state(), PaymentState::Sending);
}

#[test]
fn a_placed_order_that_came_back_is_given_up_when_nobody_is_there() {
    let mut w = World::open();
    w.placed();
    w.restart();
    w.pass(w.config.times.idle_checkout_ms + 1);
    assert!(matches!(w.view().overlay, Some(Overlay::Idle { .. })));
    w.pass(w.config.times.idle_warning_ms + 1);
    assert_eq!(w.page(), "attract");
    assert_eq!(w.order().cancelled, Some(CancelReason::Idle));
}

#[test]
fn going_back_to_a_cart_that_the_restart_forgot_asks_first() {
    let mut w = World::open();
    w.placed();
    w.restart();
    w.pay(PayIntent::BackToOrder);
    assert_eq!(w.view().overlay, Some(Overlay::ConfirmCancel));
    assert_eq!(w.order().state, OrderState::Placed);
    w.pay(PayIntent::CancelOrder);
    assert_eq!(w.order().state, OrderState::Cancelled);
    assert_eq!(w.page(), "attract");
}

#[test]
fn a_placed_order_past_its_deadline_expires() {
    let mut w = World::open();
    w.placed();
    w.jump(u64::try_from(w.config.times.order_expiry_ms).unwrap());
    w.restart();
    assert_eq!(w.order().state, OrderState::Expired);
    assert_eq!(w.page(), "attract");
}

#[test]
fn a_clock_that_jumped_back_expires_nothing() {
    let mut w = World::open();
    w.placed();
    w.wall -= 3_000_000_000;
    w.start_minute += 3_000_000_000 / 60_000;
    w.restart();
    assert_eq!(w.page(), "pay-choose");
}

#[test]
fn a_payment_that_was_only_written_down_is_cancelled() {
    let mut w = World::open();
    w.terminal(TerminalInput::Ready { last: LastAnswer::Busy });
    w.placed();
    w.pay(PayIntent::Confirm);
    assert_eq!(*w.state(), PaymentState::Created);
    w.restart();
    assert_eq!(*w.state(), PaymentState::Cancelled);
    assert_eq!(w.page(), "pay-failed");
}

#[test]
fn a_charge_on_its_way_is_unknown_and_asked_about_before_anything_else() {
    let mut w = World::open();
    w.sending();
    w.restart();
    assert_eq!(*w.state(), PaymentState::Unknown);
    assert_eq!(w.page(), "pay-unknown");
    w.take_effects();
    let last = transaction(8, w.payment().payment.amount.0);
    w.terminal(TerminalInput::Ready { last: LastAnswer::from(last.clone()) });
    assert!(matches!(w.take_effects()[..], [Effect::Terminal(TerminalEffect::QueryLast { .. })]));
    w.answer(LastAnswer::from(last));
    assert!(matches!(w.state(), PaymentState::Completed(_)));
    assert!(charges(&w.take_effects()) == 0);
}

#[test]
fn the_unknown_page_returns_until_a_definite_end() {
    let mut w = World::open();
    w.sending();
    w.lose();
    w.back(&LastAnswer::Empty);
    assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
    for _ in 0..3 {
        w.restart();
        assert_eq!(w.page(), "pay-unknown");
        assert!(matches!(w.state(), PaymentState::NeedsStaff { .. }));
    }
    assert_eq!(w.kiosk.ledger().tasks.len(), 1, "one task, however often it restarts");
}

#[test]
fn an_approval_on_disk_waits_for_the_terminal_before_anything_leaves() {
    let mut w = World::open();
    w.approved();
    w.restart();
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(w.page(), "at-terminal");
    let effects = w.take_effects();
    assert!(tickets(&effects).is_empty() && prints(&effects).is_empty());
    w.back_with(transaction(8, w.payment().payment.amount.0));
    let effects = w.take_effects();
    assert_eq!(tickets(&effects), [false]);
    assert_eq!(prints(&effects), [ReceiptKind::Sale]);
    assert_eq!(w.page(), "done");
}

#[test]
fn an_approval_that_the_terminal_took_back_while_the_power_was_out_is_a_refund() {
    let mut w = World::open();
    w.approved();
    w.restart();
    w.devices_ready();
    let amount = w.payment().payment.amount.0;
    w.answer(LastAnswer::from(LastTransaction { reversal: true, ..transaction(9, amount) }));
    assert_eq!(*w.state(), PaymentState::Reversed);
    assert_eq!(w.order().kitchen[0].state, KitchenState::Withdrawn);
    match w.view().page {
        Page::PayFailed(page) => {
            assert!(page.why == PayFailure::GivenBack && !page.can_retry && !page.counter)
        }
        other => panic!("{}", other.name()),
    }
    for impossible in [PayIntent::Retry, PayIntent::OtherWay, PayIntent::AtCounter] {
        w.pay(impossible);
        assert!(w.refusal.is_some(), "the order is over");
    }
    let refunded = w.order_id();
    w.pay(PayIntent::BackToOrder);
    assert_eq!(w.page(), "service", "the cart is forgotten, so ordering begins anew at once");
    w.sending();
    assert_ne!(w.order_id(), refunded);
}

#[test]
fn the_page_of_a_refunded_order_is_left_with_one_press() {
    let mut w = World::open();
    w.approved();
    w.restart();
    w.devices_ready();
    let amount = w.payment().payment.amount.0;
    w.answer(LastAnswer::from(LastTransaction { reversal: true, ..transaction(9, amount) }));
    w.pay(PayIntent::CancelOrder);
    assert_eq!(w.page(), "attract");
}

#[test]
fn an_approval_told_but_not_stored_is_found_by_asking() {
    let mut w = World::open();
    w.sending();
    w.crash_next = Some(Crash::BeforeAppend);
    w.approve();
    assert!(w.crashed);
    w.reboot();
    assert_eq!(*w.state(), PaymentState::Unknown);
    assert!(
        w.take_effects().iter().all(|e| !matches!(e, Effect::Terminal(TerminalEffect::AcceptResult { .. })))
    );
}

#[test]
fn a_completed_sale_prints_and_cooks_once_and_shows_its_number_again() {
    let mut w = World::open();
    w.approved();
    let payment = w.payment_id();
    w.crash_next = Some(Crash::AfterEffects(0));
    w.terminal(TerminalInput::Completed { payment });
    w.reboot();
    assert_eq!(w.page(), "done");
    let effects = w.take_effects();
    assert_eq!(tickets(&effects), [true], "it may have left before: the ticket says so");
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(prints(&w.take_effects()), [ReceiptKind::Sale], "it never reached the printer");
    let job = w.order().kitchen[0].id;
    w.kitchen(KitchenInput::Taken { job });
    w.restart();
    assert!(tickets(&w.take_effects()).is_empty(), "the kitchen has it");
}

#[test]
fn a_receipt_that_may_have_come_out_comes_again_as_a_counted_copy() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Paper)));
    assert_eq!(w.order().receipts[0].state, PrintState::Sent);
    w.take_effects();
    w.restart();
    assert_eq!(w.order().receipts[0].state, PrintState::Unknown);
    assert_eq!((w.order().receipts[1].kind, w.order().receipts[1].copy), (ReceiptKind::Copy, 1));
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(prints(&w.take_effects()), [ReceiptKind::Copy]);
}

#[test]
fn a_reversal_on_its_way_is_asked_about() {
    let mut w = World::open();
    w.completed();
    w.intent(Intent::Done(DoneIntent::Close));
    let payment = w.payment_id();
    w.staff(Action::ReversePayment { payment });
    w.restart();
    assert!(matches!(w.state(), PaymentState::ReversalUnknown(_)));
    let amount = w.payment().payment.amount.0;
    w.back_with(LastTransaction { reversal: true, ..transaction(9, amount) });
    assert_eq!(*w.state(), PaymentState::Reversed);
    assert_eq!(w.order().refunds.len(), 1);
}

#[test]
fn an_order_to_pay_at_the_counter_stays_and_expires_with_the_business_day() {
    let mut w = World::open();
    w.placed();
    w.pay(PayIntent::AtCounter);
    w.restart();
    assert_eq!(w.page(), "done", "the customer sees the number again");
    w.pass(24 * 3_600_000);
    assert_eq!(w.order().state, OrderState::Expired);
}

#[test]
fn a_paid_order_is_closed_when_nothing_is_left_to_do() {
    let mut w = World::open();
    w.completed();
    let job = w.order().kitchen[0].id;
    w.kitchen(KitchenInput::Taken { job });
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::None)));
    w.intent(Intent::Done(DoneIntent::Close));
    assert_eq!(w.order().state, OrderState::Fulfilling);
    w.pass(u64::try_from(w.config.times.close_after_ms).unwrap() + 60_000);
    assert_eq!(w.order().state, OrderState::Closed);
    assert_eq!(w.kiosk.ledger().open_orders().count(), 0);
    assert_eq!(w.kiosk.update_gate(0), UpdateGate::Open);
}

#[test]
fn the_update_gate_is_closed_while_anything_would_be_lost() {
    let mut w = World::open();
    assert_eq!(w.kiosk.update_gate(0), UpdateGate::Open);
    assert_eq!(w.kiosk.update_gate(3), UpdateGate::Closed(vec![Obstacle::UnsyncedPayments(3)]));
    w.intent(Intent::Start);
    assert_eq!(w.kiosk.update_gate(0), UpdateGate::Closed(vec![Obstacle::Customer]));
    w.intent(Intent::EndVisit);
    w.sending();
    assert_eq!(
        w.kiosk.update_gate(0),
        UpdateGate::Closed(vec![Obstacle::Customer, Obstacle::PaymentUnderWay])
    );
    w.approve();
    assert!(!w.kiosk.update_gate(0).is_open(), "approved is not completed");
}

#[test]
fn fiscal_numbers_are_gapless_and_a_new_epoch_begins_a_new_series() {
    let mut w = World::open();
    for n in 1..=3 {
        w.completed();
        assert_eq!((w.order().paid.unwrap().0.series, w.order().paid.unwrap().0.n), (1, n));
        w.intent(Intent::Done(DoneIntent::Close));
        let (payment, last) = (w.payment_id(), w.payment().payment.amount.0);
        assert!(w.kiosk.ledger().payment(payment).is_some());
        w.back_with(transaction(7, last));
        w.terminal(TerminalInput::Ready { last: LastAnswer::from(transaction(7, 500)) });
    }
    let before = w.order().order.number.counter;
    w.series = 99;
    w.reboot();
    w.devices_ready();
    w.intent(Intent::EndVisit);
    w.completed();
    assert_eq!((w.order().paid.unwrap().0.series, w.order().paid.unwrap().0.n), (99, 1));
    assert_eq!(w.order().order.number.counter, before + 50, "no two customers hold the same number");
}

#[test]
fn display_numbers_begin_anew_each_day_and_wrap_at_999() {
    let mut w = World::open();
    w.placed();
    assert_eq!(w.order().order.number.to_string(), "K3-001");
    w.pay(PayIntent::BackToOrder);
    w.cart(domain::intent::CartIntent::Checkout);
    assert_eq!(w.order().order.number.counter, 2);
    // The same log with the number 999 given last.
    for (_, event) in &mut w.log {
        if let Event::Order(domain::event::OrderEvent::Placed(order)) = event {
            std::sync::Arc::make_mut(order).number.counter = 999;
        }
    }
    w.reboot();
    w.pay(PayIntent::CancelOrder);
    w.pay(PayIntent::CancelOrder);
    w.devices_ready();
    w.placed();
    assert_eq!(w.order().order.number.counter, 1);
    w.pay(PayIntent::CancelOrder);
    w.pay(PayIntent::CancelOrder);
    w.placed();
    w.pay(PayIntent::CancelOrder);
    w.pay(PayIntent::CancelOrder);
    w.pass(24 * 3_600_000);
    w.placed();
    assert_eq!(w.order().order.number.counter, 1, "a new business day");
}

#[test]
fn a_fault_takes_the_kiosk_out_of_service_until_the_next_start() {
    let mut w = World::open();
    w.with_burger();
    w.staff(Action::Fault { code: "STO-01".into(), detail: "disk full".into() });
    match w.view().page {
        Page::OutOfService(page) => {
            assert_eq!(&*page.code, "STO-01");
            assert_eq!(page.rest, domain::view::Rest::Fault);
        }
        other => panic!("{}", other.name()),
    }
    w.intent(Intent::Start);
    assert_eq!(w.page(), "out-of-service");
    w.restart();
    assert_eq!(w.page(), "attract");
}

#[test]
fn without_a_catalog_nothing_is_sold() {
    let mut w = World::off(fixture::config());
    w.feed(Input::Started);
    assert_eq!(w.page(), "out-of-service");
    w.intent(Intent::Start);
    assert_eq!(w.page(), "out-of-service");
    let catalog = w.catalog.clone();
    w.activate(catalog, domain::input::Origin::Kiosk);
    assert_eq!(w.page(), "attract");
}

#[test]
fn a_paid_order_shows_its_number_even_before_the_catalog_is_there() {
    let mut w = World::open();
    w.completed();
    w.kiosk = Kiosk::replay(w.config.clone(), 1, w.log.iter().cloned());
    w.mono = 0;
    w.feed(Input::Started);
    assert_eq!(w.page(), "done");
}

#[test]
fn closed_on_purpose_stays_closed_over_a_restart() {
    let mut w = World::open();
    w.staff(Action::Close);
    assert_eq!(w.page(), "out-of-service");
    w.restart();
    assert_eq!(w.page(), "out-of-service");
    w.staff(Action::Open);
    assert_eq!(w.page(), "attract");
}

#[test]
fn old_finished_orders_leave_memory_and_the_numbers_still_add_up() {
    let mut w = World::open();
    w.at_menu();
    let kept = domain::kiosk::ledger::FINISHED_ORDERS_KEPT;
    let template = {
        w.placed();
        w.order().order.clone()
    };
    // A year of paid orders, written straight into the ledger as a replay would.
    let mut ledger = domain::kiosk::Ledger::new(1);
    for n in 1..=u64::try_from(kept).unwrap() + 300 {
        let id = domain::ids::OrderId(domain::ids::Uuid(u128::from(n).to_be_bytes()));
        let mut order = (*template).clone();
        order.id = id;
        order.total = domain::Minor::ZERO;
        let fiscal = domain::order::FiscalNumber { series: 1, n };
        let at = order.placed_at;
        ledger.apply(&Event::Order(domain::event::OrderEvent::Placed(order.into())));
        ledger.apply(&Event::Order(domain::event::OrderEvent::Paid { order: id, fiscal, at }));
        ledger.apply(&Event::Order(domain::event::OrderEvent::Closed { order: id }));
    }
    assert!(ledger.orders.len() <= kept + 1);
    assert_eq!(ledger.next_fiscal().n, u64::try_from(kept).unwrap() + 301);
}
