//! Printer, kitchen, scanner, drawer, fleet: what they report and what follows.

use domain::cart::LabelValue;
use domain::effect::{DrawerEffect, KitchenEffect, PrinterEffect};
use domain::input::{
    Action, DrawerInput, KitchenInput, PrinterCondition, PrinterInput, ScannerInput, UplinkInput,
};
use domain::intent::{CartIntent, DoneIntent, Intent, ReceiptChoice};
use domain::kiosk::Refusal;
use domain::kiosk::ledger::{KitchenState, PrintState};
use domain::money::{Minor, Quantity};
use domain::receipt::ReceiptKind;
use domain::time::WallMs;
use domain::view::{Notice, Page, PaperState};
use domain::{Effect, Input};

use crate::fixture;
use crate::world::World;

fn printed(w: &mut World) -> Vec<ReceiptKind> {
    w.take_effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Printer(PrinterEffect::Print { document, .. }) => Some(document.kind),
            Effect::Terminal(_)
            | Effect::Kitchen(_)
            | Effect::Drawer(_)
            | Effect::Display(_)
            | Effect::CallStaff { .. } => None,
        })
        .collect()
}

fn done(w: &World) -> domain::view::DoneView {
    match w.view().page {
        Page::Done(page) => page,
        other => panic!("expected the number, got {}", other.name()),
    }
}

fn want_paper(w: &mut World) {
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Paper)));
}

#[test]
fn a_dead_printer_stops_no_sale_and_prints_later() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::Absent));
    assert!(w.view().banners.no_paper, "told before ordering");
    w.completed();
    want_paper(&mut w);
    assert_eq!(done(&w).paper, PaperState::Unavailable);
    assert!(done(&w).qr.contains("K3-001"), "the QR code stands in");
    w.intent(Intent::Done(DoneIntent::Close));
    assert!(printed(&mut w).is_empty());
    w.pass(3_600_000);
    w.printer(PrinterInput::Condition(PrinterCondition::Ready));
    assert_eq!(printed(&mut w), [ReceiptKind::Sale], "it was never handed over: this is the original");
}

#[test]
fn one_job_at_a_time_is_at_the_printer_and_the_oldest_goes_first() {
    let mut w = World::open();
    w.printer(PrinterInput::Condition(PrinterCondition::PaperOut));
    for _ in 0..2 {
        w.completed();
        want_paper(&mut w);
        w.intent(Intent::Done(DoneIntent::Close));
    }
    w.printer(PrinterInput::Condition(PrinterCondition::PaperLow));
    assert_eq!(printed(&mut w).len(), 1);
    let first = w.kiosk.ledger().in_order().next().unwrap();
    let receipt = first.receipts[0].id;
    assert_eq!(first.receipts[0].state, PrintState::Sent);
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(printed(&mut w).len(), 1);
}

#[test]
fn a_job_that_the_printer_did_not_begin_stays_an_original_and_is_tried_with_growing_pauses() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    let receipt = w.order().receipts[0].id;
    let mut tries = printed(&mut w).len();
    for _ in 0..120 {
        if w.order().receipts[0].state == PrintState::Sent {
            w.printer(PrinterInput::NotStarted { receipt });
        }
        w.pass(5_000);
        tries += printed(&mut w).len();
    }
    assert!((5..=12).contains(&tries), "{tries} tries in ten minutes");
    assert_eq!(w.order().receipts.len(), 1);
}

#[test]
fn copies_of_a_receipt_that_never_confirms_come_to_an_end() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    for _ in 0..10 {
        if let Some((receipt, _)) = w.kiosk.session().work.printing {
            w.printer(PrinterInput::Unknown { receipt });
        }
    }
    assert_eq!(w.order().receipts.len(), 3, "the original and two marked copies");
    assert!(w.order().receipts[1..].iter().all(|r| r.kind == ReceiptKind::Copy));
}

#[test]
fn a_printer_that_never_answers_leaves_the_job_unknown() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    w.pass(w.config.times.print_ms + 1);
    assert_eq!(w.order().receipts[0].state, PrintState::Unknown);
}

#[test]
fn the_number_page_waits_for_the_paper_and_closes_twenty_seconds_later() {
    let mut w = World::open();
    w.completed();
    assert!(done(&w).closes_ms.is_some(), "nothing is printing: it counts");
    want_paper(&mut w);
    assert_eq!(done(&w).paper, PaperState::Printing);
    assert_eq!(done(&w).closes_ms, None);
    w.pass(60_000);
    assert_eq!(w.page(), "done");
    let receipt = w.order().receipts[0].id;
    w.printer(PrinterInput::Confirmed { receipt });
    assert_eq!(done(&w).paper, PaperState::Printed);
    w.pass(19_000);
    assert_eq!(w.page(), "done");
    w.pass(1_001);
    assert_eq!(w.page(), "attract");
}

#[test]
fn who_goes_without_choosing_gets_paper() {
    let mut w = World::open();
    w.completed();
    w.take_effects();
    w.pass(w.config.times.done_ms + 1);
    assert_eq!(w.page(), "attract");
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
}

#[test]
fn no_paper_is_no_paper_until_the_customer_changes_their_mind() {
    let mut w = World::open();
    w.completed();
    w.take_effects();
    w.intent(Intent::Done(DoneIntent::Receipt(ReceiptChoice::Phone)));
    assert_eq!(w.order().receipts[0].state, PrintState::Declined);
    assert!(printed(&mut w).is_empty());
    want_paper(&mut w);
    assert_eq!(printed(&mut w), [ReceiptKind::Sale], "nothing came out before: an original");
}

#[test]
fn a_shop_may_print_without_asking() {
    let mut config = fixture::config();
    config.policy.print_without_asking = true;
    let mut w = World::with(config);
    w.completed();
    assert_eq!(printed(&mut w), [ReceiptKind::Sale]);
}

#[test]
fn staff_reprint_a_marked_and_counted_copy() {
    let mut w = World::open();
    w.completed();
    want_paper(&mut w);
    let receipt = w.order().receipts[0].id;
    w.staff(Action::Reprint { receipt });
    assert_eq!(w.refusal, Some(Refusal::NotNow), "it is still printing");
    w.printer(PrinterInput::Confirmed { receipt });
    w.take_effects();
    w.staff(Action::Reprint { receipt });
    assert_eq!(printed(&mut w), [ReceiptKind::Copy]);
    assert_eq!(w.order().receipts[1].copy, 1);
}

#[test]
fn a_kitchen_that_cannot_be_reached_gets_its_ticket_later_and_once() {
    let mut w = World::open();
    w.kitchen(KitchenInput::Reachable(false));
    w.completed();
    assert!(!w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))));
    w.kitchen(KitchenInput::Reachable(true));
    let job = w.order().kitchen[0].id;
    assert!(
        matches!(&w.take_effects()[..], [Effect::Kitchen(KitchenEffect::Dispatch { job: j, .. })] if *j == job)
    );
    w.kitchen(KitchenInput::NotTaken { job });
    w.pass(w.config.times.kitchen_retry_ms + 1);
    assert!(w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))), "handed out again");
    w.kitchen(KitchenInput::Taken { job });
    w.kitchen(KitchenInput::Taken { job });
    w.pass(3_600_000);
    assert!(!w.take_effects().iter().any(|e| matches!(e, Effect::Kitchen(_))));
    assert_eq!(w.order().kitchen[0].state, KitchenState::Taken);
}

#[test]
fn what_nobody_has_to_make_needs_no_ticket() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::QuickAdd(domain::ids::ItemId::new("juice")));
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    w.pay(domain::intent::PayIntent::Confirm);
    w.approve();
    assert!(w.order().kitchen.is_empty());
}

#[test]
fn scanned_goods_begin_a_visit_and_go_into_the_cart() {
    let mut w = World::open();
    w.feed(Input::Scanner(ScannerInput::Goods(fixture::JUICE_CODE.into())));
    assert_eq!(w.page(), "service");
    assert_eq!(w.view().cart.count, 1);
    w.feed(Input::Scanner(ScannerInput::Goods(format!("0{}", fixture::JUICE_CODE).into())));
    assert_eq!(w.view().cart.count, 2, "the same number with 14 digits");
    assert_eq!(w.notice(), Some(Notice::Added("juice".into())));
}

#[test]
fn a_label_with_a_price_costs_what_it_says() {
    let mut w = World::open();
    w.at_menu();
    w.feed(Input::Scanner(ScannerInput::Goods(fixture::CHEESE_LABEL_PRICE.into())));
    let line = &w.kiosk.session().visit.as_ref().unwrap().cart.lines[0];
    assert_eq!(line.label, Some(LabelValue::Price(Minor(967))));
    assert_eq!(line.quantity, Quantity(48_593));
    assert_eq!(w.view().cart.total, Minor(967));
    w.feed(Input::Scanner(ScannerInput::Goods(fixture::CHEESE_LABEL_WEIGHT.into())));
    assert_eq!(w.view().cart.total, Minor(967 + 967), "0.486 kg at 19.90");
    assert_eq!(w.view().cart.count, 2);
}

#[test]
fn an_unknown_code_is_told_and_does_nothing() {
    let mut w = World::open();
    w.at_menu();
    for code in ["4006381333932", "2812346009673", "0000000000000", ""] {
        w.feed(Input::Scanner(ScannerInput::Goods(code.into())));
        assert_eq!(w.notice(), Some(Notice::UnknownCode), "{code}");
    }
    assert_eq!(w.view().cart.count, 0);
}

#[test]
fn a_coupon_lowers_the_price_once() {
    let mut w = World::open();
    w.with_burger();
    let before = w.view().cart.total;
    for _ in 0..2 {
        w.feed(Input::Scanner(ScannerInput::Text(fixture::COUPON.into())));
        assert_eq!(w.notice(), Some(Notice::CodeAccepted("Friends".into())));
    }
    assert_eq!(w.view().cart.total.0, before.0 - (before.0 + 5) / 10);
}

#[test]
fn a_scan_while_paying_changes_nothing() {
    let mut w = World::open();
    w.sending();
    w.feed(Input::Scanner(ScannerInput::Goods(fixture::JUICE_CODE.into())));
    assert_eq!(w.refusal, Some(Refusal::NotNow));
    assert_eq!(w.page(), "at-terminal");
}

#[test]
fn the_offline_banner_comes_after_forty_seconds_and_sells_on() {
    let mut w = World::open();
    let since = WallMs(w.wall);
    w.feed(Input::Uplink(UplinkInput::Offline { since }));
    assert_eq!(w.view().banners.offline_since, None);
    w.pass(39_000);
    w.feed(Input::Uplink(UplinkInput::Offline { since }));
    assert_eq!(w.view().banners.offline_since, None);
    w.pass(1_000);
    assert_eq!(w.view().banners.offline_since, Some(since));
    w.completed();
    w.feed(Input::Uplink(UplinkInput::Online));
    assert_eq!(w.view().banners.offline_since, None);
}

#[test]
fn a_drawer_opens_by_event_and_its_failure_calls_the_staff() {
    let mut w = World::open();
    w.staff(Action::OpenDrawer { reason: "change".into() });
    assert_eq!(w.take_effects(), [Effect::Drawer(DrawerEffect::Kick)]);
    w.feed(Input::Drawer(DrawerInput::DidNotOpen));
    assert!(matches!(w.take_effects()[..], [Effect::CallStaff { .. }]));
}
