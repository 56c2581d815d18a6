//! What the description promises beyond the vectors.

use domain::cart::{Cart, CartLine, LabelValue, ServiceMode};
use domain::catalog::{
    Availability, Catalog, Category, ItemKind, Price, RuleKind, RuleTarget, SurchargeAmount, SurchargeTax,
    Tint,
};
use domain::ids::{AvailabilityId, CategoryId, ItemId, LineId, RuleId, TaxClassId};
use domain::money::{MAX_QUANTITY, Minor, Quantity, Rate};
use domain::pricing::{PriceError, Priced, price};
use domain::time::{Date, Weekday};

use crate::shop::{Shop, cart, choice, combos, context, labelled, line, nets, shop, taxes, text};

const TEN_PERCENT: Rate = Rate(100_000);

fn plain() -> Shop {
    shop().class("none", &[]).item("tea", 300, "none").item("cake", 500, "none")
}

fn items(ids: &[&str]) -> RuleTarget {
    RuleTarget::Items(ids.iter().map(|id| ItemId::new(id)).collect())
}

/// (rule, amount) of every discount, in the order of the lines.
fn cuts(priced: &Priced) -> Vec<(String, i64)> {
    let cuts = priced.lines.iter().flat_map(|l| &l.discounts);
    cuts.map(|(rule, amount)| (rule.to_string(), amount.0)).collect()
}

fn cut(rule: &str, amount: i64) -> (String, i64) {
    (rule.to_owned(), amount)
}

#[test]
fn rules_work_by_priority_then_id_each_on_what_is_left() {
    let shop = plain()
        .rule_on("b", RuleKind::LinePercent(TEN_PERCENT), RuleTarget::All, 1, None)
        .rule_on("a", RuleKind::UnitAmount(Minor(50)), RuleTarget::All, 1, None)
        .rule_on("z", RuleKind::LineAmount(Minor(100)), RuleTarget::All, 0, None);
    let priced = shop.sell(&[("cake", 2)]);
    assert_eq!(cuts(&priced), [cut("z", 100), cut("a", 100), cut("b", 80)]);
    assert_eq!(priced.total, Minor(720));
}

#[test]
fn a_fixed_price_takes_off_what_is_above_it_and_never_adds() {
    let shop = plain().rule("five", RuleKind::FixedPrice(Minor(400)));
    assert_eq!(nets(&shop.sell(&[("cake", 2), ("tea", 2)])), [800, 600]);
}

#[test]
fn of_a_stack_group_each_line_gets_the_rule_that_is_best_for_the_customer() {
    let shop = plain()
        .rule_on("all", RuleKind::LinePercent(TEN_PERCENT), RuleTarget::All, 0, Some("happy"))
        .rule_on("tea", RuleKind::UnitAmount(Minor(20)), items(&["tea", "cake"]), 0, Some("happy"))
        .rule_on("twin", RuleKind::LinePercent(TEN_PERCENT), RuleTarget::All, 0, Some("happy"));
    let priced = shop.sell(&[("cake", 1), ("tea", 1)]);
    assert_eq!(cuts(&priced), [cut("all", 50), cut("all", 30)], "and of two equal ones the lower id");
    let shop = shop.rule_on("more", RuleKind::UnitAmount(Minor(40)), items(&["tea"]), 9, Some("happy"));
    assert_eq!(cuts(&shop.sell(&[("cake", 1), ("tea", 1)])), [cut("all", 50), cut("more", 40)]);
}

#[test]
fn a_stack_group_with_a_bundle_is_decided_for_the_whole_cart() {
    let shop = plain()
        .rule_on("three", RuleKind::Bundle { buy: 3, free: 1 }, RuleTarget::All, 0, Some("deal"))
        .rule_on("fifth", RuleKind::LinePercent(Rate(200_000)), RuleTarget::All, 0, Some("deal"));
    assert_eq!(cuts(&shop.sell(&[("cake", 2), ("tea", 1)])), [cut("three", 300)], "300 against 260");
    let priced = shop.sell(&[("cake", 3), ("tea", 1)]);
    assert_eq!(cuts(&priced), [cut("three", 500)], "the set is full without the tea");
    assert_eq!(cuts(&shop.sell(&[("cake", 1), ("tea", 1)])), [cut("fifth", 100), cut("fifth", 60)]);
}

#[test]
fn a_bundle_gives_away_base_prices_and_modifiers_are_still_paid() {
    let shop = plain()
        .group("tea", "extras", 0, &[("honey", 60, 1)])
        .rule("three", RuleKind::Bundle { buy: 3, free: 1 });
    let mut cart = cart(&[("tea", 3)]);
    cart.lines[0].modifiers = vec![choice("extras", "honey", 1)];
    assert_eq!(shop.price(&cart).unwrap().total, Minor(2 * 300 + 3 * 60));
    let seven = shop.sell(&[("tea", 4), ("cake", 3)]);
    assert_eq!(
        nets(&seven),
        [4 * 300 - 300, 3 * 500 - 500],
        "sets of 3 from the dearest; the seventh piece is alone"
    );
}

#[test]
fn a_combo_is_discounted_as_one_thing() {
    let shop = plain()
        .combo("set", 700, "none", &[&[("tea", 0)], &[("cake", 0)]])
        .rule_on("tea", RuleKind::LinePercent(TEN_PERCENT), items(&["tea"]), 0, None)
        .rule_on("set", RuleKind::LinePercent(Rate(150_000)), items(&["set"]), 0, None);
    let priced = shop.price(&combos("set", 1, &["tea", "cake"])).unwrap();
    assert_eq!(priced.discount, Minor(105), "the rule on tea does not look into combos");
    assert_eq!(nets(&priced), [262 - 39, 438 - 66]);
    assert_eq!(priced.total, Minor(595));
}

#[test]
fn what_is_flagged_keeps_its_price_in_a_combo_too() {
    let mut shop = plain()
        .combo("set", 700, "none", &[&[("tea", 0)], &[("cake", 0)]])
        .rule("half", RuleKind::OrderPercent(Rate(500_000)));
    shop.parts.items.get_mut(&ItemId::new("tea")).unwrap().discountable = false;
    let priced = shop.price(&combos("set", 1, &["tea", "cake"])).unwrap();
    assert_eq!(nets(&priced), [262, 438 - 219]);
    assert_eq!(nets(&shop.sell(&[("tea", 1), ("cake", 1)])), [300, 250]);
}

#[test]
fn conditions_of_a_rule_are_judged_at_the_moment_of_the_order() {
    let mut shop = plain().rule("off", RuleKind::LinePercent(TEN_PERCENT));
    let rule = &mut shop.parts.rules[0];
    rule.coupon = Some("SPRING".into());
    rule.mode = Some(ServiceMode::TakeAway);
    rule.min_subtotal = Minor(600);
    rule.availability = vec![AvailabilityId::new("noon")];
    let noon = Availability {
        weekdays: vec![Weekday::Monday],
        start_minute: 11 * 60,
        end_minute: 14 * 60,
        from: None,
        until: None,
    };
    shop.parts.availability.insert(AvailabilityId::new("noon"), noon);
    let coupon = |lines: &[(&str, i64)]| Cart { coupons: vec![RuleId::new("off")], ..cart(lines) };
    let catalog = Catalog::new(shop.parts.clone()).unwrap();
    let at = context(ServiceMode::TakeAway);
    let total = |cart: &Cart, context| price(&catalog, cart, &context).unwrap().total.0;
    assert_eq!(total(&coupon(&[("tea", 2)]), at), 540);
    assert_eq!(total(&cart(&[("tea", 2)]), at), 600, "without the coupon");
    assert_eq!(total(&coupon(&[("tea", 1)]), at), 300, "below the minimum");
    assert_eq!(total(&coupon(&[("tea", 2)]), context(ServiceMode::DineIn)), 600, "in the other mode");
    let mut late = at;
    late.at.minute = 14 * 60;
    assert_eq!(total(&coupon(&[("tea", 2)]), late), 600, "when lunch is over");
}

#[test]
fn a_minimum_of_an_order_rule_looks_at_what_line_rules_have_left() {
    let mut shop = plain()
        .rule("a-line", RuleKind::LinePercent(TEN_PERCENT))
        .rule("order", RuleKind::OrderAmount(Minor(100)));
    shop.parts.rules[1].min_subtotal = Minor(500);
    assert_eq!(shop.sell(&[("cake", 1)]).total, Minor(450));
    assert_eq!(shop.sell(&[("cake", 1), ("tea", 1)]).total, Minor(720 - 100));
}

#[test]
fn a_rule_on_a_category_is_about_its_items() {
    let mut shop = plain();
    shop.parts.categories.push(Category {
        id: CategoryId::new("sweet"),
        name: text("Sweet"),
        strapline: text("Baked today"),
        picture: "".into(),
        tint: Tint::Butter,
        featured: None,
        items: vec![ItemId::new("cake")],
        availability: vec![],
    });
    let target = RuleTarget::Categories(vec![CategoryId::new("sweet")]);
    let shop = shop.rule_on("sweet", RuleKind::OrderPercent(TEN_PERCENT), target, 0, None);
    assert_eq!(nets(&shop.sell(&[("tea", 1), ("cake", 1)])), [300, 450]);
}

#[test]
fn deposits_and_gift_cards_stay_outside_discounts_and_percentage_surcharges() {
    let shop = shop()
        .rate("vat", 190_000, true, 0)
        .class("goods", &["vat"])
        .class("none", &[])
        .item("cola", 300, "goods")
        .with("can", Price::Fixed(Minor(25)), "none", ItemKind::Deposit)
        .with("card", Price::Fixed(Minor(5000)), "goods", ItemKind::GiftCard)
        .deposit("cola", "can")
        .rule("half", RuleKind::OrderPercent(Rate(500_000)))
        .surcharge("service", SurchargeAmount::Percent(TEN_PERCENT), SurchargeTax::FollowLines);
    let priced = shop.sell(&[("cola", 2), ("card", 1)]);
    assert_eq!(nets(&priced), [300, 50, 5000]);
    assert_eq!(priced.surcharges[0].amount, Minor(30));
    assert_eq!(taxes(&priced), [(277, 53)], "19 % in 3.30; the gift card is untaxed until it is used");
    assert_eq!(priced.goods(), Minor(5300));
    let returned = shop.sell(&[("can", -4)]);
    assert_eq!((returned.total, returned.surcharges.len()), (Minor(-100), 0));
}

#[test]
fn a_surcharge_after_tax_is_untaxed_and_in_the_total() {
    let shop = shop()
        .rate("vat", 80_000, false, 0)
        .class("goods", &["vat"])
        .item("pizza", 1000, "goods")
        .surcharge("delivery", SurchargeAmount::Fixed(Minor(250)), SurchargeTax::Untaxed)
        .surcharge("box", SurchargeAmount::Fixed(Minor(50)), SurchargeTax::Class(TaxClassId::new("goods")));
    let priced = shop.sell(&[("pizza", 1)]);
    assert_eq!((taxes(&priced), priced.total), (vec![(1050, 84)], Minor(1050 + 84 + 250)));
    assert_eq!(priced.surcharges[1].taxes.iter().map(|(_, tax)| tax.0).collect::<Vec<_>>(), [4]);
}

#[test]
fn the_tax_changes_with_the_business_date() {
    let mut shop = shop()
        .rate("old", 190_000, true, 0)
        .rate("new", 70_000, true, 0)
        .class("goods", &["old"])
        .class("goods", &["new"])
        .item("meal", 1000, "goods");
    let last = Date { year: 2026, month: 6, day: 30 };
    let first = Date { year: 2026, month: 7, day: 1 };
    shop.parts.tax_rules[0].until = Some(last);
    shop.parts.tax_rules[1].from = Some(first);
    let catalog = Catalog::new(shop.parts.clone()).unwrap();
    let tax = |date| {
        let context = domain::pricing::PriceContext { date, ..context(ServiceMode::DineIn) };
        price(&catalog, &cart(&[("meal", 1)]), &context).unwrap().taxes[0].tax.0
    };
    assert_eq!((tax(last), tax(first)), (160, 65));
    assert_eq!(catalog.check_on(last), []);
    shop.parts.tax_rules.pop();
    let told = shop.parts.check_on(first);
    assert_eq!(told.len(), 2, "one for each way of taking the goods");
    assert!(
        told[0].to_string().contains("no rule for class goods is valid dine-in on 2026-07-01"),
        "{}",
        told[0]
    );
    let catalog = Catalog::new(shop.parts).unwrap();
    let context = domain::pricing::PriceContext { date: first, ..context(ServiceMode::DineIn) };
    assert_eq!(price(&catalog, &cart(&[("meal", 1)]), &context), Err(PriceError::NoTax { line: LineId(1) }));
}

#[test]
fn a_returned_deposit_among_sales_of_its_tax_group_has_its_own_tax() {
    let shop = shop().rate("vat", 200_000, true, 0).class("goods", &["vat"]).item("beer", 401, "goods").with(
        "crate",
        Price::Fixed(Minor(801)),
        "goods",
        ItemKind::Deposit,
    );
    let priced = shop.sell(&[("beer", 3), ("crate", -1)]);
    assert_eq!((taxes(&priced), priced.total), (vec![(335, 67)], Minor(402)));
    let line_taxes: Vec<i64> = priced.lines.iter().map(|l| l.taxes[0].1.0).collect();
    assert_eq!(line_taxes, [201, -134], "the return as if alone, the sale the rest");
}

#[test]
fn what_cannot_be_sold_is_refused_with_its_line() {
    let shop = plain()
        .group("tea", "extras", 0, &[("honey", 60, 2)])
        .combo("set", 700, "none", &[&[("tea", 0)], &[("cake", 20)]])
        .with("cheese", Price::PerWeight(Minor(1990)), "none", ItemKind::Product);
    let one = |change: fn(&mut CartLine), item: &str| {
        let mut line = line(1, item, 1);
        change(&mut line);
        shop.price(&Cart { lines: vec![line], coupons: vec![] }).unwrap_err()
    };
    let id = LineId(1);
    let unknown = |name: &str| PriceError::UnknownReference { line: id, name: name.to_owned() };
    assert_eq!(one(|_| {}, "coffee"), unknown("variation coffee"));
    assert_eq!(one(|l| l.item = ItemId::new("cake"), "tea"), unknown("variation tea of item cake"));
    assert_eq!(one(|l| l.quantity = Quantity(0), "tea"), PriceError::Quantity { line: id });
    assert_eq!(one(|l| l.quantity = Quantity(-100_000), "tea"), PriceError::Quantity { line: id });
    assert_eq!(one(|l| l.quantity = Quantity(MAX_QUANTITY.0 + 1), "tea"), PriceError::Quantity { line: id });
    assert_eq!(
        one(|l| l.modifiers = vec![choice("sauces", "mayo", 1)], "tea"),
        unknown("modifier group sauces on item tea")
    );
    assert_eq!(
        one(|l| l.modifiers = vec![choice("extras", "milk", 1)], "tea"),
        unknown("modifier milk in group extras")
    );
    for (change, why) in [
        (
            (|l| l.modifiers = vec![choice("extras", "honey", 3)]) as fn(&mut CartLine),
            "can be taken 1 to 2 times",
        ),
        (|l| l.modifiers = vec![choice("extras", "honey", 0)], "can be taken 1 to 2 times"),
        (
            |l| l.modifiers = vec![choice("extras", "honey", 1), choice("extras", "honey", 1)],
            "is there twice",
        ),
    ] {
        assert!(one(change, "tea").to_string().contains(why), "{}", one(change, "tea"));
    }
    assert!(one(|_| {}, "set").to_string().contains("slot s0 takes 1 to 1 picks, not 0"));
    let negative = shop.price(&labelled("cheese", 100_000, LabelValue::Price(Minor(-1)))).unwrap_err();
    assert!(negative.to_string().contains("the price on the label is out of range"), "{negative}");
    let twice = Cart { lines: vec![line(1, "tea", 1), line(1, "cake", 1)], coupons: vec![] };
    assert_eq!(shop.price(&twice), Err(PriceError::DuplicateLine { line: id }));
    let mut half = combos("set", 1, &["tea", "cake"]);
    half.lines[0].quantity = Quantity(50_000);
    assert_eq!(shop.price(&half), Err(PriceError::Quantity { line: id }));
}

#[test]
fn an_order_that_was_changed_by_hand_does_not_add_up() {
    let shop = plain().rule("off", RuleKind::LinePercent(TEN_PERCENT));
    let right = shop.sell(&[("tea", 1), ("cake", 1)]);
    for change in [
        (|p: &mut Priced| p.total += Minor(1)) as fn(&mut Priced),
        |p| p.lines[0].net += Minor(1),
        |p| p.discount -= Minor(1),
        |p| p.groups[0].amount += Minor(1),
        |p| p.lines[0].discounts.clear(),
    ] {
        let mut wrong = right.clone();
        change(&mut wrong);
        assert!(wrong.check().is_err());
    }
}
