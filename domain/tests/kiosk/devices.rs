//! Kitchen, scanner, drawer, fleet: what they report and what follows.

use domain::cart::LabelValue;
use domain::effect::{DrawerEffect, KitchenEffect};
use domain::event::{DenyCode, TaskKind};
use domain::ids::ItemId;
use domain::input::{
    Action, DrawerInput, KitchenInput, MachineInput, ScannerInput, TerminalInput, UplinkInput,
};
use domain::intent::{CartIntent, Intent, PayIntent};
use domain::kiosk::Refusal;
use domain::kiosk::ledger::KitchenState;
use domain::money::{Minor, Quantity};
use domain::time::WallMs;
use domain::view::{Notice, Overlay};
use domain::{Effect, Input};

use crate::fixture;
use crate::world::World;

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
fn a_coupon_below_its_least_amount_says_from_when_it_counts() {
    let mut parts = fixture::parts();
    parts.rules[0].min_subtotal = Minor(1000);
    let mut w = World::selling(parts);
    w.at_menu();
    w.intent(Intent::QuickAdd(ItemId::new("fries")));
    let scan = |w: &mut World| w.feed(Input::Scanner(ScannerInput::Text(fixture::COUPON.into())));
    scan(&mut w);
    assert_eq!(w.notice(), Some(Notice::CodeCountsFrom("Friends".into(), Minor(1000))));
    assert_eq!(w.view().cart.total, Minor(399));
    w.intent(Intent::QuickAdd(ItemId::new("fries")));
    w.intent(Intent::QuickAdd(ItemId::new("juice")));
    assert_eq!(w.view().cart.total, Minor(1006), "1118 less a tenth: it waited in the cart");
    scan(&mut w);
    assert_eq!(w.notice(), Some(Notice::CodeAccepted("Friends".into())));
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
    assert_eq!(
        w.view().banners.offline_since,
        Some(domain::format::local(&w.now(), since)),
        "in the shop's time"
    );
    w.completed();
    w.feed(Input::Uplink(UplinkInput::Online));
    assert_eq!(w.view().banners.offline_since, None);
}

#[test]
fn a_paid_order_that_the_fleet_denies_becomes_one_task_and_stays_as_it_is() {
    let mut w = World::open();
    w.sending();
    let denied = |order| Input::Uplink(UplinkInput::Denied { order, code: DenyCode::OutOfStock });
    let tasks = |w: &World| w.kiosk.ledger().tasks.values().map(|t| t.kind.clone()).collect::<Vec<_>>();
    let order = w.order_id();
    w.feed(denied(order));
    assert_eq!(tasks(&w), [], "nobody has paid it");
    w.approve();
    w.terminal(TerminalInput::Completed { payment: w.payment_id() });
    let before = w.order().clone();
    assert!(before.paid.is_some());
    w.take_effects();
    w.feed(denied(order));
    w.feed(denied(order));
    assert_eq!(tasks(&w), [TaskKind::SaleDenied { order, code: DenyCode::OutOfStock }]);
    let calls = w.take_effects().iter().filter(|e| matches!(e, Effect::CallStaff { .. })).count();
    assert_eq!(calls, 1);
    assert_eq!(*w.order(), before, "the sale is not changed");
    w.feed(denied(domain::ids::OrderId(domain::ids::Uuid([7; 16]))));
    assert_eq!(tasks(&w).len(), 1, "an order that is not known any more");
}

#[test]
fn a_drawer_opens_by_event_and_its_failure_calls_the_staff() {
    let mut w = World::open();
    w.staff(Action::OpenDrawer { reason: "change".into() });
    assert_eq!(w.take_effects(), [Effect::Drawer(DrawerEffect::Kick)]);
    w.feed(Input::Drawer(DrawerInput::DidNotOpen));
    assert!(matches!(w.take_effects()[..], [Effect::CallStaff { .. }]));
}

#[test]
fn who_has_walked_away_is_asked_for_at_once_but_never_at_the_terminal() {
    let mut w = World::open();
    w.feed(Input::Machine(MachineInput::NobodyThere));
    assert_eq!(w.page(), "attract");
    w.with_burger();
    w.feed(Input::Machine(MachineInput::NobodyThere));
    assert!(matches!(w.view().overlay, Some(Overlay::Idle { has_cart: true, .. })));
    // The sensor was wrong.
    w.intent(Intent::Activity);
    let asks = |w: &mut World| matches!(w.view().overlay, Some(Overlay::Idle { .. }));
    assert_eq!((w.page(), asks(&mut w)), ("menu", false));
    w.feed(Input::Machine(MachineInput::NobodyThere));
    w.feed(Input::Machine(MachineInput::NobodyThere));
    w.pass(20_001);
    assert_eq!(w.page(), "attract");
    w.placed();
    w.pay(PayIntent::Confirm);
    let page = w.page();
    w.feed(Input::Machine(MachineInput::NobodyThere));
    w.pass(20_001);
    assert_eq!((w.page(), asks(&mut w)), (page, false));
}
