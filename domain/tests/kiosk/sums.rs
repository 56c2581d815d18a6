//! What the customer sees adds up, with discounts, surcharges and taxes of every kind.

use domain::Input;
use domain::catalog::{PriceRule, RuleKind, RuleTarget};
use domain::ids::{ItemId, RuleId, SlotId, VariationId};
use domain::input::ScannerInput;
use domain::intent::{CartIntent, Intent, MealIntent, PayIntent};
use domain::money::{Minor, Rate};
use domain::text::Lang;
use domain::view::{Page, View};
use proptest::prelude::*;

use crate::fixture;
use crate::world::World;

/// The rows of a page make up its total. [`World`] asks this of everything that it shows.
pub fn adds_up(view: &View) {
    match &view.page {
        Page::Cart(cart) => {
            let lines: Minor = cart.lines.iter().map(|line| line.total).sum();
            let discounts: Minor = cart.discounts.iter().map(|(_, amount)| *amount).sum();
            let surcharges: Minor = cart.surcharges.iter().map(|(_, amount)| *amount).sum();
            let on_top: Minor = cart.taxes.iter().filter(|tax| !tax.inclusive).map(|tax| tax.tax).sum();
            assert_eq!(lines - discounts + surcharges + on_top, cart.total, "{cart:#?}");
        }
        Page::Done(done) if !done.qr.is_empty() => {
            let (rows, total) = amounts(&done.qr);
            assert_eq!(rows.iter().sum::<i64>(), total, "{}", done.qr);
        }
        Page::Done(_)
        | Page::Starting
        | Page::Attract(_)
        | Page::Service(_)
        | Page::Menu(_)
        | Page::Item(_)
        | Page::Meal(_)
        | Page::PayChoose(_)
        | Page::AtTerminal(_)
        | Page::PayFailed(_)
        | Page::PayUnknown(_)
        | Page::Claim(_)
        | Page::OutOfService(_) => {}
    }
}

/// The amounts of a receipt in words, above its total, and the total, in cents.
fn amounts(text: &str) -> (Vec<i64>, i64) {
    let lines: Vec<&str> = text.lines().collect();
    let words = ["Total ", "Summe ", "المجموع ", "To pay ", "Zu zahlen ", "المطلوب دفعه "];
    let total = lines.iter().position(|line| words.iter().any(|word| line.starts_with(word)));
    let total = total.expect("a total");
    // The shop and the number stand above.
    (lines[2..total].iter().map(|line| cents(line)).collect(), cents(lines[total]))
}

/// The last word with a digit: `-€1.40`, `11,30 €`.
fn cents(row: &str) -> i64 {
    let row = row.replace('\u{200e}', "");
    let amount = row.split(' ').rfind(|word| word.chars().any(|c| c.is_ascii_digit())).expect("an amount");
    let digits: String = amount.chars().filter(char::is_ascii_digit).collect();
    let cents: i64 = digits.parse().expect("a number of cents");
    if amount.starts_with('-') { -cents } else { cents }
}

/// A shop with a coupon, a happy hour, a service charge and, if wanted, taxes on top.
fn world(inclusive: bool) -> World {
    let mut parts = fixture::parts();
    let happy = PriceRule {
        id: RuleId::new("happy"),
        name: fixture::text("Happy hour", "Glückliche Stunde"),
        kind: RuleKind::LinePercent(Rate(250_000)),
        target: RuleTarget::Items(vec![ItemId::new("fries"), ItemId::new("cola")]),
        priority: 0,
        coupon: None,
        ..parts.rules[0].clone()
    };
    parts.rules.push(happy);
    parts.surcharges = vec![fixture::service()];
    parts.tax_rates.values_mut().for_each(|rate| rate.inclusive = inclusive);
    World::selling(parts)
}

/// Buys at the counter, and gives what the telephone gets.
fn bought(w: &mut World, lang: &str, items: &[usize], coupon: bool, tip: bool) -> String {
    w.intent(Intent::SetLanguage(Lang::new(lang)));
    w.at_menu();
    for at in items {
        let item = ["burger", "fries", "juice", "cola", "meal"][at % 5];
        w.intent(Intent::QuickAdd(ItemId::new(item)));
        match w.page() {
            "meal" if item == "meal" => {
                w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("main"), VariationId::new("burger-2"))));
                w.intent(Intent::Meal(MealIntent::Pick(SlotId::new("drink"), VariationId::new("cola"))));
                w.intent(Intent::Meal(MealIntent::Accept));
            }
            "meal" => w.intent(Intent::Meal(MealIntent::Decline)),
            _ => {}
        }
        assert_eq!(w.page(), "menu", "{item}");
    }
    if coupon {
        w.feed(Input::Scanner(ScannerInput::Text(fixture::COUPON.into())));
    }
    w.cart(CartIntent::Show);
    w.cart(CartIntent::Checkout);
    if tip {
        w.pay(PayIntent::Tip(Minor(200)));
    }
    w.pay(PayIntent::AtCounter);
    let Page::Done(page) = w.view().page else { panic!("{}", w.page()) };
    page.qr.to_string()
}

#[test]
fn the_telephone_gets_each_discount_once_and_the_goods_at_their_full_price() {
    let mut w = World::open();
    let text = bought(&mut w, "en", &[0, 1], true, false);
    let rows: Vec<&str> = text.lines().skip(2).collect();
    let expected = ["1 x burger, Single €8.90", "1 x fries €3.99", "Friends -€1.29", "To pay €11.60"];
    assert_eq!(rows[..4], expected, "{text}");
}

#[test]
fn taxes_on_top_and_surcharges_stand_above_the_total_that_they_are_part_of() {
    let text = bought(&mut world(false), "de", &[0, 1], true, true);
    let above: Vec<&str> = text.lines().take_while(|line| !line.starts_with("Zu zahlen")).collect();
    for part in ["Freunde -", "Glückliche Stunde -", "Bedienung ", "MwSt. "] {
        assert!(above.iter().any(|line| line.starts_with(part)), "{part}: {text}");
    }
    let inside = bought(&mut world(true), "de", &[0, 1], true, true);
    let above = inside.lines().take_while(|line| !line.starts_with("Zu zahlen"));
    assert!(!above.into_iter().any(|line| line.starts_with("MwSt.")), "{inside}");
}

#[test]
fn the_cart_shows_goods_before_discounts_and_every_discount() {
    let mut w = World::open();
    w.with_burger();
    w.feed(Input::Scanner(ScannerInput::Text(fixture::COUPON.into())));
    let Page::Menu(menu) = w.view().page else { panic!("{}", w.page()) };
    let beside: Minor = menu.lines.iter().map(|line| line.total).sum();
    assert_eq!(beside, w.view().cart.total, "beside the menu no discount is listed");
    w.cart(CartIntent::Show);
    let Page::Cart(cart) = w.view().page else { panic!("{}", w.page()) };
    let lines: Vec<Minor> = cart.lines.iter().map(|line| line.total).collect();
    assert_eq!(lines, [Minor(890), Minor(399)]);
    assert_eq!(cart.discounts, [("Friends".into(), Minor(129))]);
    assert_eq!(cart.total, Minor(1160));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_bought_the_text_for_the_telephone_adds_up_and_fits(
        items in proptest::collection::vec(0_usize..5, 1..40),
        (inclusive, coupon, tip, german) in any::<(bool, bool, bool, bool)>(),
    ) {
        let mut w = world(inclusive);
        let text = bought(&mut w, if german { "de" } else { "en" }, &items, coupon, tip);
        let (rows, total) = amounts(&text);
        prop_assert_eq!(total, w.order().order.total.0, "{}", text);
        prop_assert_eq!(rows.iter().sum::<i64>(), total, "{}", text);
        prop_assert!(text.len() <= 558, "{} bytes", text.len());
    }
}
