//! Scarce goods: what the fleet grants, asking for more, and what happens beyond.

use std::collections::BTreeMap;

use domain::event::{Event, StockEvent};
use domain::ids::{ItemId, Uuid, VariationId};
use domain::input::UplinkInput;
use domain::intent::{CartIntent, Intent, MealIntent, PayIntent};
use domain::money::Quantity;
use domain::payment::Tender;
use domain::quota::{Allowance, Beyond, Quota, QuotaGrant};
use domain::time::WallMs;
use domain::view::{Notice, Page};
use domain::{Effect, Input, KioskConfig};

use crate::fixture;
use crate::world::World;

const HOUR_MS: u64 = 3_600_000;

fn fries() -> VariationId {
    VariationId::new("fries")
}

/// A revision that allows so many fries in all.
fn grant(w: &mut World, rev: u64, upto: u32, beyond: Beyond, answers: Option<Uuid>) {
    let goods = BTreeMap::from([(fries(), Allowance { upto: Quantity::pieces(upto), beyond })]);
    let grant = QuotaGrant { rev, epoch: w.series, lease_ms: 8 * 3_600_000, answers, goods };
    w.feed(Input::Uplink(UplinkInput::Quota(grant.into())));
}

fn offline(w: &mut World) {
    let since = w.now().wall;
    w.feed(Input::Uplink(UplinkInput::Offline { since }));
}

/// A shop that may sell so many fries, offline.
fn scarce(upto: u32, beyond: Beyond) -> World {
    scarce_with(fixture::config(), upto, beyond)
}

fn scarce_with(config: KioskConfig, upto: u32, beyond: Beyond) -> World {
    let mut w = World::with(config);
    grant(&mut w, 1, upto, beyond, None);
    offline(&mut w);
    w
}

fn add_fries(w: &mut World) {
    w.intent(Intent::QuickAdd(ItemId::new("fries")));
}

fn in_cart(w: &World) -> u32 {
    let visit = w.kiosk.session().visit.as_ref().unwrap();
    visit.cart.lines.iter().filter(|l| l.variation == fries()).map(|l| l.quantity.whole()).sum()
}

fn left(w: &World) -> i64 {
    w.kiosk.ledger().left(&fries()).unwrap().0.0 / Quantity::ONE.0
}

fn question(w: &mut World) -> Option<(Uuid, u64, i64)> {
    w.take_effects().into_iter().find_map(|effect| match effect {
        Effect::Reserve { question, epoch, goods } => {
            Some((question, epoch, goods[&fries()].0 / Quantity::ONE.0))
        }
        Effect::Terminal(_)
        | Effect::Printer(_)
        | Effect::Kitchen(_)
        | Effect::Drawer(_)
        | Effect::Display(_)
        | Effect::Voice(_)
        | Effect::CheckAgain
        | Effect::CallStaff { .. } => None,
    })
}

fn checkout(w: &mut World) {
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
}

#[test]
fn offline_a_kiosk_sells_its_part_and_not_one_more() {
    let mut w = scarce(2, Beyond::Block);
    w.at_menu();
    add_fries(&mut w);
    add_fries(&mut w);
    add_fries(&mut w);
    assert!(matches!(w.notice(), Some(Notice::SoldOut(_))), "{:?}", w.notice());
    assert_eq!(in_cart(&w), 2);
    checkout(&mut w);
    w.pay(PayIntent::Confirm);
    assert_eq!(left(&w), 0, "an order under way has taken it");
}

#[test]
fn what_is_spent_is_sold_out_on_the_menu_after_a_restart_too() {
    let mut w = scarce(1, Beyond::Block);
    w.completed();
    w.intent(Intent::Done(domain::intent::DoneIntent::Close));
    w.pass(300_000);
    w.restart();
    offline(&mut w);
    assert_eq!(left(&w), 0);
    w.at_menu();
    add_fries(&mut w);
    assert!(matches!(w.notice(), Some(Notice::SoldOut(_))));
    assert_eq!(in_cart(&w), 0);
}

#[test]
fn a_cancelled_order_takes_nothing() {
    let mut w = scarce(1, Beyond::Block);
    w.placed();
    assert_eq!(left(&w), 0);
    w.pay(PayIntent::BackToOrder);
    assert_eq!(left(&w), 1);
}

#[test]
fn online_the_fleet_is_asked_at_once_and_its_word_is_the_cart() {
    let mut w = World::open();
    grant(&mut w, 1, 1, Beyond::Block, None);
    w.at_menu();
    add_fries(&mut w);
    assert_eq!(question(&mut w), None, "one is ours");
    add_fries(&mut w);
    let (first, epoch, upto) = question(&mut w).unwrap();
    assert_eq!((epoch, upto), (w.series, 2));
    grant(&mut w, 2, 2, Beyond::Block, Some(first));
    checkout(&mut w);
    assert_eq!(w.page(), "pay-choose");
}

#[test]
fn a_customer_who_pays_at_once_waits_for_the_answer_but_not_long() {
    let mut w = World::open();
    grant(&mut w, 1, 0, Beyond::Block, None);
    // Somebody else sold the last one after this customer had put it in the cart.
    w.at_menu();
    w.intent(Intent::QuickAdd(ItemId::new("burger")));
    w.intent(Intent::Meal(MealIntent::Decline));
    grant(&mut w, 2, 1, Beyond::Block, None);
    add_fries(&mut w);
    w.cart(CartIntent::Show);
    let line = w.kiosk.session().visit.as_ref().unwrap().cart.lines[1].id;
    w.cart(CartIntent::Quantity(line, 1));
    let (asked, ..) = question(&mut w).unwrap();
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "cart", "the answer is still to come");
    grant(&mut w, 3, 2, Beyond::Block, Some(asked));
    assert_eq!(w.page(), "pay-choose", "and goes on by itself");

    w.pay(PayIntent::BackToOrder);
    w.cart(CartIntent::Quantity(line, 1));
    assert!(question(&mut w).is_some());
    w.cart(CartIntent::Checkout);
    w.pass(500);
    assert_eq!(w.page(), "cart");
    assert!(matches!(w.notice(), Some(Notice::SoldOut(_))), "no answer is no");
    w.cart(CartIntent::Quantity(line, -1));
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "pay-choose", "with what there is it can be paid");
}

#[test]
fn goods_that_may_be_denied_later_are_sold_beyond_the_quota() {
    let mut w = scarce(0, Beyond::AllowThenDeny);
    w.completed();
    assert_eq!(left(&w), -1);
}

#[test]
fn goods_that_staff_must_look_for_are_paid_at_the_counter() {
    let mut config = fixture::config();
    config.policy.pay_at_counter = true;
    let mut w = scarce_with(config.clone(), 0, Beyond::AskStaff);
    w.placed();
    let Page::PayChoose(page) = w.view().page else { panic!("{}", w.page()) };
    let card = page.tenders.iter().find(|option| option.tender == Tender::Card).unwrap();
    assert!(!card.available);
    w.pay(PayIntent::Confirm);
    assert_eq!(w.page(), "done");

    config.policy.pay_at_counter = false;
    let mut w = scarce_with(config, 0, Beyond::AskStaff);
    w.at_menu();
    add_fries(&mut w);
    assert_eq!(in_cart(&w), 0, "without a counter nobody can look: it is sold out");
}

#[test]
fn an_older_revision_and_another_epoch_change_nothing() {
    let mut w = World::open();
    grant(&mut w, 5, 3, Beyond::Block, None);
    grant(&mut w, 5, 9, Beyond::Block, None);
    grant(&mut w, 4, 9, Beyond::Block, None);
    let goods = BTreeMap::from([(fries(), Allowance { upto: Quantity::pieces(9), beyond: Beyond::Block })]);
    let other = QuotaGrant { rev: 6, epoch: w.series + 1, lease_ms: 1, answers: None, goods };
    w.feed(Input::Uplink(UplinkInput::Quota(other.into())));
    assert_eq!(left(&w), 3);
}

#[test]
fn what_is_taken_stays_taken_when_less_is_granted_and_the_log_says_so() {
    let mut w = World::open();
    grant(&mut w, 1, 5, Beyond::Block, None);
    w.sending();
    grant(&mut w, 2, 0, Beyond::Block, None);
    assert_eq!(left(&w), 0);
    let told = w.log.iter().rev().find_map(|(_, event)| match event {
        Event::Stock(StockEvent::Quota(quota)) => Some(quota.goods[&fries()].upto),
        _ => None,
    });
    assert_eq!(told, Some(Quantity::ONE), "the ceiling that is really in force");
}

#[test]
fn a_quota_whose_time_is_over_gives_the_rest_back_once() {
    let mut w = World::open();
    grant(&mut w, 1, 5, Beyond::Block, None);
    let over = |w: &World| {
        let given_back = |q: &Quota| q.rev == 1 && q.goods[&fries()].upto == Quantity(0);
        w.log.iter().filter(|(_, e)| matches!(e, Event::Stock(StockEvent::Quota(q)) if given_back(q))).count()
    };
    w.jump(7 * HOUR_MS);
    w.tick();
    assert_eq!((left(&w), over(&w)), (5, 0));
    w.jump(2 * HOUR_MS);
    w.tick();
    assert_eq!((left(&w), over(&w)), (0, 1));
    w.pass(120_000);
    assert_eq!(over(&w), 1);
    grant(&mut w, 2, 4, Beyond::Block, None);
    assert_eq!(left(&w), 4);
}

#[test]
fn a_quota_ends_while_the_power_is_off() {
    let mut w = World::open();
    grant(&mut w, 1, 5, Beyond::Block, None);
    w.wall += 9 * 3_600_000;
    w.restart();
    w.pass(31_000);
    assert_eq!(left(&w), 0);
    assert_eq!(w.kiosk.ledger().quota.as_ref().map(|q| q.until < WallMs(w.wall)), Some(true));
}

#[test]
fn goods_that_nobody_counts_are_sold_as_ever() {
    let mut w = scarce(0, Beyond::Block);
    w.at_menu();
    w.intent(Intent::QuickAdd(ItemId::new("burger")));
    w.intent(Intent::Meal(MealIntent::Decline));
    checkout(&mut w);
    assert_eq!(w.page(), "pay-choose");
}
