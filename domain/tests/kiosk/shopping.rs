//! Browsing, choosing, the cart, the visit and its end.

use std::sync::Arc;

use domain::cart::ServiceMode;
use domain::catalog::{Catalog, ComboSlot, GroupStyle, ItemKind};
use domain::ids::{CategoryId, GroupId, ItemId, LineId, ModifierId, SlotId, VariationId};
use domain::input::{Action, Origin};
use domain::intent::{CartIntent, Intent, ItemIntent, MealIntent, PayIntent, Preference};
use domain::kiosk::Refusal;
use domain::money::Minor;
use domain::order::{CancelReason, OrderState};
use domain::text::Lang;
use domain::time::WallMs;
use domain::view::{CartView, ItemView, MealView, MenuView, Notice, Overlay, Page, Unavailable};

use crate::fixture;
use crate::world::World;

fn menu(w: &World) -> MenuView {
    match w.view().page {
        Page::Menu(page) => page,
        other => panic!("expected the menu, got {}", other.name()),
    }
}

fn item(w: &World) -> ItemView {
    match w.view().page {
        Page::Item(page) => page,
        other => panic!("expected an item, got {}", other.name()),
    }
}

fn meal(w: &World) -> MealView {
    match w.view().page {
        Page::Meal(page) => page,
        other => panic!("expected a meal, got {}", other.name()),
    }
}

fn cart(w: &World) -> CartView {
    match w.view().page {
        Page::Cart(page) => page,
        other => panic!("expected the cart, got {}", other.name()),
    }
}

fn add(w: &mut World, id: &str) {
    w.intent(Intent::QuickAdd(ItemId::new(id)));
}

fn toggle(w: &mut World, group: &str, modifier: &str) {
    w.intent(Intent::Item(ItemIntent::Toggle(GroupId::new(group), ModifierId::new(modifier))));
}

#[test]
fn a_touch_wakes_the_kiosk_and_the_mode_leads_to_the_menu() {
    let mut w = World::open();
    assert_eq!(w.page(), "attract");
    w.intent(Intent::Start);
    assert_eq!(w.page(), "service");
    w.intent(Intent::ShowMenu);
    assert_eq!(w.refusal, Some(Refusal::NotNow), "eat in or take away comes first");
    w.intent(Intent::SetMode(ServiceMode::Delivery));
    assert_eq!(w.refusal, Some(Refusal::NotAllowed));
    w.intent(Intent::SetMode(ServiceMode::DineIn));
    assert_eq!(menu(&w).open, CategoryId::new("burgers"));
}

#[test]
fn a_language_holds_for_the_visit_and_is_gone_with_it() {
    let mut w = World::open();
    w.intent(Intent::SetLanguage(Lang::new("de")));
    assert_eq!(w.view().lang, Lang::new("de"));
    w.intent(Intent::SetLanguage(Lang::new("xx")));
    assert_eq!(w.refusal, Some(Refusal::NotFound));
    w.intent(Intent::Prefer(Preference::LargeText));
    assert!(w.view().preferences.large_text);
    w.intent(Intent::EndVisit);
    assert_eq!((w.view().lang, w.view().preferences.large_text), (Lang::new("en"), false));
}

#[test]
fn intents_that_do_not_belong_to_the_page_are_refused() {
    let mut w = World::open();
    for intent in [
        Intent::Back,
        Intent::Cart(CartIntent::Checkout),
        Intent::Pay(PayIntent::Confirm),
        Intent::Meal(MealIntent::Accept),
        Intent::EndVisit,
        Intent::QuickAdd(ItemId::new("fries")),
    ] {
        w.intent(intent);
        assert_eq!(w.refusal, Some(Refusal::NotNow));
        assert_eq!(w.page(), "attract");
    }
    w.at_menu();
    w.intent(Intent::Item(ItemIntent::Confirm));
    assert_eq!(w.refusal, Some(Refusal::NotNow));
    w.intent(Intent::OpenItem(ItemId::new("nothing")));
    assert_eq!(w.refusal, Some(Refusal::NotFound));
    w.cart(CartIntent::Checkout);
    assert_eq!(w.refusal, Some(Refusal::NotNow), "nothing in the cart");
}

#[test]
fn the_item_page_prices_every_choice_at_once() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    assert_eq!(item(&w).total, Minor(890));
    assert_eq!(item(&w).missing, None, "the bun has a default");
    w.intent(Intent::Item(ItemIntent::Variation(VariationId::new("burger-2"))));
    toggle(&mut w, "extra", "egg");
    w.intent(Intent::Item(ItemIntent::Count(GroupId::new("extra"), ModifierId::new("bacon"), 2)));
    w.intent(Intent::Item(ItemIntent::Quantity(1)));
    let page = item(&w);
    assert_eq!(page.total, Minor((1190 + 120 + 300) * 2));
    assert!(page.allergens.names().any(|a| a == "egg"));
    assert_eq!(page.kcal, 1010 + 4 * 50);
    let extra = page.groups.iter().find(|g| g.id == GroupId::new("extra")).unwrap();
    assert_eq!((extra.chosen, extra.max), (3, 3));
    assert!(extra.options.iter().all(|option| option.blocked), "the group is full");
    w.intent(Intent::Item(ItemIntent::Count(GroupId::new("extra"), ModifierId::new("egg"), 1)));
    assert_eq!(w.refusal, Some(Refusal::NotNow));
}

#[test]
fn a_larger_version_shows_its_own_energy_and_never_that_of_the_smaller_one() {
    const BUN: u32 = 50;
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    assert_eq!(item(&w).kcal, 700 + BUN);
    w.intent(Intent::Item(ItemIntent::Variation(VariationId::new("burger-2"))));
    assert_eq!(item(&w).kcal, 1010 + BUN);
    let mut parts = fixture::parts();
    parts.rev = 2;
    parts.items.get_mut(&ItemId::new("burger")).unwrap().variations[1].kcal = 0;
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    assert_eq!(item(&w).kcal, 0, "nobody stated it for the double one");
    w.intent(Intent::Item(ItemIntent::Variation(VariationId::new("burger-1"))));
    assert_eq!(item(&w).kcal, 700 + BUN);
}

#[test]
fn in_a_group_of_one_a_choice_replaces_the_other_and_cannot_be_taken_back() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    toggle(&mut w, "bun", "rye");
    let chosen = |w: &World| {
        let page = item(w);
        let bun = page.groups.into_iter().find(|g| g.id == GroupId::new("bun")).unwrap();
        bun.options.into_iter().filter(|o| o.count > 0).map(|o| o.id).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&w), [ModifierId::new("rye")]);
    toggle(&mut w, "bun", "rye");
    assert_eq!(chosen(&w), [ModifierId::new("rye")]);
}

#[test]
fn a_required_choice_that_is_open_is_named_and_nothing_is_added() {
    let mut parts = fixture::parts();
    for modifier in &mut parts.groups.get_mut(&GroupId::new("bun")).unwrap().modifiers {
        modifier.default = false;
    }
    let mut w = World::off(fixture::config());
    w.catalog = Arc::new(Catalog::new(parts).unwrap());
    w.start();
    w.at_menu();
    add(&mut w, "burger");
    assert_eq!(item(&w).missing, Some(GroupId::new("bun")));
    assert!(!item(&w).groups[0].complain);
    w.intent(Intent::Item(ItemIntent::Confirm));
    assert!(item(&w).groups[0].complain);
    assert_eq!(w.view().cart.count, 0);
}

#[test]
fn a_meal_is_offered_once_and_refusing_adds_the_item_alone() {
    let mut w = World::open();
    w.at_menu();
    add(&mut w, "burger");
    let page = meal(&w);
    assert_eq!((page.offered_for.as_deref(), page.alone), (Some("burger, Single"), Minor(890)));
    assert_eq!(w.view().cart.count, 0, "nothing is added before the answer");
    w.intent(Intent::Meal(MealIntent::Decline));
    assert_eq!(w.view().cart.count, 1);
    add(&mut w, "burger");
    assert_eq!(menu(&w).lines[0].quantity, 2, "not asked again, and counted together");
}

#[test]
fn two_of_an_item_become_two_meals_and_the_offer_says_how_many() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    w.intent(Intent::Item(ItemIntent::Quantity(1)));
    w.intent(Intent::Item(ItemIntent::Confirm));
    let page = meal(&w);
    assert_eq!((page.quantity, page.alone), (2, Minor(2 * 890)));
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("juice"))));
    w.intent(Intent::Meal(MealIntent::Accept));
    assert_eq!(menu(&w).lines[0].quantity, 2);
}

#[test]
fn the_same_in_two_slots_of_a_meal_is_counted_in_its_line() {
    let mut parts = fixture::parts();
    parts.rev = 2;
    let Some(ItemKind::Combo(slots)) = parts.items.get_mut(&ItemId::new("meal")).map(|meal| &mut meal.kind)
    else {
        panic!("the meal is a combo")
    };
    let second = ComboSlot { id: SlotId::new("second-main"), ..slots[0].clone() };
    slots.push(second);
    let mut w = World::open();
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("meal")));
    for (slot, part) in [("main", "burger-1"), ("drink", "juice"), ("second-main", "burger-1")] {
        w.intent(Intent::Meal(MealIntent::Pick(SlotId::new(slot), VariationId::new(part))));
    }
    w.intent(Intent::Meal(MealIntent::Accept));
    let line = &menu(&w).lines[0];
    let parts: Vec<_> = line.details.iter().map(|d| (&*d.name, d.count)).collect();
    assert_eq!(parts, [("burger, Single", 2), ("fries", 1), ("juice", 1)]);
}

#[test]
fn a_meal_takes_the_item_with_its_choices_and_shows_what_it_saves() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("burger")));
    toggle(&mut w, "without", "onion");
    w.intent(Intent::Item(ItemIntent::Confirm));
    let page = meal(&w);
    assert_eq!(page.slots.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["side", "drink"]);
    assert!(page.slots[0].options[0].selected, "a slot with one choice asks nothing");
    w.intent(Intent::Meal(MealIntent::Accept));
    assert_eq!(meal(&w).missing, Some(SlotId::new("drink")));
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("cola"))));
    assert_eq!(meal(&w).apart, Minor(890 + 399 + 350 + 25));
    assert_eq!(meal(&w).total, Minor(1290 + 25), "with the deposit of the bottle");
    w.intent(Intent::Meal(MealIntent::Accept));
    let line = &menu(&w).lines[0];
    assert_eq!(&*line.name, "meal");
    let details: Vec<_> = line.details.iter().map(|d| (&*d.name, d.style)).collect();
    assert_eq!(
        details,
        [
            ("burger, Single", GroupStyle::Choice),
            ("onion", GroupStyle::Without),
            ("fries", GroupStyle::Choice),
            ("cola", GroupStyle::Choice),
            ("bottle", GroupStyle::Extra),
        ]
    );
    assert_eq!(w.view().cart.total, Minor(1290 + 25));
}

#[test]
fn a_combo_from_the_menu_is_filled_and_changed_later() {
    let mut w = World::open();
    w.at_menu();
    add(&mut w, "meal");
    assert_eq!(meal(&w).offered_for, None);
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new("burger-2"))));
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("juice"))));
    w.intent(Intent::Meal(MealIntent::Accept));
    assert_eq!(w.view().cart.total, Minor(1290 + 300));
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Change(LineId(1)));
    assert!(meal(&w).editing);
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new("burger-1"))));
    w.intent(Intent::Meal(MealIntent::Accept));
    assert_eq!(cart(&w).total, Minor(1290));
}

/// The meal is pictured by its burger, and a double burger has a picture of its own.
fn with_pictures(meal_picture: &str) -> World {
    let mut parts = fixture::parts();
    parts.rev = 2;
    parts.items.get_mut(&ItemId::new("meal")).unwrap().picture = meal_picture.into();
    parts.items.get_mut(&ItemId::new("burger")).unwrap().variations[1].picture = Some("double".into());
    let mut w = World::open();
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    w.at_menu();
    add(&mut w, "meal");
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("juice"))));
    w
}

#[test]
fn a_meal_that_is_pictured_by_its_burger_shows_the_burger_that_was_picked() {
    for meal_picture in ["burger", ""] {
        let mut w = with_pictures(meal_picture);
        for (burger, picture) in [("burger-1", "burger"), ("burger-2", "double")] {
            w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new(burger))));
            assert_eq!(&*meal(&w).picture, picture);
        }
        w.intent(Intent::Meal(MealIntent::Accept));
        assert_eq!(&*menu(&w).lines[0].picture, "double");
        w.cart(CartIntent::Show);
        assert_eq!(&*cart(&w).lines[0].picture, "double");
        w.cart(CartIntent::Checkout);
        let Page::PayChoose(page) = w.view().page else { panic!("it is paid now") };
        assert_eq!(page.pictures.iter().map(|p| &**p).collect::<Vec<_>>(), ["double", "fries", "juice"]);
    }
}

#[test]
fn a_meal_with_a_picture_of_its_own_keeps_it() {
    let mut w = with_pictures("tray");
    w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new("burger-2"))));
    assert_eq!(&*meal(&w).picture, "tray");
    w.intent(Intent::Meal(MealIntent::Accept));
    assert_eq!(&*menu(&w).lines[0].picture, "tray");
}

#[test]
fn a_removed_line_comes_back_where_it_was_within_five_seconds() {
    let mut w = World::open();
    w.with_burger();
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Remove(LineId(1)));
    let undo = cart(&w).undo.unwrap();
    assert_eq!((&*undo.name, undo.remaining_ms, undo.total_ms), ("burger, Single", 5_000, 5_000));
    w.cart(CartIntent::Undo);
    assert_eq!(cart(&w).lines[0].line, LineId(1));
    w.cart(CartIntent::Quantity(LineId(1), -1));
    assert_eq!(cart(&w).lines.len(), 1, "to zero removes it");
    w.pass(5_000);
    assert_eq!(cart(&w).undo, None);
    w.cart(CartIntent::Undo);
    assert_eq!(w.refusal, Some(Refusal::NotNow));
}

#[test]
fn limits_are_told_not_silently_kept() {
    let mut w = World::open();
    w.at_menu();
    add(&mut w, "fries");
    w.cart(CartIntent::Quantity(LineId(1), 19));
    assert_eq!(w.view().cart.count, 20);
    w.cart(CartIntent::Quantity(LineId(1), 1));
    assert_eq!(w.notice(), Some(Notice::Limit(20)));
    add(&mut w, "fries");
    assert_eq!(w.notice(), Some(Notice::Limit(20)));
    assert_eq!(w.view().cart.count, 20);
    w.cart(CartIntent::Quantity(LineId(1), i32::MIN));
    assert_eq!(w.view().cart.count, 0);
}

#[test]
fn a_mode_changed_with_goods_in_the_cart_changes_the_tax_and_nothing_else() {
    let mut w = World::open();
    w.with_burger();
    w.cart(CartIntent::Show);
    let before = cart(&w);
    w.intent(Intent::SetMode(ServiceMode::DineIn));
    let after = cart(&w);
    assert_eq!(before.total, after.total);
    assert_ne!(before.taxes, after.taxes);
}

#[test]
fn sold_out_in_the_cart_is_told_and_blocks_checkout_until_it_is_removed() {
    let mut w = World::open();
    w.with_burger();
    w.cart(CartIntent::Show);
    w.staff(Action::SetSoldOut { item: ItemId::new("fries"), sold_out: true, until: None });
    assert_eq!(w.notice(), Some(Notice::SoldOut("fries".into())));
    let page = cart(&w);
    assert!(page.blocked);
    assert_eq!(page.lines[1].unavailable, Some(Unavailable::SoldOut));
    assert_eq!(page.lines.len(), 2, "never silently edited");
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "cart");
    w.cart(CartIntent::Remove(LineId(2)));
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "pay-choose");
}

#[test]
fn the_page_of_what_is_sold_out_now_closes_and_nothing_is_added() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenItem(ItemId::new("juice")));
    w.staff(Action::SetSoldOut { item: ItemId::new("cola"), sold_out: true, until: None });
    assert_eq!(w.page(), "item", "another item concerns nobody here");
    w.staff(Action::SetSoldOut { item: ItemId::new("juice"), sold_out: true, until: None });
    assert_eq!((w.page(), w.notice()), ("menu", Some(Notice::SoldOut("juice".into()))));
    w.intent(Intent::Item(ItemIntent::Confirm));
    w.cart(CartIntent::Show);
    assert!(cart(&w).lines.is_empty());
}

#[test]
fn only_what_is_on_the_menu_can_be_marked_as_sold_out() {
    let mut w = World::open();
    let (written, item) = (w.log.len(), ItemId::new("lobster"));
    w.staff(Action::SetSoldOut { item: item.clone(), sold_out: true, until: None });
    assert_eq!(w.refusal, Some(Refusal::NotFound));
    w.staff(Action::SetSoldOut { item, sold_out: false, until: None });
    assert_eq!((w.refusal.clone(), w.log.len()), (Some(Refusal::NotFound), written));
}

#[test]
fn sold_out_until_a_time_is_to_be_had_again_by_itself() {
    let mut w = World::open();
    w.at_menu();
    let until = Some(WallMs(w.wall + 45_000));
    w.staff(Action::SetSoldOut { item: ItemId::new("burger"), sold_out: true, until });
    assert_eq!(menu(&w).cards[0].unavailable, Some(Unavailable::SoldOut));
    add(&mut w, "burger");
    assert_eq!(w.notice(), Some(Notice::SoldOut("burger".into())));
    w.pass(60_000);
    assert_eq!(menu(&w).cards[0].unavailable, None);
    assert!(w.kiosk.ledger().sold_out.is_empty());
}

#[test]
fn a_price_change_in_an_open_visit_is_told_before_anything_is_ordered() {
    let mut w = World::open();
    w.with_burger();
    w.cart(CartIntent::Show);
    let mut parts = fixture::parts();
    parts.rev = 2;
    parts.items.get_mut(&ItemId::new("fries")).unwrap().variations[0].price =
        domain::catalog::Price::Fixed(Minor(450));
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    assert_eq!(w.notice(), Some(Notice::PriceChanged));
    assert_eq!(cart(&w).total, Minor(890 + 450));
    w.cart(CartIntent::Checkout);
    assert_eq!(w.order().order.total, Minor(890 + 450));
}

#[test]
fn a_price_that_changes_at_the_moment_of_checkout_asks_back() {
    let mut parts = fixture::parts();
    parts.rules.push(domain::catalog::PriceRule {
        id: domain::ids::RuleId::new("happy"),
        name: fixture::text("Happy hour", "Happy Hour"),
        kind: domain::catalog::RuleKind::LinePercent(domain::money::Rate(500_000)),
        target: domain::catalog::RuleTarget::Items(vec![ItemId::new("fries")]),
        priority: 1,
        stack_group: None,
        availability: vec![domain::ids::AvailabilityId::new("morning")],
        mode: None,
        min_subtotal: Minor::ZERO,
        coupon: None,
    });
    let mut w = World::off(fixture::config());
    w.catalog = Arc::new(Catalog::new(parts).unwrap());
    w.start_minute = 11 * 60 - 1;
    w.start();
    w.at_menu();
    w.intent(Intent::OpenCategory(CategoryId::new("deli")));
    let card = menu(&w).cards.into_iter().find(|c| c.item == ItemId::new("fries")).unwrap();
    assert_eq!((card.price, card.was), (Minor(199), Some(Minor(399))));
    add(&mut w, "fries");
    w.cart(CartIntent::Show);
    let before = cart(&w).total;
    // The hour ends; nobody has told the core yet.
    w.jump(60_000);
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "cart");
    assert_eq!(w.notice(), Some(Notice::PriceChanged));
    assert_eq!((before, cart(&w).total), (Minor(199), Minor(399)));
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "pay-choose");
}

#[test]
fn what_a_new_catalog_no_longer_has_is_marked_and_an_open_page_closes() {
    let mut w = World::open();
    let mut named = fixture::parts();
    named.items.get_mut(&ItemId::new("juice")).unwrap().name = fixture::text("Orange juice", "Orangensaft");
    w.catalog = Arc::new(Catalog::new(named).unwrap());
    w.activate(w.catalog.clone(), Origin::Kiosk);
    w.at_menu();
    add(&mut w, "juice");
    w.intent(Intent::OpenItem(ItemId::new("juice")));
    let mut parts = fixture::parts();
    parts.rev = 2;
    parts.items.remove(&ItemId::new("juice"));
    parts.categories[1].items.retain(|i| *i != ItemId::new("juice"));
    parts.barcodes.clear();
    if let domain::catalog::ItemKind::Combo(slots) =
        &mut parts.items.get_mut(&ItemId::new("meal")).unwrap().kind
    {
        slots[2].choices.pop();
    }
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    assert_eq!(w.page(), "menu");
    w.cart(CartIntent::Show);
    assert!(cart(&w).blocked);
    assert_eq!(&*cart(&w).lines[0].name, "Orange juice", "called as before, not by its id");
}

#[test]
fn an_older_catalog_is_refused_except_from_the_kiosks_own_store() {
    let mut w = World::open();
    let mut parts = fixture::parts();
    parts.rev = 5;
    w.activate(Arc::new(Catalog::new(parts).unwrap()), Origin::Fleet);
    w.activate(fixture::catalog(), Origin::Fleet);
    assert_eq!(w.refusal, Some(Refusal::OlderCatalog { active: 5 }));
    let before = w.log.len();
    let catalog = w.catalog.clone();
    w.activate(catalog, Origin::Kiosk);
    assert_eq!(w.refusal, None);
    assert_eq!(w.log.len(), before + 1);
}

#[test]
fn one_revision_never_names_two_catalogs() {
    let mut w = World::open();
    let log = w.log.len();
    w.activate(fixture::catalog(), Origin::Fleet);
    assert_eq!((w.refusal.clone(), w.log.len()), (None, log), "the same again changes nothing");
    let mut parts = fixture::parts();
    parts.items.get_mut(&ItemId::new("burger")).unwrap().kcal = 1;
    let other = Arc::new(Catalog::new(parts).unwrap());
    for origin in [Origin::Fleet, Origin::Local("root".into())] {
        w.activate(Arc::clone(&other), origin);
        assert_eq!(w.refusal, Some(Refusal::SameRevision { active: 1 }));
        assert_eq!(w.log.len(), log);
    }
}

#[test]
fn availability_windows_say_when_it_comes_back() {
    let mut w = World::open();
    w.at_menu();
    let toast = menu(&w).cards.into_iter().find(|c| c.item == ItemId::new("toast")).unwrap();
    assert_eq!(toast.unavailable, Some(Unavailable::NotNow { from_minute: 7 * 60 }));
    add(&mut w, "toast");
    assert_eq!(w.view().cart.count, 0);
}

#[test]
fn goods_with_a_least_age_are_not_sold_unless_the_shop_says_so() {
    let shown = |w: &mut World| {
        w.at_menu();
        w.intent(Intent::OpenCategory(CategoryId::new("drinks")));
        menu(w).cards.iter().any(|c| c.item == ItemId::new("beer"))
    };
    assert!(!shown(&mut World::open()));
    let mut config = fixture::config();
    config.policy.age_restricted = true;
    assert!(shown(&mut World::with(config)));
}

#[test]
fn weighed_goods_are_sold_by_their_label_only() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::OpenCategory(CategoryId::new("deli")));
    assert!(!menu(&w).cards.iter().any(|c| c.item == ItemId::new("cheese")));
    add(&mut w, "cheese");
    assert_eq!(w.refusal, Some(Refusal::NotFound));
}

#[test]
fn idle_warns_for_at_least_twenty_seconds_and_any_touch_only_keeps_the_visit() {
    let mut config = fixture::config();
    config.times.idle_warning_ms = 1;
    let mut w = World::with(config);
    w.with_burger();
    for _ in 0..12 {
        w.pass(60_001);
        let Some(Overlay::Idle { total_ms, has_cart, .. }) = w.view().overlay else {
            panic!("no warning: {:?}", w.view().overlay)
        };
        assert_eq!((total_ms, has_cart), (20_000, true));
        w.intent(Intent::Cart(CartIntent::Show));
        assert_eq!(w.page(), "menu", "the touch is not passed on");
        assert_eq!(w.view().overlay, None);
    }
    w.pass(60_001 + 20_000);
    assert_eq!(w.page(), "attract");
    assert_eq!(w.view().cart.count, 0);
}

#[test]
fn large_text_and_speech_give_more_time() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::Prefer(Preference::Speech));
    w.intent(Intent::Activity);
    w.pass(89_000);
    assert_eq!(w.view().overlay, None);
    w.pass(1_001);
    assert!(matches!(w.view().overlay, Some(Overlay::Idle { .. })));
}

#[test]
fn ending_a_visit_with_goods_in_the_cart_asks_first() {
    let mut w = World::open();
    w.with_burger();
    w.intent(Intent::EndVisit);
    assert_eq!(w.view().overlay, Some(Overlay::ConfirmCancel));
    w.intent(Intent::CloseOverlay);
    assert_eq!((w.page(), w.view().cart.count), ("menu", 2));
    w.pay(PayIntent::CancelOrder);
    w.intent(Intent::EndVisit);
    assert_eq!(w.page(), "attract");
}

#[test]
fn going_back_from_paying_gives_the_order_up_and_the_cart_back() {
    let mut w = World::open();
    w.placed();
    w.pay(PayIntent::BackToOrder);
    assert_eq!(w.order().cancelled, Some(CancelReason::Customer));
    assert_eq!(cart(&w).lines.len(), 2);
    w.cart(CartIntent::Checkout);
    assert_eq!(w.page(), "pay-choose");
    assert_eq!(w.kiosk.ledger().orders.len(), 2);
}

#[test]
fn an_idle_customer_at_checkout_loses_the_order_after_a_warning() {
    let mut w = World::open();
    w.placed();
    w.pass(90_001);
    assert!(matches!(w.view().overlay, Some(Overlay::Idle { .. })));
    w.pass(20_000);
    assert_eq!((w.order().state, w.order().cancelled), (OrderState::Cancelled, Some(CancelReason::Idle)));
}

#[test]
fn the_terminal_is_never_interrupted_by_idleness() {
    let mut w = World::open();
    w.sending();
    let payment = w.payment_id();
    for _ in 0..60 {
        w.pass(10_000);
        let prompt = domain::view::TerminalPrompt::EnterPin;
        w.terminal(domain::input::TerminalInput::Prompt { payment, prompt });
    }
    assert_eq!(w.page(), "at-terminal");
    assert_eq!(w.view().overlay, None);
}

#[test]
fn staff_called_twice_is_one_task() {
    let mut w = World::open();
    w.at_menu();
    w.intent(Intent::CallStaff);
    assert_eq!(w.notice(), Some(Notice::StaffCalled));
    w.intent(Intent::CallStaff);
    assert_eq!(w.kiosk.ledger().tasks.len(), 1);
    let task = *w.kiosk.ledger().tasks.keys().next().unwrap();
    w.staff(Action::FinishTask { task });
    assert!(w.kiosk.ledger().tasks.is_empty());
    w.staff(Action::FinishTask { task });
    assert_eq!(w.refusal, Some(Refusal::NotFound));
}

#[test]
fn closing_lets_a_customer_who_is_paying_finish_and_ends_browsing() {
    let mut w = World::open();
    w.with_burger();
    w.staff(Action::Close);
    assert_eq!(w.page(), "out-of-service");
    w.staff(Action::Open);
    w.sending();
    w.staff(Action::Close);
    assert_eq!(w.page(), "at-terminal");
    w.approve();
    assert_eq!(w.order().state, OrderState::Paid);
}

#[test]
fn back_leads_one_page_back() {
    let mut w = World::open();
    w.with_burger();
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Change(LineId(1)));
    assert_eq!(w.page(), "item");
    for page in ["cart", "menu", "service", "menu"] {
        w.intent(Intent::Back);
        assert_eq!(w.page(), page);
    }
}
