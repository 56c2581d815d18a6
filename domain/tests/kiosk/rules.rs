//! The invariants are not decoration: a log that breaks one is found, and named.

use std::sync::Arc;

use domain::event::{Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent};
use domain::ids::{KitchenJobId, OrderId, PaymentId, ReceiptId, Uuid};
use domain::kiosk::Kiosk;
use domain::order::FiscalNumber;
use domain::receipt::ReceiptKind;

use crate::world::{World, approval};

/// The rule that a kiosk with this past breaks.
fn broken(w: &World, log: impl IntoIterator<Item = Event>) -> &'static str {
    let events = log.into_iter().map(|event| (1, event));
    Kiosk::replay(w.config.clone(), 1, events).verify_invariants().expect_err("a broken rule").rule
}

fn log(w: &World) -> Vec<Event> {
    w.log.iter().map(|(_, event)| event.clone()).collect()
}

fn id(n: u8) -> Uuid {
    Uuid([n; 16])
}

#[test]
fn a_sale_for_the_wrong_amount_is_found() {
    let mut w = World::open();
    w.completed();
    let mut log = log(&w);
    for event in &mut log {
        if let Event::Payment(PaymentEvent::Approved { approval, .. }) = event {
            approval.amount.0 += 1;
        }
    }
    assert_eq!(broken(&w, log), "I1");
}

#[test]
fn money_without_a_paid_order_is_found() {
    let mut w = World::open();
    w.completed();
    let log = log(&w).into_iter().filter(|e| !matches!(e, Event::Order(OrderEvent::Paid { .. })));
    let log: Vec<Event> = log.collect();
    assert_eq!(broken(&w, log), "I1");
}

#[test]
fn two_approved_payments_of_one_order_are_found() {
    let mut w = World::open();
    w.completed();
    let mut second = w.payment().payment.clone();
    second.id = PaymentId(id(7));
    let amount = second.amount.0;
    let mut log = log(&w);
    log.push(Event::Payment(PaymentEvent::Created(second)));
    let (payment, at) = (PaymentId(id(7)), domain::time::WallMs(0));
    log.push(Event::Payment(PaymentEvent::Approved { payment, approval: approval(9, amount), at }));
    assert_eq!(broken(&w, log), "I2");
}

#[test]
fn two_payments_at_the_terminal_are_found() {
    let mut w = World::open();
    w.sending();
    let mut order = (*w.order().order).clone();
    order.id = OrderId(id(7));
    let mut second = w.payment().payment.clone();
    (second.id, second.order) = (PaymentId(id(8)), order.id);
    let mut log = log(&w);
    log.push(Event::Order(OrderEvent::Placed(Arc::new(order))));
    log.push(Event::Payment(PaymentEvent::Created(second)));
    assert_eq!(broken(&w, log), "I2");
}

#[test]
fn a_gap_and_a_repetition_of_fiscal_numbers_are_found() {
    for n in [2, 0] {
        let mut w = World::open();
        w.completed();
        let mut log = log(&w);
        for event in &mut log {
            if let Event::Order(OrderEvent::Paid { fiscal, .. }) = event {
                *fiscal = FiscalNumber { series: 1, n };
            }
        }
        assert_eq!(broken(&w, log), "I6");
    }
}

#[test]
fn a_ticket_that_left_before_the_payment_was_completed_is_found() {
    let mut w = World::open();
    w.approved();
    let job = w.order().kitchen[0].id;
    let mut log = log(&w);
    log.push(Event::Kitchen(KitchenEvent::Dispatched { job }));
    assert_eq!(broken(&w, log), "I7");
}

#[test]
fn a_ticket_for_an_unpaid_order_is_found() {
    let mut w = World::open();
    w.placed();
    let mut log = log(&w);
    log.push(Event::Kitchen(KitchenEvent::Queued { job: KitchenJobId(id(7)), order: w.order_id() }));
    assert_eq!(broken(&w, log), "I7");
}

#[test]
fn a_paid_order_without_a_receipt_and_a_second_original_are_found() {
    let mut w = World::open();
    w.completed();
    let without: Vec<Event> = log(&w).into_iter().filter(|e| !matches!(e, Event::Receipt(_))).collect();
    assert_eq!(broken(&w, without), "I8");
    let mut twice = log(&w);
    let (receipt, order, kind) = (ReceiptId(id(7)), w.order_id(), ReceiptKind::Sale);
    twice.push(Event::Receipt(ReceiptEvent::Queued { receipt, order, kind, copy: 0 }));
    for receipt in [receipt, w.order().receipts[0].id] {
        twice.push(Event::Receipt(ReceiptEvent::Sent { receipt }));
    }
    assert_eq!(broken(&w, twice), "I8");
}

#[test]
fn an_order_given_up_with_a_payment_under_way_is_found() {
    let mut w = World::open();
    w.sending();
    let mut log = log(&w);
    log.push(Event::Order(OrderEvent::Expired { order: w.order_id() }));
    assert_eq!(broken(&w, log), "I9");
}

#[test]
fn an_order_whose_parts_do_not_add_up_is_found() {
    let mut w = World::open();
    w.placed();
    let mut log = log(&w);
    for event in &mut log {
        if let Event::Order(OrderEvent::Placed(order)) = event {
            Arc::make_mut(order).total.0 += 1;
        }
    }
    assert_eq!(broken(&w, log), "I5");
}

#[test]
fn an_unclear_payment_without_a_task_is_found() {
    let mut w = World::open();
    w.sending();
    w.lose();
    let mut log = log(&w);
    log.push(Event::Payment(PaymentEvent::NeedsStaff { payment: w.payment_id(), evidence: "?".into() }));
    assert_eq!(broken(&w, log), "I4");
}
